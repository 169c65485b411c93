//! Laws of how holds end: once, by the holder of the attempt, for the right amount.

use super::{Bed, asks, at, stems};
use crate::job::JobState;
use crate::store::{Cancelled, Lease, NewJob, Settled};
use tributary_protocol::vocab::Credits;

pub(in crate::store) async fn a_finished_job_captures_its_hold(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    assert_eq!(bed.balance(&tenant).await, (10, 4));
    let Settled::Yes(job) = bed.store.finish(&claim, &stems(), at(5)).await.unwrap() else {
        panic!("settled")
    };
    assert_eq!((job.state, job.captured, job.released()), (JobState::Done, Credits(4), Credits::ZERO));
    assert_eq!((job.ended_at, job.artifacts.clone(), job.chunks_done), (Some(at(5)), stems(), 4));
    assert_eq!(bed.balance(&tenant).await, (6, 0));
    assert_eq!(bed.job(&tenant, job.id).await, job);
}

pub(in crate::store) async fn a_failed_job_costs_nothing(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    let Settled::Yes(job) = bed.store.fail(&claim, "not audio", at(5)).await.unwrap() else {
        panic!("settled")
    };
    assert_eq!((job.state, job.captured, job.released()), (JobState::Failed, Credits::ZERO, Credits(4)));
    assert_eq!(job.failure.as_deref(), Some("not audio"));
    assert_eq!(bed.balance(&tenant).await, (10, 0));
    assert_eq!(bed.store.history(&tenant, None, 10).await.unwrap().len(), 1, "only the grant");
}

pub(in crate::store) async fn a_stopped_job_pays_the_share_of_its_chunks(bed: &Bed) {
    for (chunks_done, paid) in [(0, 0), (1, 2), (3, 7), (4, 10), (9, 10)] {
        let tenant = bed.account(10).await;
        let claim = bed.running(&tenant, 10).await;
        assert!(matches!(bed.store.cancel(&tenant, claim.job.id, at(3)).await.unwrap(), Cancelled::Asked(_)));
        assert_eq!(bed.store.extend(&claim, 1, at(50)).await.unwrap(), Lease::CancelAsked);
        let settled = bed.store.stopped(&claim, chunks_done, at(5)).await.unwrap();
        let Settled::Yes(job) = settled else { panic!("settled") };
        assert_eq!((job.state, job.captured.0, job.released().0), (JobState::Cancelled, paid, 10 - paid));
        assert_eq!(bed.balance(&tenant).await, (10 - paid, 0));
    }
}

pub(in crate::store) async fn settling_again_in_the_same_way_answers_the_same(bed: &Bed) {
    let tenant = bed.account(30).await;
    let claim = bed.running(&tenant, 4).await;
    let first = bed.store.finish(&claim, &stems(), at(5)).await.unwrap();
    assert_eq!(bed.store.finish(&claim, &stems(), at(6)).await.unwrap(), first);
    let claim = bed.running(&tenant, 4).await;
    let first = bed.store.fail(&claim, "no", at(5)).await.unwrap();
    assert_eq!(bed.store.fail(&claim, "no", at(6)).await.unwrap(), first);
    let claim = bed.running(&tenant, 4).await;
    let first = bed.store.stopped(&claim, 2, at(5)).await.unwrap();
    assert_eq!(bed.store.stopped(&claim, 2, at(6)).await.unwrap(), first);
    assert_eq!(bed.balance(&tenant).await, (30 - 4 - 2, 0));
}

pub(in crate::store) async fn settling_again_in_another_way_is_stale(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.finish(&claim, &stems(), at(5)).await.unwrap();
    let done = bed.job(&tenant, claim.job.id).await;
    assert_eq!(bed.store.finish(&claim, &stems()[..1], at(6)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.store.fail(&claim, "no", at(6)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.store.stopped(&claim, 4, at(6)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.store.give_back(&claim, at(6)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.store.extend(&claim, 1, at(60)).await.unwrap(), Lease::Lost);
    assert_eq!(bed.job(&tenant, claim.job.id).await, done);
    assert_eq!(bed.balance(&tenant).await, (6, 0));
}

pub(in crate::store) async fn a_cancel_ends_waiting_jobs_and_asks_running_ones(bed: &Bed) {
    let tenant = bed.account(10).await;
    for clip_is_stored in [false, true] {
        let job = bed.admit(&tenant, &NewJob { clip_is_stored, ..asks(5) }, 1).await;
        let Cancelled::Now(ended) = bed.store.cancel(&tenant, job.id, at(2)).await.unwrap() else {
            panic!("now")
        };
        assert_eq!(
            (ended.state, ended.captured, ended.ended_at),
            (JobState::Cancelled, Credits::ZERO, Some(at(2)))
        );
        assert_eq!(bed.balance(&tenant).await, (10, 0));
    }
    assert!(bed.claim(3).await.is_none());
    let claim = bed.running(&tenant, 5).await;
    let Cancelled::Asked(job) = bed.store.cancel(&tenant, claim.job.id, at(4)).await.unwrap() else {
        panic!("asked")
    };
    assert_eq!((job.state, job.cancel_asked), (JobState::Running, true));
    assert_eq!(bed.job(&tenant, job.id).await, job);
    assert_eq!(bed.store.cancel(&tenant, job.id, at(5)).await.unwrap(), Cancelled::Asked(job));
    assert_eq!(bed.balance(&tenant).await, (10, 5), "held until the worker says what was done");
}

pub(in crate::store) async fn a_cancel_after_the_end_changes_nothing(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 5).await;
    bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
    let done = bed.job(&tenant, claim.job.id).await;
    assert_eq!(bed.store.cancel(&tenant, done.id, at(4)).await.unwrap(), Cancelled::Ended(done.clone()));
    assert_eq!(bed.job(&tenant, done.id).await, done);
}

pub(in crate::store) async fn seq_rises_by_one_with_every_visible_change(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = NewJob { clip_is_stored: false, ..asks(4) };
    assert_eq!(bed.admit(&tenant, &new, 1).await.seq, 1);
    bed.store.uploaded(&tenant, new.clip.sha256, at(2)).await.unwrap();
    let claim = bed.claim(3).await.unwrap();
    assert_eq!((claim.job.seq, claim.job.attempt, claim.job.started_at), (3, 1, Some(at(3))));
    for (chunks_done, seq, shown) in [(0, 3, 0), (1, 4, 1), (1, 4, 1), (0, 4, 1), (9, 5, 4)] {
        assert_eq!(bed.store.extend(&claim, chunks_done, at(50)).await.unwrap(), Lease::Held);
        let job = bed.job(&tenant, new.id).await;
        assert_eq!((job.seq, job.chunks_done), (seq, shown), "{chunks_done} chunks reported");
    }
    bed.store.cancel(&tenant, new.id, at(4)).await.unwrap();
    assert_eq!(bed.job(&tenant, new.id).await.seq, 6);
    bed.store.stopped(&claim, 4, at(5)).await.unwrap();
    assert_eq!(bed.job(&tenant, new.id).await.seq, 7);
}
