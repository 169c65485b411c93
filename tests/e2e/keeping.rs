//! How long results are kept, how much an account may keep, and what its people delete.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::client::{ClientError, JobState, NewJob};
use tributary_protocol::vocab::{Credits, JobId};
use tributary_server::Parts;
use tributary_server::clock::{Clock, ManualClock, SystemClock};
use tributary_tests::stage::{self, Stage};
use tributary_tests::wait;

const DAY: Duration = Duration::from_secs(86_400);
/// Of five seconds, two channels and four stems.
const CLIP_BYTES: u64 = 5 * 44_100 * 2 * 4;

/// Bytes of the clips and stems on the server's disk.
fn bytes_on_disk(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => bytes_on_disk(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn artifacts(stage: &Stage) -> std::path::PathBuf {
    stage.folder.path().join("data/artifacts")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_seen_no_more_and_leaves_the_disk() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(1, 5 * 44_100).unwrap();
    let waiting = JobId::generate();
    let other = stage.take(2, 44_100).unwrap();
    stage.client.create(&stage::wish(waiting, other.header)).await.unwrap();
    let open = stage.client.erase(waiting).await.unwrap_err();
    assert!(matches!(&open, ClientError::Refused { reason } if reason.contains("cancel it first")), "{open}");
    let unknown = stage.client.erase(JobId::generate()).await.unwrap_err();
    assert!(matches!(unknown, ClientError::UnknownJob { .. }), "{unknown}");
    stage.client.cancel(waiting).await.unwrap();

    let job = stage.separate(&take).await.unwrap();
    assert_eq!((job.state, job.stems.len(), job.erased), (JobState::Done, 4, false));
    let account = stage.client.account().await.unwrap();
    assert_eq!((account.kept_bytes, account.kept_bytes_max), (5 * CLIP_BYTES, None));
    assert!(bytes_on_disk(&artifacts(&stage)) > CLIP_BYTES);
    let erased = stage.client.erase(job.id).await.unwrap();
    assert!(erased.erased && erased.stems.is_empty() && erased.kept_until_us.is_none(), "{erased:?}");
    assert_eq!((erased.state, erased.captured, &erased.title), (JobState::Done, job.captured, &job.title));
    let to = stage.folder.path().join("drums.f32");
    let gone = stage.client.download(&job, "drums", &to, |_| {}).await.unwrap_err();
    assert!(matches!(&gone, ClientError::Refused { reason } if reason.contains("no longer")), "{gone}");
    assert_eq!(stage.client.account().await.unwrap().kept_bytes, 0);
    wait::until("the files are gone", async || (bytes_on_disk(&artifacts(&stage)) == 0).then_some(())).await;
    assert!(stage.client.erase(job.id).await.unwrap().erased, "and again");

    // The same clip is sent anew, and its job is another.
    let again = stage.separate(&take).await.unwrap();
    assert_eq!((again.state, again.stems == job.stems), (JobState::Done, true));
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_kept_for_as_long_as_was_told() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let parts = Parts { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Parts::default() };
    let stage = Stage::with(stage::config(), parts).await.unwrap();
    assert_eq!(stage.client.account().await.unwrap().keep_days, 30);
    let job = stage.separate(&stage.take(1, 5 * 44_100).unwrap()).await.unwrap();
    let (ended, until) = (job.ended_at_us.unwrap(), job.kept_until_us.unwrap());
    assert_eq!(until - ended, 30 * 86_400_000_000);
    clock.advance(29 * DAY);
    stage.stem(&job, "drums").await.unwrap();
    clock.advance(DAY);
    clock.advance(Duration::from_secs(1));
    let look = async || stage.client.job(job.id).await.unwrap().erased.then_some(());
    wait::until("the server deletes it", look).await;
    wait::until("the files are gone", async || (bytes_on_disk(&artifacts(&stage)) == 0).then_some(())).await;
    assert_eq!(stage.client.account().await.unwrap().kept_bytes, 0);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_keeps_all_it_may_deletes_something_first() {
    let mut config = stage::config();
    config.limits.storage_mb = 12;
    let stage = Stage::with(config, Parts::default()).await.unwrap();
    let first = stage.separate(&stage.take(1, 5 * 44_100).unwrap()).await.unwrap();
    let before = stage.client.account().await.unwrap();
    assert_eq!((before.kept_bytes, before.kept_bytes_max), (5 * CLIP_BYTES, Some(12 << 20)));
    let take = stage.take(2, 5 * 44_100).unwrap();
    let refused = stage.separate(&take).await.unwrap_err().to_string();
    assert_eq!(refused, "create");
    let wish = stage::wish(JobId::generate(), take.header);
    let refused = stage.client.create(&wish).await.unwrap_err().to_string();
    let words =
        "keeps 8.4 MB of the 12.0 MB it may on this server, and this job may add 8.4 MB: delete results";
    assert!(refused.contains(words), "{refused}");
    assert_eq!(stage.client.account().await.unwrap(), before, "nothing was held");
    stage.client.erase(first.id).await.unwrap();
    assert_eq!(stage.separate(&take).await.unwrap().state, JobState::Done);
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_costs_no_more_than_was_seen_whatever_prices_do() {
    let stage = Stage::new().await.unwrap();
    let take = stage.take(1, 5 * 44_100).unwrap();
    let at_most =
        |id, credits| NewJob { credits_max: Some(Credits(credits)), ..stage::wish(id, take.header) };
    let (admitted, late) = (JobId::generate(), JobId::generate());
    let job = stage.client.create(&at_most(admitted, 1)).await.unwrap();
    assert_eq!(job.held, Credits(1));
    let folder = stage.stop().await;
    let mut config = stage::config();
    config.prices.insert("mini".to_owned(), 3);
    let stage = Stage::on(folder, config, Parts::default()).await.unwrap();
    // Admitted is admitted: at its price, and asking again changes nothing.
    assert_eq!(stage.client.create(&at_most(admitted, 1)).await.unwrap().held, Credits(1));
    let refused = stage.client.create(&at_most(late, 1)).await.unwrap_err();
    let words = "costs 3 credits by now, not 1 credit";
    assert!(matches!(&refused, ClientError::Refused { reason } if reason.contains(words)), "{refused}");
    assert_eq!(stage.client.account().await.unwrap().held, Credits(1));
    assert_eq!(stage.client.create(&at_most(late, 3)).await.unwrap().held, Credits(3));
    let done = stage::run(&stage.client, &take, admitted).await.unwrap();
    assert_eq!((done.state, done.captured), (JobState::Done, Credits(1)));
    stage.audit().await.unwrap();
}
