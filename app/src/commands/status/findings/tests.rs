use super::*;
use crate::snapshot::{Activity, Kind, ROLES, Reader, Relay, Waiting, Writer};
use journal::health::{Flow, Intent, Letters, Owner, Timers};
use projections::State;

const HEAD: i64 = 1_204;

fn reader(name: &str, kind: Kind, position: i64, behind_ms: i64) -> Reader {
    let behind_events = HEAD - position;
    Reader { reader: name.into(), kind, position, behind_events, behind_ms, state: State::Live }
}

fn well() -> Journal {
    let flow =
        |name: &str| Flow { flow: name.into(), position: HEAD, waiting: 0, waiting_ms: 0, event: None };
    Journal {
        head: HEAD,
        readers: vec![
            reader("orders", Kind::ReadModel, HEAD, 0),
            reader("payments", Kind::ReadModel, HEAD, 0),
            reader("relay", Kind::Relay, HEAD, 0),
            reader("seals", Kind::Seals, HEAD, 0),
        ],
        flows: vec![flow("checkout"), flow("welcome")],
        intents: vec![],
        dead_letters: vec![],
        timers: Timers { waiting: 3, overdue: 0, late_ms: Some(-40_000), error: None },
        roles: ROLES.map(|name| Owner { name: name.into(), held: true }).to_vec(),
    }
}

fn process() -> Process {
    let relay = Relay {
        activity: Activity::Publishing,
        since_seconds: 900,
        position: HEAD,
        published: 1_204,
        failures: 0,
        last_error: None,
    };
    Process { relay: Some(relay), writer: Writer::default() }
}

fn look(journal: Journal) -> Look {
    Look { at_ms: 60_000, database: Ok(journal), service: Service::Answers(process()) }
}

fn changed(change: impl FnOnce(&mut Journal)) -> Look {
    let mut journal = well();
    change(&mut journal);
    look(journal)
}

/// With a process that says something of itself.
fn says(change: impl FnOnce(&mut Process)) -> Look {
    let mut process = process();
    change(&mut process);
    Look { service: Service::Answers(process), ..look(well()) }
}

fn interrupted(process: &mut Process, since_seconds: u64) {
    let relay = process.relay.as_mut().unwrap();
    relay.activity = Activity::Interrupted;
    relay.since_seconds = since_seconds;
    relay.last_error = Some("the stream cannot be set up: connection refused".into());
}

fn nobody(journal: &mut Journal, role: &str) {
    journal.roles.iter_mut().filter(|one| one.name == role).for_each(|one| one.held = false);
}

fn intent(age_ms: i64) -> Waiting {
    let intent = Intent {
        flow: "checkout".into(),
        position: 1_200,
        event: "payment.requested".into(),
        action_index: 0,
        attempts: 7,
        age_ms,
        unfinished: 1,
    };
    Waiting { intent, step: "opening a payment page".into() }
}

/// The only finding, as `problem: text → next`, or nothing.
fn said(now: &Look) -> Option<String> {
    let found = findings(now, &[]);
    assert!(found.len() <= 1, "one cause, one finding: {found:#?}");
    let one = found.first()?;
    let severity = if one.severity == Severity::Problem { "problem" } else { "notice" };
    Some(format!("{severity}: {} → {}", one.text, one.next))
}

