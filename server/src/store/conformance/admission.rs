//! Laws of admission, upload and lists.

use super::{Bed, DEADLINE, asks, at, stems};
use crate::job::JobState;
use crate::store::{Admission, Counts, NewJob, Settled};
use tributary_protocol::settings::{Setting, Settings};
use tributary_protocol::vocab::{ClipHeader, Credits, Sha256};

pub(in crate::store) async fn exactly_enough_credits_admit_and_are_held(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = NewJob { clip_is_stored: false, ..asks(10) };
    let job = bed.admit(&tenant, &new, 1).await;
    assert_eq!(
        (job.state, job.seq, job.held, job.captured),
        (JobState::Uploading, 1, Credits(10), Credits::ZERO)
    );
    assert_eq!((job.created_at, job.started_at, job.ended_at, job.attempt), (at(1), None, None, 0));
    assert_eq!(
        (&job.model, &job.stems, &job.title, job.clip),
        (&new.model, &new.stems, &new.title, new.clip)
    );
    assert_eq!(bed.balance(&tenant).await, (10, 10));
    assert_eq!(
        bed.store.counts().await.unwrap(),
        Counts { uploading: 1, holds_open: 1, ..Counts::default() }
    );
    assert_eq!(bed.job(&tenant, job.id).await, job);
}

pub(in crate::store) async fn one_credit_too_few_changes_nothing(bed: &Bed) {
    let tenant = bed.account(10).await;
    bed.admit(&tenant, &asks(3), 1).await;
    let new = asks(8);
    let refused = bed.store.admit(&tenant, &new, at(1)).await.unwrap();
    assert_eq!(refused, Admission::Insufficient { needed: Credits(8), available: Credits(7) });
    assert_eq!(bed.balance(&tenant).await, (10, 3));
    assert_eq!(bed.store.job(&tenant, new.id).await.unwrap(), None);
    bed.grant(&tenant, 1, "one more").await;
    bed.admit(&tenant, &new, 2).await;
}

pub(in crate::store) async fn the_same_request_again_answers_the_first_job(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = NewJob { open_max: 1, ..asks(10) };
    let job = bed.admit(&tenant, &new, 1).await;
    // A new title or price makes no new request; neither do limits or credits that would refuse a new one.
    let again = NewJob { title: "another".into(), quote: Credits(99), ..new.clone() };
    assert_eq!(bed.store.admit(&tenant, &again, at(2)).await.unwrap(), Admission::Known(job.clone()));
    let claim = bed.claim(3).await.unwrap();
    let Settled::Yes(done) = bed.store.finish(&claim, &stems(), at(4)).await.unwrap() else {
        panic!("settled")
    };
    assert_eq!(bed.store.admit(&tenant, &new, at(5)).await.unwrap(), Admission::Known(done));
    assert_eq!(bed.balance(&tenant).await, (0, 0));
}

pub(in crate::store) async fn another_request_under_the_same_id_is_a_conflict(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = asks(1);
    bed.admit(&tenant, &new, 1).await;
    let others = [
        NewJob { model: "maxi".into(), ..new.clone() },
        NewJob { stems: vec![], ..new.clone() },
        NewJob { clip: ClipHeader { sha256: Sha256([9; 32]), ..new.clip }, ..new.clone() },
        NewJob { clip: ClipHeader { frames: 1, ..new.clip }, ..new.clone() },
        NewJob { clip: ClipHeader { rate_hz: 48_000, ..new.clip }, ..new.clone() },
    ];
    for other in others {
        assert_eq!(bed.store.admit(&tenant, &other, at(2)).await.unwrap(), Admission::Conflict);
    }
    assert_eq!(bed.balance(&tenant).await, (10, 1));
}

pub(in crate::store) async fn the_open_jobs_of_an_account_are_limited(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let limited = |quote| NewJob { open_max: 2, ..asks(quote) };
    let first = bed.admit(&tenant, &limited(1), 1).await;
    bed.admit(&tenant, &limited(1), 1).await;
    let refused = bed.store.admit(&tenant, &limited(1), at(1)).await.unwrap();
    assert_eq!(refused, Admission::TooMany { open: 2 });
    assert_eq!(bed.balance(&tenant).await, (10, 2));
    bed.admit(&other, &limited(1), 1).await;
    bed.store.cancel(&tenant, first.id, at(2)).await.unwrap();
    bed.admit(&tenant, &limited(1), 3).await;
}

