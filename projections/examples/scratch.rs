use domain::*;
use domain::draft::*;
use domain::wallet::GrantKind;
use journal::*;
use uuid::Uuid;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();
    let url = "postgres://postgres@127.0.0.1:55999/t";
    let first = journal::connect(url, &ConnectOptions::default()).await?;
    journal::migrate::run(&first).await?;
    let pool = journal::connect(url, &ConnectOptions::default()).await?;
    let stop = CancellationToken::new();
    let (writer, task) = journal::writer::new(&pool, stop.clone());
    let wt = tokio::spawn(task);
    let wake = writer.wake();
    let commands = Commands::new(pool.clone(), writer, Clock::system());
    let (moved, _rx) = tokio::sync::watch::channel(0);
    let runner = tokio::spawn(projections::run(pool.clone(), wake, moved, stop.clone()));
    let mut set = tokio::task::JoinSet::new();
    for i in 0..200u128 {
        let commands = commands.clone();
        set.spawn(async move {
            let ctx = || Context { command_id: Uuid::new_v4(), correlation_id: Uuid::new_v4(), causation_position: None, actor: "t".into(), trace: None };
            let account = AccountId(Uuid::from_u128(i + 1000));
            for j in 0..50u128 {
                let draft = DraftId(Uuid::from_u128(i * 1000 + j));
                let job = AiJobId(Uuid::from_u128(i*1000+j));
                let p = |n: u128| PersonalRef { id: Uuid::from_u128(n), digest: "00".into() };
                commands.execute(vec![
                    Command::Wallet { id: account, command: WalletCommand::Grant { reference: format!("r{j}"), credits: 500, kind: GrantKind::Gift } },
                    Command::Draft { id: draft, command: DraftCommand::Create { by: account, method: Method::Ai, size: CoverSize::A5 } },
                    Command::Draft { id: draft, command: DraftCommand::BeginGeneration { by: account, job, cost: 100 } },
                    Command::Wallet { id: account, command: WalletCommand::Reserve { job, credits: 100 } },
                    Command::AiJob { id: job, command: AiJobCommand::Request(domain::ai_job::Job { draft, customer: account, prompt: "x".into(), negative_prompt: None, count: 1, cost: 100, seed: u32::MAX }) },
                    Command::AiJob { id: job, command: AiJobCommand::BeginPicture { index: 0 } },
                    Command::AiJob { id: job, command: AiJobCommand::RecordPicture { index: 0, picture: domain::ai_job::Generated { image: ImageId(job.0), original_key: "o".into(), preview_key: "p".into(), thumbnail_key: "t".into(), sha256: "s".into(), width: 1, height: 2 } } },
                    Command::Draft { id: draft, command: DraftCommand::EndGeneration { job, delivered: 1 } },
                    Command::Draft { id: draft, command: DraftCommand::SelectPicture { by: account, picture: Picture { image: ImageId(job.0), job, sha256: "s".into() } } },
                    Command::Draft { id: draft, command: DraftCommand::SetShipping { by: account, address: p(1) } },
                ], &ctx(), Rider::default()).await.unwrap();
            }
        });
    }
    let t = Instant::now();
    set.join_all().await;
    println!("written in {:?}", t.elapsed());
    loop {
        let s = projections::status(&pool).await?;
        if s.iter().all(|s| s.lag_events == 0) { println!("visible after {:?}", t.elapsed()); break; }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // latency
    let mut lat = vec![];
    for i in 0..200u128 {
        let ctx = Context { command_id: Uuid::new_v4(), correlation_id: Uuid::new_v4(), causation_position: None, actor: "t".into(), trace: None };
        let c = commands.execute(vec![Command::Draft { id: DraftId(Uuid::from_u128(0xffff_0000 + i)), command: DraftCommand::Create { by: AccountId(Uuid::from_u128(5)), method: Method::Ai, size: CoverSize::A5 } }], &ctx, Rider::default()).await?;
        let t = Instant::now();
        while checkpoint::load(&pool, "drafts").await? < c.position { tokio::task::yield_now().await }
        lat.push(t.elapsed());
    }
    lat.sort();
    println!("visible p50 {:?} p99 {:?}", lat[100], lat[197]);
    for m in projections::ALL {
        let t = Instant::now();
        let p = projections::rebuild(&pool, m.name, |_, _| {}).await?;
        println!("rebuild {} {p} {:?}", m.name, t.elapsed());
        let t = Instant::now();
        println!("verify {} {:?} {:?}", m.name, projections::verify(&pool, m.name, |_, _| {}).await?, t.elapsed());
    }
    sqlx::query("UPDATE read.wallets SET available = 7 WHERE account_id = '00000000-0000-0000-0000-0000000003e9'").execute(&pool).await?;
    println!("tampered {:?}", projections::verify(&pool, "wallets", |_, _| {}).await?);
    // poison
    sqlx::query("ALTER TABLE read.drafts ADD CHECK (size <> 'a4')").execute(&pool).await?;
    for (n, size) in [(1u128, CoverSize::A5), (2, CoverSize::A4), (3, CoverSize::A5)] {
        let ctx = Context { command_id: Uuid::new_v4(), correlation_id: Uuid::new_v4(), causation_position: None, actor: "t".into(), trace: None };
        commands.execute(vec![Command::Draft { id: DraftId(Uuid::from_u128(0xfffff_0000 + n)), command: DraftCommand::Create { by: AccountId(Uuid::from_u128(5)), method: Method::Ai, size } }], &ctx, Rider::default()).await?;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    println!("{:#?}", projections::status(&pool).await?);
    projections::rebuild(&pool, "wallets", |_, _| {}).await?;
    sqlx::query("ALTER TABLE read.drafts DROP CONSTRAINT drafts_size_check").execute(&pool).await?;
    projections::resume(&pool, "drafts").await?;
    tokio::time::sleep(Duration::from_millis(2600)).await;
    println!("{:?}", projections::status(&pool).await?);
    for m in projections::ALL { println!("verify {} {:?}", m.name, projections::verify(&pool, m.name, |_, _| {}).await?.differing); }
    println!("{:?}", projections::drafts::list_of_customer(&pool, AccountId(Uuid::from_u128(5)), projections::Slice { limit: 1, offset: 0 }).await?);
    println!("{:?}", projections::wallet_entries::of_account(&pool, AccountId(Uuid::from_u128(1001)), Some(projections::wallet_entries::EntryKind::Spend), projections::Slice { limit: 1, offset: 0 }).await?);
    println!("{:?}", projections::ai_jobs::with_image(&pool, DraftId(Uuid::from_u128(1001)), AccountId(Uuid::from_u128(1001)), ImageId(Uuid::from_u128(1001))).await?);
    println!("{:?}", projections::orders::list_of_customer(&pool, AccountId(Uuid::from_u128(1001)), projections::Slice { limit: 1, offset: 0 }).await?);
    println!("{:?}", projections::invoices::list_of_customer(&pool, AccountId(Uuid::from_u128(1001)), projections::Slice { limit: 1, offset: 0 }).await?);
    println!("{:?}", projections::orders::of_customer(&pool, OrderId(Uuid::from_u128(1001)), AccountId(Uuid::from_u128(1001))).await?);
    println!("{:?}", projections::payments::of_customer(&pool, PaymentId(Uuid::from_u128(1001)), AccountId(Uuid::from_u128(1001))).await?);
    println!("{:?}", projections::orders::paid_from_draft(&pool, DraftId(Uuid::from_u128(1001)), AccountId(Uuid::from_u128(1001))).await?);
    stop.cancel();
    runner.await?;
    wt.await?;
    Ok(())
}
