//! The whole service under fire: its database, itself and its message queue killed during checkouts and
//! generations, the queue's store damaged. Afterwards our books and those of the providers agree.

mod acknowledged;
mod client;
mod mails;
mod scene;
mod settled;
mod shopper;
mod store;
mod stream;

use crate::plan::{self, Chance};
use futures::future::join_all;
use harness::{World, assert_sound_with, eventually_within};
use shopper::Town;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use store::{DAMAGES, Damage};

const SHOPPERS: usize = 4;
const GOES_ON: Duration = Duration::from_secs(90);
/// After this long without news the shoppers all wait for the same thing.
const ALL_WAIT: Duration = Duration::from_secs(15);
/// After this long one wants to know what stands still.
const STANDS_STILL: Duration = Duration::from_secs(10);

/// What falls in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Database,
    Service,
    Queue,
}

#[derive(Default)]
struct Tally {
    kills: BTreeMap<Victim, u32>,
    damages: BTreeMap<Damage, u32>,
    last: Option<Damage>,
}

#[tokio::test(flavor = "multi_thread")]
async fn no_charge_mail_or_command_is_lost_or_doubled_whatever_is_killed() {
    let begun = Instant::now();
    let mut world = World::start().await;
    let town = Arc::new(Town::of(&world));
    let mut tally = Tally::default();
    let shoppers = (0..SHOPPERS).map(|number| shopper::live(Arc::clone(&town), number));
    let storm = async {
        storm(&mut world, &town, &mut tally).await;
        town.closing.store(true, Ordering::Relaxed);
    };
    tokio::join!(join_all(shoppers), storm);
    println!("chaos: {} rounds done after {} s", plan::rounds(), begun.elapsed().as_secs());
    settled::wait(&world).await;
    let sound = assert_sound_with(&world.pool, &world.iyzico.ledger()).await;
    let books = settled::books(&world).await;
    let acknowledged = acknowledged::all_there(&world, &town.record).await;
    let mails = mails::all_there(&world).await;
    let mended = stream::mend(&mut world).await;
    let holes = stream::holes(&world, if mended { Some(Damage::Wiped) } else { tally.last }).await;
    println!(
        "chaos: {} rounds, killed {:?} (service started {} times), NATS store {:?}, {} events, {} charges, \
         {} captures, {} given back, {} orders at {:?}, {} pictures, {} mails, {} doubled, {} requests \
         acknowledged, {} repeated, {} holes in the stream (wiped by hand: {}), {} s",
        plan::rounds(),
        tally.kills,
        world.starts,
        tally.damages,
        books.events,
        sound.charged,
        sound.captured,
        books.refunded,
        sound.invoices,
        town.tills.lock().unwrap(),
        books.pictures,
        mails.delivered,
        mails.doubled,
        acknowledged,
        town.record.repeats.lock().unwrap(),
        holes,
        mended,
        begun.elapsed().as_secs(),
    );
    world.end().await;
}

/// Round after round of faults, from the first payment on.
async fn storm(world: &mut World, town: &Town, tally: &mut Tally) {
    let mut chance = plan::chance("chaos");
    first_payment(world).await;
    let first_damage = chance.below(DAMAGES.len() as u64);
    for round in 0..plan::rounds() {
        let victims = victims(round, &mut chance);
        let damage = DAMAGES[usize::try_from((first_damage + u64::from(round / 2)) % 4).unwrap()];
        let events = 3 + i64::try_from(chance.below(25)).unwrap();
        let waited = wait_for_news(world, town, round, events).await;
        println!("chaos: round {round} after {events} events and {} ms", waited.as_millis());
        strike(world, &victims, damage, &mut chance, tally).await;
    }
}

/// Database and service alternately, sometimes both; the queue in every other round.
fn victims(round: u32, chance: &mut Chance) -> Vec<Victim> {
    let (one, other) = if round.is_multiple_of(2) {
        (Victim::Database, Victim::Service)
    } else {
        (Victim::Service, Victim::Database)
    };
    let mut victims = vec![one];
    if chance.below(4) == 0 {
        victims.push(other);
    }
    if matches!(round % 4, 1 | 2) {
        victims.push(Victim::Queue);
    }
    victims
}

/// Waits for a moment at which the shop is busy.
async fn wait_for_news(world: &World, town: &Town, round: u32, events: i64) -> Duration {
    let seen = eventually_within(GOES_ON, "the database answers", async || head(world).await).await;
    let since = Instant::now();
    let mut told = false;
    eventually_within(GOES_ON, &format!("the shop goes on in round {round}"), async || {
        // Everybody may be waiting for a question to the provider that comes in some minutes.
        if since.elapsed() > ALL_WAIT {
            settled::remind(world).await.ok()?;
        }
        if since.elapsed() > STANDS_STILL && !told {
            told = true;
            scene::print(world, town).await;
        }
        (head(world).await? >= seen + events).then_some(since.elapsed())
    })
    .await
}

/// Kills, and brings everything back.
async fn strike(
    world: &mut World,
    victims: &[Victim],
    damage: Damage,
    chance: &mut Chance,
    tally: &mut Tally,
) {
    let mut hurt = None;
    for victim in victims {
        *tally.kills.entry(*victim).or_default() += 1;
        match victim {
            Victim::Database => world.postgres.kill().unwrap(),
            Victim::Service => world.kill_service(),
            Victim::Queue => {
                world.nats.kill().unwrap();
                *tally.damages.entry(damage).or_default() += 1;
                tally.last = Some(damage);
                hurt = Some((damage, damage.inflict(&world.nats_store(), chance)));
            }
        }
    }
    println!("chaos: {victims:?} {hurt:?}");
    if victims.contains(&Victim::Database) {
        world.postgres.start_again().await.unwrap();
    }
    if victims.contains(&Victim::Queue) {
        world.nats.start_again().await.unwrap();
    }
    world.start_service().await;
}

async fn first_payment(world: &World) {
    eventually_within(GOES_ON, "somebody pays", async || {
        let paying = "SELECT EXISTS (SELECT FROM events WHERE event_type = 'checkout_opened')";
        sqlx::query_scalar::<_, bool>(paying).fetch_one(&world.pool).await.ok()?.then_some(())
    })
    .await;
}

async fn head(world: &World) -> Option<i64> {
    journal::read::head(&world.pool).await.ok()
}
