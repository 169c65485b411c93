//! Sharing the device: a short job does not wait for a long one, and equals advance equally. Compares counts of
//! chunks, never times.

use tributary_protocol::client::{Client, JobState};
use tributary_protocol::vocab::JobId;
use tributary_tests::journal::Journal;
use tributary_tests::stage::{self, Take};
use tributary_tests::{Stage, wait};

/// A rate that makes clips small; the model has as much to do as with any other.
const RATE_HZ: u32 = 8_000;

fn take(stage: &Stage, seed: u32, seconds: u64) -> Take {
    stage::take(stage.folder.path(), seed, seconds * u64::from(RATE_HZ), 1, RATE_HZ).unwrap()
}

async fn submit(client: &Client, take: &Take) -> JobId {
    let id = JobId::generate();
    client.create(&stage::wish(id, take.header)).await.unwrap();
    client.upload(&take.header, &take.file, |_| {}).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_job_ends_while_most_of_a_long_one_that_came_before_is_left() {
    let (journal, parts) = Journal::new();
    let stage = Stage::with(stage::config(), parts).await.unwrap();
    let (_, other) = stage.account("other", 10).await.unwrap();
    let long = submit(&stage.client, &take(&stage, 1, 600)).await;
    wait::until("the long job's first chunk", async || (journal.chunks(long) > 0).then_some(())).await;

    let before = journal.chunks(long);
    let short = stage::run(&other, &take(&stage, 2, 25), JobId::generate()).await.unwrap();
    let job = stage.client.cancel(long).await.unwrap();
    assert_eq!((short.state, short.chunks), (JobState::Done, 3));
    assert_eq!((job.state, job.chunks), (JobState::Running, 58));
    // Counted until the short job's end was known here, which takes a while longer than its chunks.
    let meanwhile = journal.chunks(long) - before;
    assert!(journal.chunks(long) < job.chunks / 2, "{meanwhile} chunks of the long job were run meanwhile");
    // Up to its last chunk the short job had every second turn, but for what was in flight when it came.
    let order = journal.chunks_in_order();
    let first = order.iter().position(|of| *of == short.id).unwrap();
    let last = order.iter().rposition(|of| *of == short.id).unwrap();
    let between = order[first..last].iter().filter(|of| **of == long).count();
    assert!(between <= 4, "{between} chunks of the long job between the short job's three");
    stage.audit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_with_equal_work_advance_side_by_side() {
    let (journal, parts) = Journal::new();
    let mut config = stage::config();
    config.worker.jobs = 2;
    let stage = Stage::with(config, parts).await.unwrap();
    let (_, other) = stage.account("other", 10).await.unwrap();
    let (_, third) = stage.account("third", 10).await.unwrap();
    // A third account has both slots until both jobs wait for one, so that they begin together.
    let long = take(&stage, 3, 300);
    let slots = [submit(&third, &long).await, submit(&third, &long).await];
    for slot in slots {
        wait::until("a slot to be taken", async || (journal.chunks(slot) > 0).then_some(())).await;
    }
    let (mine, its) = (take(&stage, 1, 120), take(&stage, 2, 120));
    let (mine_id, its_id) = (submit(&stage.client, &mine).await, submit(&other, &its).await);
    for slot in slots {
        third.cancel(slot).await.unwrap();
    }
    let (mine, its) =
        tokio::join!(stage::run(&stage.client, &mine, mine_id), stage::run(&other, &its, its_id));
    let (mine, its) = (mine.unwrap(), its.unwrap());
    assert_eq!((mine.state, its.state, mine.chunks), (JobState::Done, JobState::Done, its.chunks));

    // From the moment both have begun until one has all its chunks.
    let (mut counts, mut lead, mut apart) = ([0_i64; 2], None, 0);
    for of in journal.chunks_in_order().into_iter().filter(|of| [mine_id, its_id].contains(of)) {
        counts[usize::from(of == its.id)] += 1;
        if counts.contains(&0) {
            continue;
        }
        let ahead = counts[0] - counts[1];
        let lead = *lead.get_or_insert(ahead);
        apart = apart.max((ahead - lead).abs());
        if counts.contains(&i64::from(mine.chunks)) {
            break;
        }
    }
    // A batch holds two chunks, and four of a job may be between the device and its stems.
    assert!(apart <= 4, "{apart} chunks apart");
    assert!(counts.iter().all(|count| *count > i64::from(mine.chunks) / 2), "both ran at once: {counts:?}");
    stage.audit().await.unwrap();
}
