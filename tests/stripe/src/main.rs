//! The stand-in as a program, to buy and sell without an account at Stripe: says how a server is told of it, and answers until
//! it is stopped.

#![expect(clippy::print_stdout, reason = "a command line program speaks on standard output")]

use anyhow::Context;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tributary_stripe_double::{Double, Post, Settings, TEST_KEY, TIMES};

/// Signs what is told.
const SECRET: &str = "whsec_stand_in";
/// Where a server takes events by default.
const EVENTS_URL: &str = "http://127.0.0.1:7703/stripe/events";

fn main() -> anyhow::Result<()> {
    let events = std::env::args().nth(1).unwrap_or_else(|| EVENTS_URL.to_owned());
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?
        .block_on(serve(events))
}

async fn serve(events: String) -> anyhow::Result<()> {
    let clock = Arc::new(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    });
    let post = Post::To { url: events.clone(), times: TIMES };
    let double = Double::start(Settings { clock, secrets: vec![SECRET.to_owned()], post }).await?;
    println!("# No money moves. Events go to {events}. In the shell that starts the server:");
    println!("export TRIBUTARY_SERVE_PAYMENTS__STRIPE_URL={}", double.url());
    println!("export TRIBUTARY_SERVE_PAYMENTS__STRIPE_KEY={TEST_KEY}");
    println!("export TRIBUTARY_SERVE_PAYMENTS__WEBHOOK_SECRETS='[\"{SECRET}\"]'");
    std::future::pending().await
}
