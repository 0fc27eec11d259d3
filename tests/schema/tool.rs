//! The tool that makes the requests: fetched once beside the servers, run as a process.

use super::checkout;
use app::dev::DevError;
use app::dev::fetch::{self, Wheels};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is asked of it.
pub struct Run {
    pub api: String,
    pub document: PathBuf,
    /// For `Authorization: Bearer`.
    pub token: String,
    pub seed: u64,
}

/// What it says.
pub struct Report {
    pub passed: bool,
    /// By its own count.
    pub requests: u64,
}

/// Its words go to the terminal, or to whoever reads the failed test.
pub async fn run(run: Run, folder: &Path) -> Report {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || run.carry_out(&folder)).await.unwrap()
}

impl Run {
    fn carry_out(&self, folder: &Path) -> Report {
        let tool = directory().unwrap_or_else(|error| panic!("{error}"));
        let report = folder.join("report.json");
        let mut command = program(&tool);
        // Beside the dictionaries that it names.
        let config = folder.join("schemathesis.toml");
        std::fs::write(&config, include_str!("schemathesis.toml")).unwrap();
        command.arg("--config-file").arg(config);
        command.arg("run").arg(&self.document).args(["--url", &self.api, "--seed", &self.seed.to_string()]);
        command.args(["--report", "json", "--report-json-path"]).arg(&report);
        command.args(["--header", &format!("Authorization: Bearer {}", self.token)]);
        let output = command.current_dir(folder).output().unwrap();
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
        Report {
            passed: output.status.success(),
            requests: report["test_cases"]["generated"].as_u64().unwrap(),
        }
    }
}

fn directory() -> Result<PathBuf, DevError> {
    let home = checkout().join(".polikrami");
    let pins = include_str!("requirements.txt");
    let wheels = Wheels { name: "schemathesis", what: "Schemathesis (20 MB)", pins };
    wheels.in_directory(&home, &|line| println!("{line}"), |part| fetch::run(program(part).arg("--version")))
}

fn program(tool: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(tool.join("bin/schemathesis")).env("PYTHONPATH", tool).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
