//! `polikrami config`: the settings, checked and shown.

use super::BoxError;
use crate::cli::{ConfigArgs, ConfigCommand};
use crate::config::{Problem, Settings, Source, text};
use crate::terminal::line;
use std::process::ExitCode;

pub fn run(command: &ConfigCommand) -> Result<ExitCode, BoxError> {
    match command {
        ConfigCommand::Check(args) => check(args),
        ConfigCommand::Print(args) => {
            line(text::used(&source(args)?).trim_end());
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Example => {
            line(text::example().trim_end());
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(args: &ConfigArgs) -> Result<ExitCode, BoxError> {
    match Settings::read(&source(args)?) {
        Ok(_) => {
            line("All settings can be used.");
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                line(format!("- {problem}"));
            }
            line(format!("{} to mend.", problems.len()));
            Ok(ExitCode::FAILURE)
        }
    }
}

fn source(args: &ConfigArgs) -> Result<Source, BoxError> {
    Ok(Source::environment(args.config.as_deref())?)
}

/// Settings that can be used, or all that is wrong with them.
pub(super) fn settings(args: &ConfigArgs) -> Result<Settings, BoxError> {
    Settings::read(&source(args)?).map_err(|problems| SettingsError(problems).into())
}

#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used:{}", lines(.0))]
struct SettingsError(Vec<Problem>);

fn lines(problems: &[Problem]) -> String {
    problems.iter().fold(String::new(), |text, problem| text + "\n  - " + &problem.to_string())
}
