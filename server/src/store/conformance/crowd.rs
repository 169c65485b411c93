//! Laws under contention: many at once, the same sums.

use super::{Bed, asks, at, stems};
use crate::store::{Admission, Settled};
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The answers of `tasks` futures that run at the same time.
async fn together<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    tasks: usize,
    make: impl Fn(usize) -> F,
) -> Vec<T> {
    (0..tasks).map(make).collect::<JoinSet<_>>().join_all().await
}

pub(in crate::store) async fn sixty_four_spenders_spend_exactly_what_is_there(bed: &Bed) {
    let tenant = bed.account(1000).await;
    let admitted = together(64, |_| {
        let store = Arc::clone(&bed.store);
        async move {
            let mut admitted = 0;
            for _ in 0..32 {
                let new = crate::store::NewJob { open_max: u32::MAX, ..asks(1) };
                match store.admit(&tenant, &new, at(1)).await.expect("contention is no error") {
                    Admission::Admitted(_) => admitted += 1,
                    Admission::Insufficient { .. } => {}
                    other => panic!("{other:?}"),
                }
            }
            admitted
        }
    });
    assert_eq!(admitted.await.iter().sum::<u32>(), 1000);
    assert_eq!(bed.balance(&tenant).await, (1000, 1000));
    assert_eq!(bed.store.counts().await.unwrap().queued, 1000);
}

pub(in crate::store) async fn eight_workers_claim_each_job_once(bed: &Bed) {
    const JOBS: usize = 120;
    let tenants = [bed.account(100).await, bed.account(100).await, bed.account(100).await];
    for number in 0..JOBS {
        bed.admit(&tenants[number % 3], &asks(1), 1).await;
    }
    let claimed = together(8, |_| {
        let store = Arc::clone(&bed.store);
        async move {
            let mut ids = Vec::new();
            while let Some(claim) = store.claim("w", super::FREELY, at(2), at(99)).await.unwrap() {
                assert_eq!(claim.job.attempt, 1);
                assert!(matches!(store.finish(&claim, &stems(), at(3)).await.unwrap(), Settled::Yes(_)));
                ids.push(claim.job.id);
            }
            ids
        }
    });
    let claimed = claimed.await.concat();
    assert_eq!(claimed.len(), JOBS);
    assert_eq!(claimed.iter().collect::<HashSet<_>>().len(), JOBS);
    for tenant in &tenants {
        assert_eq!(bed.balance(tenant).await, (60, 0));
    }
}

pub(in crate::store) async fn a_hold_settled_by_many_at_once_is_settled_once(bed: &Bed) {
    let tenant = bed.account(40).await;
    for _ in 0..10 {
        let claim = bed.running(&tenant, 4).await;
        let settled = together(12, |who| {
            let (store, claim) = (Arc::clone(&bed.store), claim.clone());
            async move {
                match who % 3 {
                    0 => store.finish(&claim, &stems(), at(3)).await.unwrap(),
                    1 => store.fail(&claim, "no", at(3)).await.unwrap(),
                    _ => store.stopped(&claim, 2, at(3)).await.unwrap(),
                }
            }
        });
        let settled = settled.await;
        let jobs: Vec<_> = settled.iter().filter(|answer| **answer != Settled::Stale).collect();
        assert_eq!(jobs.len(), 4, "the four who asked for what happened, and nobody else");
        assert!(jobs.iter().all(|job| *job == jobs[0]));
    }
    let paid: u64 = bed.store.jobs(&tenant, None, 20).await.unwrap().iter().map(|job| job.captured.0).sum();
    assert_eq!(bed.balance(&tenant).await, (40 - paid, 0));
}
