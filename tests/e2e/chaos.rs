//! A server that is killed again and again, at any moment, while jobs, cancels and purchases go on. Afterwards the books
//! are right, every job has ended once, nothing is held, and every payment brought its credits once.
//!
//! `TRIBUTARY_CHAOS_KILLS` says how often; `cargo xtask chaos` sets it, and prints what came of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tributary_protocol::client::Client;
use tributary_protocol::vocab::{Credits, JobId, PurchaseId};
use tributary_server::billing::PurchaseState;
use tributary_server::cashier::Cashier;
use tributary_server::clock::{Clock, ManualClock, SystemClock};
use tributary_server::job::JobState;
use tributary_server::ledger::LineKind;
use tributary_stripe::Stripe;
use tributary_stripe_double::{Double, Post, Settings, TEST_KEY, Way};
use tributary_tests::books::Books;
use tributary_tests::child::{self, ChildServer, STRIPE_SECRET};
use tributary_tests::stage::{self, Take};
use tributary_tests::wait;

/// Kills where nobody says another number: enough to see that the test works.
const KILLS: u64 = 6;
/// Users at once.
const USERS: usize = 3;
/// A rate that makes clips small.
const RATE_HZ: u32 = 8_000;

/// Whoever asks for the same thing that long, with a server that comes back within a second, waits for something broken.
const STUCK: Duration = Duration::from_secs(60);
/// Each event is told so often.
const TIMES: usize = 3;

/// Where the server is just now.
type Place = watch::Receiver<At>;

#[derive(Clone)]
struct At {
    address: String,
    key: String,
    pages: String,
}

impl At {
    fn of(server: &ChildServer) -> Self {
        Self { address: server.address.clone(), key: server.key.clone(), pages: server.pages.clone() }
    }
}

/// A random number below `limit`: enough for waits and choices.
fn any(state: &AtomicU64, limit: u64) -> u64 {
    let next =
        |seen: u64| seen.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let seen = state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seen| Some(next(seen))).unwrap();
    (next(seen) >> 33) % limit
}

async fn start(data: &Path, stripe: &str) -> ChildServer {
    let (data, stripe) = (data.to_owned(), stripe.to_owned());
    spawn_blocking(move || ChildServer::start_selling(&data, &stripe, 1000)).await.unwrap().unwrap()
}

/// To be left when the server moves: whoever connects tries for long.
async fn client(here: &At) -> anyhow::Result<Client> {
    stage::connect(&here.address, &here.key).await
}

/// Sends clips, and stops some of them, whatever the server says.
async fn use_it(mut place: Place, clips: Arc<Vec<Take>>, chance: Arc<AtomicU64>) {
    loop {
        let clip = &clips[any(&chance, clips.len() as u64) as usize];
        let (id, here) = (JobId::generate(), place.borrow_and_update().clone());
        let job = async {
            let client = client(&here).await?;
            client.create(&stage::wish(id, clip.header)).await?;
            client.upload(&clip.header, &clip.file, |_| {}).await?;
            if any(&chance, 3) == 0 {
                wait::idle(Duration::from_millis(any(&chance, 400))).await;
                client.cancel(id).await?;
            }
            anyhow::Ok(())
        };
        tokio::select! {
            _ = job => {}
            _ = place.changed() => {}
        }
        wait::idle(Duration::from_millis(any(&chance, 300))).await;
    }
}

/// Buys, and pays on the page; asks again for what was not answered.
async fn buy(mut place: Place, stripe: Arc<Double>, chance: Arc<AtomicU64>) {
    loop {
        let (id, asked) = (PurchaseId::generate(), Instant::now());
        let mut tries = Vec::new();
        loop {
            let (here, tried) = (place.borrow_and_update().clone(), Instant::now());
            let buying = async { anyhow::Ok(client(&here).await?.buy(id, "small", false).await?) };
            let bought = tokio::select! {
                bought = buying => Some(bought),
                _ = place.changed() => None,
            };
            if let Some(Ok(purchase)) = &bought {
                assert!(purchase.failure.is_none(), "{purchase:?}");
                if let Some(url) = &purchase.url {
                    let page = url.rsplit('/').next().unwrap_or_default();
                    stripe.pay(page, Way::Card).unwrap();
                    break;
                }
            }
            let words = bought.map_or_else(|| "killed".to_owned(), |answer| format!("{answer:?}"));
            tries.push(format!("{} ms: {words}", tried.elapsed().as_millis()));
            assert!(asked.elapsed() < STUCK, "a purchase {id} that no page opens for: {tries:#?}");
            wait::idle(Duration::from_millis(50)).await;
        }
        wait::idle(Duration::from_millis(any(&chance, 500))).await;
    }
}

