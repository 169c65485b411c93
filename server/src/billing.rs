//! Credits for money: packs, purchases, who pays. Types and their laws; no SQL and no payment service.

use crate::clock::Timestamp;
use serde::{Deserialize, Serialize};
use tributary_protocol::limits::CREDITS_MAX;
pub use tributary_protocol::vocab::PurchaseState;
use tributary_protocol::vocab::{AccountId, Credits, PersonId, PurchaseId};

/// So many credits for so much money, as the configuration offers them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pack {
    /// What purchases call it; at most 64 small letters, digits and hyphens.
    pub name: String,
    /// For people.
    pub title: String,
    /// How many.
    pub credits: u64,
    /// The price in the currency's smallest unit: 900 for 9.00 EUR.
    pub amount_minor: u64,
    /// Three letters: EUR.
    pub currency: String,
    /// Offered from this day on, `2026-12-01`; from ever where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Offered before this day; for ever where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub until: String,
}

/// The longest name of a pack.
pub const PACK_CHARS_MAX: usize = 64;
/// The most expensive pack: what the payment service takes at once.
pub const AMOUNT_MINOR_MAX: u64 = 99_999_999;

impl Pack {
    /// Whether it is offered at `now`. Days are compared as they are written.
    #[must_use]
    pub fn is_offered(&self, now: Timestamp) -> bool {
        let (year, month, day) = now.date();
        let today = format!("{year:04}-{month:02}-{day:02}");
        let begun = self.from.is_empty() || self.from <= today;
        begun && (self.until.is_empty() || today < self.until)
    }

    /// What is wrong with it, in words.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_day = |text: &str| {
            let parts: Vec<&str> = text.split('-').collect();
            let sizes = parts.iter().map(|part| part.len()).collect::<Vec<_>>();
            sizes == [4, 2, 2] && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
        };
        let days = [&self.from, &self.until].into_iter().filter(|day| !day.is_empty());
        if self.name.is_empty() || self.name.len() > PACK_CHARS_MAX || !self.name.chars().all(is_name) {
            Some(format!(
                "its name must be 1 to {PACK_CHARS_MAX} small letters, digits and hyphens, not `{}`",
                self.name
            ))
        } else if self.credits == 0 || self.credits > CREDITS_MAX {
            Some(format!("it has {} credits; 1 to {CREDITS_MAX} are possible", self.credits))
        } else if self.amount_minor == 0 || self.amount_minor > AMOUNT_MINOR_MAX {
            Some(format!("it costs {}; 1 to {AMOUNT_MINOR_MAX} are possible", self.amount_minor))
        } else if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            Some(format!("its currency is `{}`, not three letters like EUR", self.currency))
        } else {
            let wrong = days.clone().find(|day| !is_day(day))?;
            Some(format!("`{wrong}` is no day like 2026-12-01"))
        }
    }
}

/// How a purchase is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurchaseKind {
    /// By a person, on the payment service's page.
    Checkout,
    /// Without anybody, as an owner asked for once.
    TopUp,
}

impl PurchaseKind {
    /// As the database writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::TopUp => "top_up",
        }
    }
}

/// What is agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPurchase {
    /// Made by whoever buys, so that asking twice buys once.
    pub id: PurchaseId,
    /// How it is paid.
    pub kind: PurchaseKind,
    /// Who buys.
    pub person: Option<PersonId>,
    /// The pack's name.
    pub pack: String,
    /// What comes.
    pub credits: Credits,
    /// What is paid, in the currency's smallest unit.
    pub amount_minor: u64,
    /// Three capital letters.
    pub currency: String,
    /// Whether real money moves.
    pub live: bool,
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispute {
    /// The bank decides.
    Open,
    /// The money stays.
    Won,
    /// The money is gone.
    Lost,
}

impl Dispute {
    /// As the database writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }

    /// Reads [`Dispute::word`]; none for anything else.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Won, Self::Lost].into_iter().find(|dispute| dispute.word() == word)
    }
}

/// A purchase on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Whose.
    pub account: AccountId,
    /// What was agreed.
    pub agreed: NewPurchase,
    /// Where it is.
    pub state: PurchaseState,
    /// The payment service's name for its page.
    pub session: Option<String>,
    /// Where that page is.
    pub url: Option<String>,
    /// The payment service's name for the payment.
    pub payment: Option<String>,
    /// Where the receipt is.
    pub receipt_url: Option<String>,
    /// Why there are no credits, in words.
    pub failure: Option<String>,
    /// Money that went back.
    pub returned_minor: u64,
    /// Credits that were spent before they could be taken back.
    pub owed: Credits,
    /// Where a dispute stands.
    pub dispute: Option<Dispute>,
    /// Credits that it took.
    pub dispute_taken: Credits,
    /// When it was agreed.
    pub created_at: Timestamp,
}

impl Purchase {
    /// What the payment service keeps with the payment, so that it is found again.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}.{}", self.account, self.agreed.id)
    }

    /// How many credits `returned_minor` of the price stand for: all of them for all of it, else rounded down.
    #[must_use]
    pub fn credits_of(&self, returned_minor: u64) -> Credits {
        let (credits, price) =
            (u128::from(self.agreed.credits.0), u128::from(self.agreed.amount_minor.max(1)));
        let part = credits * u128::from(returned_minor.min(self.agreed.amount_minor)) / price;
        Credits(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

/// What the payment service says of a payment that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bought {
    /// Its name for it.
    pub payment: Option<String>,
    /// Its name for whoever paid.
    pub customer: Option<String>,
    /// How they can pay again, where they agreed to that.
    pub method: Option<String>,
    /// Where the receipt is.
    pub receipt_url: Option<String>,
    /// For the account's history.
    pub note: String,
}

/// Who pays for an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The payment service's name for them.
    pub customer: String,
    /// How they can pay again.
    pub method: Option<String>,
    /// Buys by itself.
    pub top_up: Option<TopUp>,
    /// Why it does not any more.
    pub failure: Option<String>,
}

/// Buys a pack when credits run low.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopUp {
    /// Which pack.
    pub pack: String,
    /// When fewer credits than these are available.
    pub below: Credits,
    /// For at most so much money in one calendar month.
    pub month_max_minor: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> Pack {
        Pack {
            name: "small".into(),
            title: "Small".into(),
            credits: 100,
            amount_minor: 900,
            currency: "EUR".into(),
            from: String::new(),
            until: String::new(),
        }
    }

    #[test]
    fn a_pack_is_offered_from_its_first_day_until_before_its_last() {
        let day = |day: i64| Timestamp((20_785 + day) * 86_400_000_000); // 2026-11-28 is day 0
        let limited = Pack { from: "2026-11-28".into(), until: "2026-11-30".into(), ..pack() };
        let offered: Vec<_> = (-1..3).map(|at| limited.is_offered(day(at))).collect();
        assert_eq!(offered, [false, true, true, false]);
        assert!(pack().is_offered(day(0)));
    }

    #[test]
    fn a_pack_that_cannot_be_sold_says_why() {
        assert_eq!(pack().fault(), None);
        for (wrong, words) in [
            (Pack { name: "Small Pack".into(), ..pack() }, "small letters"),
            (Pack { credits: 0, ..pack() }, "0 credits"),
            (Pack { amount_minor: 0, ..pack() }, "costs 0"),
            (Pack { currency: "euro".into(), ..pack() }, "`euro`"),
            (Pack { until: "tomorrow".into(), ..pack() }, "`tomorrow`"),
        ] {
            let fault = wrong.fault().unwrap();
            assert!(fault.contains(words), "{fault}");
        }
    }
}
