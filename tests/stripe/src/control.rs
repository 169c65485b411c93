//! What a test does in the place of buyers, banks, the dashboard and the network.

use crate::events::{Delivery, Event, Post, bring};
use crate::fault::{Fault, When};
use crate::world::{Way, World};
use crate::{Double, parcel};

impl Double {
    /// The buyer pays an open checkout. Answers whether the page says that it worked.
    ///
    /// # Errors
    /// Where it is not open.
    pub fn pay(&self, checkout: &str, way: Way) -> anyhow::Result<bool> {
        self.change(|world| world.pay(checkout, way))
    }

    /// The money of a payment that was on its way came, or did not.
    ///
    /// # Errors
    /// Where it was not on its way.
    pub fn settle(&self, payment: &str, came: bool) -> anyhow::Result<()> {
        self.change(|world| world.settle(payment, came))
    }

    /// An open checkout closes, as if its time were over.
    ///
    /// # Errors
    /// Where it is not open.
    pub fn expire(&self, checkout: &str) -> anyhow::Result<()> {
        self.change(|world| world.expire(checkout)).map_err(|refusal| anyhow::anyhow!("{}", refusal.body()))
    }

    /// Somebody refunds a payment in the dashboard: an amount in minor units, or all that is left. Answers the refund.
    ///
    /// # Errors
    /// Where less is left.
    pub fn refund(&self, payment: &str, amount: Option<u64>) -> anyhow::Result<String> {
        let refund = self.change(|world| world.refund(payment, amount));
        refund.map(|refund| refund.id).map_err(|refusal| anyhow::anyhow!("{}", refusal.body()))
    }

    /// The buyer's bank returns a refund.
    ///
    /// # Errors
    /// Where there is none.
    pub fn fail_refund(&self, refund: &str) -> anyhow::Result<()> {
        self.change(|world| world.fail_refund(refund))
    }

    /// The buyer's bank takes a payment back. Answers the dispute.
    ///
    /// # Errors
    /// Where there is nothing to take back.
    pub fn dispute(&self, payment: &str) -> anyhow::Result<String> {
        self.change(|world| world.dispute(payment))
    }

    /// The bank decides.
    ///
    /// # Errors
    /// Where the dispute is over.
    pub fn close_dispute(&self, dispute: &str, won: bool) -> anyhow::Result<()> {
        self.change(|world| world.close_dispute(dispute, won))
    }

    /// A way to pay that a customer has kept. Answers its id.
    #[must_use]
    pub fn keep(&self, customer: &str, way: Way) -> String {
        self.change(|world| world.new_method(Some(customer.to_owned()), way))
    }

    /// What goes wrong with the next calls, after what was said before.
    pub fn fail(&self, fault: Fault, when: When, calls: usize) {
        self.inner.lock().faults.add(fault, when, calls);
    }

    /// A day passes for idempotency keys.
    pub fn forget_keys(&self) {
        self.inner.lock().keys.forget();
    }

    /// What signs from now on.
    pub fn sign_with(&self, secrets: &[&str]) {
        self.inner.lock().secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    }

    /// Where events go from now on.
    pub fn post_to(&self, post: Post) {
        self.inner.lock().post = post;
    }

    /// Everything that has happened, in the order in which it did.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.inner.lock().world.events.clone()
    }

    /// Brings an event to an address now, signed now. Answers the status.
    ///
    /// # Errors
    /// Where nobody answers.
    pub async fn bring(&self, event: &Event, url: &str) -> anyhow::Result<u16> {
        let secrets = self.inner.lock().secrets.clone();
        bring(parcel(event, url, &secrets, (self.inner.clock)())).await
    }

    /// What was brought by itself, and what was answered.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.inner.courier.deliveries()
    }

    /// How many checkouts, payments and refunds there are: what a call that was sent twice must not change.
    #[must_use]
    pub fn counts(&self) -> [usize; 3] {
        let world = &self.inner.lock().world;
        [world.checkouts.len(), world.payments.len(), world.refunds.len()]
    }

    fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let changed = change(&mut self.inner.lock().world);
        self.inner.post();
        changed
    }
}