/// Tells what happened at Stripe, each event three times and in any order, until somebody takes it, as Stripe does.
async fn tell(mut place: Place, stripe: Arc<Double>, chance: Arc<AtomicU64>, told: Arc<AtomicU64>) {
    // How often each event was taken, by its place among all that happened.
    let mut taken: Vec<usize> = Vec::new();
    loop {
        let events = stripe.events();
        taken.resize(events.len(), 0);
        let waiting: Vec<usize> = (0..events.len()).filter(|at| taken[*at] < TIMES).collect();
        if waiting.is_empty() {
            wait::idle(Duration::from_millis(20)).await;
            continue;
        }
        let at = waiting[any(&chance, waiting.len() as u64) as usize];
        let url = format!("http://{}/stripe/events", place.borrow().pages);
        let status = tokio::select! {
            status = stripe.bring(&events[at], &url) => status.ok(),
            _ = place.changed() => None,
        };
        match status {
            // Nobody is there, or it was taken and nobody heard: it is told again.
            None => wait::idle(Duration::from_millis(20)).await,
            Some(status) => {
                assert!((200..300).contains(&status), "an event was answered with {status}");
                taken[at] += 1;
                told.fetch_add(1, Ordering::Relaxed);
            }
        }
        wait::idle(Duration::from_millis(any(&chance, 100))).await;
    }
}

/// A cashier on the dead server's books, so late that every purchase is looked at.
fn cashier(books: &Books, stripe: &str) -> (Cashier, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let cashier = Cashier {
        stripe: Stripe::new(TEST_KEY, Some(stripe)).unwrap(),
        packs: child::packs(),
        webhook_secrets: vec![STRIPE_SECRET.to_owned()],
        pages: String::new(),
        store: Arc::clone(&books.store),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        bell: Notify::new(),
    };
    (cashier, clock)
}