pub(in crate::store) async fn an_upload_queues_every_job_that_waits_for_it(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let clip = asks(0).clip;
    let waits = || NewJob { clip_is_stored: false, clip, ..asks(1) };
    let (one, two, not_ours) = (waits(), waits(), waits());
    bed.admit(&tenant, &one, 1).await;
    bed.admit(&tenant, &two, 2).await;
    bed.admit(&other, &not_ours, 2).await;
    assert_eq!(bed.store.awaited_clip(&tenant, clip.sha256).await.unwrap(), Some(clip));
    assert!(bed.claim(3).await.is_none(), "no clip, no work");

    assert_eq!(bed.store.uploaded(&tenant, clip.sha256, at(4)).await.unwrap(), [one.id, two.id]);
    assert_eq!(bed.store.uploaded(&tenant, clip.sha256, at(5)).await.unwrap(), []);
    assert_eq!(bed.store.awaited_clip(&tenant, clip.sha256).await.unwrap(), None);
    let job = bed.job(&tenant, one.id).await;
    assert_eq!((job.state, job.seq), (JobState::Queued, 2));
    assert_eq!(bed.job(&other, not_ours.id).await.state, JobState::Uploading);
}

pub(in crate::store) async fn a_job_waits_for_its_clip_and_every_reference(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let [clip, first, second] = [asks(0).clip, asks(0).clip, asks(0).clip];
    let references = vec![(first, false), (second, true)];
    let new = NewJob { clip_is_stored: false, clip, references, ..asks(1) };
    let job = bed.admit(&tenant, &new, 1).await;
    assert_eq!((job.state, &job.references), (JobState::Uploading, &vec![first, second]));
    assert_eq!(job.settings, new.settings);
    assert_eq!(bed.store.awaited_clip(&tenant, first.sha256).await.unwrap(), Some(first));
    assert_eq!(bed.store.awaited_clip(&other, first.sha256).await.unwrap(), None);
    let uploaded =
        async |clip: ClipHeader, now| bed.store.uploaded(&tenant, clip.sha256, at(now)).await.unwrap();
    assert_eq!(uploaded(clip, 2).await, [], "a reference is missing");
    assert_eq!(uploaded(second, 3).await, []);
    assert!(bed.claim(3).await.is_none());
    assert_eq!(uploaded(first, 4).await, [job.id]);
    assert_eq!(bed.claim(5).await.unwrap().job.references, [first, second]);
    let another = asks(1).id;
    assert!(bed.store.content_needed(&tenant, second.sha256, another).await.unwrap());
    assert!(!bed.store.content_needed(&tenant, second.sha256, job.id).await.unwrap());

    let all_there = NewJob { references: vec![(first, true)], ..asks(1) };
    assert_eq!(bed.admit(&tenant, &all_there, 6).await.state, JobState::Queued);
    let others = [
        NewJob { references: vec![], ..all_there.clone() },
        NewJob { references: vec![(second, true)], ..all_there.clone() },
        NewJob { settings: Settings::from([("strength_db".into(), Setting::Number(1.0))]), ..all_there },
    ];
    for other in others {
        assert_eq!(bed.store.admit(&tenant, &other, at(7)).await.unwrap(), Admission::Conflict);
    }
}

pub(in crate::store) async fn a_job_without_price_runs_without_moving_credits(bed: &Bed) {
    let tenant = bed.account(0).await;
    let claim = bed.running(&tenant, 0).await;
    let Settled::Yes(done) = bed.store.finish(&claim, &stems(), at(3)).await.unwrap() else {
        panic!("settled")
    };
    assert_eq!((done.state, done.captured), (JobState::Done, Credits::ZERO));
    assert_eq!(bed.store.history(&tenant, None, 10).await.unwrap(), []);
}

pub(in crate::store) async fn jobs_are_listed_newest_first_in_pages(bed: &Bed) {
    let tenant = bed.account(10).await;
    let mut jobs = Vec::new();
    for now in [1, 2, 2, 3] {
        jobs.insert(0, bed.admit(&tenant, &asks(1), now).await);
    }
    let claim = bed.claim(DEADLINE - 1).await.unwrap();
    assert_eq!(claim.job.id, jobs[3].id, "the oldest is claimed first");
    bed.store.finish(&claim, &stems(), at(DEADLINE)).await.unwrap();
    jobs[3] = bed.job(&tenant, jobs[3].id).await;
    assert_eq!(jobs[3].artifacts, stems(), "in the order they were given");
    assert_eq!(bed.store.jobs(&tenant, None, 10).await.unwrap(), jobs);
    assert_eq!(bed.store.jobs(&tenant, None, 2).await.unwrap(), jobs[..2]);
    assert_eq!(bed.store.jobs(&tenant, Some(jobs[1].id), 10).await.unwrap(), jobs[2..]);
    assert_eq!(bed.store.jobs(&tenant, Some(jobs[3].id), 10).await.unwrap(), []);
}
