//! Laws of people, sessions, members, invitations and devices.

use super::{Bed, addresses, asks, at, nobodys};
use crate::people::{DeviceAnswer, DeviceLogin, LinkPurpose, Person, Rights, Role};
use crate::store::people::{Accepted, MemberChange, MemberWish, NewInvitation, NewPerson, NewSession};
use crate::store::{KeyRow, NewJob, StoreError};
use crate::tenant::Tenant;
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId, Sha256};

/// A hash that nobody else has.
pub(super) fn secret() -> Sha256 {
    let mut bytes = [9; 32];
    bytes[..16].copy_from_slice(PersonId::generate().as_bytes());
    Sha256(bytes)
}

fn person(name: &str) -> NewPerson {
    let id = PersonId::generate();
    let person = Person {
        id,
        email: format!("{name}-{id}@example.org"),
        name: name.to_owned(),
        password: "$argon2id$".to_owned(),
        verified_at: Some(at(0)),
        operates_since: None,
    };
    NewPerson { person, account: AccountId::generate() }
}

/// Somebody who signed up, with a confirmed address.
pub(super) async fn signed_up(bed: &Bed, name: &str) -> NewPerson {
    let new = person(name);
    assert!(bed.store.sign_up(&new, at(0)).await.unwrap());
    new
}

pub(super) fn invitation(to: &NewPerson, by: PersonId, role: Role) -> NewInvitation {
    NewInvitation {
        id: InvitationId::generate(),
        secret_sha256: secret(),
        email: to.person.email.clone(),
        role,
        month_limit: Some(Credits(30)),
        invited_by: by,
        until: at(1000),
    }
}

/// A team with an owner, and a member who was invited.
pub(super) async fn team(bed: &Bed) -> (Tenant, NewPerson, NewPerson) {
    let (owner, member) = (signed_up(bed, "owner").await, signed_up(bed, "member").await);
    let account = AccountId::generate();
    bed.store.create_team(account, "Band", owner.person.id, at(1)).await.unwrap();
    let tenant = Tenant::acting_for(account);
    let asked = invitation(&member, owner.person.id, Role::Member);
    bed.store.invite(&tenant, &asked, at(2)).await.unwrap();
    let accepted = bed.store.accept(asked.secret_sha256, member.person.id, at(3)).await.unwrap();
    assert_eq!(accepted, Accepted::Yes(account));
    (tenant, owner, member)
}

/// Rows in every table of people, for tests of other things: an invitation and a member of this account, a session,
/// links, and a device that waits.
pub(in crate::store) async fn fill(bed: &Bed, tenant: &Tenant) {
    let (team, owner, member) = team(bed).await;
    bed.store.retitle(&team, "Band").await.unwrap();
    let asked = invitation(&owner, member.person.id, Role::Viewer);
    bed.store.invite(tenant, &asked, at(2)).await.unwrap();
    bed.store.accept(asked.secret_sha256, owner.person.id, at(3)).await.unwrap();
    bed.store.add_link(secret(), owner.person.id, LinkPurpose::Reset, at(900), at(1)).await.unwrap();
    addresses::ask(bed, &owner, "owner").await;
    begin(bed, &owner, team.account()).await;
    bed.store.begin_login(&login(&unique_code()), at(1)).await.unwrap();
}

pub(super) async fn begin(bed: &Bed, who: &NewPerson, account: AccountId) -> Sha256 {
    let secret_sha256 = secret();
    let person = who.person.id;
    let new = NewSession { secret_sha256, person, account, browser: "Firefox".into(), until: at(1000) };
    bed.store.begin_session(&new, at(4)).await.unwrap();
    secret_sha256
}

/// Eight letters, other ones each time.
fn unique_code() -> String {
    let id = PersonId::generate();
    id.as_bytes()[8..].iter().map(|byte| char::from(b'B' + byte % 24)).collect()
}

