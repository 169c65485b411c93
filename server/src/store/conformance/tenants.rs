//! Laws of isolation: what is another tenant's is answered exactly as what is not there.

use super::accounts::key_of;
use super::{Bed, asks, at, stems};
use crate::job::JobState;
use crate::store::{Cancelled, Claim, Lease, NewJob, Settled, Store};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{JobId, Sha256};

/// Everything `tenant` can be told about a job and a content by their names.
async fn answers(store: &dyn Store, tenant: &Tenant, id: JobId, content: Sha256) -> Vec<String> {
    vec![
        format!("{:?}", store.job(tenant, id).await.unwrap()),
        format!("{:?}", store.jobs(tenant, Some(id), 10).await.unwrap()),
        format!("{:?}", store.queue_position(tenant, id).await.unwrap()),
        format!("{:?}", store.awaited_clip(tenant, content).await.unwrap()),
        format!("{:?}", store.uploaded(tenant, content, at(3)).await.unwrap()),
        format!("{:?}", store.still_uploading(tenant, content, at(9999)).await.unwrap()),
        format!("{:?}", store.content_needed(tenant, content, JobId::generate()).await.unwrap()),
        format!("{:?}", store.forget(tenant, id).await.unwrap()),
        format!("{:?}", store.cancel(tenant, id, at(3)).await.unwrap()),
    ]
}

pub(in crate::store) async fn a_foreign_job_is_the_same_as_no_job(bed: &Bed) {
    let (owner, stranger) = (bed.account(20).await, bed.account(20).await);
    bed.admit(&stranger, &asks(1), 1).await;
    bed.claim(1).await.unwrap();
    let uploading = NewJob { clip_is_stored: false, ..asks(1) };
    let queued = asks(1);
    let nothing = answers(&*bed.store, &stranger, JobId::generate(), Sha256([8; 32])).await;
    bed.admit(&owner, &uploading, 1).await;
    let claim = bed.running(&owner, 1).await;
    bed.admit(&owner, &queued, 2).await;
    let done = bed.running_of(&queued).await;
    bed.store.finish(&done, &stems(), at(3)).await.unwrap();
    let stem = stems()[0].sha256;
    let ours =
        [(uploading.id, uploading.clip.sha256), (claim.job.id, claim.job.clip.sha256), (queued.id, stem)];
    for (id, content) in ours {
        let before = bed.job(&owner, id).await;
        assert_eq!(answers(&*bed.store, &stranger, id, content).await, nothing);
        assert_eq!(bed.job(&owner, id).await, before);
    }
    // A claim that names another account's job, as no honest worker has.
    let forged = Claim { tenant: stranger, ..claim.clone() };
    assert_eq!(bed.store.extend(&forged, 1, at(50)).await.unwrap(), Lease::Lost);
    assert_eq!(bed.store.give_back(&forged, at(3)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.store.finish(&forged, &stems(), at(3)).await.unwrap(), Settled::Stale);
    assert_eq!(bed.job(&owner, claim.job.id).await, claim.job);
    assert_eq!(bed.store.history(&stranger, None, 10).await.unwrap().len(), 1);
    assert_eq!(bed.store.jobs(&stranger, None, 10).await.unwrap().len(), 1);
}

impl Bed {
    async fn running_of(&self, new: &NewJob) -> Claim {
        let claim = self.claim(2).await.unwrap();
        assert_eq!(claim.job.id, new.id);
        claim
    }
}

pub(in crate::store) async fn a_foreign_key_is_the_same_as_no_key(bed: &Bed) {
    let (owner, stranger) = (bed.account(0).await, bed.account(0).await);
    let key = key_of(owner.account(), "abcdefghijkl");
    bed.store.add_key(&owner, &key, at(1)).await.unwrap();
    assert!(!bed.store.revoke_key(&stranger, &key.prefix, at(2)).await.unwrap());
    assert_eq!(bed.store.keys(&stranger).await.unwrap(), []);
    assert_eq!(bed.store.find_key(&key.prefix).await.unwrap().map(|found| found.key), Some(key));
}

/// An id names a job within its account, so whether others use it cannot be found out by trying.
pub(in crate::store) async fn two_tenants_may_use_one_id(bed: &Bed) {
    let (one, two) = (bed.account(10).await, bed.account(20).await);
    let new = asks(4);
    bed.admit(&one, &new, 1).await;
    bed.admit(&two, &NewJob { model: "maxi".into(), ..new.clone() }, 2).await;
    for (tenant, left) in [(one, 6), (two, 16)] {
        let claim = bed.claim(3).await.unwrap();
        assert_eq!((claim.tenant, claim.job.id), (tenant, new.id));
        let Settled::Yes(job) = bed.store.finish(&claim, &stems(), at(4)).await.unwrap() else {
            panic!("settled")
        };
        assert_eq!((job.state, job.account), (JobState::Done, tenant.account()));
        assert_eq!(bed.balance(&tenant).await, (left, 0));
    }
    bed.store.forget(&one, new.id).await.unwrap();
    assert_eq!(bed.job(&two, new.id).await.artifacts, stems());
    assert!(matches!(bed.store.cancel(&one, new.id, at(9)).await.unwrap(), Cancelled::Ended(_)));
}
