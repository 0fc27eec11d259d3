//! Letting those run who may be about to come, before something is done for all.

/// How often others are let run.
const YIELDS_MAX: u32 = 3;

/// Gives the processor away for as long as `count` rises, up to `expected`. No timer: who is alone, and so the only
/// one expected, waits for nobody.
pub(crate) async fn gather(expected: usize, mut count: impl FnMut() -> usize) {
    let mut before = count();
    for _ in 0..YIELDS_MAX {
        if before >= expected {
            break;
        }
        tokio::task::yield_now().await;
        let now = count();
        if now == before {
            break;
        }
        before = now;
    }
}
