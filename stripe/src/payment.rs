//! A payment: one amount on its way from a buyer, with what came back of it. Also asks for one without the buyer, by a
//! way of payment that was kept. Books nothing.

mod answer;

use crate::client::{Failed, id};
use crate::{Currency, IdempotencyKey, Money, PURCHASE, Stripe, StripeError};
use answer::Answer;
use std::collections::{BTreeMap, HashMap};
use stripe_client_core::StripeRequest;
use stripe_core::payment_intent::{
    CreatePaymentIntent, CreatePaymentIntentAutomaticPaymentMethods as Methods,
    CreatePaymentIntentAutomaticPaymentMethodsAllowRedirects as Redirects,
    CreatePaymentIntentOffSession as OffSession, RetrievePaymentIntent,
};

/// What a payment's latest charge is asked for with the payment.
const LATEST_CHARGE: &str = "latest_charge";

/// Where a payment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PaymentState {
    /// No way of payment, or the last one failed.
    WantsMethod,
    /// Not yet confirmed.
    WantsConfirmation,
    /// The buyer must do something.
    WantsBuyer,
    /// The money is on its way.
    Processing,
    /// Set aside and not yet taken.
    WantsCapture,
    /// The money is there.
    Succeeded,
    /// Given up.
    Cancelled,
    /// A word that Stripe has added since.
    Other(String),
}

/// A payment as Stripe has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Stripe's id: `pi_...`.
    pub id: String,
    /// Where it is.
    pub state: PaymentState,
    /// Of all amounts below.
    pub currency: Currency,
    /// What was asked for, in minor units.
    pub amount_minor: u64,
    /// What came.
    pub received_minor: u64,
    /// What was given back, by whomever. Money that a bank took back in a dispute does not count.
    pub refunded_minor: u64,
    /// The buyer's bank disputed it, however that ended.
    pub is_disputed: bool,
    /// Whether money moves.
    pub livemode: bool,
    /// Who pays: `cus_...`.
    pub customer: Option<String>,
    /// The way of payment: `pm_...`; can be used again where it was kept.
    pub method: Option<String>,
    /// The latest attempt: `ch_...`.
    pub charge: Option<String>,
    /// A page that a buyer may see.
    pub receipt_url: Option<String>,
    /// Why the last attempt failed, in Stripe's word.
    pub failure: Option<String>,
    /// Our id of the purchase.
    pub purchase: Option<String>,
    /// All that was kept with it.
    pub metadata: BTreeMap<String, String>,
    /// When it was made, in seconds since 1970.
    pub created_at_seconds: i64,
}

/// A payment without the buyer.
#[derive(Debug, Clone)]
pub struct NewCharge {
    /// Our id of the purchase, at most 200 characters.
    pub purchase: String,
    /// Who pays: `cus_...`.
    pub customer: String,
    /// The way of payment that was kept: `pm_...`.
    pub method: String,
    /// How much.
    pub price: Money,
}

/// What became of a payment without the buyer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charged {
    /// The money is there.
    Succeeded(Payment),
    /// It is on its way: an event will tell.
    Processing(Payment),
    /// The buyer must take part: open a checkout. The payment that was tried stays unpaid.
    WantsBuyer {
        /// `pi_...`
        payment: Option<String>,
    },
    /// The way of payment was declined.
    Declined {
        /// Stripe's word for why.
        code: String,
        /// Fit to be shown to the buyer.
        message: String,
        /// `pi_...`
        payment: Option<String>,
    },
}

impl Stripe {
    /// A payment as it is now, with its latest charge.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn payment(&self, payment: &str) -> Result<Payment, StripeError> {
        let request = RetrievePaymentIntent::new(id(payment)?).expand(vec![LATEST_CHARGE.to_owned()]);
        let answer: Answer = self.get(request.build()).await?;
        answer.payment()
    }

    /// Takes a payment now, without the buyer. A card that is declined is an answer, not an error, and stays the answer
    /// for this key: another attempt is another key.
    ///
    /// # Errors
    /// See [`StripeError`]; refused where customer or way of payment do not exist or do not belong together.
    pub async fn charge_again(&self, new: &NewCharge, key: &IdempotencyKey) -> Result<Charged, StripeError> {
        match self.post::<Answer>(&creation(new), key).await {
            Ok(answer) => judge(answer.payment()?),
            Err(Failed::Refused(refusal)) if refusal.is_a_decline() => {
                let payment = refusal.payment();
                if refusal.wants_the_holder() {
                    return Ok(Charged::WantsBuyer { payment });
                }
                let (code, message) = refusal.words();
                Ok(Charged::Declined { code, message, payment })
            }
            Err(failed) => Err(failed.into()),
        }
    }
}

fn creation(new: &NewCharge) -> CreatePaymentIntent {
    // Nobody is there to be sent to another page.
    let mut methods = Methods::new(true);
    methods.allow_redirects = Some(Redirects::Never);
    CreatePaymentIntent::new(new.price.wire_amount(), new.price.currency.wire())
        .customer(new.customer.clone())
        .payment_method(new.method.clone())
        .automatic_payment_methods(methods)
        .metadata(HashMap::from([(PURCHASE.to_owned(), new.purchase.clone())]))
        .off_session(OffSession::Bool(true))
        .confirm(true)
        .expand(vec![LATEST_CHARGE.to_owned()])
}

fn judge(payment: Payment) -> Result<Charged, StripeError> {
    match payment.state {
        PaymentState::Succeeded => Ok(Charged::Succeeded(payment)),
        PaymentState::Processing => Ok(Charged::Processing(payment)),
        PaymentState::WantsBuyer => Ok(Charged::WantsBuyer { payment: Some(payment.id) }),
        PaymentState::WantsMethod | PaymentState::Cancelled => Ok(Charged::Declined {
            code: payment.failure.unwrap_or_else(|| "unknown".to_owned()),
            message: String::new(),
            payment: Some(payment.id),
        }),
        // We ask for neither, so a payment that stops there is not what we know.
        PaymentState::WantsConfirmation | PaymentState::WantsCapture | PaymentState::Other(_) => {
            Err(StripeError::Unparsed { what: format!("a confirmed payment is {:?}", payment.state) })
        }
    }
}
