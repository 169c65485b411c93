//! Amounts as Stripe counts them: whole minor units of a currency. Converts nothing, rounds nothing.

use crate::StripeError;
use std::fmt;
use stripe_types::Currency as Wire;

/// The most that one payment can be: eight digits, Stripe's own limit.
/// <https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>
pub const AMOUNT_MINOR_MAX: u64 = 99_999_999;

/// Three letters of ISO 4217, in lower case as Stripe writes them. Whether Stripe takes it is Stripe's to say.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency([u8; 3]);

/// A text that is no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three letters")]
pub struct CurrencyError;

impl Currency {
    /// In upper or lower case.
    ///
    /// # Errors
    /// Where it is not three ASCII letters.
    pub fn new(text: &str) -> Result<Self, CurrencyError> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if !letters.iter().all(u8::is_ascii_alphabetic) {
            return Err(CurrencyError);
        }
        Ok(Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }

    /// As Stripe writes it: `eur`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("new() takes ASCII letters only")
    }

    pub(crate) fn wire(self) -> Wire {
        let Ok(currency) = self.as_str().parse();
        currency
    }

    /// A currency of an answer.
    pub(crate) fn read(text: &str) -> Result<Self, StripeError> {
        Self::new(text).map_err(|_| StripeError::Unparsed { what: "a currency".to_owned() })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// An amount. What a minor unit is depends on the currency: a cent of a euro, a whole yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Money {
    /// How much, in the currency's smallest unit.
    pub amount_minor: u64,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// The amount as requests have it: what is more than Stripe takes is sent as Stripe's largest number and refused
    /// there.
    pub(crate) fn wire_amount(self) -> i64 {
        i64::try_from(self.amount_minor).unwrap_or(i64::MAX)
    }

    /// Money of an answer.
    pub(crate) fn read(amount: i64, currency: &str) -> Result<Self, StripeError> {
        Ok(Self { amount_minor: amount_of(amount)?, currency: Currency::read(currency)? })
    }
}

/// An amount of an answer.
pub(crate) fn amount_of(amount: i64) -> Result<u64, StripeError> {
    u64::try_from(amount).map_err(|_| StripeError::Unparsed { what: "an amount below zero".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_letters_in_lower_case() {
        assert_eq!(Currency::new("EUR").unwrap().as_str(), "eur");
        for text in ["", "eu", "euro", "e1r", "é1", "eur "] {
            assert_eq!(Currency::new(text), Err(CurrencyError), "{text}");
        }
    }

    #[test]
    fn currencies_reach_the_wire_as_they_are_written() {
        for text in ["eur", "jpy", "usd", "xyz"] {
            assert_eq!(Currency::new(text).unwrap().wire().to_string(), text);
        }
    }

    #[test]
    fn an_amount_below_zero_is_unreadable() {
        assert!(matches!(Money::read(-1, "eur"), Err(StripeError::Unparsed { .. })));
        assert_eq!(Money::read(0, "eur").unwrap().amount_minor, 0);
    }
}
