//! A shop in one process: the door, the read models, customers who buy and look.

use super::harness::eventually;
use domain::ai_job::Job;
use domain::draft::{CoverSize, Method, Picture};
use domain::order::{Line, LineKind, Placement};
use domain::payment::{Captured, Provider, Request};
use domain::wallet::GrantKind;
use domain::{
    AccountId, AiJobCommand, AiJobId, Command, DraftCommand, DraftId, ImageId, Money, OrderCommand, OrderId,
    PaymentCommand, PaymentId, PersonalRef, WalletCommand,
};
use journal::{Clock, Commands, Context, Rider, writer};
use projections::Slice;
use sqlx::PgPool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use time::macros::datetime;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Generous: the machine is shared.
const SEEN_WITHIN: Duration = Duration::from_mins(1);

/// Of one customer.
const BETWEEN_ORDERS: Duration = Duration::from_millis(200);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[derive(Default)]
struct Counts {
    sold: AtomicU64,
    read: AtomicU64,
}

pub struct Shop {
    pool: PgPool,
    commands: Commands,
    stop: CancellationToken,
    closing: CancellationToken,
    service: JoinSet<()>,
    customers: JoinSet<()>,
    counts: Arc<Counts>,
}

impl Shop {
    pub fn open(pool: &PgPool) -> Self {
        let stop = CancellationToken::new();
        let (writer, writing) = writer::new(pool, stop.clone());
        let wake = writer.wake();
        let mut service = JoinSet::new();
        service.spawn(writing);
        service.spawn(projections::run(pool.clone(), wake, stop.clone()));
        let commands = Commands::new(pool.clone(), writer, Clock::manual(datetime!(2026-11-24 09:00 UTC)));
        let (closing, customers) = (CancellationToken::new(), JoinSet::new());
        Self { pool: pool.clone(), commands, stop, closing, service, customers, counts: Arc::default() }
    }

    pub async fn head(&self) -> i64 {
        journal::read::head(&self.pool).await.unwrap()
    }

    /// Sells until the journal holds so many events more, and waits until all read models show it.
    pub async fn fill(&self, events: i64) {
        let enough = self.head().await + events;
        while self.head().await < enough {
            sell(&self.commands, AccountId(Uuid::new_v4())).await;
        }
        let head = self.head().await;
        eventually("the read models follow", async || {
            let all = projections::status(&self.pool).await.unwrap();
            all.iter().all(|status| status.position >= head).then_some(())
        })
        .await;
    }

    /// One unit; nobody waits for the read models.
    pub async fn sell_unseen(&self) {
        sell(&self.commands, AccountId(Uuid::new_v4())).await;
    }

    /// Customers who each buy, wait until they see their order, and buy again.
    pub fn begin_selling(&mut self, customers: usize) {
        for _ in 0..customers {
            let (commands, pool) = (self.commands.clone(), self.pool.clone());
            let (closing, counts) = (self.closing.clone(), self.counts.clone());
            self.customers.spawn(async move {
                let customer = AccountId(Uuid::new_v4());
                // Not at full speed: the journal would grow faster than a debug build can go through it.
                let mut day = tokio::time::interval(BETWEEN_ORDERS);
                day.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !closing.is_cancelled() {
                    day.tick().await;
                    let order = sell(&commands, customer).await;
                    counts.sold.fetch_add(1, Ordering::Relaxed);
                    see(&pool, order, customer).await;
                }
            });
        }
    }

