//! Passwords: chosen, hashed, compared. Never stored, never logged, wiped from memory where that is cheap.
//!
//! Argon2id with the parameters that OWASP names (19 MiB, 2 passes, 1 lane), kept in the PHC string, so that a hash made
//! with less is made anew the next time its owner comes in. Hashing is slow on purpose: it runs beside the edges, few at a
//! time, and a crowd is told to come again.

mod first_guesses;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use rand::RngExt;
use rand::distr::Alphanumeric;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// Characters of a password.
pub const PASSWORD_CHARS_MAX: usize = 256;
/// Bytes of whatever somebody typed; nothing longer is looked at. A character has at most four.
pub const PASSWORD_BYTES_MAX: usize = 4 * PASSWORD_CHARS_MAX;

/// Hashes made at once: each takes a core and 19 MiB.
const HASHING_MAX: usize = 2;
/// Those that are made and those that wait: ten seconds of work on a slow machine.
const WAITING_MAX: usize = 64;

/// Bytes of a stored hash.
const STORED_BYTES_MAX: usize = 256;
/// A stored hash that asks for more than this is not ours.
const COST_MAX: Cost = Cost { memory_kib: 1 << 18, passes: 16, lanes: 8 };

/// How much work a hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// OWASP's Password Storage Cheat Sheet, its second choice of five alike.
const COST: Cost = Cost { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

impl Cost {
    fn of(params: &Params) -> Self {
        Self { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() }
    }

    fn is_within(self, most: Self) -> bool {
        self.memory_kib <= most.memory_kib && self.passes <= most.passes && self.lanes <= most.lanes
    }

    fn is_weaker_than(self, other: Self) -> bool {
        self.memory_kib < other.memory_kib || self.passes < other.passes
    }

    fn argon2(self) -> Argon2<'static> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None);
        Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            params.expect("named costs are within Argon2's range"),
        )
    }
}

/// Why nobody should have this password. Repeats nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoPassword {
    /// Too few characters.
    #[error("a password has at least {PASSWORD_CHARS_MIN} characters")]
    TooShort,
    /// Too many.
    #[error("a password has at most {PASSWORD_CHARS_MAX} characters")]
    TooLong,
    /// Everybody guesses it first.
    #[error(
        "this password is among the first that anybody would try; take several words that do not belong together"
    )]
    Common,
    /// The owner's address, or its name, is in it.
    #[error("a password must not hold your own e-mail address")]
    OwnAddress,
}

/// Why a password was neither hashed nor compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HashError {
    /// Too many at once: come again.
    #[error("too many people sign in at this moment; try again in a few seconds")]
    Busy,
    /// What is stored is no hash of ours.
    #[error("the stored password cannot be read")]
    Stored,
    /// Argon2 failed: no memory.
    #[error("the password cannot be hashed: {0}")]
    Hash(argon2::password_hash::Error),
}

/// What somebody typed to come in: any text that is not too long.
#[derive(Clone)]
pub struct Typed(Zeroizing<String>);

/// What somebody may have as a password from now on.
#[derive(Clone)]
pub struct Chosen(Zeroizing<String>);

impl Typed {
    /// Takes a text as it is.
    ///
    /// # Errors
    /// `TooLong`, which says nothing of who it is for.
    pub fn new(text: String) -> Result<Self, NoPassword> {
        let text = Zeroizing::new(text);
        if text.len() > PASSWORD_BYTES_MAX { Err(NoPassword::TooLong) } else { Ok(Self(text)) }
    }
}

impl Chosen {
    /// Takes a text that is long enough and not the first that anybody would try. `address`: its owner's e-mail address.
    ///
    /// # Errors
    /// `NoPassword` in words for its owner.
    pub fn new(text: String, address: &str) -> Result<Self, NoPassword> {
        let text = Zeroizing::new(text);
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(NoPassword::TooLong);
        }
        let chars = text.chars().count();
        if chars < PASSWORD_CHARS_MIN {
            return Err(NoPassword::TooShort);
        }
        if chars > PASSWORD_CHARS_MAX {
            return Err(NoPassword::TooLong);
        }
        if first_guesses::holds_address(&text, address) {
            return Err(NoPassword::OwnAddress);
        }
        if first_guesses::is_common(&text) { Err(NoPassword::Common) } else { Ok(Self(text)) }
    }
}

