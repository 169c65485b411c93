//! Who may change whom in an account: invitations, members, keys, devices. Nobody makes or unmakes more than they are.

use crate::auth::api_key::ApiKey;
use crate::auth::token::Token;
use crate::clock::Clock;
use crate::mail::Letter;
use crate::mail::post::Post;
use crate::people::{self, Invitation, Right, Rights, Role, Session};
use crate::store::people::{MemberChange, MemberWish, NewInvitation};
use crate::store::{KeyRow, Store, StoreError};
use crate::tenant::{Forbidden, Principal, Tenant};
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId};

/// An invitation is good for so long.
pub const INVITATION: Duration = Duration::from_secs(14 * 86_400);
/// Members of one account, invited ones included.
pub const MEMBERS_MAX: usize = 500;
/// Living keys of one account.
pub const KEYS_MAX: usize = 200;
/// Characters of a key's label.
pub const LABEL_CHARS_MAX: usize = 100;
/// A key ends after so many days at most, where it ends.
pub const KEY_DAYS_MAX: u32 = 3_660;

/// Why nothing changed, in words for whoever asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unchanged {
    /// Not with their role.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// They are less than what they would give or take.
    #[error("you cannot give or take the role `{}`", .0.word())]
    Role(Role),
    /// No address.
    #[error("this is no e-mail address")]
    Email,
    /// No such member, invitation or key.
    #[error("there is no such member, invitation or key any more")]
    Unknown,
    /// Somebody has to be it.
    #[error("an account keeps one owner; make somebody else owner first")]
    LastOwner,
    /// Too many.
    #[error("an account has at most {0} of these")]
    TooMany(usize),
    /// An invitation comes from somebody.
    #[error("an invitation is sent in somebody's name; use a key that belongs to a person")]
    Nobody,
    /// Its name was given away before.
    #[error("this id or Idempotency-Key named another invitation, or one that has ended; take another")]
    Named,
    /// A label or a title.
    #[error("a name has 1 to {LABEL_CHARS_MAX} characters and no control characters")]
    Label,
    /// A key without rights, or with more than its maker has.
    #[error("choose at least one right; a key has no more rights than you")]
    Rights,
    /// Not sent.
    #[error("the letter could not be sent; try again in a few minutes")]
    Letter,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Who acts: a session, as what it is in the account that it shows.
#[must_use]
pub fn principal(session: &Session) -> Principal {
    Principal {
        tenant: Tenant::acting_for(session.membership.account),
        person: Some(session.person.id),
        rights: session.membership.role.rights(),
        month_limit: session.membership.month_limit,
        visitor: None,
    }
}

/// Who changes members and invitations: as what, and how letters call them.
#[derive(Clone, Debug)]
pub struct Actor {
    /// For which account, and what they may do there.
    pub principal: Principal,
    /// As what: the operator's own keys act as owners.
    pub role: Role,
    /// Their name, or the address where they have none.
    pub called: String,
    /// What the account is called.
    pub account: String,
}

impl From<&Session> for Actor {
    fn from(session: &Session) -> Self {
        let Session { person, membership, .. } = session;
        let called = if person.name.is_empty() { &person.email } else { &person.name }.clone();
        Self {
            principal: principal(session),
            role: membership.role,
            called,
            account: membership.title.clone(),
        }
    }
}

/// Somebody who is to be asked.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Of the invitation: asked for again with the same one, it is the same invitation, and no letter is sent.
    pub id: InvitationId,
    /// As typed.
    pub email: String,
    /// As what.
    pub role: Role,
    /// Credits in one calendar month; none for no limit.
    pub month_limit: Option<Credits>,
}

/// A key as it is wished for.
pub struct KeyWish {
    /// For lists.
    pub label: String,
    /// What it may do.
    pub rights: Rights,
    /// Days; none for ever.
    pub days: Option<u32>,
}

/// Changes accounts.
#[derive(Clone)]
pub struct Team {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Takes letters.
    pub post: Post,
    /// Where links lead.
    pub url: String,
    /// What the service is called.
    pub brand: String,
}

