//! The servers, started for real: data outlives a restart, a crash and a stale pid file; nothing outlives us.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use super::process::users_of;
use super::*;

const WAIT_MAX: Duration = Duration::from_mins(1);
const OWNED_DIR: &str = "POLIKRAMI_TEST_OWNED_DIR";

fn shared_state() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../.polikrami")
}

async fn start(state: &StateDir) -> LocalServers {
    let binaries = fetch::servers_async(&shared_state(), quiet()).await.unwrap();
    LocalServers::start_fetched(state.path(), Which::both(), &binaries, quiet()).await.unwrap()
}

async fn add_a_row(servers: &LocalServers) -> i64 {
    let postgres = servers.postgres.as_ref().unwrap();
    postgres.ensure_database("shop").await.unwrap();
    let mut connection = PgConnection::connect(&postgres.url("shop")).await.unwrap();
    for statement in ["CREATE TABLE IF NOT EXISTS kept (id int)", "INSERT INTO kept VALUES (1)"] {
        sqlx::query(statement).execute(&mut connection).await.unwrap();
    }
    let rows = sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    rows
}

async fn add_a_message(servers: &LocalServers) -> u64 {
    let client = async_nats::connect(servers.nats.as_ref().unwrap().url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let stream = async_nats::jetstream::stream::Config {
        name: "KEPT".to_owned(),
        subjects: vec!["kept".to_owned()],
        ..Default::default()
    };
    jetstream.get_or_create_stream(stream).await.unwrap();
    jetstream.publish("kept", "x".into()).await.unwrap().await.unwrap().sequence
}

fn all_users_of(state: &Path) -> Vec<u32> {
    [users_of(&state.join("postgres/cluster")), users_of(&state.join("nats"))].concat()
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < WAIT_MAX, "{what} within {WAIT_MAX:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_stop_and_a_second_start_keep_the_data() {
    let state = StateDir::disposable().unwrap();
    let mut servers = start(&state).await;
    assert_eq!((add_a_row(&servers).await, add_a_message(&servers).await), (1, 1));
    servers.stop().await.unwrap();
    assert_eq!(all_users_of(state.path()), Vec::<u32>::new());

    let mut servers = start(&state).await;
    assert_eq!((add_a_row(&servers).await, add_a_message(&servers).await), (2, 2));
    servers.stop().await.unwrap();
    state.wipe(true).await.unwrap();
    assert!(!state.has_data().unwrap());
}

#[tokio::test]
async fn killed_servers_start_again_on_their_ports_with_their_data() {
    let state = StateDir::disposable().unwrap();
    let mut servers = start(&state).await;
    assert_eq!((add_a_row(&servers).await, add_a_message(&servers).await), (1, 1));
    let pid_file = state.path().join("postgres/cluster/postmaster.pid");
    let (postgres, nats) = (servers.postgres.as_mut().unwrap(), servers.nats.as_mut().unwrap());
    let ports = (postgres.port(), nats.port());
    postgres.kill().unwrap();
    nats.kill().unwrap();
    // The stale file names a process that lives and is not the server: us.
    let written = std::fs::read_to_string(&pid_file).unwrap();
    let rest = written.split_once('\n').unwrap().1;
    std::fs::write(&pid_file, format!("{}\n{rest}", std::process::id())).unwrap();

    postgres.start_again().await.unwrap();
    nats.start_again().await.unwrap();
    assert_eq!((postgres.port(), nats.port()), ports);
    assert_eq!((add_a_row(&servers).await, add_a_message(&servers).await), (2, 2));
    servers.stop().await.unwrap();
}

/// As root the data then lies elsewhere; as anybody else, in place.
#[tokio::test]
async fn a_state_directory_that_others_cannot_reach_works_all_the_same() {
    let state = StateDir::disposable().unwrap();
    std::fs::set_permissions(state.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let home = account::home_for(state.path()).unwrap();
    assert_eq!(home != state.path(), account::Account::for_servers().is_some());
    let mut servers = start(&state).await;
    assert_eq!(add_a_row(&servers).await, 1);
    assert!(home.join("postgres/cluster").is_dir());
    servers.stop().await.unwrap();
    state.wipe(true).await.unwrap();
    assert!(!home.join("postgres").exists());
    if home != state.path() {
        std::fs::remove_dir(&home).unwrap();
    }
}

#[tokio::test]
async fn a_database_is_created_from_a_template_once() {
    let state = StateDir::disposable().unwrap();
    let mut servers = start(&state).await;
    add_a_row(&servers).await;
    let postgres = servers.postgres.as_ref().unwrap();
    postgres.create_database("copy", Some("shop")).await.unwrap();
    let mut connection = PgConnection::connect(&postgres.url("copy")).await.unwrap();
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(rows, 1);
    let again = postgres.create_database("copy", None).await.unwrap_err().to_string();
    assert!(again.starts_with("PostgreSQL refused to create the database copy"), "{again}");
    postgres.drop_database("copy").await.unwrap();
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_ends_by_itself_is_reported_with_its_log() {
    let state = StateDir::disposable().unwrap();
    let mut servers = start(&state).await;
    let pid = servers.postgres.as_ref().unwrap().process_id().to_string();
    let signal = Command::new("/bin/sh").args(["-c", "kill -QUIT $0", &pid]).status().unwrap();
    assert!(signal.success());
    let error = servers.failed().await.to_string();
    assert!(error.starts_with("PostgreSQL stopped by itself"), "{error}");
    assert!(error.contains("immediate shutdown"), "{error}");
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn a_refused_setting_and_a_taken_port_say_what_to_do() {
    let state = StateDir::disposable().unwrap();
    let binaries = fetch::servers_async(&shared_state(), quiet()).await.unwrap();
    let settings = vec![("no_such_setting".to_owned(), "1".to_owned())];
    let which = Which { postgres: true, postgres_settings: settings, ..Which::default() };
    let refused = LocalServers::start_fetched(state.path(), which, &binaries, quiet()).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("unrecognized configuration parameter"), "{refused}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nats_port = Some(taken.local_addr().unwrap().port());
    let which = Which { nats: true, nats_port, ..Which::default() };
    let refused = LocalServers::start_fetched(state.path(), which, &binaries, quiet()).await.unwrap_err();
    assert!(matches!(refused, DevError::PortTaken { name: "NATS", .. }), "{refused}");
}

/// Not a test of its own: the process that the next test kills.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "how a test hands a directory to its own second process")]
async fn owner() {
    let Some(dir) = std::env::var_os(OWNED_DIR).map(PathBuf::from) else { return };
    let binaries = fetch::servers_async(&shared_state(), quiet()).await.unwrap();
    let mut servers = LocalServers::start_fetched(&dir, Which::both(), &binaries, quiet()).await.unwrap();
    std::fs::write(dir.join("up"), "").unwrap();
    let ended = tokio::time::timeout(WAIT_MAX, servers.failed()).await;
    panic!("nobody killed this process: {ended:?}");
}

#[tokio::test]
async fn no_server_outlives_a_killed_owner() {
    let state = StateDir::disposable().unwrap();
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "dev::tests::owner", "--nocapture"])
        .env(OWNED_DIR, state.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the owner's servers are up", || state.path().join("up").exists()).await;
    assert!(all_users_of(state.path()).len() >= 2);
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("they end", || all_users_of(state.path()).is_empty()).await;
    let log = std::fs::read_to_string(state.path().join("logs/postgres.log")).unwrap();
    assert!(log.contains("fast shutdown"), "{log}");
    assert!(log.contains("database system is shut down"), "{log}");

    let mut servers = start(&state).await;
    servers.stop().await.unwrap();
}

#[tokio::test]
async fn concurrent_fetches_and_starts_do_not_disturb_each_other() {
    let state = StateDir::disposable().unwrap();
    let fetches = (0..3).map(|_| fetch::servers_async(state.path(), quiet()));
    let binaries = futures::future::try_join_all(fetches).await.unwrap();
    assert!(binaries.iter().all(|one| *one == binaries[0] && one.nats_server.is_file()));
    let left: Vec<_> =
        std::fs::read_dir(state.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("servers-part-")), "{left:?}");
}

#[test]
fn disposable_directories_come_and_go_beside_each_other() {
    let come_and_go = || {
        for _ in 0..40 {
            let state = StateDir::disposable().unwrap();
            for name in 0..40 {
                std::fs::write(state.path().join(name.to_string()), "kept").unwrap();
            }
        }
    };
    std::thread::scope(|threads| {
        for _ in 0..6 {
            threads.spawn(come_and_go);
        }
    });
}

#[test]
fn a_second_holder_of_a_state_directory_learns_where_the_first_answers() {
    let state = StateDir::disposable().unwrap();
    let refused = StateDir::open(state.path()).unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}, starting up", std::process::id())), "{refused}");

    let login = |role: &str| Login { email: format!("{role}@example.test"), password: "secret".to_owned() };
    let endpoints = Endpoints {
        api: "http://127.0.0.1:8080".to_owned(),
        admin: String::new(),
        iyzico: String::new(),
        stability: String::new(),
        twilio: String::new(),
        mailbox: String::new(),
        smtp: String::new(),
        database_url: String::new(),
        nats_url: String::new(),
        iyzico_api_key: String::new(),
        iyzico_secret_key: String::new(),
        stability_api_key: String::new(),
        logins: Logins {
            customer: login("customer"),
            designer: login("designer"),
            admin: login("admin"),
            auditor: login("auditor"),
        },
    };
    state.write_endpoints(&endpoints).unwrap();
    assert_eq!(state::read_endpoints(state.path()).unwrap(), Some(endpoints));
    let refused = StateDir::open(state.path()).unwrap_err().to_string();
    assert!(refused.contains(", at http://127.0.0.1:8080)"), "{refused}");
    state.remove_endpoints().unwrap();
    assert_eq!(state::read_endpoints(state.path()).unwrap(), None);
}
