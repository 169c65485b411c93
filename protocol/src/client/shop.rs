//! Credits for money, as the client sees them.

use super::ClientError;
use crate::limits::is_web_page;
use crate::v1;
use crate::vocab::{Credits, PurchaseId, PurchaseState};

/// What is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packs {
    /// Empty where the operator grants credits.
    pub packs: Vec<PackView>,
    /// Nothing costs money: the payment service is in its test mode.
    pub test: bool,
}

/// So many credits for so much money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackView {
    /// What [`super::Client::buy`] calls it.
    pub name: String,
    /// For people.
    pub title: String,
    /// How many.
    pub credits: Credits,
    /// The price in the currency's smallest unit.
    pub amount_minor: u64,
    /// Three capital letters.
    pub currency: String,
}

impl PackView {
    /// For people: `€9.00`, `¥1200`, `9.00 CHF`.
    #[must_use]
    pub fn price(&self) -> String {
        // What has no smaller coin, or a thousand of them; all others have a hundred (ISO 4217).
        let digits = match self.currency.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF" | "UGX" | "VND"
            | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
            _ => 2,
        };
        let unit = 10_u64.pow(digits);
        let (whole, rest) = (self.amount_minor / unit, self.amount_minor % unit);
        let width = digits as usize;
        let number = if digits == 0 { whole.to_string() } else { format!("{whole}.{rest:0width$}") };
        match self.currency.as_str() {
            "EUR" => format!("\u{20ac}{number}"),
            "USD" => format!("${number}"),
            "GBP" => format!("\u{a3}{number}"),
            "JPY" => format!("\u{a5}{number}"),
            other => format!("{number} {other}"),
        }
    }
}

/// One purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseView {
    /// Which.
    pub id: PurchaseId,
    /// Where it is.
    pub state: PurchaseState,
    /// What was agreed.
    pub pack: PackView,
    /// Where it is paid, while it can be.
    pub url: Option<String>,
    /// Where the receipt is.
    pub receipt_url: Option<String>,
    /// Why no credits came.
    pub failure: Option<String>,
}

impl From<v1::Pack> for PackView {
    fn from(wire: v1::Pack) -> Self {
        Self {
            name: wire.name,
            title: wire.title,
            credits: Credits(wire.credits),
            amount_minor: wire.amount_minor,
            currency: wire.currency,
        }
    }
}

impl From<v1::PacksResponse> for Packs {
    fn from(wire: v1::PacksResponse) -> Self {
        Self { packs: wire.packs.into_iter().map(PackView::from).collect(), test: wire.test }
    }
}

impl TryFrom<v1::Purchase> for PurchaseView {
    type Error = ClientError;
    fn try_from(wire: v1::Purchase) -> Result<Self, ClientError> {
        let state = match wire.state() {
            v1::PurchaseState::Created => PurchaseState::Created,
            v1::PurchaseState::Open => PurchaseState::Open,
            v1::PurchaseState::Processing => PurchaseState::Processing,
            v1::PurchaseState::Paid => PurchaseState::Paid,
            v1::PurchaseState::Failed => PurchaseState::Failed,
            v1::PurchaseState::Expired => PurchaseState::Expired,
            v1::PurchaseState::Mismatch => PurchaseState::Mismatch,
            v1::PurchaseState::Unspecified => {
                return Err(ClientError::protocol(format!("a purchase in state {}", wire.state)));
            }
        };
        let id = PurchaseId::from_slice(&wire.purchase_id);
        let page = |url: String| is_web_page(&url).then_some(url);
        Ok(Self {
            id: id.ok_or_else(|| ClientError::protocol("a purchase id that has not 16 bytes"))?,
            state,
            pack: wire.pack.ok_or_else(|| ClientError::protocol("a purchase without its pack"))?.into(),
            url: page(wire.url),
            receipt_url: page(wire.receipt_url),
            failure: (!wire.failure.is_empty()).then_some(wire.failure),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_reads_as_people_write_it() {
        for (amount_minor, currency, said) in [
            (900, "EUR", "\u{20ac}9.00"),
            (1_205, "USD", "$12.05"),
            (1_200, "JPY", "\u{a5}1200"),
            (1_500, "KWD", "1.500 KWD"),
            (7, "CHF", "0.07 CHF"),
        ] {
            let pack = PackView {
                name: "small".into(),
                title: "Small".into(),
                credits: Credits(100),
                amount_minor,
                currency: currency.into(),
            };
            assert_eq!(pack.price(), said);
        }
    }
}
