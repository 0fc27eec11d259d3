//! `polikrami`: one binary for the service, the development stack and the operator.

use app::{cli, commands, terminal};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::note(format!("polikrami: no threads to run on: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(commands::run(cli));
    // After a second signal nobody waits, not even for a password that is being hashed.
    runtime.shutdown_background();
    match ended {
        Ok(code) => code,
        Err(error) => {
            terminal::note(format!("polikrami: {error}"));
            let causes = std::iter::successors(error.source(), |cause| (*cause).source());
            for cause in causes {
                terminal::note(format!("  because: {cause}"));
            }
            ExitCode::FAILURE
        }
    }
}
