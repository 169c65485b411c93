//! A checkout: Stripe's page where one purchase is paid. Never sees a card, and grants nothing: an answer says what
//! Stripe holds true at that moment.

mod answer;

use crate::client::id;
use crate::{IdempotencyKey, Money, PURCHASE, Stripe, StripeError};
use answer::{Answer, Page};
use std::collections::HashMap;
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionCustomerCreation as CustomerCreation,
    CreateCheckoutSessionInvoiceCreation as InvoiceCreation, CreateCheckoutSessionLineItems as Line,
    CreateCheckoutSessionLineItemsPriceData as Price, CreateCheckoutSessionPaymentIntentData as PaymentData,
    CreateCheckoutSessionPaymentIntentDataSetupFutureUsage as FutureUsage, ExpireCheckoutSession,
    ListCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_checkout::{CheckoutSessionLocale, CheckoutSessionMode};
use stripe_client_core::StripeRequest;
use stripe_types::{RangeBoundsTs, RangeQueryTs};

/// How many checkouts Stripe gives at once, at most.
const PAGE: i64 = 100;
/// How many pages are read at most: a thousand checkouts.
pub const PAGES_MAX: usize = 10;

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buyer {
    /// A customer that Stripe has.
    Customer(String),
    /// Becomes a customer when the payment is made; the e-mail address is filled in on the page. Empty: the buyer types it.
    Email(String),
}

/// One pack to be paid for.
#[derive(Debug, Clone)]
pub struct NewCheckout {
    /// Our id of the purchase, at most 200 characters.
    pub purchase: String,
    /// What the pack costs.
    pub price: Money,
    /// What the page and the invoice call it.
    pub product: String,
    /// Who pays.
    pub buyer: Buyer,
    /// Where the browser goes after the payment. Stripe writes the checkout's id over `{CHECKOUT_SESSION_ID}`.
    pub success_url: String,
    /// Where it goes when the buyer turns back.
    pub cancel_url: String,
    /// When the page closes, in seconds since 1970: 30 minutes to 24 hours from when Stripe hears of it. Kept with the key:
    /// the same call has the same time, so it must leave room for calls that come late.
    pub expires_at_seconds: i64,
    /// The way of payment is kept for [`Stripe::charge_again`]. Ways that cannot be kept are then not offered.
    pub is_kept: bool,
}

/// Whether the page can still be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutStatus {
    /// The buyer may still pay.
    Open,
    /// The buyer has done what there is to do; the money may still be on its way.
    Complete,
    /// Closed without a payment.
    Expired,
    /// A word that Stripe has added since.
    Other(String),
}

/// Whether the money is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentStatus {
    /// It is.
    Paid,
    /// Not yet, or never.
    Unpaid,
    /// There was nothing to pay.
    NoPaymentRequired,
    /// A word that Stripe has added since.
    Other(String),
}

/// A checkout as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// Stripe's id: `cs_...`.
    pub id: String,
    /// The page, while it is open.
    pub url: Option<String>,
    /// Whether it can still be used.
    pub status: CheckoutStatus,
    /// Whether the money is there.
    pub payment_status: PaymentStatus,
    /// What the buyer pays, taxes and discounts included: to be compared with the price.
    pub total: Option<Money>,
    /// Whether money moves.
    pub livemode: bool,
    /// Our id of the purchase.
    pub purchase: Option<String>,
    /// The payment, once the buyer has tried: `pi_...`.
    pub payment: Option<String>,
    /// The customer, once there is one: `cus_...`.
    pub customer: Option<String>,
    /// The invoice, once paid: `in_...`.
    pub invoice: Option<String>,
    /// When it was opened, in seconds since 1970.
    pub created_at_seconds: i64,
    /// When it closes.
    pub expires_at_seconds: i64,
}

