//! Laws of claims, leases and the reaper.

use super::{Bed, DEADLINE, FREELY, asks, at, stems};
use crate::job::JobState;
use crate::store::{Cancelled, ClaimLimits, ClaimModels, Lease, NewJob, Reaped, Settled};
use crate::tenant::Tenant;

/// What was reaped; whose it was is a law of its own.
fn what(reaped: Vec<(Tenant, Reaped)>) -> Vec<Reaped> {
    reaped.into_iter().map(|(_, what)| what).collect()
}

pub(in crate::store) async fn a_worker_with_an_old_attempt_changes_nothing(bed: &Bed) {
    let tenant = bed.account(10).await;
    let slow = bed.running(&tenant, 4).await;
    let id = slow.job.id;
    assert_eq!(what(bed.store.reap(3, at(DEADLINE), 10).await.unwrap()), [Reaped::Requeued(id)]);
    for _ in 0..2 {
        let before = bed.job(&tenant, id).await;
        assert_eq!(bed.store.extend(&slow, 2, at(DEADLINE * 9)).await.unwrap(), Lease::Lost);
        assert_eq!(bed.store.finish(&slow, &stems(), at(DEADLINE)).await.unwrap(), Settled::Stale);
        assert_eq!(bed.store.fail(&slow, "no", at(DEADLINE)).await.unwrap(), Settled::Stale);
        assert_eq!(bed.store.stopped(&slow, 2, at(DEADLINE)).await.unwrap(), Settled::Stale);
        assert_eq!(bed.store.give_back(&slow, at(DEADLINE)).await.unwrap(), Settled::Stale);
        assert_eq!(bed.job(&tenant, id).await, before);
        if before.state == JobState::Queued {
            assert_eq!(bed.claim(DEADLINE - 1).await.unwrap().job.attempt, 2);
        }
    }
    // Cancelled by nobody's attempt, with nothing captured: still not the slow worker's doing.
    let second = bed.job(&tenant, id).await;
    assert_eq!((second.state, second.attempt), (JobState::Running, 2));
    assert_eq!(bed.balance(&tenant).await, (10, 4));
}

pub(in crate::store) async fn a_job_given_back_keeps_its_place_and_its_tries(bed: &Bed) {
    let tenant = bed.account(10).await;
    let first = bed.admit(&tenant, &asks(1), 1).await;
    let later = bed.admit(&tenant, &asks(1), 2).await;
    let limits = ClaimLimits { attempts: 1, ..FREELY };
    for attempt in 1..=5 {
        let claim = bed.store.claim("w", limits, at(3), at(DEADLINE)).await.unwrap().unwrap();
        assert_eq!((claim.job.id, claim.job.attempt), (first.id, attempt), "the fence rises all the same");
        bed.store.extend(&claim, 2, at(DEADLINE)).await.unwrap();
        let Settled::Yes(job) = bed.store.give_back(&claim, at(4)).await.unwrap() else {
            panic!("given back")
        };
        assert_eq!((job.state, job.chunks_done, job.started_at), (JobState::Queued, 0, Some(at(3))));
        assert_eq!(bed.store.give_back(&claim, at(4)).await.unwrap(), Settled::Stale);
    }
    assert_eq!(bed.store.queue_position(&tenant, later.id).await.unwrap(), 1);
    assert_eq!(bed.store.reap(1, at(DEADLINE), 10).await.unwrap(), []);
    assert_eq!(bed.balance(&tenant).await, (10, 2));
}

pub(in crate::store) async fn a_stopped_job_that_is_given_back_ends_released(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.cancel(&tenant, claim.job.id, at(3)).await.unwrap();
    let Settled::Yes(job) = bed.store.give_back(&claim, at(4)).await.unwrap() else { panic!("given back") };
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(bed.balance(&tenant).await, (10, 0));
    assert_eq!(
        bed.store.stopped(&claim, 0, at(5)).await.unwrap(),
        Settled::Stale,
        "it was not this that ended it"
    );
}

