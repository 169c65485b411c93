//! A customer: whom Stripe knows as the one who pays. Holds no address of ours beyond the e-mail.

use crate::{IdempotencyKey, Stripe, StripeError};
use miniserde::Deserialize;
use stripe_core::customer::CreateCustomer;

/// Who pays.
#[derive(Debug, Clone)]
pub struct NewCustomer {
    /// Where receipts go.
    pub email: String,
}

impl Stripe {
    /// Makes a customer before the first checkout, and answers its id: `cus_...`. A checkout makes one by itself.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn customer(&self, new: &NewCustomer, key: &IdempotencyKey) -> Result<String, StripeError> {
        let answer: Answer = self.post(&CreateCustomer::new().email(new.email.clone()), key).await?;
        Ok(answer.id)
    }
}

#[derive(Deserialize)]
struct Answer {
    id: String,
}
