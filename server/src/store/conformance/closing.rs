//! Laws of accounts that are closed, and of people who are forgotten with them.

use super::people::{begin, invitation, signed_up, team};
use super::{Bed, asks, at, nobodys, purchases, stems, webhooks, widgets};
use crate::billing::PurchaseKind;
use crate::ledger::Grant;
use crate::people::{AddressKey, Role, trial_payment};
use crate::store::closing::{Closed, InTheWay};
use crate::store::people::{Accepted, NewPerson};
use crate::store::purchases::PurchaseStep;
use crate::store::terms::Refunded;
use crate::store::{Admission, KeyRow, StoreError};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{AccountId, Credits, PersonId};

async fn close(bed: &Bed, tenant: &Tenant, now: i64) -> Closed {
    bed.store.close(tenant, &AddressKey::generate(), at(now)).await.unwrap()
}

fn own(person: &NewPerson) -> Tenant {
    Tenant::acting_for(person.account)
}

/// Somebody who closed an account and had a trial: rows in every table, for tests of other things.
pub(in crate::store) async fn fill(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    bed.grant(&own(&ann), 3, &trial_payment(ann.person.id)).await;
    assert_eq!(close(bed, &own(&ann), 5).await, Closed::Yes);
}

pub(in crate::store) async fn an_account_closes_when_nothing_of_it_is_under_way(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    let tenant = own(&ann);
    bed.grant(&tenant, 10, "first").await;
    let claim = bed.running(&tenant, 1).await;
    let waits = bed.admit(&tenant, &asks(1), 3).await;
    let agreed = purchases::agreed(PurchaseKind::Checkout);
    bed.store.begin_purchase(&tenant, &agreed, at(3)).await.unwrap();
    let mut way = InTheWay { jobs: 2, purchases: 1 };
    assert_eq!(close(bed, &tenant, 4).await, Closed::Not(way));
    assert_eq!(bed.store.in_the_way(&tenant).await.unwrap(), way);
    bed.store.cancel(&tenant, waits.id, at(5)).await.unwrap();
    bed.store.finish(&claim, &stems(), at(5)).await.unwrap();
    way.jobs = 0;
    assert_eq!(close(bed, &tenant, 6).await, Closed::Not(way), "it may still be paid");
    assert_eq!(bed.store.account(&tenant).await.unwrap().closed_at, None);
    assert_eq!(bed.store.person_of(&ann.person.email).await.unwrap(), Some(ann.person.clone()));
    bed.store.step_purchase(&tenant, agreed.id, &PurchaseStep::Expired, at(7)).await.unwrap();
    assert_eq!(close(bed, &tenant, 8).await, Closed::Yes);
    assert_eq!(close(bed, &tenant, 9).await, Closed::Yes, "asked again");
    assert_eq!(bed.store.account(&tenant).await.unwrap().closed_at, Some(at(8)));
    let nobodys = Tenant::acting_for(AccountId::generate());
    let missing = bed.store.close(&nobodys, &AddressKey::generate(), at(9)).await;
    assert!(matches!(missing, Err(StoreError::NoAccount)));
}