    /// Somebody who looks at lists all the time; an error ends the test.
    pub fn begin_reading(&mut self) {
        let (pool, closing, counts) = (self.pool.clone(), self.closing.clone(), self.counts.clone());
        self.customers.spawn(async move {
            let customer = AccountId(Uuid::new_v4());
            let slice = Slice { limit: 20, offset: 0 };
            let mut looks = tokio::time::interval(BETWEEN_LOOKS);
            while !closing.is_cancelled() {
                looks.tick().await;
                projections::orders::list_of_customer(&pool, customer, slice).await.unwrap();
                projections::wallet_entries::of_account(&pool, customer, None, slice).await.unwrap();
                projections::invoices::list_of_customer(&pool, customer, slice).await.unwrap();
                projections::drafts::list_of_customer(&pool, customer, slice).await.unwrap();
                projections::wallets::of_account(&pool, customer).await.unwrap();
                counts.read.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    /// The customers go; answers how many units were sold and how often somebody looked.
    pub async fn end_of_day(&mut self) -> (u64, u64) {
        self.closing.cancel();
        while let Some(customer) = self.customers.join_next().await {
            customer.unwrap();
        }
        (self.counts.sold.load(Ordering::Relaxed), self.counts.read.load(Ordering::Relaxed))
    }

    pub async fn close(mut self) {
        self.end_of_day().await;
        self.stop.cancel();
        while let Some(part) = self.service.join_next().await {
            part.unwrap();
        }
    }
}

/// Looks for the order until it is there.
async fn see(pool: &PgPool, order: OrderId, customer: AccountId) {
    let begun = Instant::now();
    while projections::orders::of_customer(pool, order, customer).await.unwrap().is_none() {
        assert!(begun.elapsed() < SEEN_WITHIN, "the read models stand still");
    }
}

/// One customer's way from credits to an invoice, as one unit.
async fn sell(commands: &Commands, customer: AccountId) -> OrderId {
    let unit = way(customer);
    let order = unit.iter().find_map(|command| match command {
        Command::Order { id, .. } => Some(*id),
        _ => None,
    });
    let context = Context {
        command_id: Uuid::new_v4(),
        correlation_id: Uuid::new_v4(),
        causation_position: None,
        actor: "account:test".to_owned(),
        trace: None,
    };
    commands.execute(unit, &context, Rider::default()).await.unwrap();
    order.unwrap()
}

fn way(customer: AccountId) -> Vec<Command> {
    let id = Uuid::new_v4;
    let (draft, job, order, payment) = (DraftId(id()), AiJobId(id()), OrderId(id()), PaymentId(id()));
    let total = Money::lira(21_900);
    let of_order = |command| Command::Order { id: order, command };
    let of_payment = |command| Command::Payment { id: payment, command };
    let of_wallet = |command| Command::Wallet { id: customer, command };
    let placement = placement(customer, draft, job, total);
    let captured = Captured {
        provider_payment_id: order.to_string(),
        amount: total,
        lines: vec![],
        card: Some("VISA ****0008".to_owned()),
    };
    vec![
        of_wallet(WalletCommand::Grant { reference: order.to_string(), credits: 500, kind: GrantKind::Gift }),
        Command::Draft {
            id: draft,
            command: DraftCommand::Create { by: customer, method: Method::Ai, size: CoverSize::A5 },
        },
        of_wallet(WalletCommand::Reserve { job, credits: 100 }),
        Command::AiJob {
            id: job,
            command: AiJobCommand::Request(Job {
                draft,
                customer,
                prompt: "bir kedi".to_owned(),
                negative_prompt: None,
                count: 2,
                cost: 100,
                seed: 7,
            }),
        },
        of_payment(PaymentCommand::Request(request(order, &placement))),
        of_order(OrderCommand::Place(placement)),
        of_order(OrderCommand::BeginPayment { by: customer, payment, amount: total }),
        of_payment(PaymentCommand::RecordCheckout {
            token_digest: format!("{:064x}", payment.0.as_u128()),
            expires_at: datetime!(2026-11-24 10:00 UTC),
        }),
        of_payment(PaymentCommand::Capture(captured)),
        of_order(OrderCommand::MarkPaid { payment, amount: total }),
        of_order(OrderCommand::IssueInvoice {
            number: format!("PLK{}", order.0.simple()),
            issued_on: "2026-11-24".to_owned(),
        }),
    ]
}

fn personal() -> PersonalRef {
    PersonalRef { id: Uuid::new_v4(), digest: "ab".repeat(32) }
}

fn placement(customer: AccountId, draft: DraftId, job: AiJobId, total: Money) -> Placement {
    Placement {
        number: format!("CP-{}", draft.0.simple()),
        customer,
        draft,
        method: Method::Ai,
        size: CoverSize::A5,
        picture: Picture { image: ImageId(Uuid::new_v4()), job, sha256: "ab".repeat(32) },
        lines: vec![Line {
            kind: LineKind::Cover,
            reference: None,
            description: "Kapak A5".to_owned(),
            quantity: 1,
            unit_price: total,
            vat_percent: 20,
        }],
        total,
        shipping: personal(),
        billing: personal(),
        message: None,
    }
}

fn request(order: OrderId, placement: &Placement) -> Request {
    Request {
        order,
        order_number: placement.number.clone(),
        customer: placement.customer,
        provider: Provider::Iyzico,
        amount: placement.total,
        lines: placement.lines.clone(),
        shipping: placement.shipping.clone(),
        billing: placement.billing.clone(),
        buyer: personal(),
    }
}
