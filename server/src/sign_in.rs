//! A device gets a key without anybody typing one (RFC 8628): it shows a code, a person who is signed in to the pages
//! confirms it, the device fetches a key of that person's. Nobody knows the key but the device: it is made when it is
//! fetched.

use crate::auth::api_key::ApiKey;
use crate::auth::token::{Token, TypedCode};
use crate::clock::Clock;
use crate::people::{DeviceAnswer, DeviceLogin, Right, Rights};
use crate::store::{KeyRow, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, PersonId};

/// A code that nobody confirmed is good for so long.
pub const CODE_GOOD: Duration = Duration::from_secs(15 * 60);
/// A device asks this often.
pub const POLL: Duration = Duration::from_secs(3);
/// The longest name that a device may give itself.
pub const DEVICE_CHARS_MAX: usize = 100;
/// Codes are drawn at random; two that are alike and wait at once are rare, three in a row are not chance.
const DRAWS: usize = 3;

/// Why a device cannot be let in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignInError {
    /// The server has no pages to confirm a code on.
    #[error("this server has no sign-in page; ask its operator for a key")]
    NoPages,
    /// A name that is too long or has control characters.
    #[error("a device's name has at most {DEVICE_CHARS_MAX} characters and no control characters")]
    Name,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// What a device is told first.
#[derive(Debug)]
pub struct Waiting {
    /// For the device alone.
    pub secret: Token,
    /// For people to compare: `XXXX-XXXX`.
    pub code: String,
    /// Where they do.
    pub page: String,
    /// What is known of it.
    pub login: DeviceLogin,
}

/// What a device is told when it asks again.
#[derive(Debug)]
pub enum Answer {
    /// Nobody has said anything yet.
    Waiting,
    /// Somebody said no.
    Denied,
    /// Too late, fetched already, or never begun.
    Gone,
    /// Its key, this once.
    Key(ApiKey),
}

/// Lets devices in.
pub struct SignIn {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The pages' address; empty where there are none.
    pub pages: String,
}

impl SignIn {
    /// A device wants to be let in.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn begin(&self, device: &str) -> Result<Waiting, SignInError> {
        if self.pages.is_empty() {
            return Err(SignInError::NoPages);
        }
        let device = device.trim();
        if device.chars().count() > DEVICE_CHARS_MAX || device.chars().any(char::is_control) {
            return Err(SignInError::Name);
        }
        let device = if device.is_empty() { "an unnamed device" } else { device };
        let now = self.clock.now();
        for draw in 1.. {
            let (secret, code) = (Token::generate(), TypedCode::generate());
            let login = DeviceLogin {
                secret_sha256: secret.sha256(),
                code: stored(&code),
                device: device.to_owned(),
                until: now.after(CODE_GOOD),
            };
            match self.store.begin_login(&login, now).await {
                Ok(()) => {
                    let page = format!("{}/device", self.pages);
                    return Ok(Waiting { secret, code: code.reveal(), page, login });
                }
                Err(StoreError::Exists(_)) if draw < DRAWS => {}
                Err(error) => return Err(error.into()),
            }
        }
        unreachable!("the last draw returns")
    }

    /// The device that waits with this code.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn device(&self, code: &TypedCode) -> Result<Option<DeviceLogin>, StoreError> {
        self.store.login_of(&stored(code), self.clock.now()).await
    }

    /// A person says yes, for one of their accounts, or no (none). False where the device does not wait any more, or the
    /// account is not theirs.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn decide(
        &self,
        code: &TypedCode,
        person: PersonId,
        account: Option<AccountId>,
    ) -> Result<bool, StoreError> {
        if let Some(account) = account
            && self.store.membership(person, account).await?.is_none()
        {
            return Ok(false);
        }
        let whom = account.map(|account| (person, account));
        self.store.decide_login(&stored(code), whom, self.clock.now()).await
    }

    /// The device asks what was said. `secret`: as it was told.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn poll(&self, secret: &str) -> Result<Answer, StoreError> {
        let Ok(secret) = Token::parse(secret) else { return Ok(Answer::Gone) };
        let key = ApiKey::generate();
        let row = device_key(&key);
        Ok(match self.store.take_login(secret.sha256(), &row, self.clock.now()).await? {
            DeviceAnswer::Waiting => Answer::Waiting,
            DeviceAnswer::Denied => Answer::Denied,
            DeviceAnswer::Gone => Answer::Gone,
            DeviceAnswer::LetIn { .. } => Answer::Key(key),
        })
    }
}

