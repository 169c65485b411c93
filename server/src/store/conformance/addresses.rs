//! Laws of addresses that change.

use super::people::{begin, invitation, secret, signed_up};
use super::{Bed, at};
use crate::people::{AddressKey, LinkPurpose, Role, trial_payment};
use crate::store::addresses::{Moved, NewAddress};
use crate::store::people::{Accepted, NewPerson};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{AccountId, PersonId, Sha256};

/// Somebody wants another address; the link's secret.
pub(in crate::store) async fn ask(bed: &Bed, who: &NewPerson, name: &str) -> Sha256 {
    let secret_sha256 = secret();
    let email = format!("{name}-{}@elsewhere.example", who.person.id);
    let new = NewAddress { secret_sha256, person: who.person.id, email, until: at(100) };
    bed.store.ask_address(&new, at(1)).await.unwrap();
    secret_sha256
}

async fn change(bed: &Bed, secret: Sha256, now: i64) -> Moved {
    bed.store.change_address(secret, &AddressKey::generate(), at(now)).await.unwrap()
}

pub(in crate::store) async fn an_address_becomes_another_by_the_newest_link_once(bed: &Bed) {
    let store = &bed.store;
    let (ann, bob) = (signed_up(bed, "ann").await, signed_up(bed, "bob").await);
    let cookie = begin(bed, &ann, ann.account).await;
    let reset = secret();
    store.add_link(reset, ann.person.id, LinkPurpose::Reset, at(900), at(1)).await.unwrap();
    let (older, others, newer) =
        (ask(bed, &ann, "old").await, ask(bed, &bob, "bob").await, ask(bed, &ann, "new").await);
    let from = ann.person.email.clone();
    let to = format!("new-{}@elsewhere.example", ann.person.id);

    assert_eq!(change(bed, older, 2).await, Moved::Gone, "a newer one was sent");
    assert_eq!(change(bed, secret(), 2).await, Moved::Gone, "never made");
    assert_eq!(change(bed, others, 100).await, Moved::Gone, "too late");
    assert_eq!(store.person_of(&from).await.unwrap().unwrap().id, ann.person.id, "nothing changed yet");
    assert_eq!(change(bed, newer, 3).await, Moved::Yes { from: from.clone(), to: to.clone() });
    assert_eq!(change(bed, newer, 4).await, Moved::Gone, "used");

    assert_eq!(store.person_of(&from).await.unwrap(), None);
    assert_eq!(store.person_of(&to).await.unwrap().unwrap().id, ann.person.id);
    let mine = store.memberships(ann.person.id).await.unwrap();
    assert_eq!(mine.iter().map(|each| each.title.as_str()).collect::<Vec<_>>(), [to.as_str()]);
    assert_eq!(store.session(cookie, at(5)).await.unwrap().unwrap().person.email, to, "who is in stays in");
    let sent_to_the_old = store.use_link(reset, LinkPurpose::Reset, at(5)).await.unwrap();
    assert_eq!(sent_to_the_old, None);

    // The old address is anybody's again, and invitations follow the address.
    let mut next = signed_up(bed, "next").await;
    next.person.email.clone_from(&to);
    let asked = invitation(&next, bob.person.id, Role::Member);
    store.invite(&Tenant::acting_for(bob.account), &asked, at(6)).await.unwrap();
    let accepted = store.accept(asked.secret_sha256, ann.person.id, at(7)).await.unwrap();
    assert_eq!(accepted, Accepted::Yes(bob.account));
    let mut again = signed_up(bed, "again").await;
    again.person.email = from;
    (again.person.id, again.account) = (PersonId::generate(), AccountId::generate());
    assert!(store.sign_up(&again, at(8)).await.unwrap());
}

pub(in crate::store) async fn an_address_that_is_taken_changes_nothing(bed: &Bed) {
    let (ann, mut bob) = (signed_up(bed, "ann").await, signed_up(bed, "bob").await);
    let link = ask(bed, &ann, "wanted").await;
    bob.person.email = format!("wanted-{}@elsewhere.example", ann.person.id);
    (bob.person.id, bob.account) = (PersonId::generate(), AccountId::generate());
    assert!(bed.store.sign_up(&bob, at(2)).await.unwrap());
    assert_eq!(change(bed, link, 3).await, Moved::Taken);
    assert_eq!(change(bed, link, 4).await, Moved::Taken, "and says so again");
    let found = bed.store.person_of(&ann.person.email).await.unwrap();
    assert_eq!(found.as_ref(), Some(&ann.person));
    assert_eq!(bed.store.person_of(&bob.person.email).await.unwrap().unwrap().id, bob.person.id);
}

pub(in crate::store) async fn an_address_that_was_left_gets_no_second_trial(bed: &Bed) {
    let (ann, bob) = (signed_up(bed, "ann").await, signed_up(bed, "bob").await);
    bed.grant(&Tenant::acting_for(ann.account), 3, &trial_payment(ann.person.id)).await;
    for who in [&ann, &bob] {
        let link = ask(bed, who, "new").await;
        assert!(matches!(change(bed, link, 2).await, Moved::Yes { .. }));
    }
    let had = async |who: &NewPerson| bed.store.had_trial(&who.person.email).await.unwrap();
    assert_eq!((had(&ann).await, had(&bob).await), (true, false));
}