impl From<Chosen> for Typed {
    fn from(chosen: Chosen) -> Self {
        Self(chosen.0)
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Typed(..)")
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("Chosen(..)")
    }
}

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password. With `better`, that is to be stored in the old hash's place, which was made with less work.
    Right {
        /// A PHC string.
        better: Option<String>,
    },
    /// It is not, or there is nobody of that name.
    Wrong,
}

/// Hashes and compares. Clones share its limits.
#[derive(Clone)]
pub struct Passwords {
    cost: Cost,
    /// The hash of what nobody knows, compared for people who do not exist.
    nobodys: Arc<str>,
    places: Arc<Semaphore>,
    hands: Arc<Semaphore>,
}

impl Passwords {
    /// Takes as long as one hash.
    ///
    /// # Errors
    /// `Hash` where there is no memory.
    pub fn new() -> Result<Self, HashError> {
        Self::of(COST)
    }

    fn of(cost: Cost) -> Result<Self, HashError> {
        let nobodys: Zeroizing<String> =
            Zeroizing::new(rand::rng().sample_iter(Alphanumeric).take(43).map(char::from).collect());
        Ok(Self {
            cost,
            nobodys: hash(cost, &nobodys)?.into(),
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            hands: Arc::new(Semaphore::new(HASHING_MAX)),
        })
    }

    /// The PHC string to store.
    ///
    /// # Errors
    /// `Busy` or `Hash`.
    pub async fn hash(&self, password: Chosen) -> Result<String, HashError> {
        let cost = self.cost;
        self.beside(move || hash(cost, &password.0)).await
    }

    /// Compares with what is stored; none where there is nobody of that name, which takes the same time.
    ///
    /// # Errors
    /// `Busy`, `Stored` or `Hash`.
    pub async fn compare(&self, password: Typed, stored: Option<&str>) -> Result<Verdict, HashError> {
        let (cost, is_somebody) = (self.cost, stored.is_some());
        let stored = stored.unwrap_or(&self.nobodys);
        if stored.len() > STORED_BYTES_MAX {
            return Err(HashError::Stored);
        }
        let stored = stored.to_owned();
        self.beside(move || {
            let (right, weaker) = compare(cost, &password.0, &stored)?;
            if !(right && is_somebody) {
                return Ok(Verdict::Wrong);
            }
            let better = if weaker { Some(hash(cost, &password.0)?) } else { None };
            Ok(Verdict::Right { better })
        })
        .await
    }

    /// Whether it is the password of somebody who is signed in, as `stored` for them. What is too long to be one is not.
    ///
    /// # Errors
    /// `Busy`, `Stored` or `Hash`.
    pub async fn is_right(&self, typed: String, stored: &str) -> Result<bool, HashError> {
        let Ok(typed) = Typed::new(typed) else { return Ok(false) };
        Ok(self.compare(typed, Some(stored)).await? != Verdict::Wrong)
    }

    /// Runs on a thread that may be slow. Whoever stops waiting does not free its place before the work is done.
    async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let hand = Arc::clone(&self.hands).acquire_owned().await.expect("the semaphore is never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, hand);
            work()
        });
        done.await.unwrap_or(Err(HashError::Hash(argon2::password_hash::Error::Internal)))
    }
}

fn hash(cost: Cost, password: &str) -> Result<String, HashError> {
    let hashed: PasswordHash = cost.argon2().hash_password(password.as_bytes()).map_err(HashError::Hash)?;
    Ok(hashed.to_string())
}

/// Whether it is the password, and whether its hash was made with less than `cost`.
fn compare(cost: Cost, password: &str, stored: &str) -> Result<(bool, bool), HashError> {
    let stored = PasswordHash::new(stored).map_err(|_| HashError::Stored)?;
    let found = Cost::of(&Params::try_from(&stored).map_err(|_| HashError::Stored)?);
    let is_ours = stored.algorithm == Algorithm::Argon2id.ident() && stored.hash.is_some();
    if !is_ours || !found.is_within(COST_MAX) {
        return Err(HashError::Stored);
    }
    match cost.argon2().verify_password(password.as_bytes(), &stored) {
        Ok(()) => Ok((true, found.is_weaker_than(cost))),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok((false, false)),
        Err(error) => Err(HashError::Hash(error)),
    }
}

#[cfg(test)]
#[path = "password/password_tests.rs"]
mod tests;
