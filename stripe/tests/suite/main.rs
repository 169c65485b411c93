//! The adapter against two stand-ins of Stripe: one of ours, which does what Stripe's documentation says and fails on
//! demand, and one that others wrote.

#![expect(clippy::unwrap_used, reason = "all of it is tests; clippy sees only the functions marked so")]

mod browser;
mod checkout;
mod dispute;
mod events;
mod faults;
mod localstripe;
mod payment;
mod refund;
mod scene;
mod shapes;
mod tls;