fn login(code: &str) -> DeviceLogin {
    DeviceLogin { secret_sha256: secret(), code: code.into(), device: "Bitwig".into(), until: at(600) }
}

pub(in crate::store) async fn an_address_signs_up_once_whatever_was_asked_before(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    let mut again = person("ann");
    again.person.email.clone_from(&ann.person.email);
    assert!(!bed.store.sign_up(&again, at(1)).await.unwrap());
    let missing = bed.store.account(&Tenant::acting_for(again.account)).await;
    assert!(matches!(missing, Err(StoreError::NoAccount)), "nothing was added");
    let found = bed.store.person_of(&ann.person.email).await.unwrap();
    assert_eq!(found.as_ref(), Some(&ann.person));
    assert_eq!(bed.store.person_of("nobody@example.org").await.unwrap(), None);
    let mine = bed.store.memberships(ann.person.id).await.unwrap();
    let mine: Vec<_> = mine.iter().map(|m| (m.account, m.role, m.title.as_str())).collect();
    assert_eq!(mine, [(ann.account, Role::Owner, ann.person.email.as_str())]);
    assert_eq!(bed.balance(&Tenant::acting_for(ann.account)).await, (0, 0));

    bed.store.rename(ann.person.id, "Ann").await.unwrap();
    assert!(bed.store.set_operator(&ann.person.email, Some(at(5))).await.unwrap());
    assert!(!bed.store.set_operator("nobody@example.org", Some(at(5))).await.unwrap());
    let found = bed.store.person_of(&ann.person.email).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.operates_since), ("Ann", Some(at(5))));
}

pub(in crate::store) async fn a_link_is_good_once_and_until_its_time(bed: &Bed) {
    let mut ann = person("ann");
    ann.person.verified_at = None;
    bed.store.sign_up(&ann, at(0)).await.unwrap();
    let (older, newer, late) = (secret(), secret(), secret());
    let store = &bed.store;
    for link in [older, newer] {
        store.add_link(link, ann.person.id, LinkPurpose::Verify, at(100), at(1)).await.unwrap();
    }
    assert_eq!(
        store.use_link(older, LinkPurpose::Verify, at(2)).await.unwrap(),
        None,
        "a newer one was sent"
    );
    assert_eq!(store.use_link(newer, LinkPurpose::Reset, at(2)).await.unwrap(), None, "for another purpose");
    assert_eq!(store.person_of(&ann.person.email).await.unwrap().unwrap().verified_at, None);
    assert_eq!(store.use_link(newer, LinkPurpose::Verify, at(3)).await.unwrap(), Some(ann.person.id));
    assert_eq!(store.person_of(&ann.person.email).await.unwrap().unwrap().verified_at, Some(at(3)));
    assert_eq!(store.use_link(newer, LinkPurpose::Verify, at(4)).await.unwrap(), None, "used");
    store.add_link(late, ann.person.id, LinkPurpose::Reset, at(100), at(1)).await.unwrap();
    assert_eq!(store.use_link(late, LinkPurpose::Reset, at(100)).await.unwrap(), None, "too late");
}

