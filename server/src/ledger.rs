//! Credits: what is there, what is set aside, and the lines that made it so. Types and their laws; no SQL.
//!
//! Two steps, as with card payments: a **hold** sets the quote aside when a job is admitted; exactly one
//! **settlement** ends it, capturing part or all and releasing the rest. Every movement of credits is a transfer
//! between two books, so all books together always sum to zero. Rows are only ever added.

use crate::clock::Timestamp;
use tributary_protocol::vocab::{Credits, JobId, WidgetId};

/// An account's credits. `held <= posted`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// All credits, held ones included.
    pub posted: Credits,
    /// Set aside for jobs that have not ended.
    pub held: Credits,
}

impl Balance {
    /// What a new job may use.
    #[must_use]
    pub fn available(&self) -> Credits {
        self.posted.checked_sub(self.held).unwrap_or(Credits::ZERO)
    }
}

/// Credits that come to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// How many, at least 1.
    pub amount: Credits,
    /// The payment's or the operator's own name for this grant; the same name grants once.
    pub payment_id: String,
    /// For people: why.
    pub note: String,
    /// When what is left of them goes; none for never. Such credits are spent before others.
    pub expires_at: Option<Timestamp>,
}

/// What is left of a grant that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// How many.
    pub left: Credits,
    /// When they go.
    pub expires_at: Timestamp,
}

/// What moved credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Credits came.
    Grant,
    /// A job was paid.
    Capture,
    /// An operator gave a job's credits back.
    Refund,
    /// A grant ended.
    Expiry,
    /// The payment behind a grant was taken back.
    Takeback,
}

impl LineKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Grant, Self::Capture, Self::Refund, Self::Expiry, Self::Takeback];

    /// As the database and statements write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Takeback => "takeback",
        }
    }

    /// Reads [`LineKind::word`]; none for anything else.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether credits came; else they went.
    #[must_use]
    pub fn comes(self) -> bool {
        matches!(self, Self::Grant | Self::Refund)
    }
}

/// By which widget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameBy {
    /// For ever.
    pub id: WidgetId,
    /// As its account calls it.
    pub name: String,
}

/// One line of an account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Rises with time, unique on this server.
    pub line: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: LineKind,
    /// How many came or went.
    pub amount: Credits,
    /// The account's credits after this line.
    pub posted_after: Credits,
    /// The job a capture paid for, or a refund was for.
    pub job: Option<JobId>,
    /// The widget by which that job came.
    pub widget: Option<CameBy>,
    /// For people.
    pub note: String,
}

/// The proof that the books are right; every field must be zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// Accounts whose posted credits are not the sum of their transfers.
    pub accounts_off_ledger: u64,
    /// Accounts whose held credits are not the sum of their open holds.
    pub accounts_off_holds: u64,
    /// Holds of ended jobs without settlement, or settled holds of jobs that have not ended.
    pub holds_off_jobs: u64,
    /// Settlements that capture more than was held, or without (or with another) transfer for what they captured.
    pub settlements_off: u64,
    /// Transfers that take from and give to the same book, to no book, or to another than their kind says.
    pub transfers_off: u64,
    /// Lots of more than their grant, lots that more was taken of than they had, and accounts whose lots have more left than
    /// the account has.
    pub lots_off: u64,
}

impl Audit {
    /// All in order.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}
