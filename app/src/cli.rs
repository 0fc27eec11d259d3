//! The command line: what there is, and the words that explain it.

use crate::config::Role;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use url::Url;
use uuid::Uuid;

/// Polikrami Cover: printed covers, from the picture to the paid and proven order.
#[derive(Parser, Debug)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Start here:
  polikrami dev     everything on this machine, with simulated providers
  polikrami demo    one cover, ordered, painted, paid and proven, as a customer does it"
)]
pub struct Cli {
    /// What is logged, for example `info` or `warn,sagas=debug`.
    #[arg(long, env = "LOG", global = true)]
    pub log: Option<String>,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the service against real servers and providers.
    ///
    /// Migrates the database first. Settings come from the environment, or from a file of the form NAME=value;
    /// `polikrami config print` lists them, `polikrami config check` says what is wrong with them.
    Serve(ServeArgs),
    /// Run everything on this machine: PostgreSQL, NATS, simulated providers, and the service.
    ///
    /// State and logs lie in .polikrami/ and survive a restart. DATABASE_URL, NATS_URL, SMTP_HOST,
    /// IYZICO_BASE_URL, STABILITY_BASE_URL and TWILIO_BASE_URL, when set, replace the part in question.
    Dev(DevArgs),
    /// Walk the whole road as a customer: register, paint, order, pay, and prove it.
    ///
    /// Uses the service that `polikrami dev` has running, or starts one of its own for the time being.
    Demo(DemoArgs),
    /// Bring the database to this release's shape.
    Migrate(DatabaseArgs),
    /// Settings: check them, show them.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// The keys that sign access tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// People: what they may do.
    #[command(subcommand)]
    Users(UsersCommand),
    /// One screen that says what stands still, and why.
    ///
    /// Ends with 0 when all is well, 1 when something stands still, 2 when it cannot look.
    Status(StatusArgs),
    /// Read models: how far they are, rebuild them, compare them with a rebuild.
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// The journal itself.
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Steps that failed for good.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
}

#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Say everything that is wrong with the settings, and end with 1 if anything is.
    Check(ConfigArgs),
    /// Show all settings as `serve` would use them; secrets as ***.
    Print(ConfigArgs),
    /// Write an example file with every setting and what it means.
    Example,
}

#[derive(Subcommand, Debug)]
pub enum KeysCommand {
    /// Sign with a new key. Nobody is logged out: tokens of the old one are good as long as they live.
    Rotate {
        /// The old keys were stolen: end them now. Every client has to refresh its token.
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Which keys there are, which one signs, and how long the others are accepted.
    List(ConfigArgs),
}

#[derive(Subcommand, Debug)]
pub enum UsersCommand {
    /// Give somebody who has an account another role; the journal keeps who did so, and why.
    ///
    /// The first admin registers like everybody else, and is made one here. Tokens say the new role from the next
    /// refresh on, at the latest when the current access token ends.
    Grant {
        /// The address of the account.
        email: String,
        #[arg(value_enum)]
        role: GrantedRole,
        #[command(flatten)]
        author: AuthorArgs,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(clap::ValueEnum, Debug, Clone, Copy)]
pub enum GrantedRole {
    Customer,
    Designer,
    Admin,
    Auditor,
}

#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// A file with settings, by default the one that `POLIKRAMI_CONFIG` names; the environment wins over it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Only these roles, comma separated; all by default.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Role>,
}

#[derive(Args, Debug, Clone)]
pub struct DevArgs {
    /// Where state and logs lie.
    #[arg(long, default_value = ".polikrami")]
    pub state: PathBuf,
    /// Wipe the state first.
    #[arg(long)]
    pub fresh: bool,
    /// Do not ask before wiping.
    #[arg(long)]
    pub yes: bool,
    /// Port of the API; a free one by default (8080 if it is free).
    #[arg(long)]
    pub port: Option<u16>,
    /// Seconds after which the payment provider is asked although no callback came.
    #[arg(long, default_value_t = 20)]
    pub payment_check_after: u64,
}

#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Where the picture, the invoice and the history are saved.
    #[arg(long, default_value = "demo-output")]
    pub output: PathBuf,
    /// The state of the running `polikrami dev`.
    #[arg(long, default_value = ".polikrami")]
    pub state: PathBuf,
}

#[derive(Args, Debug, Clone)]
pub struct DatabaseArgs {
    /// PostgreSQL that holds the journal; by default that of the running `polikrami dev`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Where the running `polikrami dev` keeps its state.
    #[arg(long = "dev-state", id = "dev-state", default_value = ".polikrami", hide = true)]
    pub state: PathBuf,
}

#[derive(Args, Debug, Clone)]
pub struct StatusArgs {
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Look again every so many seconds, until Ctrl-C.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub watch: Option<u64>,
    /// For machines; while watching, one line a look.
    #[arg(long)]
    pub json: bool,
    /// The operators' port of a running process; by default that of the running `polikrami dev`.
    #[arg(long, env = "ADMIN_URL")]
    pub admin_url: Option<Url>,
}

