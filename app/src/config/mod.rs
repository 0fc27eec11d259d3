//! Every setting, read once at start. The only place of the service that reads the environment.
//!
//! | module | what it is |
//! |---|---|
//! | [`groups`] | all settings, with their words |
//! | [`schema`] | what a setting is, and how a group of them is read |
//! | [`value`] | how values are written |
//! | [`source`] | environment and file |
//! | [`rules`] | what settings must be together, and in production |
//! | [`text`] | `.env.example`, and the settings as they are used |
//! | [`role`] | the work of one process |

pub mod groups;
pub mod role;
mod rules;
pub mod schema;
pub mod source;
pub mod text;
pub mod value;

pub use groups::{Environment, SmsProvider, SmtpSecurity};
pub use role::Role;
pub use schema::Problem;
pub use source::Source;

use groups::{Files, Limits, Mail, Payments, Server, Servers, Sessions, Texts};
use schema::{Group, Reader};

/// All of them.
#[derive(Debug, Clone)]
pub struct Settings {
    pub server: Server,
    pub servers: Servers,
    pub sessions: Sessions,
    pub payments: Payments,
    pub files: Files,
    pub mail: Mail,
    pub texts: Texts,
    pub limits: Limits,
}

/// What there is to set, in the order in which it is shown.
pub const GROUPS: [Group; 8] = [
    Server::GROUP,
    Servers::GROUP,
    Sessions::GROUP,
    Payments::GROUP,
    Files::GROUP,
    Mail::GROUP,
    Texts::GROUP,
    Limits::GROUP,
];

pub fn names() -> Vec<&'static str> {
    GROUPS.iter().flat_map(|group| group.settings).map(|setting| setting.name).collect()
}

impl Settings {
    /// Everything that is wrong comes together.
    pub fn read(source: &Source) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader::new(source);
        let (server, servers) = (Server::read(&mut reader), Servers::read(&mut reader));
        let (sessions, payments) = (Sessions::read(&mut reader), Payments::read(&mut reader));
        let (files, mail) = (Files::read(&mut reader), Mail::read(&mut reader));
        let (texts, limits) = (Texts::read(&mut reader), Limits::read(&mut reader));
        let mut problems = reader.finish();
        problems.extend(source.strangers(&names()));
        problems.extend(source.superseded());
        let all = (|| {
            let (server, servers, sessions) = (server?, servers?, sessions?);
            let (payments, files, mail) = (payments?, files?, mail?);
            Some(Self { server, servers, sessions, payments, files, mail, texts: texts?, limits: limits? })
        })();
        let of_rules = all.iter().flat_map(Self::problems);
        let fresh: Vec<Problem> =
            of_rules.filter(|new| problems.iter().all(|known| known.name != new.name)).collect();
        problems.extend(fresh);
        match all {
            Some(settings) if problems.is_empty() => Ok(settings),
            _ => Err(problems),
        }
    }
}

#[cfg(test)]
mod tests;
