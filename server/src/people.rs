//! People and what they may do: roles in accounts, rights of keys, logins of devices. Types and their laws; no SQL.

use crate::clock::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256 as Hasher;
use std::fmt;
use tributary_protocol::vocab::{AccountId, Credits, InvitationId, PersonId, Sha256};
use zeroize::Zeroizing;

/// One thing that somebody may do in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// See jobs, results, credits and members.
    Read,
    /// Start, feed and cancel jobs.
    Run,
    /// Keys, members, limits, webhooks.
    Manage,
    /// Spend money for credits.
    Buy,
}

impl Right {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Run, Self::Manage, Self::Buy];

    /// As keys and pages write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Manage => "manage",
            Self::Buy => "buy",
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rights(u8);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self(0b1111);

    /// These.
    #[must_use]
    pub fn of(rights: &[Right]) -> Self {
        Self(rights.iter().fold(0, |bits, right| bits | Self::bit(*right)))
    }

    /// Reads words with blanks between them; none where one is no right.
    #[must_use]
    pub fn parse(words: &str) -> Option<Self> {
        let right = |word| Right::ALL.into_iter().find(|right| right.word() == word);
        let rights: Option<Vec<Right>> = words.split_whitespace().map(right).collect();
        Some(Self::of(&rights?))
    }

    /// Whether `right` is among them.
    #[must_use]
    pub fn has(self, right: Right) -> bool {
        self.0 & Self::bit(right) != 0
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    fn bit(right: Right) -> u8 {
        1 << right as u8
    }
}

/// As [`Rights::parse`] reads them.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> =
            Right::ALL.iter().filter(|right| self.has(**right)).map(|right| right.word()).collect();
        f.write_str(&words.join(" "))
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// What a person is in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees, changes nothing.
    Viewer,
    /// Runs jobs.
    Member,
    /// Also manages keys, members and limits, and buys.
    Admin,
    /// Also makes and unmakes owners. An account of people always has one.
    Owner,
}

impl Role {
    /// All of them, the greatest first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// As the database and the pages write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Reads [`Role::word`]; none for anything else.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// What it may do.
    #[must_use]
    pub fn rights(self) -> Rights {
        match self {
            Self::Viewer => Rights::of(&[Right::Read]),
            Self::Member => Rights::of(&[Right::Read, Right::Run]),
            Self::Admin | Self::Owner => Rights::ALL,
        }
    }

    /// Whether one with this role may give or take `role`: nobody makes or unmakes more than they are.
    #[must_use]
    pub fn may_change(self, role: Self) -> bool {
        self.rights().has(Right::Manage) && role <= self
    }
}

/// Whose account it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// One person's own.
    Person,
    /// A team's, or one that the operator made.
    Team,
}

impl AccountKind {
    /// As the database writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Team => "team",
        }
    }
}

/// A person, known by an e-mail address.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// For ever.
    pub id: PersonId,
    /// In lower case.
    pub email: String,
    /// For people; may be empty.
    pub name: String,
    /// An argon2id text.
    pub password: String,
    /// When the address was confirmed.
    pub verified_at: Option<Timestamp>,
    /// Sees the operator's pages since.
    pub operates_since: Option<Timestamp>,
}

/// Without the password's hash.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).field("email", &self.email).finish_non_exhaustive()
    }
}

/// What one person is in one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// Which account.
    pub account: AccountId,
    /// Whose it is.
    pub kind: AccountKind,
    /// For people: the team's title, or the person's address.
    pub title: String,
    /// As what.
    pub role: Role,
    /// Credits in one calendar month; none for no limit.
    pub month_limit: Option<Credits>,
}

/// One of an account's members, as the account sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: PersonId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub name: String,
    /// As what.
    pub role: Role,
    /// Credits in one calendar month; none for no limit.
    pub month_limit: Option<Credits>,
    /// Credits that their jobs took or hold since the month began.
    pub month_spent: Credits,
    /// Since when.
    pub joined_at: Timestamp,
}

/// Somebody is asked to become a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Names it for ever.
    pub id: InvitationId,
    /// Of which account.
    pub account: AccountId,
    /// That account's title.
    pub title: String,
    /// Who is asked, in lower case.
    pub email: String,
    /// As what.
    pub role: Role,
    /// With which limit.
    pub month_limit: Option<Credits>,
    /// Who asked.
    pub invited_by: String,
    /// Good until.
    pub until: Timestamp,
}

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub person: Person,
    /// What they are in the account whose pages they see.
    pub membership: Membership,
    /// The cookie's hash names the session.
    pub secret_sha256: Sha256,
    /// Good until.
    pub until: Timestamp,
}

/// What a link in a letter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// The address is the person's.
    Verify,
    /// A new password.
    Reset,
}

impl LinkPurpose {
    /// As the database writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }
}