fn label(text: &str) -> Result<String, Unchanged> {
    let text = text.trim();
    let fits = (1..=LABEL_CHARS_MAX).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(Unchanged::Label) }
}

impl Team {
    /// A new team whose owner is the session's person.
    ///
    /// # Errors
    /// `Label`.
    pub async fn create(&self, session: &Session, title: &str) -> Result<AccountId, Unchanged> {
        let (title, account) = (label(title)?, AccountId::generate());
        self.store.create_team(account, &title, session.person.id, self.clock.now()).await?;
        self.store.show_account(session.secret_sha256, account).await?;
        Ok(account)
    }

    /// Whoever has a key, as what they are in its account now.
    ///
    /// # Errors
    /// The store's, or `Unknown` where they left a moment ago.
    pub async fn actor(&self, who: &Principal) -> Result<Actor, Unchanged> {
        let Some(person) = who.person else {
            return Ok(Actor {
                principal: *who,
                role: Role::Owner,
                called: String::new(),
                account: String::new(),
            });
        };
        let membership = self.store.membership(person, who.tenant.account()).await?;
        let membership = membership.ok_or(Unchanged::Unknown)?;
        let person = self.store.person(person).await?.ok_or(Unchanged::Unknown)?;
        let called = if person.name.is_empty() { person.email } else { person.name };
        Ok(Actor { principal: *who, role: membership.role, called, account: membership.title })
    }

    /// Asks somebody to become a member, by a letter.
    ///
    /// # Errors
    /// Why not.
    pub async fn invite(&self, actor: &Actor, guest: Guest) -> Result<Invitation, Unchanged> {
        let tenant = actor.principal.may(Right::Manage)?;
        let Guest { id, email, role, month_limit } = guest;
        if !actor.role.may_change(role) {
            return Err(Unchanged::Role(role));
        }
        let email = people::email(&email).ok_or(Unchanged::Email)?;
        let (now, invited_by) = (self.clock.now(), actor.principal.person.ok_or(Unchanged::Nobody)?);
        let open = self.store.invitations(&tenant, now).await?;
        if let Some(known) = open.iter().find(|each| each.id == id) {
            let same = known.email == email && known.role == role && known.month_limit == month_limit;
            return if same { Ok(known.clone()) } else { Err(Unchanged::Named) };
        }
        if open.len() + self.store.members(&tenant, now.month()).await?.len() >= MEMBERS_MAX {
            return Err(Unchanged::TooMany(MEMBERS_MAX));
        }
        let token = Token::generate();
        let until = now.after(INVITATION);
        let secret_sha256 = token.sha256();
        let new = NewInvitation { id, secret_sha256, email, role, month_limit, invited_by, until };
        let letter = self.invitation_letter(actor, &new, &token)?;
        self.store.invite(&tenant, &new, now).await.map_err(|error| match error {
            StoreError::Exists(_) => Unchanged::Named,
            error => error.into(),
        })?;
        self.post.send(letter).map_err(|_| Unchanged::Letter)?;
        let open = self.store.invitations(&tenant, now).await?;
        open.into_iter().find(|each| each.id == id).ok_or(Unchanged::Unknown)
    }

    fn invitation_letter(
        &self,
        actor: &Actor,
        new: &NewInvitation,
        token: &Token,
    ) -> Result<Letter, Unchanged> {
        let text = format!(
            "{} asks you to join {} as {}.\n\nSee the invitation:\n{}/invitation/{}\n\nIt is good for two weeks.",
            actor.called,
            actor.account,
            new.role.word(),
            self.url,
            token.reveal()
        );
        let subject = format!("{}: an invitation", self.brand);
        Letter::new(&new.email, &subject, &text).map_err(|_| Unchanged::Letter)
    }

