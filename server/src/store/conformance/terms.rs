//! Laws of credits that end, refunds, takebacks, limits and usage.

use super::{Bed, DEADLINE, asks, at, stems};
use crate::ledger::{Grant, LineKind, Lot};
use crate::people::Person;
use crate::store::people::NewPerson;
use crate::store::terms::{Refunded, TakenBack};
use crate::store::{Admission, NewJob, SpendLimit};
use crate::tenant::Tenant;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, Credits, JobId, PersonId};

async fn person(bed: &Bed) -> PersonId {
    let id = PersonId::generate();
    let person = Person {
        id,
        email: format!("{id}@example.org"),
        name: String::new(),
        password: "$argon2id$".to_owned(),
        verified_at: None,
        operates_since: None,
    };
    bed.store.sign_up(&NewPerson { person, account: AccountId::generate() }, at(0)).await.unwrap();
    id
}

/// Credits that end after so many seconds.
async fn ending(bed: &Bed, tenant: &Tenant, credits: u64, expires: i64) {
    let payment_id = format!("promo-{}", JobId::generate());
    let note = "promotion".to_owned();
    let grant = Grant { amount: Credits(credits), payment_id, note, expires_at: Some(at(expires)) };
    bed.store.grant(tenant, &grant, at(0)).await.unwrap();
}

async fn lots(bed: &Bed, tenant: &Tenant) -> Vec<(u64, i64)> {
    let lots = bed.store.lots(tenant).await.unwrap();
    lots.into_iter().map(|Lot { left, expires_at }| (left.0, expires_at.0 / 1_000_000)).collect()
}

async fn spend(bed: &Bed, tenant: &Tenant, credits: u64) -> JobId {
    let claim = bed.running(tenant, credits).await;
    bed.store.finish(&claim, &stems(), at(3)).await.unwrap();
    claim.job.id
}

/// A lot, a part of which was spent: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    ending(bed, tenant, 3, 500).await;
    spend(bed, tenant, 2).await;
}

pub(in crate::store) async fn a_members_limit_is_for_what_is_held_and_taken_since_the_month_began(bed: &Bed) {
    let tenant = bed.account(100).await;
    let (ann, bob) = (person(bed).await, person(bed).await);
    let spend_limit = Some(SpendLimit { credits: Credits(10), since: at(50) });
    let asks = |person, quote| NewJob { person: Some(person), spend_limit, ..asks(quote) };
    bed.admit(&tenant, &asks(ann, 9), 49).await;
    let before = bed.claim(49).await.unwrap();
    bed.store.finish(&before, &stems(), at(60)).await.unwrap();
    bed.admit(&tenant, &asks(ann, 6), 51).await;
    let claim = bed.claim(52).await.unwrap();
    let admit = |new: NewJob, now| async move { bed.store.admit(&tenant, &new, at(now)).await.unwrap() };
    assert_eq!(admit(asks(ann, 5), 53).await, Admission::OverLimit { spent: Credits(6) });
    let Admission::Admitted(_) = admit(asks(bob, 10), 53).await else {
        panic!("another's limit is their own")
    };
    // A failed job gives its share of the limit back.
    bed.store.fail(&claim, "broken", at(54)).await.unwrap();
    let Admission::Admitted(_) = admit(asks(ann, 10), 55).await else { panic!("exactly the limit") };
    assert_eq!(admit(asks(ann, 1), 56).await, Admission::OverLimit { spent: Credits(10) });
    let Admission::Admitted(_) = admit(NewJob { person: Some(ann), ..super::asks(1) }, 57).await else {
        panic!("without a limit")
    };
}