pub(in crate::store) async fn a_session_shows_an_account_as_long_as_its_person_belongs_to_it(bed: &Bed) {
    let (tenant, owner, member) = team(bed).await;
    let cookie = begin(bed, &member, member.account).await;
    let store = &bed.store;
    let session = store.session(cookie, at(5)).await.unwrap().unwrap();
    assert_eq!((session.person.id, session.membership.role), (member.person.id, Role::Owner));
    assert!(store.show_account(cookie, tenant.account()).await.unwrap());
    assert!(!store.show_account(cookie, owner.account).await.unwrap(), "no member there");
    let session = store.session(cookie, at(5)).await.unwrap().unwrap();
    assert_eq!((session.membership.account, session.membership.role), (tenant.account(), Role::Member));
    assert_eq!(
        (session.membership.title.as_str(), session.membership.month_limit),
        ("Band", Some(Credits(30)))
    );
    assert_eq!(store.session(cookie, at(1000)).await.unwrap(), None, "too late");
    assert_eq!(store.session(secret(), at(5)).await.unwrap(), None);
    store.end_session(owner.person.id, cookie, at(6)).await.unwrap();
    assert!(store.session(cookie, at(7)).await.unwrap().is_some(), "another's session");
    store.end_session(member.person.id, cookie, at(8)).await.unwrap();
    assert_eq!(store.session(cookie, at(8)).await.unwrap(), None);
    let (kept, others) = (begin(bed, &member, member.account).await, begin(bed, &owner, owner.account).await);
    let ends = [begin(bed, &member, member.account).await, begin(bed, &member, tenant.account()).await];
    assert_eq!(store.end_other_sessions(member.person.id, kept, at(9)).await.unwrap(), 2);
    assert_eq!(store.end_other_sessions(member.person.id, kept, at(9)).await.unwrap(), 0);
    for (session, lives) in [(kept, true), (others, true), (ends[0], false), (ends[1], false)] {
        assert_eq!(store.session(session, at(9)).await.unwrap().is_some(), lives);
    }
}

pub(in crate::store) async fn another_password_ends_the_other_sessions(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    let (kept, other) = (begin(bed, &ann, ann.account).await, begin(bed, &ann, ann.account).await);
    let store = &bed.store;
    assert_eq!(store.sessions(ann.person.id, at(5)).await.unwrap().len(), 2);
    store.rehash_password(ann.person.id, "$stronger$").await.unwrap();
    assert_eq!(store.sessions(ann.person.id, at(5)).await.unwrap().len(), 2);
    store.set_password(ann.person.id, "$another$", Some(kept), at(6)).await.unwrap();
    assert!(store.session(kept, at(7)).await.unwrap().is_some());
    assert_eq!(store.session(other, at(7)).await.unwrap(), None);
    let left = store.sessions(ann.person.id, at(7)).await.unwrap();
    assert_eq!(left.iter().map(|row| row.secret_sha256).collect::<Vec<_>>(), [kept]);
    store.set_password(ann.person.id, "$third$", None, at(8)).await.unwrap();
    assert_eq!(store.sessions(ann.person.id, at(9)).await.unwrap(), []);
    assert_eq!(store.person_of(&ann.person.email).await.unwrap().unwrap().password, "$third$");
}

pub(in crate::store) async fn an_invitation_makes_a_member_once(bed: &Bed) {
    let (tenant, owner, member) = team(bed).await;
    let (guest, stranger) = (signed_up(bed, "guest").await, signed_up(bed, "stranger").await);
    let store = &bed.store;
    let (first, second) =
        (invitation(&guest, owner.person.id, Role::Viewer), invitation(&guest, owner.person.id, Role::Admin));
    store.invite(&tenant, &first, at(5)).await.unwrap();
    store.invite(&tenant, &second, at(6)).await.unwrap();
    let open = store.invitations(&tenant, at(7)).await.unwrap();
    assert_eq!(open.iter().map(|asked| asked.id).collect::<Vec<_>>(), [second.id], "the newer one counts");
    assert_eq!((open[0].title.as_str(), open[0].invited_by.as_str()), ("Band", "owner"));
    assert_eq!(store.invitation(second.secret_sha256, at(7)).await.unwrap(), Some(open[0].clone()));
    assert_eq!(store.invitation(second.secret_sha256, at(1000)).await.unwrap(), None, "too late");
    let person = guest.person.id;
    assert_eq!(store.accept(first.secret_sha256, person, at(7)).await.unwrap(), Accepted::Gone);
    let theirs = store.accept(second.secret_sha256, stranger.person.id, at(7)).await.unwrap();
    assert_eq!(theirs, Accepted::NotTheirs);
    let accepted = store.accept(second.secret_sha256, person, at(8)).await.unwrap();
    assert_eq!(accepted, Accepted::Yes(tenant.account()));
    assert_eq!(store.accept(second.secret_sha256, person, at(9)).await.unwrap(), Accepted::Gone);
    let members = store.members(&tenant, at(0)).await.unwrap();
    let members: Vec<_> = members.iter().map(|member| (member.person, member.role)).collect();
    let expected =
        [(owner.person.id, Role::Owner), (guest.person.id, Role::Admin), (member.person.id, Role::Member)];
    assert_eq!(members, expected);

    let third = invitation(&stranger, owner.person.id, Role::Viewer);
    store.invite(&tenant, &third, at(9)).await.unwrap();
    let elsewhere = Tenant::acting_for(owner.account);
    assert!(!store.withdraw(&elsewhere, third.id, at(10)).await.unwrap(), "another account's");
    assert!(store.withdraw(&tenant, third.id, at(10)).await.unwrap());
    assert!(!store.withdraw(&tenant, third.id, at(10)).await.unwrap());
    let gone = store.accept(third.secret_sha256, stranger.person.id, at(11)).await.unwrap();
    assert_eq!(gone, Accepted::Gone);
}