/// A code as the store has it: eight letters.
fn stored(code: &TypedCode) -> String {
    code.reveal().replace('-', "")
}

/// Whoever lets the device in becomes the key's person: it may what they may, but for managing others.
fn device_key(key: &ApiKey) -> KeyRow {
    let rights = Rights::of(&[Right::Read, Right::Run, Right::Buy]);
    KeyRow { rights, ..key.row(AccountId::generate(), "signed in with a code") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Auth;
    use crate::clock::{ManualClock, Timestamp};
    use crate::people::Person;
    use crate::store::people::NewPerson;
    use crate::store::sqlite::SqliteStore;
    use crate::tenant::Tenant;

    async fn sign_in(pages: &str) -> (SignIn, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(1_000_000)));
        let store = Arc::new(SqliteStore::open_in_memory().await.unwrap());
        (SignIn { store, clock: Arc::clone(&clock) as Arc<dyn Clock>, pages: pages.to_owned() }, clock)
    }

    async fn person(sign_in: &SignIn) -> (PersonId, AccountId) {
        let (id, account) = (PersonId::generate(), AccountId::generate());
        let person = Person {
            id,
            email: "ann@example.org".into(),
            name: String::new(),
            password: "$".into(),
            verified_at: None,
            operates_since: None,
        };
        sign_in.store.sign_up(&NewPerson { person, account }, Timestamp(1)).await.unwrap();
        (id, account)
    }

    #[tokio::test]
    async fn a_device_that_is_let_in_has_a_key_of_that_person() {
        let (sign_in, clock) = sign_in("https://stems.example.org").await;
        let (ann, account) = person(&sign_in).await;
        let waiting = sign_in.begin(" Bitwig on the laptop ").await.unwrap();
        assert_eq!(waiting.page, "https://stems.example.org/device");
        assert_eq!((waiting.code.len(), waiting.login.device.as_str()), (9, "Bitwig on the laptop"));
        assert!(matches!(sign_in.poll(waiting.secret.reveal()).await.unwrap(), Answer::Waiting));
        let code = TypedCode::parse(&waiting.code.to_lowercase()).unwrap();
        assert_eq!(sign_in.device(&code).await.unwrap(), Some(waiting.login));
        let other = AccountId::generate();
        assert!(!sign_in.decide(&code, ann, Some(other)).await.unwrap(), "not theirs");
        assert!(sign_in.decide(&code, ann, Some(account)).await.unwrap());
        let Answer::Key(key) = sign_in.poll(waiting.secret.reveal()).await.unwrap() else { panic!("a key") };
        assert!(matches!(sign_in.poll(waiting.secret.reveal()).await.unwrap(), Answer::Gone), "fetched");
        let auth = Auth { store: Arc::clone(&sign_in.store), clock: clock as Arc<dyn Clock> };
        let principal = auth.principal(Some(&format!("Bearer {}", key.reveal()))).await.unwrap();
        assert_eq!((principal.tenant, principal.person), (Tenant::acting_for(account), Some(ann)));
        assert_eq!(principal.rights.to_string(), "read run buy");
    }

    #[tokio::test]
    async fn no_and_too_late_are_told_apart_from_not_yet() {
        let (sign_in, clock) = sign_in("https://stems.example.org").await;
        let (ann, account) = person(&sign_in).await;
        let (refused, late) = (sign_in.begin("").await.unwrap(), sign_in.begin("b").await.unwrap());
        let code = TypedCode::parse(&refused.code).unwrap();
        assert!(sign_in.decide(&code, ann, None).await.unwrap());
        assert!(matches!(sign_in.poll(refused.secret.reveal()).await.unwrap(), Answer::Denied));
        clock.advance(CODE_GOOD);
        assert!(matches!(sign_in.poll(late.secret.reveal()).await.unwrap(), Answer::Gone));
        assert!(matches!(sign_in.poll("no token").await.unwrap(), Answer::Gone));
        let code = TypedCode::parse(&late.code).unwrap();
        assert!(!sign_in.decide(&code, ann, Some(account)).await.unwrap());
    }

    #[tokio::test]
    async fn a_server_without_pages_says_so_and_names_are_limited() {
        let (without, _) = sign_in("").await;
        assert!(matches!(without.begin("a").await, Err(SignInError::NoPages)));
        let (with, _) = sign_in("https://stems.example.org").await;
        for name in ["x".repeat(101), "a\nb".to_owned()] {
            assert!(matches!(with.begin(&name).await, Err(SignInError::Name)), "{name:?}");
        }
    }
}
