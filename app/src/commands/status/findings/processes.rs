//! Whether anybody works, and what the process that was asked says of its writer.

use super::{Finding, Look, QUEUE_COMMANDS, Service, WRITER_STALLED_MS, age};
use crate::snapshot::{Journal, Writer};

/// Work that nobody does and nothing waits for yet; what waits has named it in `found`.
pub fn idle_roles(journal: &Journal, found: &[Finding]) -> Option<Finding> {
    let named = |role: &str| found.iter().any(|one| one.next.ends_with(&format!("--only {role}")));
    let idle = journal.roles.iter().filter(|one| !one.held).map(|one| one.name.as_str());
    let idle: Vec<&str> = idle.filter(|role| !named(role)).collect();
    (!idle.is_empty()).then(|| {
        let roles = idle.join(", ");
        let next = if idle.len() == journal.roles.len() {
            "polikrami serve, or ./run on this machine".to_owned()
        } else {
            format!("polikrami serve --only {}", idle.join(","))
        };
        Finding::notice(format!("no process does the work of {roles}"), next)
    })
}

pub fn service(service: &Service) -> Option<Finding> {
    let Service::Away { address, cause } = service else { return None };
    Some(Finding::problem(
        format!("the service's operators' port {address} does not answer: {cause}"),
        "look whether the process runs; start it again, nothing is lost",
    ))
}

pub fn writer(now: &Look, history: &[Look]) -> Option<Finding> {
    let seen = writer_of(now)?;
    let earlier = history.iter().rev().find(|look| look.at_ms + WRITER_STALLED_MS <= now.at_ms);
    let stalled = earlier.and_then(writer_of).is_some_and(|earlier| {
        earlier.queue_depth > 0 && seen.queue_depth > 0 && earlier.commands == seen.commands
    });
    if stalled {
        let least = age(i64::try_from(WRITER_STALLED_MS).unwrap_or(i64::MAX));
        return Some(Finding::problem(
            format!("the writer has answered no command for {least} or more, {} wait", seen.queue_depth),
            "look at PostgreSQL: locks held by other sessions, disk full, a standby that does not confirm",
        ));
    }
    (seen.queue_depth >= QUEUE_COMMANDS).then(|| {
        Finding::notice(
            format!("{} commands wait for the writer; at 4,096 new ones are refused", seen.queue_depth),
            "look at the load, and at the disk of PostgreSQL",
        )
    })
}

fn writer_of(look: &Look) -> Option<&Writer> {
    match &look.service {
        Service::Answers(process) => Some(&process.writer),
        Service::Unknown | Service::Away { .. } => None,
    }
}
