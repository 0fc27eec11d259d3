//! The real binary as a process of its own, to be killed.

use app::dev::{Endpoints, StateDir, state::read_endpoints};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

/// `polikrami dev` on a state directory that outlives it.
pub struct DevProcess {
    child: Child,
    pub endpoints: Endpoints,
}

/// The binary, built once if it is not there or not new, as `./run` does: whoever asks again must not wait for the
/// compiler's lock. Optimised if the asker is.
pub fn binary() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(build);
    &BINARY
}

fn build() -> PathBuf {
    let asker = std::env::current_exe().unwrap();
    // target/debug/deps/system-… lies one folder below target/debug/polikrami.
    let folder = asker.parent().and_then(Path::parent).unwrap();
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo.args(["build", "--quiet", "--package", "app", "--bin", "polikrami"]);
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    // What cargo tells the tests of their own package would be taken for a change by build scripts that look at it,
    // and most dependencies compiled once more.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    assert!(cargo.status().unwrap().success(), "polikrami cannot be built");
    folder.join("polikrami")
}

/// A state directory with the servers of the checkout, so that nothing is fetched twice.
pub fn state() -> StateDir {
    StateDir::disposable().unwrap()
}

impl DevProcess {
    pub async fn start(state: &Path, port: u16) -> Self {
        let binary = tokio::task::spawn_blocking(binary).await.unwrap();
        share_servers(state);
        // What a killed process left must not be taken for the new one's word.
        std::fs::remove_file(state.join("dev/endpoints.json")).ok();
        let mut child = Command::new(binary)
            .args(["dev", "--payment-check-after", "5", "--port", &port.to_string(), "--state"])
            .arg(state.join("dev"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let limit = Duration::from_secs(90);
        let endpoints = super::eventually_within(limit, "polikrami dev is up", async || {
            assert!(child.try_wait().unwrap().is_none(), "polikrami dev ended at its start");
            read_endpoints(&state.join("dev")).ok().flatten()
        })
        .await;
        Self { child, endpoints }
    }

    /// SIGKILL: no word, no clean-up.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit that follows.
    pub async fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let exit = super::eventually("polikrami dev ends", async || self.child.try_wait().unwrap()).await;
        exit.success()
    }
}

/// The fetched programs of the checkout, as a link: a test must not fetch them again.
fn share_servers(state: &Path) {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.polikrami");
    let dev = state.join("dev");
    std::fs::create_dir_all(&dev).unwrap();
    for entry in std::fs::read_dir(checkout).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        let is_servers = name.to_string_lossy().starts_with("servers-");
        if is_servers && !dev.join(&name).exists() {
            std::os::unix::fs::symlink(entry.path().canonicalize().unwrap(), dev.join(&name)).unwrap();
        }
    }
}
