//! Plain words of the product. No behaviour beyond being written, read and compared.

use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Names one job, for ever. Made by the client (UUID version 7) and saved before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(Uuid);

/// Names one account: a person or a team; also the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(Uuid);

/// Names one person, whatever accounts they are a member of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(Uuid);

/// Names one invitation into an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InvitationId(Uuid);

/// Names one purchase of credits. Made by whoever buys, so that asking twice buys once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PurchaseId(Uuid);

/// Names one address that an account wants to be told at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WebhookId(Uuid);

/// Names one thing that accounts are told. What is told of a job's end has the job's own id: a job ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

/// Names one widget: a service of an account on other people's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WidgetId(Uuid);

macro_rules! uuid_word {
    ($name:ident) => {
        impl $name {
            /// A new one; later ones sort after earlier ones.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// Its 16 bytes, as on the wire and in the database.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// From 16 bytes; none for any other length.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                Uuid::from_slice(bytes).ok().map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                Uuid::parse_str(text).map(Self).map_err(|_| NotAnId)
            }
        }
    };
}
uuid_word!(JobId);
uuid_word!(AccountId);
uuid_word!(PersonId);
uuid_word!(PurchaseId);
uuid_word!(InvitationId);
uuid_word!(WebhookId);
uuid_word!(EventId);
uuid_word!(WidgetId);

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 32 hex digits in five groups, as `tributary jobs` prints them")]
pub struct NotAnId;

/// Whole, prepaid credits. Never negative; arithmetic is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Credits(pub u64);

impl Credits {
    /// None at all.
    pub const ZERO: Self = Self(0);

    /// Sum, or none beyond the range.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, or none below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} credit{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

/// Where a purchase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseState {
    /// Agreed.
    Created,
    /// The payment service shows its page.
    Open,
    /// The money is on its way; some ways take days.
    Processing,
    /// The credits came.
    Paid,
    /// No money, no credits.
    Failed,
    /// Nobody paid in time.
    Expired,
    /// What was paid is not what was agreed: an operator decides.
    Mismatch,
}

impl PurchaseState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Created,
        Self::Open,
        Self::Processing,
        Self::Paid,
        Self::Failed,
        Self::Expired,
        Self::Mismatch,
    ];

    /// As the database, the pages and programs write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Open => "open",
            Self::Processing => "processing",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Mismatch => "mismatch",
        }
    }

    /// Reads what [`PurchaseState::word`] writes.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Nothing more happens to it by itself.
    #[must_use]
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Created | Self::Open | Self::Processing)
    }
}

/// SHA-256 of canonical bytes: the name of a clip or a stem's content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256(pub [u8; 32]);

/// Two hex digits.
fn byte(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

impl Sha256 {
    /// From 32 bytes; none for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As certificates' fingerprints are shown, for people to compare: `AB:CD:..`.
    #[must_use]
    pub fn as_fingerprint(&self) -> String {
        self.0.map(|byte| format!("{byte:02X}")).join(":")
    }

    /// Reads what [`Sha256::as_fingerprint`] writes; none for anything else.
    #[must_use]
    pub fn from_fingerprint(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = text.split(':').map(|pair| byte(pair.as_bytes())).collect();
        Self::from_slice(&bytes?)
    }

    /// From 64 hex digits, of either case; none for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
        Self::from_slice(&bytes?)
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a clip is before its samples are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClipHeader {
    /// Over the canonical bytes: interleaved 32-bit little-endian float.
    pub sha256: Sha256,
    /// Length in frames.
    pub frames: u64,
    /// 1 to 8.
    pub channels: u16,
    /// Frames a second.
    pub rate_hz: u32,
}

impl ClipHeader {
    /// Bytes of one frame.
    #[must_use]
    pub fn frame_bytes(&self) -> u64 {
        u64::from(self.channels) * crate::limits::SAMPLE_BYTES
    }

    /// Canonical bytes of the whole clip; none where the product is beyond the range.
    #[must_use]
    pub fn canonical_bytes(&self) -> Option<u64> {
        self.frames.checked_mul(self.frame_bytes())
    }

    /// Length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate_hz.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purchases_state_reads_back_and_three_of_them_go_on() {
        for state in PurchaseState::ALL {
            assert_eq!(PurchaseState::parse(state.word()), Some(state));
        }
        assert_eq!(PurchaseState::parse("Paid"), None);
        let goes_on = PurchaseState::ALL.into_iter().filter(|state| !state.has_ended());
        assert_eq!(goes_on.map(PurchaseState::word).collect::<Vec<_>>(), ["created", "open", "processing"]);
    }

    #[test]
    fn a_fingerprint_reads_back_and_nothing_else_does() {
        let hash = Sha256(std::array::from_fn(|index| u8::try_from(index * 8).unwrap()));
        let text = hash.as_fingerprint();
        assert!(text.starts_with("00:08:10:"), "{text}");
        assert_eq!(Sha256::from_fingerprint(&text), Some(hash));
        for wrong in ["", "AB", &text[1..], &text[3..], &format!("{text}:00"), &text.replace(':', ""), "é:é"]
        {
            assert_eq!(Sha256::from_fingerprint(wrong), None, "{wrong}");
        }
    }
}
