//! Other processes: this test binary once more, told by its environment what to do, speaking JSON lines.
//!
//! A child ends when its standard input does, so none outlives its parent; a stopped one is killed.

use crate::load::{self, Answer, Load};
use crate::{held, plan};
use harness::door::Process;
use harness::eventually_within;
use journal::{ConnectOptions, connect};
use serde::{Deserialize, Serialize};
use std::env;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::mpsc;

const TASK: &str = "TORTURE_CHILD";
const TEST: &str = "child::a_child_ends_with_its_parent";
const LIMIT: Duration = Duration::from_secs(90);

/// What a child is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    /// Waits for the end.
    Waits,
    /// Executes a load through its own door and writer.
    Appends { url: String, statement_timeout_ms: u64, load: Load },
    /// Appends in a transaction that it leaves open until it is told to commit.
    Holds { url: String, idle_timeout_ms: u64 },
}

/// What a child says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Line {
    Ready,
    Answered(Answer),
    /// The rows are inserted, and not committed.
    Held {
        position: i64,
        command: uuid::Uuid,
    },
    /// How the commit went.
    Released {
        error: Option<String>,
    },
    Done {
        lost: u64,
        already: u64,
        conflicts: u64,
        batches: u64,
    },
}

/// A child, seen from its parent; killed when dropped.
pub struct Child {
    process: tokio::process::Child,
    input: Option<ChildStdin>,
    said: Arc<Mutex<Vec<Line>>>,
}

impl Child {
    pub async fn start(task: &Task) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([TEST, "--exact", "--nocapture", "--test-threads=1"])
            .env(TASK, serde_json::to_string(task).unwrap())
            .env("TORTURE_SEED", plan::seed().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let (heard, output) = (Arc::clone(&said), child.stdout.take().unwrap());
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(text)) = lines.next_line().await {
                // The test runner speaks on the same channel.
                if let Some(line) = text.strip_prefix("json ") {
                    heard.lock().unwrap().push(serde_json::from_str(line).expect("a line of ours"));
                }
            }
        });
        let input = child.stdin.take();
        let mut child = Self { process: child, input, said };
        child.hears("ready", |line| matches!(line, Line::Ready).then_some(())).await;
        child
    }

    /// Waits for a line.
    pub async fn hears<T>(&mut self, what: &str, pick: impl Fn(&Line) -> Option<T>) -> T {
        eventually_within(LIMIT, what, async || {
            let found = self.said.lock().unwrap().iter().find_map(&pick);
            let ended = self.process.try_wait().unwrap();
            assert!(
                found.is_some() || ended.is_none_or(|exit| exit.success()),
                "a child broke off: {ended:?}"
            );
            found
        })
        .await
    }

    /// Everything that was answered so far.
    pub fn answers(&self) -> Vec<Answer> {
        let said = self.said.lock().unwrap();
        let answers = said.iter().filter_map(|line| match line {
            Line::Answered(answer) => Some(answer.clone()),
            _ => None,
        });
        answers.collect()
    }

    pub fn answered(&self) -> usize {
        self.said.lock().unwrap().iter().filter(|line| matches!(line, Line::Answered(_))).count()
    }

    /// Waits until it has that many answers.
    pub async fn reaches(&self, answers: usize) {
        eventually_within(LIMIT, "a child gets on", async || (self.answered() >= answers).then_some(()))
            .await;
    }

    /// SIGSTOP, and the proof that it stands still.
    pub async fn stop(&self) {
        self.signal("STOP").await;
        let stat = format!("/proc/{}/stat", self.process.id().unwrap());
        eventually_within(LIMIT, "a child stands still", async || {
            let stat = std::fs::read_to_string(&stat).unwrap();
            stat.rsplit_once(')').unwrap().1.trim_start().starts_with('T').then_some(())
        })
        .await;
    }

    /// SIGCONT.
    pub async fn go_on(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        send_signal(name, self.process.id().unwrap()).await;
    }

    pub async fn tell(&mut self, word: &str) {
        self.input.as_mut().unwrap().write_all(format!("{word}\n").as_bytes()).await.unwrap();
    }

    /// Waits for its work to be done, and for its end; answers what it had been told.
    pub async fn finish(mut self) -> Vec<Answer> {
        self.hears("a child is done", |line| matches!(line, Line::Done { .. }).then_some(())).await;
        self.input = None;
        let exit = tokio::time::timeout(LIMIT, self.process.wait()).await.expect("a child ends").unwrap();
        assert!(exit.success(), "{exit}");
        self.answers()
    }
}

/// To one process, by its number.
pub async fn send_signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().await.unwrap();
    assert!(sent.success(), "SIG{name} to {process}");
}

/// Says something to the parent.
pub fn say(line: &Line) {
    // The runner's own line may be unfinished.
    println!("\njson {}", serde_json::to_string(line).unwrap());
}

/// What the parent says; closed at its end.
fn words() -> mpsc::UnboundedReceiver<String> {
    let (sender, words) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for word in std::io::stdin().lines().map_while(Result::ok) {
            if sender.send(word).is_err() {
                return;
            }
        }
    });
    words
}

async fn obey(task: Task) {
    let mut words = words();
    say(&Line::Ready);
    match task {
        Task::Waits => {}
        Task::Appends { url, statement_timeout_ms, load } => {
            let work = append(&url, statement_timeout_ms, &load);
            tokio::select! {
                () = work => {}
                _ = words.recv() => return,
            }
        }
        Task::Holds { url, idle_timeout_ms } => held::hold(&url, idle_timeout_ms, &mut words).await,
    }
    while words.recv().await.is_some() {}
}

async fn append(url: &str, statement_timeout_ms: u64, load: &Load) {
    let options = ConnectOptions {
        statement_timeout: Duration::from_millis(statement_timeout_ms),
        connections_max: 4,
        application_name: format!("torture-{}", load.process),
        ..ConnectOptions::default()
    };
    let process = Process::start(&connect(url, &options).await.unwrap());
    let chance = |caller| plan::chance(&format!("p{}c{caller}", load.process));
    load::run(&process.commands, load, chance, |answer| say(&Line::Answered(answer))).await;
    let stats = process.commands.writer().stats();
    process.end().await;
    let (lost, already, conflicts, batches) = (stats.lost, stats.already, stats.conflicts, stats.batches);
    say(&Line::Done { lost, already, conflicts, batches });
}

/// With a task in its environment this is the child; without, the parent of one that only waits.
#[tokio::test(flavor = "multi_thread")]
async fn a_child_ends_with_its_parent() {
    if let Ok(task) = env::var(TASK) {
        return obey(serde_json::from_str(&task).unwrap()).await;
    }
    let mut child = Child::start(&Task::Waits).await;
    assert!(child.process.try_wait().unwrap().is_none(), "it waits");
    child.stop().await;
    child.input = None;
    child.go_on().await;
    let exit = tokio::time::timeout(LIMIT, child.process.wait()).await.expect("it ends").unwrap();
    assert!(exit.success(), "{exit}");
}
