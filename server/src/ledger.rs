//! Credits: what is there, what is set aside, and the lines that made it so. Types and their laws; no SQL.
//!
//! Two steps, as with card payments: a **hold** sets the quote aside when a job is admitted; exactly one
//! **settlement** ends it, capturing part or all and releasing the rest. Every movement of credits is a transfer
//! between two books, so all books together always sum to zero. Rows are only ever added.

use crate::clock::Timestamp;
use tributary_protocol::vocab::{Credits, JobId};

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
}

/// What moved credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Credits came.
    Grant,
    /// A job was paid.
    Capture,
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
    /// How many came (grant) or went (capture).
    pub amount: Credits,
    /// The account's credits after this line.
    pub posted_after: Credits,
    /// The job a capture paid for.
    pub job: Option<JobId>,
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
    /// Transfers that take from and give to the same book, or to no book.
    pub transfers_off: u64,
}

impl Audit {
    /// All in order.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}