/// Checkouts of some time.
#[derive(Debug, Clone)]
pub struct Checkouts {
    /// The newest first.
    pub checkouts: Vec<Checkout>,
    /// There were no more than [`PAGES_MAX`] pages.
    pub is_whole: bool,
}

impl Stripe {
    /// Opens a checkout. Ways of payment are not chosen here: the page offers those that the account has switched on in
    /// Stripe's dashboard and that suit buyer, amount and currency, such as cards, SEPA, Klarna and PayPal. Some of them
    /// pay days later; see [`PaymentStatus`]. There is always a customer and, once paid, an invoice.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn open(&self, new: &NewCheckout, key: &IdempotencyKey) -> Result<Checkout, StripeError> {
        let answer: Answer = self.post(&creation(new), key).await?;
        answer.checkout()
    }

    /// A checkout as it is now.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn checkout(&self, checkout: &str) -> Result<Checkout, StripeError> {
        let answer: Answer = self.get(RetrieveCheckoutSession::new(id(checkout)?).build()).await?;
        answer.checkout()
    }

    /// Closes an open checkout, so that it can no longer be paid.
    ///
    /// # Errors
    /// See [`StripeError`]; refused where it is no longer open: read it then.
    pub async fn expire(&self, checkout: &str, key: &IdempotencyKey) -> Result<Checkout, StripeError> {
        let answer: Answer = self.post(&ExpireCheckoutSession::new(id(checkout)?), key).await?;
        answer.checkout()
    }

    /// All checkouts opened at `created_at_seconds` (since 1970) or later: to find what a call opened whose answer was
    /// lost and whose key Stripe has forgotten.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn checkouts_since(&self, created_at_seconds: i64) -> Result<Checkouts, StripeError> {
        let since = RangeBoundsTs { gte: Some(created_at_seconds), ..RangeBoundsTs::default() };
        let list = ListCheckoutSession::new().created(RangeQueryTs::Bounds(since)).limit(PAGE);
        let mut checkouts: Vec<Checkout> = Vec::new();
        for _ in 0..PAGES_MAX {
            let next = match checkouts.last() {
                Some(last) => list.clone().starting_after(last.id.clone()),
                None => list.clone(),
            };
            let page: Page = self.get(next.build()).await?;
            let is_last = !page.has_more || page.data.is_empty();
            for answer in page.data {
                checkouts.push(answer.checkout()?);
            }
            if is_last {
                return Ok(Checkouts { checkouts, is_whole: true });
            }
        }
        Ok(Checkouts { checkouts, is_whole: false })
    }
}

fn creation(new: &NewCheckout) -> CreateCheckoutSession {
    // One entry each: a map of more would be written in another order after a restart.
    let purchase = HashMap::from([(PURCHASE.to_owned(), new.purchase.clone())]);
    let mut price = Price::new(new.price.currency.wire());
    price.unit_amount = Some(new.price.wire_amount());
    price.product_data = Some(ProductData::new(new.product.clone()));
    let mut line = Line::new();
    line.price_data = Some(price);
    line.quantity = Some(1);
    let mut payment = PaymentData::new();
    payment.metadata = Some(purchase.clone());
    payment.setup_future_usage = new.is_kept.then_some(FutureUsage::OffSession);
    let session = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .client_reference_id(new.purchase.clone())
        .metadata(purchase)
        .line_items(vec![line])
        .payment_intent_data(payment)
        .invoice_creation(InvoiceCreation::new(true))
        .locale(CheckoutSessionLocale::Auto)
        .success_url(new.success_url.clone())
        .cancel_url(new.cancel_url.clone())
        .expires_at(new.expires_at_seconds);
    match &new.buyer {
        Buyer::Customer(customer) => session.customer(customer.clone()),
        Buyer::Email(email) if email.is_empty() => session.customer_creation(CustomerCreation::Always),
        Buyer::Email(email) => {
            session.customer_creation(CustomerCreation::Always).customer_email(email.clone())
        }
    }
}
