//! Where a buyer finds the invoice of a payment. The crate with Stripe's whole description of invoices is not needed for
//! two addresses.

use crate::client::id;
use crate::{Stripe, StripeError};
use miniserde::Deserialize;
use stripe_client_core::{RequestBuilder, StripeMethod};

/// An invoice's addresses. Both may be shown to the buyer, and to nobody else: whoever has them can read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    /// Stripe's id: `in_...`.
    pub id: String,
    /// A page, once the invoice is final.
    pub page_url: Option<String>,
    /// The same as PDF.
    pub pdf_url: Option<String>,
}

impl Stripe {
    /// An invoice as it is now.
    ///
    /// # Errors
    /// See [`StripeError`].
    pub async fn invoice(&self, invoice: &str) -> Result<Invoice, StripeError> {
        let request = RequestBuilder::new(StripeMethod::Get, format!("/invoices/{}", id(invoice)?));
        let answer: Answer = self.get(request).await?;
        Ok(Invoice { id: answer.id, page_url: answer.hosted_invoice_url, pdf_url: answer.invoice_pdf })
    }
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    hosted_invoice_url: Option<String>,
    invoice_pdf: Option<String>,
}
