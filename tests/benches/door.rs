//! The real way of a command: customers who choose message cards, through `Commands::execute`.

use crate::Outcome;
use domain::draft::{CoverSize, MessageCard, Method};
use domain::{AccountId, Command, DraftCommand, DraftEvent, DraftId, Money, PersonalRef};
use journal::{Clock, CommandError, Commands, Committed, ConnectOptions, Context, Rider, StateCache, writer};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A stream of the measured journal is this long.
pub const STREAM_EVENTS: u32 = 10;
/// Makes the payload of an event 345 bytes.
const TITLE: &str = "A card for every day of the year, with room for what you want to say 000000000";
const DIGEST: &str = "90ccb74816866ce720a6b5bd2137ed1730e656426f2b60a35e0d9b1e93942dcd";

/// A process of the service, as far as the journal is concerned.
pub struct Door {
    pub pool: PgPool,
    pub commands: Commands,
    /// The foremost position that the read models show.
    pub visible: watch::Receiver<i64>,
    moved: watch::Sender<i64>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Door {
    pub async fn open(url: &str) -> Outcome<Self> {
        Self::open_with(url, StateCache::default()).await
    }

    pub async fn open_with(url: &str, cache: StateCache) -> Outcome<Self> {
        let pool = journal::connect(url, &ConnectOptions::default()).await?;
        let stop = CancellationToken::new();
        let (writer, writing) = writer::new(&pool, stop.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(writing);
        let commands = Commands::with_cache(pool.clone(), writer, Clock::system(), cache);
        let (moved, visible) = watch::channel(0);
        Ok(Self { pool, commands, visible, moved, stop, tasks })
    }

    /// All read models, kept up to date.
    pub fn with_projections(mut self) -> Self {
        let (pool, wake) = (self.pool.clone(), self.commands.writer().wake());
        self.tasks.spawn(projections::run_announcing(pool, wake, self.moved.clone(), self.stop.clone()));
        self
    }

    pub fn with_timers(mut self) -> Self {
        let (pool, commands, clock) = (self.pool.clone(), self.commands.clone(), Clock::system());
        self.tasks.spawn(journal::timers::runner::run(pool, commands, clock, self.stop.clone()));
        self
    }

    pub fn with_relay(mut self, client: async_nats::Client) -> Self {
        use journal::relay;
        let (status, _) = relay::status();
        let (pool, wake) = (self.pool.clone(), self.commands.writer().wake());
        let options = relay::StreamOptions::default();
        self.tasks.spawn(relay::run(pool, client, wake, options, status, self.stop.clone()));
        self
    }

    pub async fn close(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.pool.close().await;
    }
}

/// One client: opens drafts, and chooses cards for them. Every command is decided and makes one event.
pub struct Customer {
    commands: Commands,
    id: AccountId,
    /// Opened drafts, and how many events each has.
    drafts: Vec<(DraftId, u32)>,
    chosen: u32,
}

impl Customer {
    pub fn new(commands: &Commands) -> Self {
        Self { commands: commands.clone(), id: AccountId(Uuid::new_v4()), drafts: Vec::new(), chosen: 0 }
    }

    /// Works on a draft that is there already.
    pub fn take_over(commands: &Commands, owner: AccountId, draft: DraftId, events: u32) -> Self {
        Self { commands: commands.clone(), id: owner, drafts: vec![(draft, events)], chosen: 0 }
    }

    pub async fn open(&mut self) -> Result<Committed, CommandError> {
        let id = DraftId(Uuid::new_v4());
        let create = DraftCommand::Create { by: self.id, method: Method::Ai, size: CoverSize::A5 };
        let committed = self.execute(id, create).await?;
        self.drafts.push((id, 1));
        Ok(committed)
    }

    /// On the draft that was opened last, until its stream is full; then on the one before.
    pub async fn choose(&mut self) -> Result<Committed, CommandError> {
        self.choose_within(STREAM_EVENTS).await
    }

    pub async fn choose_within(&mut self, stream_events: u32) -> Result<Committed, CommandError> {
        let Some((draft, events)) = self.drafts.pop() else { return self.open().await };
        self.chosen += 1;
        let choose = DraftCommand::ChooseMessageCard { by: self.id, card: card(self.chosen) };
        let committed = self.execute(draft, choose).await?;
        if events + 1 < stream_events {
            self.drafts.push((draft, events + 1));
        }
        Ok(committed)
    }

    async fn execute(&self, id: DraftId, command: DraftCommand) -> Result<Committed, CommandError> {
        let context = Context {
            command_id: Uuid::new_v4(),
            correlation_id: Uuid::new_v4(),
            causation_position: None,
            actor: format!("account:{}", self.id),
            trace: None,
        };
        self.commands.execute(vec![Command::Draft { id, command }], &context, Rider::default()).await
    }
}

/// A card that nobody has chosen before: choosing the same again makes no event.
fn card(number: u32) -> MessageCard {
    let title = format!("{}{number:09}", &TITLE[..TITLE.len() - 9]);
    let text = PersonalRef { id: Uuid::new_v4(), digest: DIGEST.to_owned() };
    MessageCard { card: Uuid::new_v4(), title, price: Money::lira(2_450), text: Some(text) }
}

/// The events of one such draft, for journals that are filled without the door.
pub fn draft_event(customer: AccountId, sequence: u32) -> DraftEvent {
    if sequence == 1 {
        DraftEvent::Created { customer, method: Method::Ai, size: CoverSize::A5 }
    } else {
        DraftEvent::MessageCardChosen { card: card(sequence) }
    }
}
