//! Refunds, asked for by a call or in the dashboard. They succeed at once; a bank can return one later.

use super::{PaymentState, World};
use crate::refusal::Refusal;
use crate::shape;
use anyhow::{Context, ensure};

#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) payment: String,
    pub(crate) charge: String,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) has_failed: bool,
    pub(crate) created: i64,
}

impl World {
    /// `amount`: all that is left, where it is not said.
    pub(crate) fn refund(&mut self, payment: &str, amount: Option<u64>) -> Result<Refund, Refusal> {
        let created = self.now();
        let id = self.id("re");
        let known = self
            .payments
            .get_mut(payment)
            .ok_or_else(|| Refusal::no_such("payment_intent", payment, "payment_intent"))?;
        let (Some(charge), PaymentState::Succeeded) = (&mut known.charge, known.state) else {
            let message = "This PaymentIntent does not have a successful charge to refund.";
            return Err(Refusal::request("payment_intent_unexpected_state", message, "payment_intent"));
        };
        if charge.is_disputed {
            let message = "This charge has been charged back.";
            return Err(Refusal::request("charge_disputed", message, "payment_intent"));
        }
        let left = known.new.amount - charge.refunded;
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", charge.id);
            return Err(Refusal::request("charge_already_refunded", &message, "payment_intent"));
        }
        let amount = amount.unwrap_or(left);
        if amount > left {
            let message =
                format!("Refund amount ({amount}) is greater than unrefunded amount on charge ({left})");
            return Err(Refusal::request("amount_too_large", &message, "amount"));
        }
        charge.refunded += amount;
        let (charge, currency) = (charge.id.clone(), known.new.currency.clone());
        let payment = payment.to_owned();
        let refund = Refund { id, payment, charge, amount, currency, has_failed: false, created };
        self.refunds.insert(refund.id.clone(), refund.clone());
        self.tell("refund.created", shape::refund(&refund));
        self.tell_charge("charge.refunded", &refund.payment);
        Ok(refund)
    }

    /// The buyer's bank returned a refund.
    pub(crate) fn fail_refund(&mut self, id: &str) -> anyhow::Result<()> {
        let refund = self.refunds.get_mut(id).with_context(|| format!("there is no refund {id}"))?;
        ensure!(!refund.has_failed, "refund {id} has failed before");
        refund.has_failed = true;
        let refund = refund.clone();
        if let Some(charge) =
            self.payments.get_mut(&refund.payment).and_then(|payment| payment.charge.as_mut())
        {
            charge.refunded -= refund.amount;
        }
        self.tell("refund.failed", shape::refund(&refund));
        Ok(())
    }
}
