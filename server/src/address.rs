//! How a person's address becomes another one: whoever is signed in asks for it by their password, a letter to the new
//! address proves that it is theirs, and the old one is told.

use crate::auth::password::HashError;
use crate::auth::token::Token;
use crate::people::{self, AddressKey, Session};
use crate::store::StoreError;
use crate::store::addresses::{Moved, NewAddress};
use crate::welcome::{NotSent, Welcome};
use std::time::Duration;

/// A letter that proves the new address is good for so long.
const GOOD: Duration = Duration::from_secs(2 * 86_400);

/// Why the address is still the old one, in words for its person.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotMoved {
    /// Not an address.
    #[error("this is no e-mail address")]
    Email,
    /// It is theirs already.
    #[error("that is your address already")]
    Same,
    /// Another password.
    #[error("the password is not right")]
    Password,
    /// Somebody signed up with it meanwhile.
    #[error("that address has an account of its own by now, so yours stays as it was")]
    Taken,
    /// Used, too old, or replaced by a newer letter.
    #[error("this link is used up or too old; ask for a new letter on the page of your account")]
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

/// Sends a link to the new address. An address that somebody has gets a letter that says so; the page tells neither.
///
/// # Errors
/// What is wrong with what they typed; no letter was sent.
pub async fn ask(
    welcome: &Welcome,
    session: &Session,
    wanted: &str,
    password: String,
) -> Result<(), NotMoved> {
    let email = people::email(wanted).ok_or(NotMoved::Email)?;
    let person = &session.person;
    if email == person.email {
        return Err(NotMoved::Same);
    }
    if !welcome.passwords.is_right(password, &person.password).await? {
        return Err(NotMoved::Password);
    }
    if welcome.store.person_of(&email).await?.is_some() {
        let text = format!(
            "Somebody, probably you, wanted to make this the address of another account here. It has an account already, \
             so nothing was changed.\n\nSign in:\n{}/sign-in",
            welcome.url
        );
        return Ok(welcome.send(&email, "This address has an account already", &text)?);
    }
    let (token, now) = (Token::generate(), welcome.clock.now());
    let new = NewAddress {
        secret_sha256: token.sha256(),
        person: person.id,
        email: email.clone(),
        until: now.after(GOOD),
    };
    welcome.store.ask_address(&new, now).await?;
    let text = format!(
        "Make this the address of your account, in the place of {}:\n{}/address/{}\n\nThe link is good for two days. If \
         you did not ask for it, nothing needs to be done.",
        person.email,
        welcome.url,
        token.reveal()
    );
    Ok(welcome.send(&email, "Your new address", &text)?)
}

/// The new address is theirs: it is the person's from now on, and the old one is told by a letter.
///
/// # Errors
/// `Gone` and `Taken`; nothing changed.
pub async fn change(welcome: &Welcome, secret: &str) -> Result<(), NotMoved> {
    let token = Token::parse(secret).map_err(|_| NotMoved::Gone)?;
    let now = welcome.clock.now();
    match welcome.store.change_address(token.sha256(), &AddressKey::generate(), now).await? {
        Moved::Gone => Err(NotMoved::Gone),
        Moved::Taken => Err(NotMoved::Taken),
        Moved::Yes { from, to } => {
            let text = format!(
                "The address of your account is {to} from now on: you sign in with it, and letters go there.\n\nIf that \
                 was not you, tell whoever runs this server at once.\n\n{}",
                welcome.url
            );
            if let Err(error) = welcome.send(&from, "Your address was changed", &text) {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an old address is not told that it was left"
                );
            }
            Ok(())
        }
    }
}
