//! One account cannot see, fetch, cancel, write or infer anything of another's, and nobody comes in without a key.

use sha2::Digest;
use tonic::Code;
use tonic::transport::Channel;
use tributary_protocol::client::{Client, JobState};
use tributary_protocol::vocab::{ClipHeader, Credits, JobId, PurchaseId, Sha256};
use tributary_server::auth::api_key::ApiKey;
use tributary_server::billing::{NewPurchase, PurchaseKind};
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::data::LOCAL_ACCOUNT;
use tributary_server::tenant::Tenant;
use tributary_tests::calls::{self, Answer, Subject};
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{Stage, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

fn take(stage: &Stage, seed: u32, seconds: u64) -> Take {
    stage::take(stage.folder.path(), seed, seconds * u64::from(RATE_HZ), 1, RATE_HZ).unwrap()
}

async fn channel(stage: &Stage) -> Channel {
    Channel::from_shared(stage.server.address.clone()).unwrap().connect().await.unwrap()
}

/// A further key of an account, as text.
async fn key(stage: &Stage, tenant: &Tenant) -> ApiKey {
    let key = ApiKey::generate();
    stage.server.store.add_key(tenant, &key.row(tenant.account(), "test"), SystemClock.now()).await.unwrap();
    key
}

/// Something that the local account is about to buy.
async fn purchase(stage: &Stage) -> PurchaseId {
    let id = PurchaseId::generate();
    let new = NewPurchase {
        id,
        kind: PurchaseKind::Checkout,
        person: None,
        pack: "small".to_owned(),
        credits: Credits(100),
        amount_minor: 900,
        currency: "EUR".to_owned(),
        live: false,
    };
    let store = &stage.server.store;
    let account = store.accounts().await.unwrap().into_iter().find(|account| account.name == LOCAL_ACCOUNT);
    let tenant = Tenant::acting_for(account.unwrap().id);
    store.begin_purchase(&tenant, &new, SystemClock.now()).await.unwrap();
    assert!(store.purchase(&tenant, id).await.unwrap().is_some());
    id
}

/// The same question about nothing.
fn nothing_like(subject: &Subject) -> Subject {
    let clip =
        ClipHeader { sha256: Sha256(sha2::Sha256::digest(subject.clip.sha256.0).into()), ..subject.clip };
    Subject { job: JobId::generate(), clip, stem: subject.stem.clone(), purchase: PurchaseId::generate() }
}

async fn submit(client: &Client, take: &Take, id: JobId) {
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_answers_every_call_as_what_does_not_exist() {
    let stage = Stage::new().await.unwrap();
    let (done, awaited) = (take(&stage, 1, 5), take(&stage, 2, 60));
    let done_job = stage.separate(&done).await.unwrap();
    assert_eq!(done_job.state, JobState::Done);
    let awaited_id = JobId::generate();
    let bought = purchase(&stage).await;
    let awaited_job = stage.client.create(&stage::wish(awaited_id, awaited.header)).await.unwrap();
    let account = stage.client.account().await.unwrap();

    let (other, client) = stage.account("other", 10).await.unwrap();
    let (channel, header) = (channel(&stage).await, format!("Bearer {}", key(&stage, &other).await.reveal()));
    for (job, clip) in [(done_job.id, done.header), (awaited_id, awaited.header)] {
        let subject = Subject { job, clip, stem: "bass".to_owned(), purchase: bought };
        let of_somebody = calls::all(&channel, Some(&header), &subject).await.unwrap();
        let of_nobody = calls::all(&channel, Some(&header), &nothing_like(&subject)).await.unwrap();
        assert_eq!(of_somebody, of_nobody);
        let refused: Vec<_> =
            of_somebody.iter().filter(|(_, said)| said.is_err()).map(|(call, _)| *call).collect();
        let about_things = [
            "Jobs.Get",
            "Jobs.Watch",
            "Jobs.Cancel",
            "Jobs.Erase",
            "Clips.QueryWriteStatus",
            "Clips.Write",
            "Stems.Read",
            "Sheets.Read",
            "Shop.Get",
            "Shop.Buy",
        ];
        assert_eq!(refused, about_things);
        assert!(of_somebody.iter().all(is_answered), "{of_somebody:?}");
        // A call that is not made here would be one that nobody sees refused. Those of SignIn need no key and are about
        // nothing of anybody's.
        let keyless = ["SignIn.Begin", "SignIn.Poll"];
        let mut made: Vec<_> = of_somebody.iter().map(|(call, _)| *call).chain(keyless).collect();
        made.sort_unstable();
        assert_eq!(made, calls::described().unwrap());
    }
    assert_eq!(
        client.account().await.unwrap().held,
        Credits(4),
        "four jobs of its own, by ids of its choice"
    );
    assert_eq!(stage.client.job(done_job.id).await.unwrap(), done_job);
    assert_eq!(stage.client.job(awaited_id).await.unwrap(), awaited_job);
    assert_eq!(stage.client.account().await.unwrap(), account);
    stage.audit().await.unwrap();
}

/// A shop that sells nothing says so whatever it is asked to sell.
fn is_answered((call, said): &Answer) -> bool {
    said.as_ref().err().is_none_or(|(code, _)| *code == Code::NotFound || *call == "Shop.Buy")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clip_that_another_account_sent_has_to_be_sent_again() {
    let stage = Stage::new().await.unwrap();
    let take = take(&stage, 1, 5);
    let first = stage.separate(&take).await.unwrap();
    let (_, other) = stage.account("other", 10).await.unwrap();
    let id = JobId::generate();
    let job = other.create(&stage::wish(id, take.header)).await.unwrap();
    assert_eq!(
        (job.state, job.uploaded_bytes),
        (JobState::Uploading, 0),
        "nobody learns what others have sent"
    );
    let own = stage.client.create(&stage::wish(JobId::generate(), take.header)).await.unwrap();
    assert_ne!(own.state, JobState::Uploading, "its owner need not send it again");
    let job = stage::run(&other, &take, id).await.unwrap();
    assert_eq!(
        (job.state, &job.stems),
        (JobState::Done, &first.stems),
        "and gets the same stems of the same clip"
    );
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_may_use_one_job_id_and_never_notice() {
    let (journal, parts) = Journal::new();
    let stage = Stage::with(stage::config(), parts).await.unwrap();
    let (_, other) = stage.account("other", 10).await.unwrap();
    let (long, short, id) = (take(&stage, 1, 600), take(&stage, 2, 60), JobId::generate());
    submit(&stage.client, &long, id).await;
    wait::until("more chunks than the short job has", async || (journal.chunks(id) > 7).then_some(())).await;

    submit(&other, &short, id).await;
    let mut watch = other.watch(id);
    let mut seen = watch.next().await.unwrap().unwrap();
    while seen.chunks_done == 0 {
        seen = watch.next().await.unwrap().unwrap();
    }
    assert!(seen.chunks_done < seen.chunks, "its own chunks are counted, not the other's: {seen:?}");
    let mut job = stage.client.cancel(id).await.unwrap();
    let mut long_watch = stage.client.watch(id);
    while let Some(next) = long_watch.next().await.unwrap() {
        job = next;
    }
    assert_eq!((job.state, job.clip), (JobState::Cancelled, long.header));
    while let Some(next) = watch.next().await.unwrap() {
        seen = next;
    }
    assert_eq!(
        (seen.state, seen.captured, seen.clip),
        (JobState::Done, Credits(1), short.header),
        "{seen:?}"
    );
    assert_eq!(other.account().await.unwrap().posted, Credits(9));
    stage.audit().await.unwrap();
}

/// The key with another secret behind its public part, check digits and all.
fn with_another_secret(key: &ApiKey) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let text = format!("trb_{}_{}", key.prefix(), "x".repeat(43));
    let check = sha2::Sha256::digest(&text);
    let check = check.iter().take(6).map(|byte| char::from(DIGITS[usize::from(*byte) % DIGITS.len()]));
    let forged: String = text.chars().chain(check).collect();
    assert!(ApiKey::parse(&forged).is_ok(), "only its secret is wrong");
    forged
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_is_answered_without_a_living_key() {
    let stage = Stage::new().await.unwrap();
    let take = take(&stage, 1, 5);
    let job = stage.separate(&take).await.unwrap();
    let purchase = purchase(&stage).await;
    let subject = Subject { job: job.id, clip: take.header, stem: "bass".to_owned(), purchase };
    let (tenant, _) = stage.account("other", 10).await.unwrap();
    let (living, dead) = (key(&stage, &tenant).await, key(&stage, &tenant).await);
    let channel = channel(&stage).await;
    let header = |key: &str| format!("Bearer {key}");

    // Dead at once: the same connection, the same key, before and after.
    let dead_header = header(&dead.reveal());
    let before = calls::all(&channel, Some(&dead_header), &nothing_like(&subject)).await.unwrap();
    assert!(before.iter().all(is_answered), "{before:?}");
    assert!(stage.server.store.revoke_key(&tenant, dead.prefix(), SystemClock.now()).await.unwrap());

    let wrong = [
        dead_header,
        header(&ApiKey::generate().reveal()),
        header(&with_another_secret(&living)),
        header("trb_"),
        header(""),
        header(&"x".repeat(4_000)),
    ];
    let mut words = Vec::new();
    for header in &wrong {
        for (call, said) in calls::all(&channel, Some(header), &subject).await.unwrap() {
            let (code, message) = said.unwrap_err();
            assert_eq!(code, Code::Unauthenticated, "{call} with {header}: {message}");
            words.push(message);
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "why a key is wrong is not told: {words:?}");
    for header in [None, Some(living.reveal()), Some(format!("Basic {}", living.reveal()))] {
        for (call, said) in calls::all(&channel, header.as_deref(), &subject).await.unwrap() {
            let (code, message) = said.unwrap_err();
            assert_eq!(code, Code::Unauthenticated, "{call} with {header:?}: {message}");
            assert!(message.contains("no API key"), "{message}");
        }
    }
    let alive = calls::all(&channel, Some(&header(&living.reveal())), &nothing_like(&subject)).await.unwrap();
    assert!(alive.iter().all(is_answered), "{alive:?}");
    assert_eq!(stage.client.job(job.id).await.unwrap(), job);
}
