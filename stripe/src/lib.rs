//! What the server asks of Stripe, and what Stripe tells it. A leaf: knows no purchase, no account and no database of
//! ours, decides nothing, keeps nothing. Requests are those of Stripe's own description of its API, answers are read
//! for the few fields that somebody relies on; none of the crates that do it shows outside.
//!
//! # Calls
//! Each call is sent once, with a time limit. What changes something takes an [`IdempotencyKey`] of the caller, who
//! keeps it before the call and sends the same call with the same key until the answer is not [`StripeError::Away`]:
//! that loop survives a crash at any point, and one in here would not. Stripe forgets keys after a day; whoever comes
//! later looks first ([`Stripe::checkouts_since`]). The same call has the same content to the letter, so what it was made
//! of is kept with the key.
//!
//! # Events
//! [`webhook::verify`] says only that Stripe sent something about an object. What is true of the object now is read with
//! a call, so that lost, doubled and reordered events do no harm.

#![warn(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]

pub mod checkout;
mod client;
mod customer;
pub mod dispute;
pub mod error;
mod idempotency;
mod invoice;
pub mod money;
pub mod payment;
pub mod refund;
pub mod webhook;

pub use checkout::{Buyer, Checkout, NewCheckout};
pub use client::{ANSWER_BYTES_MAX, CALL_SECONDS_MAX, Mode, SetupError, Stripe};
pub use customer::NewCustomer;
pub use dispute::Dispute;
pub use error::{Away, StripeError};
pub use idempotency::{IdempotencyKey, KEY_BYTES_MAX, KeyError};
pub use invoice::Invoice;
pub use money::{Currency, CurrencyError, Money};
pub use payment::{Charged, NewCharge, Payment};
pub use refund::{NewRefund, Refund};
pub use webhook::{Envelope, SignatureError};

/// The name under which Stripe keeps our id of a purchase, with a checkout and with its payment.
pub const PURCHASE: &str = "purchase";
