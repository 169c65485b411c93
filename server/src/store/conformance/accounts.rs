//! Laws of accounts, keys, grants and history.

use super::{Bed, asks, at, nobodys, stems};
use crate::ledger::{Grant, LineKind};
use crate::store::{KeyRow, StoreError};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{AccountId, Credits, Sha256};

fn payment(amount: u64, payment_id: &str) -> Grant {
    Grant { amount: Credits(amount), payment_id: payment_id.into(), note: "paid".into(), expires_at: None }
}

pub(in crate::store) async fn a_name_is_given_once(bed: &Bed) {
    let (one, two) = (AccountId::generate(), AccountId::generate());
    bed.store.create_account(one, "studio", 100, at(0)).await.unwrap();
    for (id, name, taken) in [(two, "studio", "studio".to_owned()), (one, "other", one.to_string())] {
        let refused = bed.store.create_account(id, name, 100, at(0)).await;
        assert!(matches!(refused, Err(StoreError::Exists(what)) if what == taken));
    }
    bed.store.create_account(two, "attic", 300, at(0)).await.unwrap();
    let rows = bed.store.accounts().await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.name.as_str(), row.weight, row.balance.posted.0)).collect();
    assert_eq!(seen, [("attic", 300, 0), ("studio", 100, 0)]);
    assert_eq!(bed.store.account(&Tenant::acting_for(two)).await.unwrap(), rows[0]);
}

pub(in crate::store) async fn an_unknown_account_is_said_to_be_none(bed: &Bed) {
    let nobody = Tenant::acting_for(AccountId::generate());
    assert!(matches!(bed.store.account(&nobody).await, Err(StoreError::NoAccount)));
    assert!(matches!(bed.store.grant(&nobody, &payment(1, "p"), at(0)).await, Err(StoreError::NoAccount)));
    assert!(matches!(bed.store.admit(&nobody, &asks(0), at(0)).await, Err(StoreError::NoAccount)));
    let key = key_of(nobody.account(), "abcdefghijkl");
    assert!(matches!(bed.store.add_key(&nobody, &key, at(0)).await, Err(StoreError::NoAccount)));
    assert_eq!(bed.store.history(&nobody, None, 10).await.unwrap(), []);
}

pub(in crate::store) async fn a_payment_grants_once_whoever_asks_again(bed: &Bed) {
    let tenant = bed.account(0).await;
    for grant in [payment(60, "pay-1"), payment(60, "pay-1"), payment(99, "pay-1")] {
        let balance = bed.store.grant(&tenant, &grant, at(5)).await.unwrap();
        assert_eq!(balance.posted, Credits(60));
    }
    assert_eq!(bed.store.grant(&tenant, &payment(1, "pay-2"), at(5)).await.unwrap().posted, Credits(61));
    assert_eq!(bed.store.history(&tenant, None, 10).await.unwrap().len(), 2);
}

pub(in crate::store) async fn a_payment_of_another_account_is_refused(bed: &Bed) {
    let (one, two) = (bed.account(0).await, bed.account(0).await);
    bed.store.grant(&one, &payment(5, "pay"), at(0)).await.unwrap();
    let refused = bed.store.grant(&two, &payment(5, "pay"), at(0)).await;
    assert!(matches!(refused, Err(StoreError::Exists(what)) if what == "pay"));
    assert_eq!(bed.balance(&two).await, (0, 0));
}

pub(in crate::store) async fn more_than_an_account_can_hold_is_refused(bed: &Bed) {
    const MOST: u64 = 1 << 53;
    let tenant = bed.account(MOST - 1).await;
    for amount in [2, MOST, MOST + 1, u64::MAX] {
        let refused = bed.store.grant(&tenant, &payment(amount, "big"), at(0)).await;
        assert!(matches!(refused, Err(StoreError::TooLarge(Credits(what))) if what == amount));
    }
    bed.grant(&tenant, 1, "to the brim").await;
    assert_eq!(bed.balance(&tenant).await, (MOST, 0));
    let refused = bed.store.admit(&tenant, &asks(MOST + 1), at(0)).await;
    assert!(matches!(refused, Err(StoreError::TooLarge(_))));
    bed.admit(&tenant, &asks(MOST), 0).await;
    assert_eq!(bed.balance(&tenant).await, (MOST, MOST));
}

pub(in crate::store) async fn history_is_newest_first_with_the_credits_after_each_line(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 3).await;
    bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
    bed.grant(&tenant, 5, "second").await;
    let lines = bed.store.history(&tenant, None, 10).await.unwrap();
    let seen: Vec<_> = lines.iter().map(|l| (l.kind, l.amount.0, l.posted_after.0, l.job)).collect();
    let job = Some(claim.job.id);
    assert_eq!(
        seen,
        [(LineKind::Grant, 5, 12, None), (LineKind::Capture, 3, 7, job), (LineKind::Grant, 10, 10, None)]
    );
    assert_eq!((lines[1].at, lines[1].note.as_str(), lines[0].note.as_str()), (at(3), "Träume", "paid"));
    assert!(lines.windows(2).all(|pair| pair[0].line > pair[1].line));
    assert_eq!(bed.store.history(&tenant, Some(lines[0].line), 1).await.unwrap(), lines[1..2]);
    assert_eq!(bed.store.history(&tenant, Some(u64::MAX), 10).await.unwrap(), lines);
    assert_eq!(bed.store.history(&tenant, Some(0), 10).await.unwrap(), []);
}

pub(super) fn key_of(account: AccountId, prefix: &str) -> KeyRow {
    let secret_sha256 = Sha256([3; 32]);
    KeyRow { account, prefix: prefix.into(), secret_sha256, label: "laptop".into(), ..nobodys() }
}

pub(in crate::store) async fn a_revoked_key_is_found_dead_and_stays_so(bed: &Bed) {
    let tenant = bed.account(0).await;
    let (old, new) = (key_of(tenant.account(), "zzzzzzzzzzzz"), key_of(tenant.account(), "aaaaaaaaaaaa"));
    bed.store.add_key(&tenant, &old, at(1)).await.unwrap();
    bed.store.add_key(&tenant, &new, at(2)).await.unwrap();
    let twice = bed.store.add_key(&tenant, &new, at(3)).await;
    assert!(matches!(twice, Err(StoreError::Exists(what)) if what == "aaaaaaaaaaaa"));
    assert_eq!(bed.store.keys(&tenant).await.unwrap(), [old.clone(), new.clone()]);

    assert!(bed.store.revoke_key(&tenant, &old.prefix, at(4)).await.unwrap());
    assert!(!bed.store.revoke_key(&tenant, &old.prefix, at(5)).await.unwrap(), "dead already");
    let dead = bed.store.find_key(&old.prefix).await.unwrap().unwrap().key;
    assert_eq!(dead, KeyRow { revoked_at: Some(at(4)), ..old });
    assert_eq!(bed.store.find_key(&new.prefix).await.unwrap().map(|found| found.key), Some(new));
    assert_eq!(bed.store.find_key("cccccccccccc").await.unwrap(), None);
}
