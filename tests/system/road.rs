//! The main job, from registration to proof.

use app::demo::{Steps, road};
use harness::TestStack;

#[tokio::test(flavor = "multi_thread")]
async fn one_cover_is_ordered_painted_paid_and_proven() {
    let stack = TestStack::start().await;
    let output = tempfile::tempdir().unwrap();
    let saved =
        road::walk(&stack.client, &stack.endpoints, output.path(), &mut Steps::quiet()).await.unwrap();
    assert!(std::fs::read(&saved.picture).unwrap().starts_with(b"\x89PNG"));
    assert!(std::fs::read(&saved.invoice).unwrap().starts_with(b"%PDF"));
    for name in projections::ALL.iter().map(|model| model.name) {
        let verified = projections::verify(&stack.database.pool, name, |_, _| {}).await.unwrap();
        assert!(verified.difference.is_none(), "{name}: {:?}", verified.difference);
    }
    stack.end().await;
}
