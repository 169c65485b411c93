//! The parameters of one call, taken one by one: what is left over is a parameter that nobody knows, as with Stripe.

use crate::refusal::Refusal;
use std::collections::BTreeMap;

/// Name, as `line_items[0][quantity]`, and value.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn read(encoded: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(encoded);
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    pub(crate) fn need(&mut self, name: &str) -> Result<String, Refusal> {
        self.take(name).ok_or_else(|| Refusal::missing(name))
    }

    /// Takes a parameter that can have one value only.
    pub(crate) fn fixed(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if self.need(name)? == value { Ok(()) } else { Err(Refusal::invalid(name)) }
    }

    /// Takes a switch; off where it is not there.
    pub(crate) fn switch(&mut self, name: &str) -> Result<bool, Refusal> {
        match self.take(name).as_deref() {
            Some("true") => Ok(true),
            Some("false") | None => Ok(false),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    pub(crate) fn number(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        self.take(name).map(|text| text.parse().map_err(|_| Refusal::invalid(name))).transpose()
    }

    /// An amount of money that a payment can have.
    pub(crate) fn amount(&mut self, name: &str) -> Result<u64, Refusal> {
        let amount = self.number(name)?.ok_or_else(|| Refusal::missing(name))?;
        match u64::try_from(amount) {
            Ok(0) | Err(_) => Err(Refusal::invalid(name)),
            Ok(amount) if amount > 99_999_999 => Err(Refusal::request("amount_too_large", "too much", name)),
            Ok(amount) => Ok(amount),
        }
    }

    pub(crate) fn currency(&mut self, name: &str) -> Result<String, Refusal> {
        let currency = self.need(name)?;
        let is_known = ["eur", "usd", "gbp", "jpy", "chf"].contains(&currency.as_str());
        if is_known { Ok(currency) } else { Err(Refusal::invalid(name)) }
    }

    /// Takes all of `name[key]`.
    pub(crate) fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let begin = format!("{name}[");
        let named = self.0.keys().filter(|key| key.starts_with(&begin));
        let keys: Vec<String> = named.filter(|key| !key[begin.len()..].contains('[')).cloned().collect();
        let pairs = keys.into_iter().filter_map(|key| {
            let value = self.0.remove(&key)?;
            Some((key[begin.len()..].trim_end_matches(']').to_owned(), value))
        });
        pairs.collect()
    }

    /// Takes what is to be answered as a whole object instead of its id.
    pub(crate) fn expands(&mut self, name: &str) -> bool {
        self.map("expand").values().any(|value| value == name)
    }

    /// Refuses what is left.
    pub(crate) fn end(self) -> Result<(), Refusal> {
        match self.0.into_keys().next() {
            Some(name) => {
                let message = format!("Received unknown parameter: {name}");
                Err(Refusal::request("parameter_unknown", &message, &name))
            }
            None => Ok(()),
        }
    }
}