#[test]
fn moments_of_work_are_no_problem() {
    let cases = [
        ("at the head", look(well())),
        (
            "read model behind for a moment",
            changed(|it| it.readers[0] = reader("orders", Kind::ReadModel, 10, READER_BEHIND_MS - 1)),
        ),
        (
            "relay behind for a moment",
            changed(|it| it.readers[2] = reader("relay", Kind::Relay, 10, READER_BEHIND_MS - 1)),
        ),
        ("a connection that broke just now", says(|it| interrupted(it, INTERRUPTED_SECONDS - 1))),
        ("another process is the relay", says(|it| it.relay.as_mut().unwrap().activity = Activity::Waiting)),
        ("a step under way", changed(|it| it.intents = vec![intent(INTENT_MS - 1)])),
        ("a flow whose self-check is to come", changed(|it| it.flows[0].waiting_ms = FLOW_BEHIND_MS - 1)),
        ("a timer that fires now", changed(|it| it.timers.late_ms = Some(TIMER_LATE_MS - 1))),
        ("nobody knows where the process is", Look { service: Service::Unknown, ..look(well()) }),
    ];
    for (case, now) in cases {
        assert_eq!(said(&now), None, "{case}");
        assert_eq!(verdict(&now, &[]), Verdict::Well);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one case after the other")]
fn what_stands_still_is_said_with_place_age_cause_and_command() {
    let stopped = State::Stopped { position: 812, cause: "field `total` is missing".into() };
    let cases = [
        (
            changed(|it| {
                it.readers[0] = Reader { state: stopped, ..reader("orders", Kind::ReadModel, 811, 42_000) };
            }),
            "problem: orders stopped at 812, 42 s ago: field `total` is missing → mend the cause, then polikrami \
             projections resume orders; or skip the event, or rebuild",
        ),
        (
            changed(|it| it.readers[1].state = State::Outdated { version: 3 }),
            "problem: payments holds rows of version 3 of its fold, not of this release → polikrami projections \
             rebuild payments",
        ),
        (
            changed(|it| {
                for one in &mut it.readers[..2] {
                    *one = reader(&one.reader.clone(), Kind::ReadModel, 1_000, 125_000);
                }
            }),
            "problem: 2 read models stand still at 1,000 for 2 min, 204 events behind: the process that keeps them \
             holds its lock and does not move → look at its log and its connection",
        ),
        (
            changed(|it| it.readers[2] = reader("relay", Kind::Relay, 1_203, 15_000)),
            "problem: the relay has not published for 15 s, 1 event waits: a process holds its lock, and only its \
             operators' port knows why → polikrami status --admin-url http://…, or its log: \"the relay was \
             interrupted\"",
        ),
        (
            says(|it| interrupted(it, 42)),
            "problem: the relay has not published for 42 s: the stream cannot be set up: connection refused → start \
             NATS, or mend NATS_URL; orders go on, reactions wait for it",
        ),
        (
            changed(|it| it.readers[3] = reader("seals", Kind::Seals, 700, 10_000)),
            "problem: the check of hashes stands still at 700 for 10 s, 504 events behind: an event may have been \
             altered → polikrami journal verify",
        ),
        (
            changed(|it| it.intents = vec![intent(240_000)]),
            "problem: opening a payment page has been waiting 4 min for an end, after 7 attempts (checkout, event \
             1,200) → nothing if the provider is down: it is retried; the log says why, saga.name checkout",
        ),
        (
            changed(|it| {
                let error = "the provider refused the key".into();
                it.dead_letters =
                    vec![Letters { flow: "checkout".into(), open: 3, oldest_ms: 300_000, error }];
            }),
            "problem: 3 dead letters in checkout, the oldest is 5 min old: the newest: the provider refused the key → \
             polikrami dead-letters list --flow checkout",
        ),
        (
            changed(|it| {
                it.timers =
                    Timers { overdue: 2, late_ms: Some(11_000), error: Some("refused".into()), waiting: 3 };
            }),
            "problem: 2 timers are late, up to 11 s: refused → it is retried, then becomes a dead letter; the cause \
             is in the log",
        ),
        (
            Look {
                service: Service::Away { address: "http://127.0.0.1:9".into(), cause: "refused".into() },
                ..look(well())
            },
            "problem: the service's operators' port http://127.0.0.1:9 does not answer: refused → look whether the \
             process runs; start it again, nothing is lost",
        ),
    ];
    for (now, expected) in cases {
        assert_eq!(said(&now).as_deref(), Some(expected));
        assert_eq!(verdict(&now, &findings(&now, &[])), Verdict::StandsStill);
    }
}

#[test]
fn a_flow_that_has_not_begun_is_told_from_one_that_tries() {
    let waits = |it: &mut Journal| {
        it.flows[0] = Flow {
            flow: "checkout".into(),
            position: 1_199,
            waiting: 2,
            waiting_ms: 61_000,
            event: Some("payment.requested".into()),
        };
    };
    assert_eq!(
        said(&changed(waits)).unwrap(),
        "problem: checkout has not begun payment.requested (event 1,200) for 61 s, 2 events waiting: the process of \
         the flows does not hear it → its log, lines with saga.name checkout"
    );
    let tries = changed(|it| {
        waits(it);
        it.intents = vec![intent(61_000)];
    });
    assert!(said(&tries).unwrap().starts_with("problem: opening a payment page has been waiting 61 s"));
}

#[test]
fn work_that_nobody_does_is_a_notice_until_something_waits_for_it() {
    let idle = changed(|it| nobody(it, "relay"));
    assert_eq!(
        said(&idle).unwrap(),
        "notice: no process does the work of relay → polikrami serve --only relay"
    );
    let all = changed(|it| it.roles.iter_mut().for_each(|one| one.held = false));
    assert!(said(&all).unwrap().ends_with("→ polikrami serve, or ./run on this machine"));
    let waits = changed(|it| {
        nobody(it, "projections");
        it.readers[0] = reader("orders", Kind::ReadModel, 1_200, 20_000);
    });
    assert_eq!(
        said(&waits).unwrap(),
        "problem: orders stands still at 1,200 for 20 s, 4 events behind: no process keeps them → polikrami serve \
         --only projections"
    );
}

#[test]
fn catching_up_is_told_from_standing_still_and_from_falling_behind() {
    let at = |position, behind_ms| {
        changed(|it| it.readers[0] = reader("orders", Kind::ReadModel, position, behind_ms))
    };
    let severity = |before: &Look, now: &Look| {
        findings(now, std::slice::from_ref(before)).first().map(|one| one.severity)
    };
    let now = at(600, 50_000);
    assert_eq!(severity(&at(500, 60_000), &now), Some(Severity::Notice), "nearer");
    assert_eq!(severity(&at(600, 48_000), &now), Some(Severity::Problem), "not moved");
    assert_eq!(severity(&at(599, 48_000), &now), Some(Severity::Problem), "too slow");
    assert_eq!(verdict(&now, &findings(&now, &[at(500, 60_000)])), Verdict::Well);
}

#[test]
fn a_writer_that_answers_nobody_for_long_is_found() {
    let queue = |at_ms, commands| {
        let mut look = says(|it| it.writer = Writer { queue_depth: 5, commands, ..Writer::default() });
        look.at_ms = at_ms;
        look
    };
    let now = queue(WRITER_STALLED_MS, 9);
    assert!(findings(&now, &[queue(1, 9)]).is_empty(), "not for long enough");
    assert!(findings(&now, &[queue(0, 8), queue(2_000, 9)]).is_empty(), "it answered one");
    let found = findings(&now, &[queue(0, 9), queue(2_000, 9)]);
    assert_eq!(found[0].text, "the writer has answered no command for 10 s or more, 5 wait");
}

#[test]
fn a_database_that_is_away_is_no_verdict_on_the_service() {
    let now = Look { database: Err("connection refused".into()), ..look(well()) };
    let found = findings(&now, &[look(well())]);
    assert_eq!(found[0].text, "PostgreSQL does not answer: connection refused");
    assert_eq!(verdict(&now, &found), Verdict::CannotLook);
    assert_eq!(headline(Verdict::CannotLook, &found), "cannot look");
    let codes = [Verdict::Well, Verdict::StandsStill, Verdict::CannotLook].map(Verdict::exit_code);
    assert_eq!(codes, [0, 1, 2]);
}

#[test]
fn numbers_and_ages_are_for_people() {
    let numbers = [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")];
    assert_eq!(numbers.map(|(number, _)| grouped(number)), numbers.map(|(_, text)| text));
    let ages = [
        (999, "0 s"),
        (1_000, "1 s"),
        (119_999, "119 s"),
        (120_000, "2 min"),
        (7_200_000, "2 h"),
        (172_800_000, "2 d"),
    ];
    assert_eq!(ages.map(|(ms, _)| age(ms)), ages.map(|(_, text)| text));
}
