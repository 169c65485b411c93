//! Looks at a purchase as Stripe has it now, and books that.

use super::buy::price;
use super::{Cashier, CashierError, key, tenant};
use crate::billing::{Bought, Purchase, PurchaseKind};
use crate::store::purchases::PurchaseStep;
use std::time::Duration;
use tributary_stripe::checkout::{CheckoutStatus, PaymentStatus};
use tributary_stripe::payment::PaymentState;
use tributary_stripe::{Checkout, Money, NewCharge, Payment};

/// Stripe forgets keys after a day: whether a call with an older one had its effect has to be looked up.
const KEYS_KEPT: Duration = Duration::from_secs(23 * 3600);

impl Cashier {
    /// Asks Stripe about a purchase and books the answer.
    ///
    /// # Errors
    /// Where the store or Stripe fails; nothing is lost by asking again.
    pub async fn look(&self, purchase: &Purchase) -> Result<(), CashierError> {
        match (&purchase.session, &purchase.payment, purchase.agreed.kind) {
            (Some(session), ..) => self.settle_page(purchase, &self.stripe.checkout(session).await?).await,
            (None, Some(payment), _) => {
                self.settle_payment(purchase, &self.stripe.payment(payment).await?).await
            }
            (None, None, PurchaseKind::Checkout) => self.find_page(purchase).await,
            (None, None, PurchaseKind::TopUp) => self.charge_again(purchase).await,
        }
    }

    /// A page whose opening was never answered: it is among those opened since, or there is none. The buyer, who never saw
    /// it, buys anew.
    async fn find_page(&self, purchase: &Purchase) -> Result<(), CashierError> {
        let since = purchase.created_at.before(Duration::from_secs(300)).0 / 1_000_000;
        let opened = self.stripe.checkouts_since(since).await?;
        let reference = purchase.reference();
        let of_it = |page: &&Checkout| page.purchase.as_deref() == Some(&reference);
        // Of several the paid one counts.
        let paid =
            opened.checkouts.iter().filter(of_it).find(|page| page.payment_status == PaymentStatus::Paid);
        match paid.or_else(|| opened.checkouts.iter().find(of_it)) {
            Some(page) => self.settle_page(purchase, page).await,
            None if purchase.created_at.after(KEYS_KEPT) > self.clock.now() || !opened.is_whole => Ok(()),
            None => Ok(self.fail(purchase, "the payment page was never opened").await?),
        }
    }

    /// A top-up whose charge was never answered: the same key charges once.
    async fn charge_again(&self, purchase: &Purchase) -> Result<(), CashierError> {
        if purchase.created_at.after(KEYS_KEPT) < self.clock.now() {
            let reason = "whether it was charged is not known; look for it in Stripe".to_owned();
            return self.step(purchase, PurchaseStep::Mismatch(reason)).await;
        }
        let tenant = tenant(purchase);
        match self.store.payer(&tenant, purchase.agreed.live).await? {
            Some(payer) => self.charge(purchase, &payer).await,
            None => Ok(self.fail(purchase, "nobody pays for this account any more").await?),
        }
    }

    /// Books a page as Stripe has it.
    pub(super) async fn settle_page(&self, purchase: &Purchase, page: &Checkout) -> Result<(), CashierError> {
        if purchase.session.is_none()
            && let Some(url) = &page.url
        {
            self.step(purchase, PurchaseStep::Opened { session: page.id.clone(), url: url.clone() }).await?;
        }
        match (&page.payment_status, &page.status) {
            (PaymentStatus::Paid, _) => {
                let payment = match &page.payment {
                    Some(payment) => Some(self.stripe.payment(payment).await?),
                    None => None,
                };
                let customer = page.customer.clone();
                self.book(purchase, page.total, page.livemode, payment.as_ref(), customer).await
            }
            // Nothing is sold for nothing: a discount that nobody agreed on.
            (PaymentStatus::NoPaymentRequired, _) => {
                self.step(purchase, PurchaseStep::Mismatch("nothing was paid".to_owned())).await
            }
            (_, CheckoutStatus::Expired) => self.step(purchase, PurchaseStep::Expired).await,
            (_, CheckoutStatus::Complete) => match &page.payment {
                Some(payment) => {
                    let payment = self.stripe.payment(payment).await?;
                    self.settle_payment(purchase, &payment).await
                }
                None => self.step(purchase, PurchaseStep::Processing(None)).await,
            },
            _ => Ok(()),
        }
    }

    /// Books a payment as Stripe has it. A page that is still open may be tried again, so that a card that was declined on
    /// it ends nothing; whoever calls for a page has seen that it is complete.
    pub(super) async fn settle_payment(
        &self,
        purchase: &Purchase,
        payment: &Payment,
    ) -> Result<(), CashierError> {
        match payment.state {
            PaymentState::Succeeded => {
                let paid = Money { amount_minor: payment.received_minor, currency: payment.currency };
                let customer = payment.customer.clone();
                self.book(purchase, Some(paid), payment.livemode, Some(payment), customer).await
            }
            PaymentState::WantsMethod | PaymentState::Cancelled => {
                let reason = payment.failure.as_deref().unwrap_or("the payment failed");
                Ok(self.fail(purchase, reason).await?)
            }
            _ => self.step(purchase, PurchaseStep::Processing(Some(payment.id.clone()))).await,
        }
    }

    async fn book(
        &self,
        purchase: &Purchase,
        paid: Option<Money>,
        livemode: bool,
        payment: Option<&Payment>,
        customer: Option<String>,
    ) -> Result<(), CashierError> {
        if paid != price(purchase).ok() || livemode != purchase.agreed.live {
            let paid = paid.map_or("nothing".to_owned(), |paid| {
                format!("{} {}", paid.amount_minor, paid.currency.as_str())
            });
            let reason = format!(
                "{paid} was paid, {} {} agreed",
                purchase.agreed.amount_minor, purchase.agreed.currency
            );
            tracing::error!(purchase = %purchase.agreed.id, reason, "A PAYMENT IS NOT WHAT WAS AGREED");
            return self.step(purchase, PurchaseStep::Mismatch(reason)).await;
        }
        let bought = Bought {
            payment: payment.map(|payment| payment.id.clone()),
            customer,
            method: payment.and_then(|payment| payment.method.clone()),
            receipt_url: payment.and_then(|payment| payment.receipt_url.clone()),
            note: self.product(purchase),
        };
        self.store.pay(&tenant(purchase), purchase.agreed.id, &bought, self.clock.now()).await?;
        match payment {
            Some(payment) => self.book_returns(purchase, payment).await,
            None => Ok(()),
        }
    }

    pub(super) async fn step(&self, purchase: &Purchase, step: PurchaseStep) -> Result<(), CashierError> {
        self.store.step_purchase(&tenant(purchase), purchase.agreed.id, &step, self.clock.now()).await?;
        Ok(())
    }

    /// What is charged for a top-up, and under which key.
    pub(super) fn new_charge(
        &self,
        purchase: &Purchase,
        customer: &str,
        method: &str,
    ) -> Result<(NewCharge, tributary_stripe::IdempotencyKey), tributary_stripe::CurrencyError> {
        let charge = NewCharge {
            purchase: purchase.reference(),
            customer: customer.to_owned(),
            method: method.to_owned(),
            price: price(purchase)?,
        };
        Ok((charge, key(purchase, "charge")))
    }
}
