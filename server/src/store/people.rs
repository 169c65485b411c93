//! The record of people: who they are, what proves it, which accounts they are members of. Each method is one whole
//! transaction. Secrets come as hashes; what is asked for by a secret crosses accounts, since nobody knows yet whose it is.

use super::{KeyRow, StoreError};
use crate::clock::Timestamp;
use crate::people::{
    DeviceAnswer, DeviceLogin, Invitation, LinkPurpose, Member, Membership, Person, Role, Session,
};
use crate::tenant::Tenant;
use async_trait::async_trait;
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId, Sha256};

/// Somebody who signs up.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// New ones.
    pub person: Person,
    /// The person's own account, whose only owner they are.
    pub account: AccountId,
}

/// A session that begins.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The cookie's hash.
    pub secret_sha256: Sha256,
    /// Whose.
    pub person: PersonId,
    /// The account whose pages are shown first.
    pub account: AccountId,
    /// What the browser calls itself, for the person's list of sessions.
    pub browser: String,
    /// Good until.
    pub until: Timestamp,
}

/// A signed-in browser in a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Names it.
    pub secret_sha256: Sha256,
    /// What the browser calls itself.
    pub browser: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// Somebody is asked.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// A new one.
    pub id: InvitationId,
    /// The link's hash.
    pub secret_sha256: Sha256,
    /// In lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// With which limit.
    pub month_limit: Option<Credits>,
    /// Who asks.
    pub invited_by: PersonId,
    /// Good until.
    pub until: Timestamp,
}

/// What became of an invitation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The person is a member of this account now, or was one before.
    Yes(AccountId),
    /// Withdrawn, used, too old or never made.
    Gone,
    /// It was sent to another address than the person's confirmed one.
    NotTheirs,
}

/// What became of a change to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberChange {
    /// Done.
    Yes,
    /// The account has no such member.
    Unknown,
    /// An account keeps one owner.
    LastOwner,
}

/// What a member becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberWish {
    /// This, with this limit for a calendar month.
    Be(Role, Option<Credits>),
    /// No member any more: keys die, sessions in this account end, what was done stays.
    Leave,
}

