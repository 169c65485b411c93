//! Buys again when credits run low, as an owner asked for once: one pack at a time, for at most so much money in a
//! calendar month. A card that is declined ends it, and says why, rather than being tried for ever.

use super::{BATCH, Cashier, CashierError, tenant};
use crate::billing::{Payer, Purchase, PurchaseKind, TopUp};
use crate::people::Right;
use crate::store::StoreError;
use crate::store::purchases::{Begun, PurchaseStep};
use crate::tenant::{Forbidden, Principal, Tenant};
use tributary_protocol::vocab::{Credits, PurchaseId};
use tributary_stripe::{Charged, StripeError};

/// The most credits below which an account may want to buy: ten million are no balance that runs low.
const BELOW_MAX: Credits = Credits(10_000_000);
/// The most money of one month, in the currency's smallest unit: ten millions of most currencies.
const MONTH_MINOR_MAX: u64 = 1_000_000_000;

/// Why an account does not buy by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TopUpError {
    /// Not with this key or role.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// No such pack, or not now.
    #[error("there is no pack `{0}` on offer now; choose another")]
    NotOffered(String),
    /// No balance is ever below it, or every one is.
    #[error("it can buy when fewer than 1 to {BELOW_MAX} credits are left, not {0}")]
    Below(Credits),
    /// It could never buy.
    #[error("the month's limit is less than one pack costs; nothing would ever be bought")]
    Little,
    /// More than anybody means.
    #[error("the month's limit is too high")]
    Much,
    /// Nobody agreed to pay again.
    #[error("no card is kept for this account; buy a pack once and let the card be kept")]
    NobodyPays,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Cashier {
    /// The account buys by itself from now on, as `wish` says, or not any more.
    ///
    /// # Errors
    /// See [`TopUpError`].
    pub async fn set_top_up(&self, principal: &Principal, wish: Option<&TopUp>) -> Result<(), TopUpError> {
        let account = principal.may(Right::Buy)?;
        if let Some(wish) = wish {
            let pack = self.offered().find(|pack| pack.name == wish.pack);
            let pack = pack.ok_or_else(|| TopUpError::NotOffered(wish.pack.clone()))?;
            if wish.below == Credits::ZERO || wish.below > BELOW_MAX {
                return Err(TopUpError::Below(wish.below));
            }
            if wish.month_max_minor < pack.amount_minor {
                return Err(TopUpError::Little);
            }
            if wish.month_max_minor > MONTH_MINOR_MAX {
                return Err(TopUpError::Much);
            }
            let payer = self.store.payer(&account, self.live()).await?;
            if payer.is_none_or(|payer| payer.method.is_none()) {
                return Err(TopUpError::NobodyPays);
            }
        }
        self.store.set_top_up(&account, self.live(), wish, None).await?;
        self.bell.notify_one();
        Ok(())
    }

    pub(super) async fn top_up(&self) -> Result<(), StoreError> {
        for account in self.store.low_accounts(self.live(), BATCH).await? {
            self.top_up_account(&Tenant::acting_for(account)).await?;
        }
        Ok(())
    }

    async fn top_up_account(&self, account: &Tenant) -> Result<(), StoreError> {
        let Some(payer) = self.store.payer(account, self.live()).await? else { return Ok(()) };
        let Some(wish) = &payer.top_up else { return Ok(()) };
        let now = self.clock.now();
        let Some(pack) = self.offered().find(|pack| pack.name == wish.pack) else {
            return self.stop_top_up(account, "the pack is not sold any more").await;
        };
        let spent = self.store.topped_up(account, self.live(), now.month()).await?;
        if spent.saturating_add(pack.amount_minor) > wish.month_max_minor {
            let reason = "this month's limit is reached; it goes on next month";
            return self.note_top_up(account, wish, &payer, reason).await;
        }
        let new = self.purchase_of_pack(PurchaseId::generate(), PurchaseKind::TopUp, pack, None);
        let Begun::Yes(purchase) = self.store.begin_purchase(account, &new, now).await? else {
            return Ok(());
        };
        match self.charge(&purchase, &payer).await {
            Ok(()) => Ok(()),
            Err(CashierError::Store(error)) => Err(error),
            Err(CashierError::Stripe(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a top-up is not answered; later");
                Ok(())
            }
        }
    }

    /// Charges a top-up, once however often it is called.
    pub(super) async fn charge(&self, purchase: &Purchase, payer: &Payer) -> Result<(), CashierError> {
        let method = payer.method.as_deref().unwrap_or_default();
        let Ok((charge, key)) = self.new_charge(purchase, &payer.customer, method) else {
            return Ok(self.fail(purchase, "its currency is none").await?);
        };
        match self.stripe.charge_again(&charge, &key).await {
            Ok(Charged::Succeeded(payment)) => self.settle_payment(purchase, &payment).await,
            Ok(Charged::Processing(payment)) => {
                self.step(purchase, PurchaseStep::Processing(Some(payment.id))).await
            }
            Ok(Charged::WantsBuyer { .. }) => {
                self.end_top_up(purchase, "your bank wants you to confirm; buy a pack once to go on").await
            }
            Ok(Charged::Declined { code, message, .. }) => {
                let reason = if message.is_empty() { code } else { message };
                self.end_top_up(purchase, &reason).await
            }
            Err(StripeError::Refused { message, .. }) => self.end_top_up(purchase, &message).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn end_top_up(&self, purchase: &Purchase, reason: &str) -> Result<(), CashierError> {
        self.fail(purchase, reason).await?;
        Ok(self.stop_top_up(&tenant(purchase), reason).await?)
    }

    async fn stop_top_up(&self, account: &Tenant, reason: &str) -> Result<(), StoreError> {
        self.store.set_top_up(account, self.live(), None, Some(reason)).await?;
        Ok(())
    }

    /// Says once why nothing is bought now.
    async fn note_top_up(
        &self,
        account: &Tenant,
        wish: &TopUp,
        payer: &Payer,
        reason: &str,
    ) -> Result<(), StoreError> {
        if payer.failure.as_deref() != Some(reason) {
            self.store.set_top_up(account, self.live(), Some(wish), Some(reason)).await?;
        }
        Ok(())
    }
}
