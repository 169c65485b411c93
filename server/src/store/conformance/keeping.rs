//! Laws of what accounts keep on the disk, and of what their people delete.

use super::{Bed, DEADLINE, asks, at, stems};
use crate::store::keeping::{Erased, StorageLimit};
use crate::store::{Admission, NewJob, Settled};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{ClipHeader, JobId, Sha256};

/// Of the clip that [`asks`] names: 44,100 frames of two channels.
const CLIP: u64 = 44_100 * 2 * 4;
/// Of both [`stems`].
const STEMS: u64 = 18;

/// A job whose results were erased: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    let claim = bed.running(tenant, 1).await;
    bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
    assert_eq!(bed.store.erase(tenant, claim.job.id, at(4)).await.unwrap(), Erased::Yes);
}

pub(in crate::store) async fn erased_results_are_seen_by_nobody_and_are_next_to_be_deleted(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let claim = bed.running(&tenant, 4).await;
    let id = claim.job.id;
    let erase = async |tenant, id| bed.store.erase(tenant, id, at(6)).await.unwrap();
    assert_eq!(erase(&tenant, id).await, Erased::Open, "its clip is still needed");
    assert_eq!(erase(&tenant, JobId::generate()).await, Erased::Unknown);
    let Settled::Yes(done) = bed.store.finish(&claim, &stems(), at(5)).await.unwrap() else {
        panic!("settled")
    };
    assert!(!done.erased);
    assert_eq!(erase(&other, id).await, Erased::Unknown, "another's job is none");
    assert_eq!(bed.store.stale_jobs(at(1), 10).await.unwrap(), []);

    assert_eq!((erase(&tenant, id).await, erase(&tenant, id).await), (Erased::Yes, Erased::Yes));
    let seen = [bed.job(&tenant, id).await, bed.store.jobs(&tenant, None, 10).await.unwrap().remove(0)];
    for job in seen {
        assert!(job.erased && job.artifacts.is_empty(), "{job:?}");
        assert_eq!((job.state, job.captured, &job.title), (done.state, done.captured, &done.title));
    }
    assert!(
        matches!(bed.store.finish(&claim, &stems(), at(9)).await.unwrap(), Settled::Yes(_)),
        "told again"
    );
    let stale = bed.store.stale_jobs(at(1), 10).await.unwrap();
    assert_eq!((stale.len(), stale[0].id, &stale[0].artifacts), (1, id, &stems()), "who deletes sees all");

    bed.store.forget(&tenant, id).await.unwrap();
    assert_eq!(bed.store.stale_jobs(at(1), 10).await.unwrap(), []);
    assert!(bed.job(&tenant, id).await.erased);
    assert_eq!(erase(&tenant, id).await, Erased::Yes);
    assert_eq!(bed.store.stale_jobs(at(1), 10).await.unwrap(), [], "there is nothing more to delete");
    assert_eq!(bed.balance(&tenant).await, (6, 0));
}

pub(in crate::store) async fn every_content_that_is_kept_counts_once(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let kept = async || bed.store.kept_bytes(&tenant).await.unwrap();
    assert_eq!(kept().await, 0);
    let new = asks(1);
    bed.admit(&tenant, &new, 1).await;
    assert_eq!(kept().await, CLIP * 3, "the clip, and what two stems will take");
    let reference = ClipHeader { sha256: Sha256([3; 32]), frames: 100, channels: 1, rate_hz: 44_100 };
    let twin = NewJob { id: JobId::generate(), references: vec![(reference, true)], ..new.clone() };
    bed.admit(&tenant, &twin, 2).await;
    assert_eq!(kept().await, CLIP * 5 + 400, "the same clip, two more stems, and a reference");
    for _ in 0..2 {
        let claim = bed.claim(3).await.unwrap();
        bed.store.finish(&claim, &stems(), at(4)).await.unwrap();
    }
    assert_eq!(kept().await, CLIP + STEMS + 400, "both made the same stems");
    bed.store.erase(&tenant, twin.id, at(5)).await.unwrap();
    assert_eq!(kept().await, CLIP + STEMS, "the reference was the twin's alone");
    bed.store.forget(&tenant, new.id).await.unwrap();
    assert_eq!(kept().await, 0);

    // A clip that never came takes room while it is awaited.
    bed.admit(&tenant, &NewJob { clip_is_stored: false, ..asks(1) }, 6).await;
    assert_eq!(kept().await, CLIP * 3);
    bed.store.reap(3, at(DEADLINE), 10).await.unwrap();
    assert_eq!(kept().await, 0);
    assert_eq!(bed.store.kept_bytes(&other).await.unwrap(), 0);
}

pub(in crate::store) async fn an_account_keeps_no_more_than_it_may(bed: &Bed) {
    let tenant = bed.account(10).await;
    let asks = |bytes| NewJob { storage_limit: Some(StorageLimit { bytes, needed: CLIP * 3 }), ..asks(1) };
    let admit = async |bytes| bed.store.admit(&tenant, &asks(bytes), at(1)).await.unwrap();
    assert_eq!(admit(CLIP * 3 - 1).await, Admission::OverStorage { kept: 0 });
    let Admission::Admitted(first) = admit(CLIP * 3).await else { panic!("exactly the limit") };
    assert_eq!(admit(CLIP * 6 - 1).await, Admission::OverStorage { kept: CLIP * 3 });
    assert_eq!(bed.balance(&tenant).await, (10, 1), "nothing was held for what was refused");
    bed.store.cancel(&tenant, first.id, at(2)).await.unwrap();
    bed.store.erase(&tenant, first.id, at(3)).await.unwrap();
    let Admission::Admitted(_) = admit(CLIP * 3).await else { panic!("there is room again") };
}
