//! How people come in: they sign up, confirm their address, sign in, forget and replace passwords. Whoever asks from
//! outside hears the same of a known and of an unknown address; letters alone tell the difference.

use crate::auth::password::{Chosen, HashError, NoPassword, Passwords, Typed, Verdict};
use crate::auth::token::Token;
use crate::clock::{Clock, Timestamp};
use crate::config::{PagesConfig, SignUp};
use crate::ledger::Grant;
use crate::mail::post::{Post, PostFull};
use crate::mail::{Letter, LetterError};
use crate::people::{self, AccountKind, Invitation, LinkPurpose, Person, Session, TITLE_CHARS_MAX};
use crate::store::people::{NewPerson, NewSession};
use crate::store::{Store, StoreError};
use crate::tenant::Tenant;
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, Credits, PersonId, Sha256};

/// A browser stays signed in for so long.
pub const SESSION: Duration = Duration::from_secs(30 * 86_400);
/// A letter that confirms an address is good for so long.
const CONFIRM: Duration = Duration::from_secs(2 * 86_400);
/// A letter that replaces a password is good for so long.
const RESET: Duration = Duration::from_secs(3_600);
/// Characters of a browser's name that are kept.
const BROWSER_CHARS: usize = 120;

/// Why somebody did not come in, in words for them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotIn {
    /// The operator lets in whom they invite.
    #[error("this server takes nobody new without an invitation")]
    Closed,
    /// Not an address.
    #[error("this is no e-mail address")]
    Email,
    /// Too long, or with control characters.
    #[error("a name has at most {TITLE_CHARS_MAX} characters and no control characters")]
    Name,
    /// Not good enough.
    #[error(transparent)]
    Password(#[from] NoPassword),
    /// Nobody of that address, or another password.
    #[error("the address or the password is not right")]
    Wrong,
    /// The password is right, the address is not confirmed.
    #[error("confirm your address first: we sent you the letter again")]
    Unconfirmed,
    /// Used, too old, or never sent.
    #[error("this link is used up or too old; ask for a new letter")]
    Gone,
    /// Too many at once.
    #[error(transparent)]
    Busy(#[from] HashError),
    /// No letter.
    #[error(transparent)]
    NotSent(#[from] NotSent),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// Why no letter is on its way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// Too many wait.
    #[error(transparent)]
    Post(#[from] PostFull),
    /// Not a letter.
    #[error(transparent)]
    Letter(#[from] LetterError),
}

/// Somebody wants to become a person of this server.
pub struct Newcomer {
    /// As typed.
    pub email: String,
    /// As typed; may be empty.
    pub name: String,
    /// As typed.
    pub password: String,
    /// The secret of the invitation's link, where they have one.
    pub invitation: String,
}

/// Everything that lets people in.
pub struct Welcome {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Hashes and compares.
    pub passwords: Passwords,
    /// Takes letters.
    pub post: Post,
    /// Who may come, and what they get.
    pub config: PagesConfig,
    /// Where links lead: scheme, host, port.
    pub url: String,
}

/// A name as it is kept, trimmed.
///
/// # Errors
/// `Name`.
pub fn name(text: &str) -> Result<String, NotIn> {
    let text = text.trim();
    let fits = text.chars().count() <= TITLE_CHARS_MAX && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err(NotIn::Name) }
}

impl Welcome {
    /// Takes somebody new. True where they can sign in at once: the invitation proved their address. Else a letter is on
    /// its way, of the one kind or the other, and nobody but its reader knows which.
    ///
    /// # Errors
    /// What is wrong with what they typed, or `Closed`.
    pub async fn sign_up(&self, new: Newcomer) -> Result<bool, NotIn> {
        let email = people::email(&new.email).ok_or(NotIn::Email)?;
        let name = name(&new.name)?;
        let invited = self.invited(&new.invitation, &email).await?;
        if self.config.sign_up != SignUp::Open && !invited {
            return Err(NotIn::Closed);
        }
        // A known address costs as much time as a new one.
        let password = self.passwords.hash(Chosen::new(new.password, &email)?).await?;
        let now = self.clock.now();
        let verified_at = invited.then_some(now);
        let id = PersonId::generate();
        let person = Person { id, email: email.clone(), name, password, verified_at, operates_since: None };
        let added = self.store.sign_up(&NewPerson { person, account: AccountId::generate() }, now).await?;
        match (added, invited) {
            (true, true) => self.greet(id, now).await?,
            (true, false) => self.ask_to_confirm(id, &email, now).await?,
            (false, _) => self.send(&email, "You have an account already", &self.known_already())?,
        }
        Ok(added && invited)
    }

    async fn invited(&self, invitation: &str, email: &str) -> Result<bool, NotIn> {
        let found = self.invitation(invitation).await?;
        Ok(self.config.sign_up != SignUp::Closed && found.is_some_and(|found| found.email == email))
    }

    /// The open invitation behind a link's secret.
    ///
    /// # Errors
    /// The store's.
    pub async fn invitation(&self, secret: &str) -> Result<Option<Invitation>, NotIn> {
        let Ok(token) = Token::parse(secret) else { return Ok(None) };
        Ok(self.store.invitation(token.sha256(), self.clock.now()).await?)
    }

    fn known_already(&self) -> String {
        format!(
            "Somebody, probably you, wanted to sign up with this address, which has an account here already.\n\n\
             Sign in:\n{url}/sign-in\n\nA new password:\n{url}/forgot\n\nIf it was not you, nothing needs to be done.",
            url = self.url
        )
    }

    async fn ask_to_confirm(&self, person: PersonId, email: &str, now: Timestamp) -> Result<(), NotIn> {
        let token = Token::generate();
        self.store.add_link(token.sha256(), person, LinkPurpose::Verify, now.after(CONFIRM), now).await?;
        let text = format!(
            "Confirm that this address is yours:\n{}/confirm/{}\n\nThe link is good for two days. If you did not sign up, \
             nothing needs to be done.",
            self.url,
            token.reveal()
        );
        Ok(self.send(email, "Confirm your address", &text)?)
    }

    /// Puts a letter on its way; its subject begins with what this server is called.
    pub(crate) fn send(&self, email: &str, subject: &str, text: &str) -> Result<(), NotSent> {
        let subject = format!("{}: {subject}", self.config.brand.name);
        Ok(self.post.send(Letter::new(email, &subject, text)?)?)
    }

    /// The address is theirs: the trial begins, and so does a session.
    ///
    /// # Errors
    /// `Gone`.
    pub async fn confirm(&self, secret: &str, browser: &str) -> Result<Token, NotIn> {
        let now = self.clock.now();
        let token = Token::parse(secret).map_err(|_| NotIn::Gone)?;
        let used = self.store.use_link(token.sha256(), LinkPurpose::Verify, now).await?;
        let person = used.ok_or(NotIn::Gone)?;
        self.greet(person, now).await?;
        self.begin(person, browser).await
    }

    /// Trial credits, once a person.
    async fn greet(&self, person: PersonId, now: Timestamp) -> Result<(), NotIn> {
        let days = u64::from(self.config.trial_days);
        let own = self.own_account(person).await?;
        let email = self.store.person(person).await?.ok_or(NotIn::Gone)?.email;
        // Whoever had one, closed their account and came again is the same person.
        if self.config.trial_credits > 0 && !self.store.had_trial(&email).await? {
            let grant = Grant {
                amount: Credits(self.config.trial_credits),
                payment_id: people::trial_payment(person),
                note: "to try it out".to_owned(),
                expires_at: (days > 0).then(|| now.after(Duration::from_secs(days * 86_400))),
            };
            self.store.grant(&Tenant::acting_for(own), &grant, now).await?;
        }
        Ok(())
    }

    async fn own_account(&self, person: PersonId) -> Result<AccountId, NotIn> {
        let all = self.store.memberships(person).await?;
        let own = all.iter().find(|each| each.kind == AccountKind::Person).or(all.first());
        own.map(|each| each.account).ok_or(NotIn::Gone)
    }

    /// A new session of somebody who was let in: the cookie's secret.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(&self, person: PersonId, browser: &str) -> Result<Token, NotIn> {
        let (token, now) = (Token::generate(), self.clock.now());
        let session = NewSession {
            secret_sha256: token.sha256(),
            person,
            account: self.own_account(person).await?,
            browser: browser.chars().filter(|c| !c.is_control()).take(BROWSER_CHARS).collect(),
            until: now.after(SESSION),
        };
        self.store.begin_session(&session, now).await?;
        Ok(token)
    }

    /// By address and password.
    ///
    /// # Errors
    /// `Wrong`, whatever of both is; `Unconfirmed` to whoever knows the password.
    pub async fn sign_in(&self, email: &str, password: String, browser: &str) -> Result<Token, NotIn> {
        let person = match people::email(email) {
            Some(email) => self.store.person_of(&email).await?,
            None => None,
        };
        // Whom the operator added and who chose none yet has no hash: that is the same as nobody.
        let stored =
            person.as_ref().map(|person| person.password.as_str()).filter(|hash| hash.starts_with('$'));
        let verdict = self.passwords.compare(Typed::new(password)?, stored).await?;
        let (Verdict::Right { better }, Some(person)) = (verdict, person) else { return Err(NotIn::Wrong) };
        if let Some(better) = better {
            self.store.rehash_password(person.id, &better).await?;
        }
        if person.verified_at.is_none() {
            self.ask_to_confirm(person.id, &person.email, self.clock.now()).await?;
            return Err(NotIn::Unconfirmed);
        }
        self.begin(person.id, browser).await
    }

    /// Sends a link for a new password, where there is somebody of that address. Says nothing of whether there is.
    ///
    /// # Errors
    /// The store's, and `Post`.
    pub async fn forgot(&self, email: &str) -> Result<(), NotIn> {
        let Some(email) = people::email(email) else { return Ok(()) };
        let Some(person) = self.store.person_of(&email).await? else { return Ok(()) };
        let (token, now) = (Token::generate(), self.clock.now());
        self.store.add_link(token.sha256(), person.id, LinkPurpose::Reset, now.after(RESET), now).await?;
        let text = format!(
            "Choose a new password:\n{}/reset/{}\n\nThe link is good for one hour. If you did not ask for it, nothing needs \
             to be done: your password stays.",
            self.url,
            token.reveal()
        );
        Ok(self.send(&email, "A new password", &text)?)
    }

    /// Another password by a letter's link; every session ends.
    ///
    /// # Errors
    /// `Gone`, or why it is no password (the link is good then).
    pub async fn reset(&self, secret: &str, password: String) -> Result<(), NotIn> {
        let token = Token::parse(secret).map_err(|_| NotIn::Gone)?;
        let hashed = self.passwords.hash(Chosen::new(password, "")?).await?;
        let now = self.clock.now();
        let used = self.store.use_link(token.sha256(), LinkPurpose::Reset, now).await?;
        let person = used.ok_or(NotIn::Gone)?;
        Ok(self.store.set_password(person, &hashed, None, now).await?)
    }

    /// Another password by whoever knows the present one; every other session ends.
    ///
    /// # Errors
    /// `Wrong`, or why it is no password.
    pub async fn change_password(
        &self,
        session: &Session,
        present: String,
        new: String,
    ) -> Result<(), NotIn> {
        let new = Chosen::new(new, &session.person.email)?;
        if !self.passwords.is_right(present, &session.person.password).await? {
            return Err(NotIn::Wrong);
        }
        let hashed = self.passwords.hash(new).await?;
        let keep: Option<Sha256> = Some(session.secret_sha256);
        Ok(self.store.set_password(session.person.id, &hashed, keep, self.clock.now()).await?)
    }
}
