//! The web pages in a real browser: what people do there, with scripts and without, and how every page looks and is
//! reached. The payment service is its stand-in; letters lie in the outbox.

mod account;
mod journey;
mod looks;
mod operator;
mod plain;
mod team;
mod widget;

use std::path::PathBuf;
use std::sync::Arc;
use tributary_server::Parts;
use tributary_server::billing::Pack;
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::{Config, SignUp};
use tributary_server::tenant::Tenant;
use tributary_stripe_double::{Double, Post, Settings, TEST_KEY};
use tributary_tests::chromium::{Chromium, Scripts};
use tributary_tests::letters::link;
use tributary_tests::{Stage, stage};

pub(crate) const PASSWORD: &str = "seven rivers meet here";
const SECRET: &str = "whsec_of_the_browser_tests";
/// How often the stand-in tells each event.
const TIMES: usize = 2;

/// A server that sells credits.
pub(crate) struct Shop {
    pub(crate) stage: Stage,
    /// Answers as long as the shop is open.
    _stripe: Double,
}

/// A pack of that name.
fn pack(name: &str, title: &str, credits: u64, amount_minor: u64) -> Pack {
    let currency = "EUR".to_owned();
    let (name, title, day) = (name.to_owned(), title.to_owned(), String::new());
    Pack { name, title, credits, amount_minor, currency, from: day.clone(), until: day }
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// With something else in the configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock: tributary_stripe_double::Clock = Arc::new(|| SystemClock.now().0 / 1_000_000);
        let settings = Settings { clock, secrets: vec![SECRET.to_owned()], post: Post::Kept };
        let stripe = Double::start(settings).await.unwrap();
        let mut config = stage::config();
        config.pages.sign_up = SignUp::Open;
        // A test calls more often than a person.
        config.rates.address_calls_per_minute = 0;
        config.payments.stripe_key = TEST_KEY.to_owned();
        config.payments.stripe_url = stripe.url().to_owned();
        config.payments.webhook_secrets = vec![SECRET.to_owned()];
        config.payments.packs = vec![pack("small", "Small", 100, 900), pack("large", "Large", 1_200, 9_000)];
        change(&mut config);
        let stage = Stage::with(config, Parts::default()).await.unwrap();
        let url = format!("http://{}/stripe/events", stage.server.pages);
        stripe.post_to(Post::To { url, times: TIMES });
        Self { stage, _stripe: stripe }
    }

    pub(crate) async fn browser(&self, scripts: Scripts) -> Chromium {
        Chromium::start(&format!("http://{}", self.stage.server.pages), scripts).await.unwrap()
    }

    /// Signs up and confirms, all by the pages.
    pub(crate) async fn sign_up(&self, browser: &Chromium, email: &str, name: &str) {
        browser.open("/sign-up").await.unwrap();
        for (field, text) in [("email", email), ("name", name), ("password", PASSWORD)] {
            browser.fill(field, text).await.unwrap();
        }
        browser.press("Sign up").await.unwrap();
        browser.shows("Look into your mail").await;
        browser.open(&link(&self.stage, email, "confirm").await).await.unwrap();
        browser.press("This address is mine").await.unwrap();
        browser.shows("Newest jobs").await;
    }

    /// The account that a person has by themselves.
    pub(crate) async fn account_of(&self, email: &str) -> Tenant {
        let store = &self.stage.server.store;
        let person = store.person_of(email).await.unwrap().unwrap();
        Tenant::acting_for(store.memberships(person.id).await.unwrap()[0].account)
    }

    /// Buys the pack that costs so much, paid by card on the payment service's page.
    pub(crate) async fn buy(&self, browser: &Chromium, price: &str) {
        browser.open("/").await.unwrap();
        browser.press(price).await.unwrap();
        browser.press("Go on to the payment").await.unwrap();
        browser.shows("Card that is declined").await;
        browser.press("Pay").await.unwrap();
        browser.shows("It is paid").await;
    }
}

/// A sound file of a few seconds, for a file field.
pub(crate) fn song(stage: &Stage, seconds: u64) -> PathBuf {
    let take = stage.take(7, 44_100 * seconds).unwrap();
    let path = stage.folder.path().join(format!("river-{seconds}.wav"));
    tributary_tests::signal::write_wav(&path, &take.samples, 2, 44_100).unwrap();
    path
}

/// Sends a file and is shown its price.
pub(crate) async fn send(browser: &Chromium, file: &std::path::Path) {
    browser.open("/jobs/new?model=mini").await.unwrap();
    browser.fill("file", file.to_str().unwrap()).await.unwrap();
    browser.press("Send the file").await.unwrap();
    browser.shows("Costs").await;
}