pub(in crate::store) async fn an_upload_that_never_came_expires(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = NewJob { clip_is_stored: false, ..asks(4) };
    bed.admit(&tenant, &new, 1).await;
    assert_eq!(bed.store.reap(3, at(DEADLINE - 1), 10).await.unwrap(), []);
    assert_eq!(bed.store.reap(3, at(DEADLINE), 10).await.unwrap(), [(tenant, Reaped::Expired(new.id))]);
    assert_eq!(bed.store.reap(3, at(DEADLINE), 10).await.unwrap(), []);
    let job = bed.job(&tenant, new.id).await;
    assert_eq!((job.state, job.ended_at), (JobState::Expired, Some(at(DEADLINE))));
    assert_eq!(bed.balance(&tenant).await, (10, 0));
    assert_eq!(bed.store.uploaded(&tenant, new.clip.sha256, at(DEADLINE)).await.unwrap(), [], "too late");
    assert!(matches!(bed.store.cancel(&tenant, new.id, at(DEADLINE)).await.unwrap(), Cancelled::Ended(_)));
}

pub(in crate::store) async fn an_upload_that_goes_on_does_not_expire(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = NewJob { clip_is_stored: false, ..asks(4) };
    bed.admit(&tenant, &new, 1).await;
    bed.store.still_uploading(&tenant, new.clip.sha256, at(2 * DEADLINE)).await.unwrap();
    assert_eq!(bed.store.reap(3, at(2 * DEADLINE - 1), 10).await.unwrap(), []);
    assert_eq!(what(bed.store.reap(3, at(2 * DEADLINE), 10).await.unwrap()), [Reaped::Expired(new.id)]);
}

pub(in crate::store) async fn a_lost_lease_is_queued_again_until_its_tries_are_used_up(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    let id = claim.job.id;
    bed.store.extend(&claim, 1, at(2 * DEADLINE)).await.unwrap();
    assert_eq!(bed.store.reap(2, at(2 * DEADLINE - 1), 10).await.unwrap(), [], "extended");
    assert_eq!(what(bed.store.reap(2, at(2 * DEADLINE), 10).await.unwrap()), [Reaped::Requeued(id)]);
    assert_eq!(bed.balance(&tenant).await, (10, 4));
    let claim = bed.claim(3).await.unwrap();
    assert_eq!((claim.job.id, claim.job.attempt, claim.job.chunks_done), (id, 2, 0));
    assert_eq!(what(bed.store.reap(2, at(DEADLINE), 10).await.unwrap()), [Reaped::Failed(id)]);
    let job = bed.job(&tenant, id).await;
    assert_eq!(job.state, JobState::Failed);
    let failure = job.failure.clone().unwrap();
    assert!(failure.contains("nothing was charged"), "{failure}");
    assert_eq!(
        bed.store.fail(&claim, &failure, at(DEADLINE)).await.unwrap(),
        Settled::Stale,
        "the reaper ended it"
    );
    assert_eq!(bed.balance(&tenant).await, (10, 0));
}

