//! Laws of what may be deleted from the artifacts, and when.

use super::{Bed, asks, at, stems};
use crate::job::JobState;
use crate::store::{NewJob, Settled};
use tributary_protocol::vocab::{JobId, Sha256};

pub(in crate::store) async fn content_is_needed_while_a_job_that_is_not_forgotten_names_it(bed: &Bed) {
    let tenant = bed.account(10).await;
    let new = asks(1);
    let twin = NewJob { id: JobId::generate(), ..new.clone() };
    bed.admit(&tenant, &new, 1).await;
    bed.admit(&tenant, &twin, 2).await;
    let needed = async |content, except| bed.store.content_needed(&tenant, content, except).await.unwrap();
    let (clip, stem, nobody) = (new.clip.sha256, stems()[0].sha256, JobId::generate());
    assert!(needed(clip, new.id).await, "the twin needs it");
    assert!(!needed(stem, nobody).await);
    assert!(!needed(Sha256([0; 32]), nobody).await);

    for _ in 0..2 {
        let claim = bed.claim(3).await.unwrap();
        bed.store.finish(&claim, &stems(), at(4)).await.unwrap();
    }
    assert!(needed(stem, new.id).await && needed(stem, twin.id).await);
    bed.store.forget(&tenant, twin.id).await.unwrap();
    assert!(!needed(clip, new.id).await && !needed(stem, new.id).await);
    assert!(needed(clip, nobody).await && needed(stem, nobody).await);
    bed.store.forget(&tenant, new.id).await.unwrap();
    assert!(!needed(clip, nobody).await && !needed(stem, nobody).await);
}

pub(in crate::store) async fn forgetting_keeps_the_row_and_the_money(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.forget(&tenant, claim.job.id).await.unwrap();
    assert_eq!(bed.job(&tenant, claim.job.id).await, claim.job, "a job that runs is not forgotten");
    let Settled::Yes(done) = bed.store.finish(&claim, &stems(), at(4)).await.unwrap() else {
        panic!("settled")
    };
    for _ in 0..2 {
        bed.store.forget(&tenant, done.id).await.unwrap();
        let job = bed.job(&tenant, done.id).await;
        assert_eq!((job.state, job.captured, job.seq), (JobState::Done, done.captured, done.seq + 1));
        assert_eq!(job.artifacts, []);
    }
    assert!(matches!(bed.store.finish(&claim, &stems(), at(9)).await.unwrap(), Settled::Yes(_)));
    assert_eq!(bed.balance(&tenant).await, (6, 0));
}

pub(in crate::store) async fn stale_jobs_are_those_that_ended_and_are_not_forgotten(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let claim = bed.running(&tenant, 1).await;
    bed.store.finish(&claim, &stems(), at(20)).await.unwrap();
    let failed = bed.running(&other, 1).await;
    bed.store.fail(&failed, "no", at(10)).await.unwrap();
    let open = bed.admit(&tenant, &asks(1), 1).await;

    let stale = bed.store.stale_jobs(at(21), 10).await.unwrap();
    let ids: Vec<_> = stale.iter().map(|job| (job.account, job.id)).collect();
    assert_eq!(
        ids,
        [(other.account(), failed.job.id), (tenant.account(), claim.job.id)],
        "of all, oldest first"
    );
    assert_eq!(stale[1].artifacts, stems());
    assert_eq!(bed.store.stale_jobs(at(20), 10).await.unwrap().len(), 1, "ended before, not at");
    assert_eq!(bed.store.stale_jobs(at(21), 1).await.unwrap(), stale[..1]);
    bed.store.forget(&other, failed.job.id).await.unwrap();
    assert_eq!(bed.store.stale_jobs(at(21), 10).await.unwrap(), stale[1..]);
    assert_eq!(bed.job(&tenant, open.id).await.state, JobState::Queued);
}
