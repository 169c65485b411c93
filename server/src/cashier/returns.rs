//! Money that goes back takes its credits along, as far as they are there. What was spent already is owed: the account
//! starts no job until an operator, or a dispute that is won, lets it go.

use super::{Cashier, CashierError, tenant};
use crate::billing::{Dispute, Purchase, PurchaseState};
use crate::ledger::Grant;
use crate::store::StoreError;
use crate::store::purchases::DisputeStep;
use crate::tenant::Tenant;
use tributary_protocol::vocab::Credits;
use tributary_stripe::dispute::DisputeState;
use tributary_stripe::{Dispute as StripeDispute, Payment};

impl Cashier {
    /// Books what was refunded of a paid purchase.
    pub(super) async fn book_returns(
        &self,
        purchase: &Purchase,
        payment: &Payment,
    ) -> Result<(), CashierError> {
        let (account, id) = (tenant(purchase), purchase.agreed.id);
        // As it is now: it may have been paid a moment ago.
        let Some(purchase) = self.store.purchase(&account, id).await? else { return Ok(()) };
        let returned = payment.refunded_minor.min(purchase.agreed.amount_minor);
        if purchase.state != PurchaseState::Paid || returned <= purchase.returned_minor {
            return Ok(());
        }
        let before = purchase.credits_of(purchase.returned_minor);
        let credits = purchase.credits_of(returned).checked_sub(before).unwrap_or(Credits::ZERO);
        let now = self.clock.now();
        let mut missing = Credits::ZERO;
        if credits > Credits::ZERO {
            // Each sum of refunds takes its part once, whoever books it.
            let name = format!("return-{}-{returned}", purchase.reference());
            let note = "a payment was refunded";
            missing = self.store.take_back(&account, &name, credits, note, now).await?.missing;
        }
        self.store.return_money(&account, id, returned, missing).await?;
        Ok(self.hold(&account).await?)
    }

    /// Books where a dispute stands.
    pub(super) async fn book_dispute(
        &self,
        purchase: &Purchase,
        dispute: &StripeDispute,
    ) -> Result<(), CashierError> {
        let stands = match dispute.state {
            DisputeState::WantsAnswer | DisputeState::UnderReview => Dispute::Open,
            DisputeState::Won => Dispute::Won,
            DisputeState::Lost => Dispute::Lost,
            // No money was taken.
            DisputeState::Inquiry | DisputeState::InquiryClosed | DisputeState::Prevented => return Ok(()),
            DisputeState::Other(ref word) => {
                tracing::warn!(
                    dispute = dispute.id,
                    word,
                    "a dispute stands where this version does not know"
                );
                return Ok(());
            }
        };
        let account = tenant(purchase);
        let Some(mut purchase) = self.store.purchase(&account, purchase.agreed.id).await? else {
            return Ok(());
        };
        if purchase.state != PurchaseState::Paid {
            return Ok(());
        }
        let (id, now) = (purchase.agreed.id, self.clock.now());
        let credits = purchase.credits_of(dispute.amount.amount_minor);
        let name = format!("dispute-{}", dispute.id);
        // One that was won before anybody told that it was open took nothing here.
        if purchase.dispute.is_none() && stands != Dispute::Won && credits > Credits::ZERO {
            let note = "a payment is disputed";
            let taken = self.store.take_back(&account, &name, credits, note, now).await?;
            self.store.dispute_money(&account, id, DisputeStep::Opened(taken)).await?;
            purchase = self.store.purchase(&account, id).await?.unwrap_or(purchase);
        }
        match stands {
            Dispute::Won if purchase.dispute == Some(Dispute::Open) => {
                let taken = purchase.dispute_taken;
                if taken > Credits::ZERO {
                    let (payment_id, note) = (format!("won-{}", dispute.id), "a dispute was won".to_owned());
                    let grant = Grant { amount: taken, payment_id, note, expires_at: None };
                    self.store.grant(&account, &grant, now).await?;
                }
                let missing = credits.checked_sub(taken).unwrap_or(Credits::ZERO);
                self.store.dispute_money(&account, id, DisputeStep::Won { missing }).await?;
            }
            Dispute::Lost => self.store.dispute_money(&account, id, DisputeStep::Lost).await?,
            Dispute::Won | Dispute::Open => {}
        }
        // Also for one whose credits were booked before, by whoever died then.
        let was_taken_back = purchase.dispute.is_some();
        match stands {
            Dispute::Won if was_taken_back => Ok(self.let_go(&account).await?),
            _ => Ok(self.hold(&account).await?),
        }
    }

    /// An account in debt starts no jobs.
    async fn hold(&self, account: &Tenant) -> Result<(), StoreError> {
        let is_suspended = self.store.account(account).await?.suspended_at.is_some();
        if !is_suspended && self.store.is_in_debt(account).await? {
            self.store.suspend(account, Some(self.clock.now())).await?;
        }
        Ok(())
    }

    /// A dispute that was won ends what it began; whatever else an operator suspended an account for, no refund ends.
    async fn let_go(&self, account: &Tenant) -> Result<(), StoreError> {
        if !self.store.is_in_debt(account).await? {
            self.store.suspend(account, None).await?;
        }
        Ok(())
    }
}
