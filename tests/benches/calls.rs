//! How many calls and shortest jobs a second one server does on SQLite and on PostgreSQL, and how long the slowest hundredth
//! of the calls takes: one JSON object a line, `{name, value, unit}`, for `cargo xtask bench`.

use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tributary_protocol::client::{Client, ClientError, JobState, QuoteAsk};
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{ClipHeader, JobId};
use tributary_server::Parts;
use tributary_tests::database;
use tributary_tests::stage::{self, Stage, Take};

/// Users at once, each with an account and a connection.
const USERS: usize = 8;
const QUOTES: usize = 250;
const CREATES: usize = 100;
const JOBS: usize = 40;
const RATE_HZ: u32 = 44_100;

fn main() -> anyhow::Result<()> {
    // `cargo bench` says so; `cargo test --all-targets` only wants to see that it starts.
    if !std::env::args().any(|a| a == "--bench") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let sqlite = runtime.block_on(measure("SQLite", String::new()))?;
    let postgres = runtime.block_on(measure("PostgreSQL", database::postgres()?))?;
    print("jobs a second, PostgreSQL over SQLite", postgres / sqlite, "x");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the lines are what this program is for")]
fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

/// Jobs a second.
async fn measure(store: &str, address: String) -> anyhow::Result<f64> {
    let mut config = stage::config();
    config.database = address;
    config.limits.jobs_open_max = 10_000;
    config.rates.address_calls_per_minute = 0;
    config.rates.key_calls_per_minute = 0;
    config.rates.account_calls_per_minute = 0;
    let stage = Stage::with(config, Parts::default()).await?;
    let mut users = Vec::new();
    for number in 0..USERS {
        let (_, client) = stage.account(&format!("user {number}"), 10_000).await?;
        let seed = u32::try_from(number)? + 1;
        let take = || stage::take(stage.folder.path(), seed, u64::from(RATE_HZ), 2, RATE_HZ);
        users.push((client, take()?));
    }
    let users = Arc::new(users);
    calls(store, Call::Quote, QUOTES, &users).await?;
    calls(store, Call::Create, CREATES, &users).await?;
    let began = Instant::now();
    let mut working = JoinSet::new();
    for user in 0..USERS {
        let users = Arc::clone(&users);
        working.spawn(async move {
            let (client, take) = &users[user];
            // The clip is sent once; it belongs to all that were created before, too.
            for _ in 0..JOBS {
                let job = stage::run(client, take, JobId::generate()).await?;
                anyhow::ensure!(job.state == JobState::Done, "{job:?}");
            }
            Ok(())
        });
    }
    working.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    stage.audit().await?;
    let done = (USERS * (JOBS + CREATES)) as f64 / began.elapsed().as_secs_f64();
    print(&format!("jobs a second, {store}"), done, "jobs/s");
    Ok(done)
}

/// What is called.
#[derive(Clone, Copy)]
enum Call {
    Quote,
    Create,
}

impl Call {
    fn name(self) -> &'static str {
        match self {
            Self::Quote => "quotes",
            Self::Create => "creates",
        }
    }

    async fn make(self, client: &Client, take: &Take) -> Result<(), ClientError> {
        let ClipHeader { frames, channels, rate_hz, .. } = take.header;
        match self {
            Self::Quote => {
                let (model, settings) = ("mini".to_owned(), Settings::new());
                client.quote(&QuoteAsk { model, frames, channels, rate_hz, settings }).await.map(drop)
            }
            Self::Create => client.create(&stage::wish(JobId::generate(), take.header)).await.map(drop),
        }
    }
}

/// Every user calls so many times, one call after the other.
async fn calls(
    store: &str,
    call: Call,
    times: usize,
    users: &Arc<Vec<(Client, Take)>>,
) -> anyhow::Result<()> {
    let (began, mut calling) = (Instant::now(), JoinSet::new());
    for user in 0..users.len() {
        let users = Arc::clone(users);
        calling.spawn(async move {
            let (client, take) = &users[user];
            let mut took = Vec::with_capacity(times);
            for _ in 0..times {
                let began = Instant::now();
                call.make(client, take).await?;
                took.push(began.elapsed());
            }
            Ok::<_, ClientError>(took)
        });
    }
    let took = calling.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut took: Vec<Duration> = took.into_iter().flatten().collect();
    let rate = took.len() as f64 / began.elapsed().as_secs_f64();
    took.sort_unstable();
    let slow = took[took.len() * 99 / 100].as_secs_f64() * 1e3;
    print(&format!("{} a second, {store}", call.name()), rate, "calls/s");
    print(&format!("99 of 100 {} within, {store}", call.name()), slow, "ms");
    Ok(())
}
