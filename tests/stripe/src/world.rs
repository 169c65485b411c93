//! What Stripe would know: a small state machine for each kind of object, and the events that its changes make. Knows
//! neither HTTP nor JSON.

mod checkout;
mod dispute;
mod payment;
mod refund;

use crate::Clock;
use crate::events::Event;
use crate::shape;
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) use checkout::{Checkout, CheckoutState, NewCheckout};
pub(crate) use dispute::Dispute;
pub(crate) use payment::{Charge, Decline, NewPayment, Payment, PaymentState};
pub(crate) use refund::Refund;

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A card that pays at once.
    Card,
    /// A card that is declined, for lack of funds.
    DeclinedCard,
    /// A card whose bank wants its holder to take part: pays on the page and not without the buyer.
    CardOfHolder,
    /// A bank account whose money comes, or does not, days later.
    SepaDebit,
}

/// A way to pay that was kept for a customer.
#[derive(Debug, Clone)]
pub(crate) struct Method {
    pub(crate) customer: Option<String>,
    pub(crate) way: Way,
}

#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) email: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    pub(crate) created: i64,
}

pub(crate) struct World {
    now: Clock,
    made: u64,
    pub(crate) url: String,
    pub(crate) customers: BTreeMap<String, Customer>,
    pub(crate) methods: BTreeMap<String, Method>,
    pub(crate) checkouts: BTreeMap<String, Checkout>,
    pub(crate) payments: BTreeMap<String, Payment>,
    pub(crate) refunds: BTreeMap<String, Refund>,
    pub(crate) disputes: BTreeMap<String, Dispute>,
    pub(crate) invoices: BTreeMap<String, Invoice>,
    pub(crate) events: Vec<Event>,
}

impl World {
    /// `url`: where the pages are.
    pub(crate) fn new(url: String, now: Clock) -> Self {
        Self {
            now,
            made: 0,
            url,
            customers: BTreeMap::new(),
            methods: BTreeMap::new(),
            checkouts: BTreeMap::new(),
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            disputes: BTreeMap::new(),
            invoices: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.now)()
    }

    /// Ids of one kind are in the order in which they were made.
    fn id(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}_{:024}", self.made)
    }

    /// Something happened to an object, which is as it is now.
    fn tell(&mut self, kind: &str, object: Value) {
        let id = self.id("evt");
        let created = self.now();
        self.events.push(Event::new(id, kind, created, object));
    }

    pub(crate) fn new_customer(
        &mut self,
        email: Option<String>,
        metadata: BTreeMap<String, String>,
    ) -> Customer {
        let customer = Customer { id: self.id("cus"), email, metadata, created: self.now() };
        self.customers.insert(customer.id.clone(), customer.clone());
        self.tell("customer.created", shape::customer(&customer));
        customer
    }

    pub(crate) fn new_method(&mut self, customer: Option<String>, way: Way) -> String {
        let id = self.id("pm");
        self.methods.insert(id.clone(), Method { customer, way });
        id
    }

    fn new_invoice(&mut self, amount: u64, currency: String, customer: Option<String>) -> String {
        let invoice = Invoice { id: self.id("in"), amount, currency, customer, created: self.now() };
        let id = invoice.id.clone();
        self.tell("invoice.paid", shape::invoice(self, &invoice));
        self.invoices.insert(id.clone(), invoice);
        id
    }
}