/// Identities and what proves them.
#[async_trait]
pub trait People: Send + Sync {
    /// Adds the person, their account and its wallet; false where the address is taken, and nothing was added.
    async fn sign_up(&self, new: &NewPerson, now: Timestamp) -> Result<bool, StoreError>;
    /// By address, in lower case.
    async fn person_of(&self, email: &str) -> Result<Option<Person>, StoreError>;
    /// By id.
    async fn person(&self, id: PersonId) -> Result<Option<Person>, StoreError>;
    /// Another name.
    async fn rename(&self, person: PersonId, name: &str) -> Result<(), StoreError>;
    /// Another password; every session but `keep` ends.
    async fn set_password(
        &self,
        person: PersonId,
        password: &str,
        keep: Option<Sha256>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// The same password hashed anew; sessions stay.
    async fn rehash_password(&self, person: PersonId, password: &str) -> Result<(), StoreError>;
    /// Makes the person one of the operators, or not any more. False where there is no such person.
    async fn set_operator(&self, email: &str, operates_since: Option<Timestamp>) -> Result<bool, StoreError>;

    /// Adds a link; older ones for the same purpose are void.
    async fn add_link(
        &self,
        secret_sha256: Sha256,
        person: PersonId,
        purpose: LinkPurpose,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Uses a link once: the person it was sent to, whose address is confirmed by that.
    async fn use_link(
        &self,
        secret_sha256: Sha256,
        purpose: LinkPurpose,
        now: Timestamp,
    ) -> Result<Option<PersonId>, StoreError>;

    /// Adds a session.
    async fn begin_session(&self, new: &NewSession, now: Timestamp) -> Result<(), StoreError>;
    /// A living session of a person who is still a member of its account.
    async fn session(&self, secret_sha256: Sha256, now: Timestamp) -> Result<Option<Session>, StoreError>;
    /// Shows another of the person's accounts; false where they are no member of it.
    async fn show_account(&self, secret_sha256: Sha256, account: AccountId) -> Result<bool, StoreError>;
    /// Ends one session of the person.
    async fn end_session(
        &self,
        person: PersonId,
        secret_sha256: Sha256,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Ends all sessions of the person but `keep`; how many.
    async fn end_other_sessions(
        &self,
        person: PersonId,
        keep: Sha256,
        now: Timestamp,
    ) -> Result<u64, StoreError>;
    /// Living sessions of the person, newest first.
    async fn sessions(&self, person: PersonId, now: Timestamp) -> Result<Vec<SessionRow>, StoreError>;
    /// Deletes sessions, links, wishes for another address and logins of devices that ended before `before`; how many.
    async fn sweep_people(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// Who belongs to which account.
#[async_trait]
pub trait Teams: Send + Sync {
    /// Adds a team with an empty wallet and one owner. The account's name is its id: titles need not differ.
    async fn create_team(
        &self,
        account: AccountId,
        title: &str,
        owner: PersonId,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Another title.
    async fn retitle(&self, tenant: &Tenant, title: &str) -> Result<(), StoreError>;
    /// The person's accounts: their own first, then by title.
    async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>, StoreError>;
    /// What the person is in the account, if anything.
    async fn membership(
        &self,
        person: PersonId,
        account: AccountId,
    ) -> Result<Option<Membership>, StoreError>;
    /// The account's members, the greatest first, with what they spent since `month`.
    async fn members(&self, tenant: &Tenant, month: Timestamp) -> Result<Vec<Member>, StoreError>;
    /// Changes a member.
    async fn change_member(
        &self,
        tenant: &Tenant,
        person: PersonId,
        wish: MemberWish,
        now: Timestamp,
    ) -> Result<MemberChange, StoreError>;
    /// Adds an invitation; an open one to the same address ends. `Exists` where its id was given away before.
    async fn invite(&self, tenant: &Tenant, new: &NewInvitation, now: Timestamp) -> Result<(), StoreError>;
    /// Open invitations, newest first.
    async fn invitations(&self, tenant: &Tenant, now: Timestamp) -> Result<Vec<Invitation>, StoreError>;
    /// Ends an open invitation; false where the account has none of that id.
    async fn withdraw(&self, tenant: &Tenant, id: InvitationId, now: Timestamp) -> Result<bool, StoreError>;
    /// The open invitation behind a link.
    async fn invitation(
        &self,
        secret_sha256: Sha256,
        now: Timestamp,
    ) -> Result<Option<Invitation>, StoreError>;
    /// Makes the person a member, once.
    async fn accept(
        &self,
        secret_sha256: Sha256,
        person: PersonId,
        now: Timestamp,
    ) -> Result<Accepted, StoreError>;
}

/// Devices that wait to be let in.
#[async_trait]
pub trait Devices: Send + Sync {
    /// Adds a login that waits. `Exists` where the code is in use.
    async fn begin_login(&self, login: &DeviceLogin, now: Timestamp) -> Result<(), StoreError>;
    /// The login that waits with this code.
    async fn login_of(&self, code: &str, now: Timestamp) -> Result<Option<DeviceLogin>, StoreError>;
    /// Lets the device in as `person` of `account`, or not (none). False where it does not wait any more.
    async fn decide_login(
        &self,
        code: &str,
        for_whom: Option<(PersonId, AccountId)>,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
    /// What was decided. Where the device is let in, `key` is stored for whoever let it in, once: whose key it became is
    /// in the answer, not in the row.
    async fn take_login(
        &self,
        secret_sha256: Sha256,
        key: &KeyRow,
        now: Timestamp,
    ) -> Result<DeviceAnswer, StoreError>;
}