pub(in crate::store) async fn an_account_keeps_an_owner(bed: &Bed) {
    let (tenant, owner, member) = team(bed).await;
    let change = |person, wish| bed.store.change_member(&tenant, person, wish, at(9));
    let (owner, member) = (owner.person.id, member.person.id);
    for wish in [MemberWish::Leave, MemberWish::Be(Role::Admin, None)] {
        assert_eq!(change(owner, wish).await.unwrap(), MemberChange::LastOwner);
    }
    assert_eq!(change(PersonId::generate(), MemberWish::Leave).await.unwrap(), MemberChange::Unknown);
    assert_eq!(
        change(member, MemberWish::Be(Role::Owner, Some(Credits(7)))).await.unwrap(),
        MemberChange::Yes
    );
    // Both at once: one of them stays.
    let both = tokio::join!(change(owner, MemberWish::Leave), change(member, MemberWish::Leave));
    let mut both = [both.0.unwrap(), both.1.unwrap()];
    both.sort_by_key(|change| *change == MemberChange::LastOwner);
    assert_eq!(both, [MemberChange::Yes, MemberChange::LastOwner]);
    assert_eq!(bed.store.members(&tenant, at(0)).await.unwrap().len(), 1);
}

pub(in crate::store) async fn a_member_who_leaves_takes_keys_and_sessions_along_and_leaves_what_was_done(
    bed: &Bed,
) {
    let (tenant, owner, member) = team(bed).await;
    bed.grant(&tenant, 10, &format!("for {}", tenant.account())).await;
    let person = member.person.id;
    let key = KeyRow { person: Some(person), rights: Rights::parse("read run").unwrap(), ..nobodys() };
    let store = &bed.store;
    store.add_key(&tenant, &key, at(4)).await.unwrap();
    store.key_used(&key.prefix, at(5)).await.unwrap();
    let found = store.find_key(&key.prefix).await.unwrap().unwrap();
    assert_eq!((found.role, found.month_limit), (Some(Role::Member), Some(Credits(30))));
    assert_eq!(found.key, KeyRow { account: tenant.account(), used_at: Some(at(5)), ..key.clone() });
    let cookie = begin(bed, &member, tenant.account()).await;
    let job = bed.admit(&tenant, &NewJob { person: Some(person), ..asks(4) }, 5).await;
    let claim = bed.claim(6).await.unwrap();
    store.finish(&claim, &[], at(7)).await.unwrap();

    assert_eq!(
        store.change_member(&tenant, person, MemberWish::Leave, at(8)).await.unwrap(),
        MemberChange::Yes
    );
    let found = store.find_key(&key.prefix).await.unwrap().unwrap();
    assert_eq!((found.role, found.key.revoked_at), (None, Some(at(8))));
    assert_eq!(store.session(cookie, at(9)).await.unwrap(), None);
    assert_eq!(store.membership(person, tenant.account()).await.unwrap(), None);
    assert_eq!(bed.job(&tenant, job.id).await.person, Some(person));
    assert_eq!(store.history(&tenant, None, 10).await.unwrap()[0].job, Some(job.id));
    // Asked again, they are a member again, with what they spent before.
    let again = invitation(&member, owner.person.id, Role::Viewer);
    store.invite(&tenant, &again, at(10)).await.unwrap();
    store.accept(again.secret_sha256, person, at(11)).await.unwrap();
    let members = store.members(&tenant, at(0)).await.unwrap();
    assert_eq!((members[1].role, members[1].month_spent), (Role::Viewer, Credits(4)));
    assert!(
        store.find_key(&key.prefix).await.unwrap().unwrap().key.revoked_at.is_some(),
        "dead keys stay dead"
    );
}