pub(in crate::store) async fn closing_ends_all_of_an_account_but_its_lines(bed: &Bed) {
    let store = &bed.store;
    let (tenant, owner, member) = team(bed).await;
    let (other, _, _) = team(bed).await;
    let guest = signed_up(bed, "guest").await;
    let mut keys = Vec::new();
    for tenant in [&tenant, &other] {
        bed.grant(tenant, 10, &format!("of {}", tenant.account())).await;
        webhooks::fill(bed, tenant).await;
        let key = KeyRow { account: tenant.account(), ..nobodys() };
        store.add_key(tenant, &key, at(4)).await.unwrap();
        keys.push(key.prefix);
    }
    let (widget, others) = (widgets::add(bed, &tenant).await, widgets::add(bed, &other).await);
    let claim = bed.running(&tenant, 4).await;
    store.finish(&claim, &stems(), at(5)).await.unwrap();
    let asked = invitation(&guest, owner.person.id, Role::Member);
    store.invite(&tenant, &asked, at(6)).await.unwrap();
    let (here, elsewhere) =
        (begin(bed, &owner, tenant.account()).await, begin(bed, &owner, owner.account).await);
    let (lines, balance) = (store.history(&tenant, None, 10).await.unwrap(), bed.balance(&tenant).await);

    assert_eq!(close(bed, &tenant, 8).await, Closed::Yes);
    assert!(bed.job(&tenant, claim.job.id).await.erased);
    assert_eq!(store.stale_jobs(at(1), 10).await.unwrap().len(), 1, "the reaper deletes its files");
    let revoked = async |prefix: &str| store.find_key(prefix).await.unwrap().unwrap().key.revoked_at;
    assert_eq!((revoked(&keys[0]).await, revoked(&keys[1]).await), (Some(at(8)), None));
    assert_eq!(store.find_widget(&widget.token).await.unwrap(), None);
    assert_eq!(store.find_widget(&others.token).await.unwrap(), Some(others));
    assert_eq!(store.webhooks(&tenant).await.unwrap(), []);
    assert_eq!(store.webhooks(&other).await.unwrap().len(), 1);
    assert_eq!(store.invitations(&tenant, at(9)).await.unwrap(), []);
    let late = store.accept(asked.secret_sha256, guest.person.id, at(9)).await.unwrap();
    assert_eq!(late, Accepted::Gone);
    assert!(store.session(here, at(9)).await.unwrap().is_none());
    assert!(store.session(elsewhere, at(9)).await.unwrap().is_some());
    assert_eq!(store.members(&tenant, at(0)).await.unwrap(), []);
    for person in [&owner, &member] {
        assert_eq!(store.membership(person.person.id, tenant.account()).await.unwrap(), None);
    }
    assert_eq!(
        (store.history(&tenant, None, 10).await.unwrap(), bed.balance(&tenant).await),
        (lines, balance)
    );

    // Nothing comes to it any more, and nothing begins.
    let grant =
        Grant { amount: Credits(1), payment_id: "late".into(), note: String::new(), expires_at: None };
    assert!(matches!(store.grant(&tenant, &grant, at(9)).await, Err(StoreError::Closed)));
    let refund = store.refund(&tenant, claim.job.id, None, "late", at(9)).await;
    assert!(matches!(refund, Err(StoreError::Closed)), "{refund:?}");
    let key = KeyRow { account: tenant.account(), ..nobodys() };
    assert!(matches!(store.add_key(&tenant, &key, at(9)).await, Err(StoreError::Closed)));
    let agreed = purchases::agreed(PurchaseKind::Checkout);
    assert!(matches!(store.begin_purchase(&tenant, &agreed, at(9)).await, Err(StoreError::Closed)));
    store.suspend(&tenant, None).await.unwrap();
    assert_eq!(store.admit(&tenant, &asks(1), at(9)).await.unwrap(), Admission::Suspended);
    assert!(matches!(store.refund(&other, claim.job.id, None, "", at(9)).await.unwrap(), Refunded::Unknown));
    let row = store.accounts().await.unwrap().into_iter().find(|row| row.id == tenant.account()).unwrap();
    assert_eq!((row.closed_at, row.title.as_str()), (Some(at(8)), ""));
}

pub(in crate::store) async fn who_is_left_in_no_account_is_forgotten_and_nobody_else(bed: &Bed) {
    let store = &bed.store;
    let (tenant, owner, member) = team(bed).await;
    let person = async |id: PersonId| store.person(id).await.unwrap().unwrap();
    assert_eq!(close(bed, &own(&member), 5).await, Closed::Yes);
    assert_eq!(person(member.person.id).await, member.person, "they belong to the team");
    let session = begin(bed, &member, tenant.account()).await;
    let asked = invitation(&member, owner.person.id, Role::Admin);
    store.invite(&own(&owner), &asked, at(5)).await.unwrap();

    assert_eq!(close(bed, &tenant, 6).await, Closed::Yes);
    assert_eq!(person(owner.person.id).await, owner.person, "they have an account of their own");
    let gone = person(member.person.id).await;
    assert!(!gone.email.contains("example.org") && crate::people::email(&gone.email).is_none(), "{gone:?}");
    assert_eq!((gone.name.as_str(), gone.verified_at, gone.operates_since), ("", None, None));
    assert!(!gone.password.starts_with('$'), "no password is right");
    assert_eq!(store.person_of(&member.person.email).await.unwrap(), None);
    assert!(store.session(session, at(7)).await.unwrap().is_none());
    assert_eq!(store.memberships(member.person.id).await.unwrap(), []);

    // The address may come again, as somebody new, who is still asked elsewhere.
    let mut again = NewPerson { account: AccountId::generate(), ..member.clone() };
    again.person.id = PersonId::generate();
    assert!(store.sign_up(&again, at(8)).await.unwrap());
    let accepted = store.accept(asked.secret_sha256, again.person.id, at(9)).await.unwrap();
    assert_eq!(accepted, Accepted::Yes(owner.account));
}

pub(in crate::store) async fn whoever_had_a_trial_and_is_gone_is_known_by_a_hash_alone(bed: &Bed) {
    let (ann, bob, eve) =
        (signed_up(bed, "ann").await, signed_up(bed, "bob").await, signed_up(bed, "eve").await);
    for had in [&ann, &bob] {
        bed.grant(&own(had), 3, &trial_payment(had.person.id)).await;
    }
    let had = async |who: &NewPerson| bed.store.had_trial(&who.person.email).await.unwrap();
    assert!(!had(&ann).await, "they are still here");
    for (now, who) in [(5, &ann), (6, &eve), (7, &bob)] {
        assert_eq!(close(bed, &own(who), now).await, Closed::Yes);
    }
    assert_eq!((had(&ann).await, had(&bob).await, had(&eve).await), (true, true, false));
}
