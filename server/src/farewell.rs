//! How an account ends: its owner closes it, by password and name, once nothing of it is under way.

use crate::auth::password::HashError;
use crate::mail::Letter;
use crate::people::{AddressKey, Role, Session};
use crate::store::StoreError;
use crate::store::closing::{Closed, InTheWay};
use crate::tenant::Tenant;
use crate::welcome::Welcome;
use std::fmt;
use tributary_protocol::vocab::Credits;

/// Why the account is still open, in words for its owner.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotClosed {
    /// Not with their role.
    #[error("only an owner closes an account")]
    NotOwner,
    /// Another name than the account's.
    #[error("type the account's name exactly as it stands there")]
    Name,
    /// Another password.
    #[error("the password is not right")]
    Password,
    /// Credits are left, and nobody said that they may go.
    #[error("{0} left would be lost: say that you know, or use them first")]
    Credits(Credits),
    /// Something holds or brings credits.
    #[error("{0}")]
    Waits(Waits),
    /// Too many at once.
    #[error(transparent)]
    Busy(#[from] HashError),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What has to end first, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits(pub InTheWay);

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let InTheWay { jobs, purchases } = self.0;
        let open = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        write!(
            f,
            "{} and {} must end first; jobs can be cancelled, and a purchase that nobody pays ends by itself",
            open(jobs, "open job"),
            open(purchases, "open purchase")
        )
    }
}

/// What an owner says to close an account.
pub struct Wish {
    /// As typed.
    pub password: String,
    /// As typed: the account's name.
    pub name: String,
    /// They know that what is left of the credits is lost.
    pub loses_credits: bool,
}

/// Closes the account that the session shows, and tells everybody who belonged to it by a letter.
///
/// # Errors
/// Why it is still open; nothing changed.
pub async fn close(welcome: &Welcome, session: &Session, wish: Wish) -> Result<(), NotClosed> {
    let (store, membership) = (&welcome.store, &session.membership);
    if membership.role != Role::Owner {
        return Err(NotClosed::NotOwner);
    }
    if wish.name.trim() != membership.title {
        return Err(NotClosed::Name);
    }
    if !welcome.passwords.is_right(wish.password, &session.person.password).await? {
        return Err(NotClosed::Password);
    }
    let (tenant, now) = (Tenant::acting_for(membership.account), welcome.clock.now());
    let left = store.account(&tenant).await?.balance.available();
    if left > Credits::ZERO && !wish.loses_credits {
        return Err(NotClosed::Credits(left));
    }
    // Their addresses are gone afterwards.
    let members = store.members(&tenant, now.month()).await?;
    if let Closed::Not(waits) = store.close(&tenant, &AddressKey::generate(), now).await? {
        return Err(NotClosed::Waits(Waits(waits)));
    }
    tracing::info!(account = %membership.account, person = %session.person.id, "an account was closed by its owner");
    for member in members {
        let sent =
            letter(welcome, session, &member.email).is_some_and(|letter| welcome.post.send(letter).is_ok());
        if !sent {
            tracing::warn!(account = %membership.account, "a member is not told by letter that the account was closed");
        }
    }
    Ok(())
}

fn letter(welcome: &Welcome, session: &Session, to: &str) -> Option<Letter> {
    let title = &session.membership.title;
    let text = format!(
        "The account {title} was closed by {}.\n\nIts clips and results are deleted, and its keys, widgets, webhooks and \
         invitations have ended. What its jobs cost stays on record; credits that were left are lost. Whoever belonged to no other account \
         here is forgotten: name, address and password are deleted, and the address may sign up again.\n\n{}",
        session.person.email, welcome.url
    );
    let subject = format!("{}: an account was closed", welcome.config.brand.name);
    Letter::new(to, &subject, &text).ok()
}
