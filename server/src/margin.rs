//! What models bring in and what the device costs: sums of what was used, in millionths of a currency. No I/O.

use crate::store::terms::Usage;
use std::collections::BTreeMap;
use std::time::Duration;
use tributary_protocol::vocab::Credits;

/// What things are worth, in millionths of the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worth {
    /// One credit.
    pub credit_micros: u64,
    /// One second of the device.
    pub device_second_micros: u64,
}

/// Of one model, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    /// Jobs that ended.
    pub jobs: u64,
    /// Of them, those that were done.
    pub done: u64,
    /// What they took.
    pub captured: Credits,
    /// Time of the device.
    pub device: Duration,
}

impl Margin {
    fn add(&mut self, usage: &Usage) {
        self.jobs += usage.jobs;
        self.done += usage.done;
        self.captured = Credits(self.captured.0.saturating_add(usage.captured.0));
        self.device += usage.device;
    }

    /// What came in.
    #[must_use]
    pub fn revenue_micros(&self, worth: Worth) -> i128 {
        i128::from(self.captured.0) * i128::from(worth.credit_micros)
    }

    /// What the device cost.
    #[must_use]
    pub fn cost_micros(&self, worth: Worth) -> i128 {
        let cost = self.device.as_micros() * u128::from(worth.device_second_micros) / 1_000_000;
        i128::try_from(cost).unwrap_or(i128::MAX)
    }
}

/// By model, in the order of their names.
#[must_use]
pub fn by_model(usage: &[Usage]) -> BTreeMap<String, Margin> {
    let mut models = BTreeMap::<String, Margin>::new();
    for each in usage {
        models.entry(each.model.clone()).or_default().add(each);
    }
    models
}

/// All together.
#[must_use]
pub fn of_all(usage: &[Usage]) -> Margin {
    let mut all = Margin::default();
    usage.iter().for_each(|each| all.add(each));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn what_comes_in_and_what_it_costs_are_summed_by_model() {
        let usage = |model: &str, captured, seconds| Usage {
            day: Timestamp(0),
            model: model.to_owned(),
            person: None,
            widget: None,
            jobs: 2,
            done: 1,
            captured: Credits(captured),
            sound: Duration::ZERO,
            device: Duration::from_millis(seconds),
        };
        let all = [usage("a", 3, 1_500), usage("b", 1, 100), usage("a", 4, 500)];
        let worth = Worth { credit_micros: 10_000, device_second_micros: 306 };
        let models = by_model(&all);
        assert_eq!(models["a"].revenue_micros(worth), 70_000);
        assert_eq!(models["a"].cost_micros(worth), 612);
        assert_eq!((of_all(&all).captured, of_all(&all).jobs), (Credits(8), 6));
    }
}