    /// Ends an open invitation.
    ///
    /// # Errors
    /// Why not.
    pub async fn withdraw(&self, actor: &Actor, id: InvitationId) -> Result<(), Unchanged> {
        let tenant = actor.principal.may(Right::Manage)?;
        let now = self.clock.now();
        let open: Vec<Invitation> = self.store.invitations(&tenant, now).await?;
        let found = open.iter().find(|each| each.id == id).ok_or(Unchanged::Unknown)?;
        if !actor.role.may_change(found.role) {
            return Err(Unchanged::Role(found.role));
        }
        if self.store.withdraw(&tenant, id, now).await? { Ok(()) } else { Err(Unchanged::Unknown) }
    }

    /// Changes a member, or lets them go. Everybody may go by themselves.
    ///
    /// # Errors
    /// Why not.
    pub async fn change(&self, actor: &Actor, person: PersonId, wish: MemberWish) -> Result<(), Unchanged> {
        let leaves = Some(person) == actor.principal.person && wish == MemberWish::Leave;
        let tenant = if leaves {
            actor.principal.tenant
        } else {
            let tenant = actor.principal.may(Right::Manage)?;
            self.check_change(actor, &tenant, person, wish).await?;
            tenant
        };
        match self.store.change_member(&tenant, person, wish, self.clock.now()).await? {
            MemberChange::Yes => Ok(()),
            MemberChange::Unknown => Err(Unchanged::Unknown),
            MemberChange::LastOwner => Err(Unchanged::LastOwner),
        }
    }

    async fn check_change(
        &self,
        actor: &Actor,
        tenant: &Tenant,
        person: PersonId,
        wish: MemberWish,
    ) -> Result<(), Unchanged> {
        let now = self.store.membership(person, tenant.account()).await?.ok_or(Unchanged::Unknown)?.role;
        let then = if let MemberWish::Be(role, _) = wish { role } else { now };
        let wrong = [now, then].into_iter().find(|role| !actor.role.may_change(*role));
        wrong.map_or(Ok(()), |role| Err(Unchanged::Role(role)))
    }

    /// A new key of the session's person; its text is shown once.
    ///
    /// # Errors
    /// Why not.
    pub async fn add_key(&self, session: &Session, wish: &KeyWish) -> Result<String, Unchanged> {
        let who = principal(session);
        let tenant = who.may(Right::Run).or(who.may(Right::Read))?;
        if wish.rights == Rights::NONE || wish.rights.and(who.rights) != wish.rights {
            return Err(Unchanged::Rights);
        }
        let label = label(&wish.label)?;
        let living = self.store.keys(&tenant).await?.iter().filter(|key| key.revoked_at.is_none()).count();
        if living >= KEYS_MAX {
            return Err(Unchanged::TooMany(KEYS_MAX));
        }
        let (key, now) = (ApiKey::generate(), self.clock.now());
        let expires_at = wish
            .days
            .map(|days| now.after(Duration::from_secs(u64::from(days.clamp(1, KEY_DAYS_MAX)) * 86_400)));
        let row = KeyRow {
            person: who.person,
            rights: wish.rights,
            expires_at,
            ..key.row(tenant.account(), &label)
        };
        self.store.add_key(&tenant, &row, now).await?;
        Ok(key.reveal())
    }

    /// Keys that the session's person may see: their own, and with the right to manage all.
    ///
    /// # Errors
    /// The store's.
    pub async fn keys(&self, session: &Session) -> Result<Vec<KeyRow>, Unchanged> {
        let who = principal(session);
        let all = self.store.keys(&who.tenant).await?;
        let manages = who.rights.has(Right::Manage);
        Ok(all.into_iter().filter(|key| manages || key.person == who.person).collect())
    }

    /// Kills a key that the session's person may see.
    ///
    /// # Errors
    /// `Unknown` for every other one.
    pub async fn revoke_key(&self, session: &Session, prefix: &str) -> Result<(), Unchanged> {
        let seen = self.keys(session).await?.iter().any(|key| key.prefix == prefix);
        let tenant = principal(session).tenant;
        let revoked = seen && self.store.revoke_key(&tenant, prefix, self.clock.now()).await?;
        if revoked { Ok(()) } else { Err(Unchanged::Unknown) }
    }
}
