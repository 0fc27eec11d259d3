//! How many connections there may be. When all places are taken, whoever has kept one for longest without asking for
//! anything gives it up: many slow clients take turns among themselves, and a fast one always gets in.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Descriptors for everything but connections of callers: database, queue, files, providers.
const DESCRIPTORS_RESERVED: u64 = 256;
/// Fewer places than this are no service; then the kernel's refusals are waited for.
const PLACES_MIN: usize = 16;
/// Everybody may stay for this long: a fast caller in a crowd must have the time to ask.
const WELCOME: Duration = Duration::from_millis(250);
/// When nobody can leave yet, it is tried again after this.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the log says that the places are taken.
const SAID_EVERY: Duration = Duration::from_mins(1);

/// What an operator sees of the places.
#[derive(Debug, Clone, Default)]
pub(in crate::wiring) struct Crowding {
    pub open: Gauge,
    /// Connections that had to leave for others.
    pub displaced: Counter,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// Accepted; nothing has come yet.
    Fresh,
    /// A part of a request's head has come.
    Asking,
    /// A handler works, or reads the body.
    Served,
    /// Answered; the next request may come.
    Idle,
}

/// What is known of a connection, to those who serve it and to those who look for a place.
#[derive(Clone)]
pub(super) struct Seat(Arc<Inner>);

struct Inner {
    doing: Mutex<(Doing, Instant)>,
    leave: CancellationToken,
}

impl Seat {
    pub fn new() -> Self {
        let doing = Mutex::new((Doing::Fresh, Instant::now()));
        Self(Arc::new(Inner { doing, leave: CancellationToken::new() }))
    }

    fn lock(&self) -> MutexGuard<'_, (Doing, Instant)> {
        self.0.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it does, and since when.
    pub fn doing(&self) -> (Doing, Instant) {
        *self.lock()
    }

    pub fn does(&self, doing: Doing) {
        *self.lock() = (doing, Instant::now());
    }

    /// Somebody else needs the place.
    pub async fn must_leave(&self) {
        self.0.leave.cancelled().await;
    }

    /// Since when it could leave without losing anything that it was promised.
    fn dispensable_since(&self) -> Option<Instant> {
        let (doing, since) = self.doing();
        let stays = doing == Doing::Served || since.elapsed() < WELCOME || self.0.leave.is_cancelled();
        (!stays).then_some(since)
    }
}

pub(super) struct Room {
    places: Arc<Semaphore>,
    seats: Arc<Mutex<Seats>>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: BTreeMap<u64, Seat>,
    said: Option<Instant>,
    crowding: Crowding,
}

impl Seats {
    fn changed(&self) {
        self.crowding.open.set(i64::try_from(self.taken.len()).unwrap_or(i64::MAX));
    }

    fn say_that_all_are_taken(&mut self) {
        if self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            self.said = Some(Instant::now());
            let open = self.taken.len();
            tracing::warn!(
                open,
                "all places are taken (HTTP_CONNECTIONS_MAX): who waits for longest must leave"
            );
        }
    }
}

/// A connection's place; given back when it is dropped.
pub(super) struct Guest {
    pub seat: Seat,
    number: u64,
    seats: Arc<Mutex<Seats>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Room {
    pub fn new(places: usize, crowding: Crowding) -> Self {
        let seats = Seats { crowding, ..Seats::default() };
        Self { places: Arc::new(Semaphore::new(places)), seats: Arc::new(Mutex::new(seats)) }
    }

    /// Waits for a place, and asks somebody to leave if there is none.
    pub async fn enter(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
                return place;
            }
            lock(&self.seats).say_that_all_are_taken();
            self.make();
            let waiting = Arc::clone(&self.places).acquire_owned();
            if let Ok(Ok(place)) = timeout(PATIENCE, waiting).await {
                return place;
            }
        }
    }

    /// Asks the one to leave that has been waiting for longest.
    pub fn make(&self) {
        let seats = lock(&self.seats);
        let waiting = seats.taken.values().filter_map(|seat| Some((seat.dispensable_since()?, seat)));
        if let Some((_, seat)) = waiting.min_by_key(|(since, _)| *since) {
            seat.0.leave.cancel();
            seats.crowding.displaced.inc();
        }
    }

    /// For one who has come: its time counts from now, however long the place was kept for it. The last ones before the
    /// end are let in without a place.
    pub fn seat(&self, place: Option<OwnedSemaphorePermit>) -> Guest {
        let seat = Seat::new();
        let mut seats = lock(&self.seats);
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, seat.clone());
        seats.changed();
        Guest { seat, number, seats: Arc::clone(&self.seats), _place: place }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut seats = lock(&self.seats);
        seats.taken.remove(&self.number);
        seats.changed();
    }
}

fn lock(seats: &Mutex<Seats>) -> MutexGuard<'_, Seats> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As many of the wanted places as this process may have descriptors for; the soft limit is raised for them.
pub(super) fn affordable(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + DESCRIPTORS_RESERVED;
    let limit = |bound: Option<u64>| bound.unwrap_or(u64::MAX);
    let granted = limit(maximum).min(needed);
    if limit(current) < granted
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(granted), maximum })
    {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let left = limit(getrlimit(Resource::Nofile).current).saturating_sub(DESCRIPTORS_RESERVED);
    let places = usize::try_from(left).unwrap_or(usize::MAX).clamp(PLACES_MIN.min(wanted), wanted);
    if places < wanted {
        tracing::warn!(wanted, places, "the limit of open files allows fewer connections than the settings");
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn the_longest_waiting_leaves_and_nobody_who_is_served() {
        let crowding = Crowding::default();
        let room = Room::new(3, crowding.clone());
        let guests = [(); 3].map(|()| room.seat(Some(room.enter().now_or_never().unwrap())));
        guests[0].seat.does(Doing::Served);
        guests[1].seat.does(Doing::Idle);
        let leaving = async {
            // The third came before the second was answered.
            guests[2].seat.must_leave().await;
            assert!(guests[0].seat.must_leave().now_or_never().is_none());
            drop(guests);
        };
        assert_eq!((crowding.open.get(), crowding.displaced.get()), (3, 0));
        let (_place, ()) = tokio::join!(room.enter(), leaving);
        assert_eq!((crowding.open.get(), crowding.displaced.get()), (0, 1));
    }

    /// The door takes the next place at once, and may wait for long until somebody comes for it.
    #[tokio::test]
    async fn a_place_that_was_kept_takes_nothing_from_the_time_of_who_comes() {
        let room = Room::new(1, Crowding::default());
        let place = room.enter().await;
        let comes = Instant::now();
        room.make();
        let guest = room.seat(Some(place));
        let (doing, since) = guest.seat.doing();
        assert!(doing == Doing::Fresh && since >= comes);
        assert!(guest.seat.must_leave().now_or_never().is_none(), "asked to leave before it came");
    }

    #[test]
    fn places_are_bounded_by_descriptors() {
        assert_eq!(affordable(1), 1);
        assert!(
            affordable(usize::MAX >> 1) < usize::MAX >> 1 || getrlimit(Resource::Nofile).maximum.is_none()
        );
    }
}
