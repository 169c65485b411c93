//! One test's Stripe: a stand-in, the adapter, and a clock that the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tributary_stripe::{Buyer, Checkout, Currency, IdempotencyKey, Money, NewCheckout, Stripe};
use tributary_stripe_double::{Double, Post, Settings, TEST_KEY};

/// When every test begins.
pub(crate) const BEGIN: i64 = 1_800_000_000;
/// What a pack costs.
pub(crate) const PRICE: u64 = 1_999;
/// What signs events.
pub(crate) const SECRET: &str = "whsec_first";

pub(crate) struct Scene {
    pub(crate) double: Double,
    pub(crate) stripe: Stripe,
    clock: Arc<AtomicI64>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(AtomicI64::new(BEGIN));
        let hand = Arc::clone(&clock);
        let settings = Settings {
            clock: Arc::new(move || hand.load(Ordering::Relaxed)),
            secrets: vec![SECRET.to_owned()],
            post: Post::Kept,
        };
        let double = Double::start(settings).await.unwrap();
        let stripe = Stripe::new(TEST_KEY, Some(double.url())).unwrap();
        Self { double, stripe, clock }
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.load(Ordering::Relaxed)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// An open checkout of a purchase.
    pub(crate) async fn open(&self, purchase: &str) -> Checkout {
        self.stripe.open(&self.new_checkout(purchase), &key(purchase)).await.unwrap()
    }

    pub(crate) fn new_checkout(&self, purchase: &str) -> NewCheckout {
        NewCheckout {
            purchase: purchase.to_owned(),
            price: euros(PRICE),
            product: "1000 credits & <more>".to_owned(),
            buyer: Buyer::Email("buyer@example.org".to_owned()),
            success_url: "https://studio.example/paid?checkout={CHECKOUT_SESSION_ID}".to_owned(),
            cancel_url: "https://studio.example/back".to_owned(),
            expires_at_seconds: self.now() + 3600,
            is_kept: false,
        }
    }

    /// The kinds of all events so far.
    pub(crate) fn told(&self) -> Vec<String> {
        self.double.events().into_iter().map(|event| event.kind).collect()
    }
}

pub(crate) fn euros(amount_minor: u64) -> Money {
    Money { amount_minor, currency: Currency::new("eur").unwrap() }
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).unwrap()
}
