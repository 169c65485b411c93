//! Disputes: a bank takes the money of a payment back, and keeps it or not.

use super::{PaymentState, World};
use crate::shape;
use anyhow::{Context, ensure};

#[derive(Debug, Clone)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) payment: String,
    pub(crate) charge: String,
    pub(crate) amount: u64,
    pub(crate) currency: String,
    /// Whether we won, once it is over.
    pub(crate) won: Option<bool>,
    pub(crate) created: i64,
}

impl World {
    pub(crate) fn dispute(&mut self, payment: &str) -> anyhow::Result<String> {
        let (id, created) = (self.id("dp"), self.now());
        let known =
            self.payments.get_mut(payment).with_context(|| format!("there is no payment {payment}"))?;
        ensure!(known.state == PaymentState::Succeeded, "payment {payment} is {:?}", known.state);
        let charge = known.charge.as_mut().context("a payment that succeeded has a charge")?;
        ensure!(!charge.is_disputed, "payment {payment} is disputed");
        charge.is_disputed = true;
        let dispute = Dispute {
            id: id.clone(),
            payment: payment.to_owned(),
            charge: charge.id.clone(),
            amount: known.new.amount - charge.refunded,
            currency: known.new.currency.clone(),
            won: None,
            created,
        };
        self.tell("charge.dispute.created", shape::dispute(&dispute));
        self.tell("charge.dispute.funds_withdrawn", shape::dispute(&dispute));
        self.disputes.insert(id.clone(), dispute);
        Ok(id)
    }

    pub(crate) fn close_dispute(&mut self, id: &str, won: bool) -> anyhow::Result<()> {
        let dispute = self.disputes.get_mut(id).with_context(|| format!("there is no dispute {id}"))?;
        ensure!(dispute.won.is_none(), "dispute {id} is over");
        dispute.won = Some(won);
        let object = shape::dispute(dispute);
        self.tell("charge.dispute.closed", object.clone());
        if won {
            self.tell("charge.dispute.funds_reinstated", object);
        }
        Ok(())
    }
}