/// What a living server does in a day: purchases that nobody told about are looked up, uploads that died end.
async fn end_everything(books: &Books, stripe: &str) {
    let (cashier, clock) = cashier(books, stripe);
    let bought = books.store.purchases(&books.local, 100_000).await.unwrap().len();
    // One round looks at fifty.
    for _ in 0..bought / 50 + 3 {
        clock.advance(Duration::from_secs(3600));
        cashier.round().await.unwrap();
    }
    clock.advance(Duration::from_secs(86_400));
    while !books.store.reap(1000, clock.now(), 100).await.unwrap().is_empty() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_at_any_moment_loses_and_charges_nothing() {
    let kills = std::env::var("TRIBUTARY_CHAOS_KILLS").ok().map_or(KILLS, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let data: PathBuf = folder.path().join("data");
    let seconds = || SystemClock.now().0 / 1_000_000;
    let settings =
        Settings { clock: Arc::new(seconds), secrets: vec![STRIPE_SECRET.to_owned()], post: Post::Kept };
    let stripe = Arc::new(Double::start(settings).await.unwrap());
    let chance = Arc::new(AtomicU64::new(kills));
    let clip = |seed: u32| stage::take(folder.path(), seed, u64::from(seed) * 12_000, 1, RATE_HZ).unwrap();
    let clips = Arc::new((1..=6).map(clip).collect::<Vec<_>>());

    let mut server = start(&data, stripe.url()).await;
    let (moved, place) = watch::channel(At::of(&server));
    let mut crowd = JoinSet::new();
    for _ in 0..USERS {
        crowd.spawn(use_it(place.clone(), Arc::clone(&clips), Arc::clone(&chance)));
    }
    crowd.spawn(buy(place.clone(), Arc::clone(&stripe), Arc::clone(&chance)));
    let told = Arc::new(AtomicU64::new(0));
    crowd.spawn(tell(place.clone(), Arc::clone(&stripe), Arc::clone(&chance), Arc::clone(&told)));
    let (began, mut down) = (Instant::now(), Duration::ZERO);
    for _ in 0..kills {
        wait::idle(Duration::from_millis(200 + any(&chance, 1200))).await;
        let killed = Instant::now();
        server.kill().unwrap();
        server = start(&data, stripe.url()).await;
        down += killed.elapsed();
        moved.send(At::of(&server)).unwrap();
    }
    let lasted = began.elapsed();
    if let Some(ended) = crowd.try_join_next() {
        panic!("a user gave up: {ended:?}");
    }
    crowd.shutdown().await;

    let books = Books::open(&data).await.unwrap();
    wait::until("nothing runs or waits", async || {
        let counts = books.store.counts().await.unwrap();
        (counts.queued + counts.running == 0).then_some(())
    })
    .await;
    server.kill().unwrap();
    end_everything(&books, stripe.url()).await;
    let report = report(&books).await;
    books.audit().await.unwrap();
    let counts = books.store.counts().await.unwrap();
    assert_eq!((counts.uploading, counts.queued, counts.running, counts.holds_open), (0, 0, 0, 0));
    assert_eq!(report.paid, stripe.counts()[1] as u64, "every payment brought its credits, once");
    assert_eq!(report.posted + report.captured, 600 + 100 * report.paid);
    println!(
        "{kills} kills in {:.0} s ({:.2} s each to serve again): {} jobs ended once ({} done, {} cancelled, {} given up \
         unfinished), {} of them at a later attempt; {} purchases paid, {} not; Stripe told {} times; 0 imbalance, nothing held",
        lasted.as_secs_f64(),
        down.as_secs_f64() / kills.max(1) as f64,
        report.jobs,
        report.done,
        report.cancelled,
        report.expired,
        report.again,
        report.paid,
        report.unpaid,
        told.load(Ordering::Relaxed),
    );
    assert!(report.done > 0 && report.paid > 0, "there was something to lose");
    assert!(told.load(Ordering::Relaxed) > 0, "Stripe was heard");
    assert!(books.store.troubled_events(10).await.unwrap().is_empty(), "no event waits for an operator");
}

/// What is on record.
#[derive(Default)]
struct Report {
    jobs: u64,
    done: u64,
    cancelled: u64,
    expired: u64,
    again: u64,
    paid: u64,
    unpaid: u64,
    posted: u64,
    captured: u64,
}

async fn report(books: &Books) -> Report {
    let (store, local) = (&books.store, &books.local);
    let mut report = Report { posted: books.balance().await.unwrap().posted.0, ..Report::default() };
    let mut before = None;
    loop {
        let page = store.jobs(local, before, 100).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        for job in page {
            report.jobs += 1;
            report.again += u64::from(job.attempt > 1);
            report.captured += job.captured.0;
            match job.state {
                JobState::Done => report.done += 1,
                JobState::Cancelled => report.cancelled += 1,
                JobState::Expired => report.expired += 1,
                other => panic!("job {} is {other:?}: {:?}", job.id, job.failure),
            }
            assert!(job.captured <= job.held, "{}", job.id);
        }
    }
    for purchase in store.purchases(local, 100_000).await.unwrap() {
        if purchase.state == PurchaseState::Paid {
            report.paid += 1;
        } else {
            report.unpaid += 1;
        }
    }
    let mut line = None;
    let (mut grants, mut captures) = (0, Credits::ZERO);
    loop {
        let lines = store.history(local, line, 500).await.unwrap();
        let Some(last) = lines.last() else { break };
        line = Some(last.line);
        for line in lines {
            match line.kind {
                LineKind::Grant => grants += 1,
                LineKind::Capture => captures = captures.checked_add(line.amount).unwrap(),
                other => panic!("a line of {other:?}"),
            }
        }
    }
    assert_eq!(grants, report.paid + 1, "and the first credits of a new server");
    assert_eq!(captures.0, report.captured);
    report
}