pub(in crate::store) async fn a_device_gets_one_key_when_somebody_lets_it_in(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    let store = &bed.store;
    let (asks, refused) = (login("BCDFGHJK"), login("LMNPQRST"));
    for login in [&asks, &refused] {
        store.begin_login(login, at(1)).await.unwrap();
    }
    let twice = store.begin_login(&login("BCDFGHJK"), at(1)).await;
    assert!(matches!(twice, Err(StoreError::Exists(code)) if code == "BCDFGHJK"));
    assert_eq!(store.login_of("BCDFGHJK", at(2)).await.unwrap(), Some(asks.clone()));
    assert_eq!(store.login_of("BCDFGHJK", at(600)).await.unwrap(), None, "too late");
    let key = || KeyRow { label: "Bitwig".into(), ..nobodys() };
    let take =
        async |login: &DeviceLogin| store.take_login(login.secret_sha256, &key(), at(4)).await.unwrap();
    assert_eq!(take(&asks).await, DeviceAnswer::Waiting);
    let whom = Some((ann.person.id, ann.account));
    assert!(store.decide_login("BCDFGHJK", whom, at(3)).await.unwrap());
    assert!(!store.decide_login("BCDFGHJK", None, at(3)).await.unwrap(), "decided");
    assert!(store.decide_login("LMNPQRST", None, at(3)).await.unwrap());
    assert_eq!(store.login_of("BCDFGHJK", at(3)).await.unwrap(), None, "does not wait any more");
    let let_in = DeviceAnswer::LetIn { account: ann.account, person: ann.person.id };
    assert_eq!(take(&asks).await, let_in);
    assert_eq!(take(&asks).await, DeviceAnswer::Gone, "fetched");
    assert_eq!(take(&refused).await, DeviceAnswer::Denied);
    assert_eq!(take(&login("XXXXXXXX")).await, DeviceAnswer::Gone, "never begun");
    let keys = store.keys(&Tenant::acting_for(ann.account)).await.unwrap();
    assert_eq!(
        keys.iter().map(|key| (key.label.as_str(), key.person)).collect::<Vec<_>>(),
        [("Bitwig", Some(ann.person.id))]
    );
}

pub(in crate::store) async fn what_ended_long_ago_is_swept(bed: &Bed) {
    let ann = signed_up(bed, "ann").await;
    let cookie = begin(bed, &ann, ann.account).await;
    bed.store.add_link(secret(), ann.person.id, LinkPurpose::Verify, at(100), at(1)).await.unwrap();
    addresses::ask(bed, &ann, "new").await;
    bed.store.begin_login(&login("VWXZBCDF"), at(1)).await.unwrap();
    assert_eq!(bed.store.sweep_people(at(100)).await.unwrap(), 0);
    assert_eq!(bed.store.sweep_people(at(700)).await.unwrap(), 3, "both links and the login");
    assert!(bed.store.session(cookie, at(700)).await.unwrap().is_some());
    bed.store.end_session(ann.person.id, cookie, at(701)).await.unwrap();
    assert_eq!(bed.store.sweep_people(at(702)).await.unwrap(), 1);
}