#[derive(Subcommand, Debug)]
pub enum ProjectionsCommand {
    /// How far each read model is behind the journal, where one stopped, and its other generation.
    Status(DatabaseArgs),
    /// Build read models again from the first event, compare them with the live ones, and put them in place.
    ///
    /// Commands and queries go on. A rebuild that was killed goes on where it was. The rows that were live are kept
    /// for `switch-back` until the next rebuild. Rows that differ, although the same version of the fold wrote both,
    /// are shown and not put in place.
    Rebuild(RebuildArgs),
    /// Compare the other generation with the live one, row by row.
    Compare(ProjectionArgs),
    /// Put the generation that `rebuild --no-switch` left in place.
    Switch {
        #[command(flatten)]
        projection: ProjectionArgs,
        /// Also if rows differ from the live ones.
        #[arg(long)]
        accept_differences: bool,
    },
    /// Put the rows that the last switch has put aside back in place, after they have caught up.
    SwitchBack(ProjectionArgs),
    /// Drop the other generation.
    Discard(ProjectionArgs),
    /// Build a read model again beside the live one, compare every row, and throw it away.
    Verify {
        /// All of them by default.
        name: Option<String>,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Try a stopped read model again, after its cause was mended.
    Resume(ProjectionArgs),
    /// Leave out the event at which a read model is stopped, on record and for every rebuild.
    Skip {
        #[command(flatten)]
        projection: ProjectionArgs,
        /// Where it is stopped; no other position is taken.
        #[arg(long)]
        position: i64,
        /// Why its rows are right without the event.
        #[arg(long)]
        reason: String,
        /// Who decides it.
        #[arg(long)]
        by: String,
    },
    /// The events that a read model leaves out, with the reasons.
    Skips(ProjectionArgs),
}

#[derive(Args, Debug)]
pub struct ProjectionArgs {
    /// The read model.
    pub name: String,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, each on its own")]
pub struct RebuildArgs {
    /// The read model.
    #[arg(required_unless_present = "all")]
    pub name: Option<String>,
    /// All of them, from one reading of the journal.
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    /// Leave it beside the live one, to be compared and switched to.
    #[arg(long)]
    pub no_switch: bool,
    /// Put it in place also if rows differ from the live ones.
    #[arg(long)]
    pub accept_differences: bool,
    /// Take all the machine gives, instead of letting commands go first.
    #[arg(long)]
    pub full_speed: bool,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Subcommand, Debug)]
pub enum JournalCommand {
    /// Recompute the hash of every event; says which is the first that was altered.
    Verify(DatabaseArgs),
}

#[derive(Subcommand, Debug)]
pub enum DeadLettersCommand {
    /// Newest first.
    List(ListLettersArgs),
    /// All that is known of one: event, action, errors, attempts, what was done about it, and what a replay would do.
    Show {
        id: Uuid,
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Put right what its event did not fix: the spelling of another release, the delay of a timer.
    Correct(CorrectLetterArgs),
    /// Do a step again, as an attempt of its own. Shows what it would do; --yes does it.
    Replay(ReplayLettersArgs),
    /// Close one without doing its step.
    Discard {
        id: Uuid,
        #[command(flatten)]
        author: AuthorArgs,
        #[command(flatten)]
        database: DatabaseArgs,
    },
}

#[derive(Args, Debug, Clone)]
pub struct ListLettersArgs {
    /// Only those of this flow; `timers` for timers.
    #[arg(long)]
    pub flow: Option<String>,
    /// `open`, `replayed` or `discarded`.
    #[arg(long)]
    pub state: Option<journal::dead_letters::State>,
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub limit: i64,
    /// One JSON object a line.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Who acts, and why: kept for ever.
#[derive(Args, Debug, Clone)]
pub struct AuthorArgs {
    /// Why; kept with the act.
    #[arg(long)]
    pub reason: String,
    /// Who acts; kept with the act.
    #[arg(long)]
    pub by: String,
}

#[derive(Args, Debug, Clone)]
#[command(group(clap::ArgGroup::new("correction").required(true).args(["set", "action"])))]
pub struct CorrectLetterArgs {
    pub id: Uuid,
    /// A value of the stored action, for example `delay.secs=3600`; can be given several times.
    #[arg(long, value_name = "PATH=VALUE")]
    pub set: Vec<String>,
    /// A file with the whole action as JSON.
    #[arg(long, value_name = "FILE")]
    pub action: Option<PathBuf>,
    #[command(flatten)]
    pub author: AuthorArgs,
    #[command(flatten)]
    pub database: DatabaseArgs,
}

#[derive(Args, Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "all"])))]
pub struct ReplayLettersArgs {
    pub id: Option<Uuid>,
    /// Every open one, oldest first, at most --limit of them.
    #[arg(long)]
    pub all: bool,
    /// With --all: only those of this flow.
    #[arg(long, requires = "all")]
    pub flow: Option<String>,
    /// With --all: none that failed after this time; the preview names it.
    #[arg(long, requires = "all", value_name = "TIME")]
    pub as_of: Option<String>,
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub limit: i64,
    /// With --all: the rest is withdrawn after so many failures.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(i32).range(1..))]
    pub stop_after: i32,
    /// Only show what would be done; so it is without --yes.
    #[arg(long, conflicts_with = "yes")]
    pub preview: bool,
    /// Do it.
    #[arg(long, requires = "reason", requires = "by")]
    pub yes: bool,
    /// Your word that an attempt whose end nobody knows had no effect.
    #[arg(long, conflicts_with = "all")]
    pub it_did_not_happen: bool,
    /// Why; kept with the act.
    #[arg(long)]
    pub reason: Option<String>,
    /// Who acts; kept with the act.
    #[arg(long)]
    pub by: Option<String>,
    /// Seconds to wait for the outcome.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub wait: u64,
    #[command(flatten)]
    pub database: DatabaseArgs,
}