pub(in crate::store) async fn a_suspended_account_starts_nothing(bed: &Bed) {
    let tenant = bed.account(10).await;
    let claim = bed.running(&tenant, 4).await;
    bed.store.suspend(&tenant, Some(at(3))).await.unwrap();
    assert_eq!(bed.store.account(&tenant).await.unwrap().suspended_at, Some(at(3)));
    assert_eq!(bed.store.admit(&tenant, &asks(1), at(4)).await.unwrap(), Admission::Suspended);
    bed.store.finish(&claim, &stems(), at(5)).await.unwrap();
    assert_eq!(bed.balance(&tenant).await, (6, 0), "what runs ends as it would");
    bed.store.suspend(&tenant, None).await.unwrap();
    bed.admit(&tenant, &asks(1), 6).await;
}

pub(in crate::store) async fn credits_that_end_are_spent_first_and_the_soonest_before_others(bed: &Bed) {
    let tenant = bed.account(10).await;
    ending(bed, &tenant, 5, 300).await;
    ending(bed, &tenant, 3, 200).await;
    assert_eq!(bed.balance(&tenant).await, (18, 0));
    assert_eq!(lots(bed, &tenant).await, [(3, 200), (5, 300)]);
    spend(bed, &tenant, 2).await;
    assert_eq!(lots(bed, &tenant).await, [(1, 200), (5, 300)]);
    spend(bed, &tenant, 3).await;
    assert_eq!(lots(bed, &tenant).await, [(3, 300)]);
    assert_eq!(bed.store.expire_lots(at(299), 100).await.unwrap(), Credits(0));
    assert_eq!(bed.store.expire_lots(at(300), 100).await.unwrap(), Credits(3));
    assert_eq!(bed.store.expire_lots(at(301), 100).await.unwrap(), Credits(0), "gone once");
    assert_eq!(bed.balance(&tenant).await, (10, 0));
    let line = &bed.store.history(&tenant, None, 1).await.unwrap()[0];
    assert_eq!((line.kind, line.amount, line.posted_after), (LineKind::Expiry, Credits(3), Credits(10)));
    assert_eq!(lots(bed, &tenant).await, []);
}

pub(in crate::store) async fn credits_that_are_held_when_they_end_end_when_they_come_back(bed: &Bed) {
    let tenant = bed.account(0).await;
    ending(bed, &tenant, 10, 200).await;
    let (spent, released) = (bed.running(&tenant, 4).await, bed.running(&tenant, 3).await);
    assert_eq!(bed.store.expire_lots(at(200), 100).await.unwrap(), Credits(3), "what nobody holds");
    assert_eq!(bed.balance(&tenant).await, (7, 7));
    assert_eq!(bed.store.expire_lots(at(201), 100).await.unwrap(), Credits(0));
    bed.store.finish(&spent, &stems(), at(202)).await.unwrap();
    bed.store.fail(&released, "broken", at(203)).await.unwrap();
    assert_eq!(lots(bed, &tenant).await, [(3, 200)]);
    assert_eq!(bed.store.expire_lots(at(204), 100).await.unwrap(), Credits(3));
    assert_eq!(bed.balance(&tenant).await, (0, 0));
}

pub(in crate::store) async fn a_job_is_refunded_once_and_never_more_than_it_took(bed: &Bed) {
    let (tenant, other) = (bed.account(10).await, bed.account(10).await);
    let job = spend(bed, &tenant, 6).await;
    let refund = |tenant, amount: Option<u64>| {
        bed.store.refund(tenant, job, amount.map(Credits), "noise in the vocals", at(5))
    };
    assert_eq!(refund(&other, None).await.unwrap(), Refunded::Unknown);
    assert_eq!(refund(&tenant, Some(7)).await.unwrap(), Refunded::TooMuch(Credits(6)));
    assert_eq!(refund(&tenant, Some(0)).await.unwrap(), Refunded::TooMuch(Credits(6)));
    for _ in 0..2 {
        let Refunded::Yes(credits, balance) = refund(&tenant, Some(5)).await.unwrap() else { panic!("yes") };
        assert_eq!((credits, balance.posted), (Credits(5), Credits(9)));
    }
    let line = &bed.store.history(&tenant, None, 1).await.unwrap()[0];
    assert_eq!(
        (line.kind, line.job, line.note.as_str()),
        (LineKind::Refund, Some(job), "noise in the vocals")
    );
    let claim = bed.running(&tenant, 1).await;
    let running = bed.store.refund(&tenant, claim.job.id, None, "", at(6)).await.unwrap();
    assert_eq!(running, Refunded::Unknown);
    bed.store.fail(&claim, "broken", at(7)).await.unwrap();
    let failed = bed.store.refund(&tenant, claim.job.id, None, "", at(8)).await.unwrap();
    assert_eq!(failed, Refunded::TooMuch(Credits(0)));
}