/// A device that waits for somebody to let it in (RFC 8628).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLogin {
    /// The hash of what the device alone knows.
    pub secret_sha256: Sha256,
    /// What it shows: eight letters.
    pub code: String,
    /// What it calls itself.
    pub device: String,
    /// Good until.
    pub until: Timestamp,
}

/// What a device learns when it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceAnswer {
    /// Nobody has said anything yet.
    Waiting,
    /// Somebody said no.
    Denied,
    /// Too late, fetched already, or never begun.
    Gone,
    /// A key was stored for this person in this account.
    LetIn {
        /// In which account.
        account: AccountId,
        /// Whose key it is.
        person: PersonId,
    },
}

/// The payment that names a person's trial: once a person.
#[must_use]
pub fn trial_payment(person: PersonId) -> String {
    format!("trial-{person}")
}

/// Hashes addresses of people who are gone. Whoever has no key can neither read nor guess them.
#[derive(Clone)]
pub struct AddressKey(Zeroizing<[u8; ADDRESS_KEY_BYTES]>);

/// As long as the hash it makes.
const ADDRESS_KEY_BYTES: usize = 32;

impl AddressKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(rand::random()))
    }

    /// As the database keeps it; none where it has another length.
    #[must_use]
    pub fn kept(bytes: &[u8]) -> Option<Self> {
        Some(Self(Zeroizing::new(bytes.try_into().ok()?)))
    }

    /// For the database.
    #[must_use]
    pub fn bytes(&self) -> &[u8; ADDRESS_KEY_BYTES] {
        &self.0
    }

    /// HMAC-SHA256 of an address as it is kept.
    #[must_use]
    pub fn hash(&self, email: &str) -> Sha256 {
        let mut mac = Hmac::<Hasher>::new_from_slice(&self.0[..]).expect("a key of any length");
        mac.update(email.as_bytes());
        Sha256(mac.finalize().into_bytes().into())
    }
}

/// Longest e-mail address (RFC 5321).
pub const EMAIL_CHARS_MAX: usize = 254;
/// Longest name of a person and title of a team.
pub const TITLE_CHARS_MAX: usize = 200;

/// The address as it is kept: trimmed and in lower case; none where it cannot be one. Whether letters arrive is known only
/// when the link in one was opened.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let (local, domain) = text.rsplit_once('@')?;
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[],;:\\\"".contains(c);
    let labels = domain.split('.').collect::<Vec<_>>();
    let is_domain = labels.len() > 1
        && labels.iter().all(|label| {
            !label.is_empty()
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
        });
    let fits = text.chars().count() <= EMAIL_CHARS_MAX && local.len() <= 64;
    (fits && !local.is_empty() && !local.contains('@') && local.chars().all(is_plain) && is_domain)
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_read_back_and_roles_have_what_they_need_and_no_more() {
        for bits in 0..16 {
            let rights = Rights(bits);
            assert_eq!(Rights::parse(&rights.to_string()), Some(rights));
        }
        assert_eq!(Rights::parse("read fly"), None);
        let table = [
            (Role::Viewer, "read"),
            (Role::Member, "read run"),
            (Role::Admin, "read run manage buy"),
            (Role::Owner, "read run manage buy"),
        ];
        for (role, words) in table {
            assert_eq!(role.rights().to_string(), words);
            assert_eq!(Role::parse(role.word()), Some(role));
        }
        assert_eq!(Rights::ALL.and(Role::Member.rights()), Role::Member.rights());
    }

    #[test]
    fn nobody_makes_or_unmakes_more_than_they_are() {
        for (actor, changes) in [
            (Role::Owner, &Role::ALL[..]),
            (Role::Admin, &[Role::Admin, Role::Member, Role::Viewer]),
            (Role::Member, &[]),
            (Role::Viewer, &[]),
        ] {
            for role in Role::ALL {
                assert_eq!(actor.may_change(role), changes.contains(&role), "{actor:?} {role:?}");
            }
        }
    }

    #[test]
    fn an_addresss_hash_is_its_own_and_its_keys() {
        let [a, b] = [AddressKey::generate(), AddressKey::generate()];
        assert_eq!(a.hash("ann@example.org"), AddressKey::kept(a.bytes()).unwrap().hash("ann@example.org"));
        assert_ne!(a.hash("ann@example.org"), b.hash("ann@example.org"));
        assert_ne!(a.hash("ann@example.org"), a.hash("bob@example.org"));
        assert!(AddressKey::kept(&[0; 31]).is_none());
    }

    #[test]
    fn an_address_is_kept_in_one_spelling_or_refused() {
        assert_eq!(email(" Ann.Lee+x@Mail.Example.ORG ").as_deref(), Some("ann.lee+x@mail.example.org"));
        let long = format!("{}@example.org", "a".repeat(65));
        for text in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@host",
            "a b@example.org",
            "a@b@example.org",
            "a@.org",
            "a@-x.org",
            "ann\n@example.org",
            "<ann@example.org>",
            &long,
        ] {
            assert_eq!(email(text), None, "{text}");
        }
    }
}
