//! Checkouts: opened by a call, then paid on their page, or closed.

use super::{NewPayment, PaymentState, Way, World};
use crate::refusal::Refusal;
use crate::shape;
use anyhow::{Context, ensure};
use std::collections::BTreeMap;

/// How long a checkout is open, in seconds, at least and at most.
const OPEN_SECONDS: std::ops::RangeInclusive<i64> = 30 * 60..=24 * 60 * 60;
/// What a clock may be off between whoever asks and whoever answers.
const SLACK_SECONDS: i64 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckoutState {
    Open,
    Complete,
    Expired,
}

/// What a call asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewCheckout {
    pub(crate) reference: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) payment_metadata: BTreeMap<String, String>,
    pub(crate) product: String,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) makes_customer: bool,
    pub(crate) makes_invoice: bool,
    pub(crate) is_kept: bool,
    pub(crate) locale: Option<String>,
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) expires_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) id: String,
    pub(crate) new: NewCheckout,
    pub(crate) state: CheckoutState,
    pub(crate) is_paid: bool,
    pub(crate) customer: Option<String>,
    pub(crate) payment: Option<String>,
    pub(crate) invoice: Option<String>,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
}

impl World {
    pub(crate) fn open(&mut self, new: NewCheckout) -> Result<Checkout, Refusal> {
        let created = self.now();
        let expires_at = new.expires_at.unwrap_or(created + OPEN_SECONDS.end());
        let open = expires_at - created;
        if !(OPEN_SECONDS.start() - SLACK_SECONDS..=OPEN_SECONDS.end() + SLACK_SECONDS).contains(&open) {
            return Err(Refusal::invalid("expires_at"));
        }
        if let Some(customer) = new.customer.as_ref().filter(|id| !self.customers.contains_key(*id)) {
            return Err(Refusal::no_such("customer", customer, "customer"));
        }
        let checkout = Checkout {
            id: self.id("cs_test"),
            customer: new.customer.clone(),
            new,
            state: CheckoutState::Open,
            is_paid: false,
            payment: None,
            invoice: None,
            created,
            expires_at,
        };
        self.checkouts.insert(checkout.id.clone(), checkout.clone());
        Ok(checkout)
    }

    /// Closes an open one. Those whose time is over close when anybody looks: see [`World::pass_time`].
    pub(crate) fn expire(&mut self, id: &str) -> Result<(), Refusal> {
        let checkout =
            self.checkouts.get_mut(id).ok_or_else(|| Refusal::not_found("checkout.session", id))?;
        if checkout.state != CheckoutState::Open {
            let message = "Only Checkout Sessions with a status in [\"open\"] can be expired.";
            return Err(Refusal::request("resource_invalid_state", message, "id"));
        }
        checkout.state = CheckoutState::Expired;
        self.tell_checkout("checkout.session.expired", id);
        Ok(())
    }

    /// Closes what should have been closed by now.
    pub(crate) fn pass_time(&mut self) {
        let now = self.now();
        let over = self
            .checkouts
            .values_mut()
            .filter(|checkout| checkout.state == CheckoutState::Open && checkout.expires_at <= now);
        let closed: Vec<String> = over
            .map(|checkout| {
                checkout.state = CheckoutState::Expired;
                checkout.id.clone()
            })
            .collect();
        for id in closed {
            self.tell_checkout("checkout.session.expired", &id);
        }
    }

    /// The buyer pays on the page. Answers whether it worked, as far as the buyer is told.
    pub(crate) fn pay(&mut self, id: &str, way: Way) -> anyhow::Result<bool> {
        let checkout = self.checkouts.get(id).with_context(|| format!("there is no checkout {id}"))?.clone();
        ensure!(checkout.state == CheckoutState::Open, "checkout {id} is {:?}", checkout.state);
        let customer = match &checkout.customer {
            None if checkout.new.makes_customer => {
                Some(self.new_customer(checkout.new.email.clone(), BTreeMap::new()).id)
            }
            known => known.clone(),
        };
        let payment = match &checkout.payment {
            Some(payment) => payment.clone(),
            None => self.new_payment(NewPayment {
                amount: checkout.new.amount,
                currency: checkout.new.currency.clone(),
                customer: customer.clone(),
                metadata: checkout.new.payment_metadata.clone(),
                is_kept: checkout.new.is_kept,
                checkout: Some(id.to_owned()),
            }),
        };
        let owner = customer.clone().filter(|_| checkout.new.is_kept);
        let method = self.new_method(owner, way);
        self.change(id, |checkout| {
            checkout.customer = customer;
            checkout.payment = Some(payment.clone());
        });
        self.try_method(&payment, &method, true);
        let state = self.payments[&payment].state;
        if state == PaymentState::WantsMethod {
            return Ok(false);
        }
        self.change(id, |checkout| checkout.state = CheckoutState::Complete);
        if state == PaymentState::Succeeded {
            self.is_paid(id);
        }
        self.tell_checkout("checkout.session.completed", id);
        Ok(true)
    }

    /// The money of a checkout came.
    pub(super) fn is_paid(&mut self, id: &str) {
        let checkout = &self.checkouts[id];
        let (new, customer) = (checkout.new.clone(), checkout.customer.clone());
        let invoice = new.makes_invoice.then(|| self.new_invoice(new.amount, new.currency, customer));
        self.change(id, |checkout| {
            checkout.is_paid = true;
            checkout.invoice = invoice;
        });
    }

    pub(super) fn tell_checkout(&mut self, kind: &str, id: &str) {
        let object = shape::checkout(self, &self.checkouts[id]);
        self.tell(kind, object);
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Checkout)) {
        if let Some(checkout) = self.checkouts.get_mut(id) {
            change(checkout);
        }
    }
}