pub(in crate::store) async fn a_payment_is_taken_back_once_as_far_as_it_is_there(bed: &Bed) {
    let tenant = bed.account(10).await;
    ending(bed, &tenant, 4, DEADLINE).await;
    let claim = bed.running(&tenant, 3).await;
    let take =
        |payment, credits| bed.store.take_back(&tenant, payment, Credits(credits), "card refund", at(5));
    for _ in 0..2 {
        let expected = TakenBack { taken: Credits(2), missing: Credits(0) };
        assert_eq!(take("refund-1", 2).await.unwrap(), expected);
    }
    assert_eq!(bed.balance(&tenant).await, (12, 3));
    assert_eq!(lots(bed, &tenant).await, [(4, DEADLINE)], "paid credits go first");
    let expected = TakenBack { taken: Credits(9), missing: Credits(11) };
    assert_eq!(take("refund-2", 20).await.unwrap(), expected);
    assert_eq!(bed.balance(&tenant).await, (3, 3));
    assert_eq!(lots(bed, &tenant).await, [(3, DEADLINE)], "no more than the account has");
    let nothing = TakenBack { taken: Credits(0), missing: Credits(1) };
    assert_eq!(take("refund-3", 1).await.unwrap(), nothing);
    bed.store.finish(&claim, &stems(), at(6)).await.unwrap();
    assert_eq!(bed.balance(&tenant).await, (0, 0));
}

pub(in crate::store) async fn usage_is_counted_by_day_model_and_person(bed: &Bed) {
    const DAY: i64 = 86_400;
    let (tenant, other) = (bed.account(100).await, bed.account(100).await);
    let ann = person(bed).await;
    for (tenant, person, quote, done, day) in [
        (&tenant, Some(ann), 4, true, 10),
        (&tenant, Some(ann), 5, true, 10),
        (&tenant, Some(ann), 6, false, 10),
        (&tenant, None, 7, true, 11),
        (&other, None, 8, true, 10),
    ] {
        bed.admit(tenant, &NewJob { person, ..asks(quote) }, 1).await;
        let claim = bed.claim(2).await.unwrap();
        let store = &bed.store;
        store.add_device_time(tenant, claim.job.id, Duration::from_millis(1500)).await.unwrap();
        if done {
            store.finish(&claim, &stems(), at(day * DAY + 5)).await.unwrap();
        } else {
            store.fail(&claim, "broken", at(day * DAY + 6)).await.unwrap();
        }
    }
    let seen = bed.store.usage(&tenant, at(10 * DAY), at(12 * DAY)).await.unwrap();
    let rows: Vec<_> =
        seen.iter().map(|row| (row.day, row.person, row.jobs, row.done, row.captured.0)).collect();
    assert_eq!(rows, [(at(10 * DAY), Some(ann), 3, 2, 9), (at(11 * DAY), None, 1, 1, 7)]);
    assert_eq!(seen[0].model, "mini");
    assert_eq!((seen[0].sound, seen[0].device), (Duration::from_secs(3), Duration::from_millis(4500)));
    assert_eq!(bed.store.usage(&tenant, at(0), at(10 * DAY)).await.unwrap(), []);
    let all = bed.store.usage_of_all(at(0), at(12 * DAY)).await.unwrap();
    let rows: Vec<_> = all.iter().map(|row| (row.person, row.jobs, row.captured.0)).collect();
    assert_eq!(rows, [(None, 4, 17), (None, 1, 7)]);
}
