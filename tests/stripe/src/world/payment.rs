//! Payments and their charges: tried with a way to pay, which pays, declines or takes its time.

use super::{Way, World};
use crate::refusal::Refusal;
use crate::shape;
use anyhow::{Context, ensure};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentState {
    WantsMethod,
    Processing,
    Succeeded,
}

/// Why a bank says no, in Stripe's words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decline {
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    pub(crate) message: &'static str,
}

const NO_FUNDS: Decline = Decline {
    code: "card_declined",
    reason: "insufficient_funds",
    message: "Your card has insufficient funds.",
};
const WANTS_HOLDER: Decline = Decline {
    code: "authentication_required",
    reason: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
};
const NO_DEBIT: Decline = Decline {
    code: "payment_intent_payment_attempt_failed",
    reason: "generic_decline",
    message: "The payment failed.",
};

/// What a call, or a checkout, asks for.
#[derive(Debug, Clone)]
pub(crate) struct NewPayment {
    pub(crate) amount: u64,
    pub(crate) currency: String,
    pub(crate) customer: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) is_kept: bool,
    pub(crate) checkout: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) new: NewPayment,
    pub(crate) state: PaymentState,
    pub(crate) method: Option<String>,
    pub(crate) decline: Option<Decline>,
    pub(crate) charge: Option<Charge>,
    pub(crate) created: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) way: Way,
    pub(crate) refunded: u64,
    pub(crate) is_disputed: bool,
    pub(crate) created: i64,
}

impl World {
    pub(crate) fn new_payment(&mut self, new: NewPayment) -> String {
        let id = self.id("pi");
        let payment = Payment {
            id: id.clone(),
            new,
            state: PaymentState::WantsMethod,
            method: None,
            decline: None,
            charge: None,
            created: self.now(),
        };
        self.payments.insert(id.clone(), payment);
        self.tell_payment("payment_intent.created", &id);
        id
    }

    /// A payment that is confirmed at once, without the buyer.
    pub(crate) fn charge_again(&mut self, new: NewPayment, method: &str) -> Result<String, Refusal> {
        let customer = new.customer.clone().unwrap_or_default();
        if !self.customers.contains_key(&customer) {
            return Err(Refusal::no_such("customer", &customer, "customer"));
        }
        match self.methods.get(method) {
            None => return Err(Refusal::no_such("PaymentMethod", method, "payment_method")),
            Some(known) if known.customer.as_ref() != Some(&customer) => {
                let message = "The provided PaymentMethod does not belong to this Customer.";
                return Err(Refusal::request("payment_method_customer_mismatch", message, "payment_method"));
            }
            Some(_) => {}
        }
        let id = self.new_payment(new);
        self.try_method(&id, method, false);
        let payment = &self.payments[&id];
        match &payment.decline {
            Some(decline) => Err(Refusal::declined(decline, shape::payment(self, payment, false))),
            None => Ok(id),
        }
    }

    /// One attempt. `is_attended`: the buyer is there.
    pub(super) fn try_method(&mut self, id: &str, method: &str, is_attended: bool) {
        let way = self.methods[method].way;
        let charge = Charge { id: self.id("ch"), way, refunded: 0, is_disputed: false, created: self.now() };
        let decline = match way {
            Way::DeclinedCard => Some(NO_FUNDS),
            Way::CardOfHolder if !is_attended => Some(WANTS_HOLDER),
            _ => None,
        };
        let state = match (way, decline) {
            (_, Some(_)) => PaymentState::WantsMethod,
            (Way::SepaDebit, None) => PaymentState::Processing,
            _ => PaymentState::Succeeded,
        };
        if let Some(payment) = self.payments.get_mut(id) {
            payment.state = state;
            payment.decline = decline;
            payment.method = Some(method.to_owned()).filter(|_| decline.is_none());
            payment.charge = Some(charge);
        }
        match state {
            PaymentState::WantsMethod => self.tell_failure(id),
            PaymentState::Processing => {
                self.tell_charge("charge.pending", id);
                self.tell_payment("payment_intent.processing", id);
            }
            PaymentState::Succeeded => self.tell_success(id),
        }
    }

    /// The money that was on its way came, or did not.
    pub(crate) fn settle(&mut self, id: &str, came: bool) -> anyhow::Result<()> {
        let payment = self.payments.get_mut(id).with_context(|| format!("there is no payment {id}"))?;
        ensure!(payment.state == PaymentState::Processing, "payment {id} is {:?}", payment.state);
        let checkout = payment.new.checkout.clone();
        if came {
            payment.state = PaymentState::Succeeded;
            self.tell_success(id);
        } else {
            payment.state = PaymentState::WantsMethod;
            payment.decline = Some(NO_DEBIT);
            payment.method = None;
            self.tell_failure(id);
        }
        if let Some(checkout) = checkout {
            if came {
                self.is_paid(&checkout);
            }
            let end = if came { "succeeded" } else { "failed" };
            self.tell_checkout(&format!("checkout.session.async_payment_{end}"), &checkout);
        }
        Ok(())
    }

    fn tell_success(&mut self, id: &str) {
        self.tell_charge("charge.succeeded", id);
        self.tell_payment("payment_intent.succeeded", id);
    }

    fn tell_failure(&mut self, id: &str) {
        self.tell_charge("charge.failed", id);
        self.tell_payment("payment_intent.payment_failed", id);
    }

    pub(super) fn tell_payment(&mut self, kind: &str, id: &str) {
        let object = shape::payment(self, &self.payments[id], false);
        self.tell(kind, object);
    }

    pub(super) fn tell_charge(&mut self, kind: &str, id: &str) {
        let payment = &self.payments[id];
        if let Some(charge) = &payment.charge {
            let object = shape::charge(self, payment, charge);
            self.tell(kind, object);
        }
    }
}