pub(in crate::store) async fn a_lost_lease_of_a_stopped_job_ends_released(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.extend(&claim, 3, at(DEADLINE)).await.unwrap();
    bed.store.cancel(&tenant, claim.job.id, at(3)).await.unwrap();
    assert_eq!(what(bed.store.reap(3, at(DEADLINE), 10).await.unwrap()), [Reaped::Cancelled(claim.job.id)]);
    let job = bed.job(&tenant, claim.job.id).await;
    assert_eq!((job.state, job.captured.0, job.chunks_done), (JobState::Cancelled, 0, 3));
    assert_eq!(bed.store.stopped(&claim, 3, at(DEADLINE)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.balance(&tenant).await, (10, 0));
}

pub(in crate::store) async fn reaping_is_bounded_by_its_limit(bed: &Bed) {
    let tenant = bed.account(10).await;
    for _ in 0..5 {
        bed.admit(&tenant, &NewJob { clip_is_stored: false, ..asks(1) }, 1).await;
    }
    for (reaped, held) in [(2, 3), (2, 1), (1, 0), (0, 0)] {
        assert_eq!(bed.store.reap(3, at(DEADLINE), 2).await.unwrap().len(), reaped);
        assert_eq!(bed.balance(&tenant).await, (10, held));
    }
}

pub(in crate::store) async fn claims_are_fair_between_accounts(bed: &Bed) {
    let (greedy, modest) = (bed.account(10).await, bed.account(10).await);
    let mut jobs = Vec::new();
    for now in 1..=4 {
        jobs.push(bed.admit(&greedy, &asks(1), now).await.id);
    }
    jobs.push(bed.admit(&modest, &asks(1), 9).await.id);
    let limits = ClaimLimits { per_account: 2, ..FREELY };
    let mut order = Vec::new();
    while let Some(claim) = bed.store.claim("w", limits, at(10), at(DEADLINE)).await.unwrap() {
        order.push(claim);
    }
    let claimed: Vec<_> = order.iter().map(|claim| claim.job.id).collect();
    assert_eq!(claimed, [jobs[0], jobs[4], jobs[1]], "oldest; who runs nothing; up to two of one account");
    assert_eq!(order[1].tenant, modest);
    bed.store.finish(&order[0], &stems(), at(11)).await.unwrap();
    let next = bed.store.claim("w", limits, at(12), at(DEADLINE)).await.unwrap().unwrap();
    assert_eq!(next.job.id, jobs[2]);
}

pub(in crate::store) async fn a_claim_is_of_the_models_named_or_of_what_is_old(bed: &Bed) {
    let tenant = bed.account(50).await;
    let mut jobs = Vec::new();
    for (now, model) in [(1, "large"), (2, "large"), (3, "mini"), (4, "\"'")] {
        jobs.push(bed.admit(&tenant, &NewJob { model: model.into(), ..asks(1) }, now).await.id);
    }
    let claimed = async |names: &[&str], before| {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let models = Some(ClaimModels { names: &names, or_made_before: at(before) });
        let claim =
            bed.store.claim("w", ClaimLimits { models, ..FREELY }, at(9), at(DEADLINE)).await.unwrap();
        claim.map(|claim| claim.job.id)
    };
    assert_eq!(claimed(&[], 1).await, None, "nothing is older than the oldest");
    assert_eq!(claimed(&["mini", "other"], 0).await, Some(jobs[2]), "what waits before it is left to others");
    assert_eq!(claimed(&["mini", "Large", "larg_", "%"], 0).await, None);
    assert_eq!(claimed(&["mini"], 2).await, Some(jobs[0]), "nobody could run it for too long");
    assert_eq!(claimed(&["mini"], 2).await, None);
    assert_eq!(claimed(&["\"'"], 0).await, Some(jobs[3]));
    assert_eq!(claimed(&["large"], 0).await, Some(jobs[1]));
}

pub(in crate::store) async fn the_place_in_the_queue_counts_those_before(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let late = NewJob { clip_is_stored: false, ..asks(1) };
    bed.admit(&tenant, &late, 1).await;
    bed.admit(&other, &asks(1), 2).await;
    let mine = bed.admit(&tenant, &asks(1), 3).await.id;
    assert_eq!(bed.store.queue_position(&tenant, late.id).await.unwrap(), 0, "not queued");
    assert_eq!(bed.store.queue_position(&tenant, mine).await.unwrap(), 1);
    bed.store.uploaded(&tenant, late.clip.sha256, at(4)).await.unwrap();
    assert_eq!(
        bed.store.queue_position(&tenant, late.id).await.unwrap(),
        2,
        "queued when its clip was there"
    );
    bed.claim(5).await.unwrap();
    assert_eq!(bed.store.queue_position(&tenant, mine).await.unwrap(), 0);
    assert_eq!(bed.store.queue_position(&tenant, late.id).await.unwrap(), 1);
}

pub(in crate::store) async fn a_lowered_limit_of_tries_ends_waiting_jobs(bed: &Bed) {
    let tenant = bed.account(10).await;
    let id = bed.running(&tenant, 4).await.job.id;
    assert_eq!(what(bed.store.reap(9, at(DEADLINE), 10).await.unwrap()), [Reaped::Requeued(id)]);
    let limits = ClaimLimits { attempts: 1, ..FREELY };
    assert!(bed.store.claim("w", limits, at(DEADLINE), at(2 * DEADLINE)).await.unwrap().is_none());
    assert_eq!(what(bed.store.reap(1, at(DEADLINE), 10).await.unwrap()), [Reaped::Failed(id)]);
    assert_eq!(bed.balance(&tenant).await, (10, 0));
}
