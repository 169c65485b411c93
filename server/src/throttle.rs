//! How often one may call: a bucket for each peer's address, each key, each account and each widget. Knows neither requests nor
//! answers; the edges ask and translate.
//!
//! An address is counted before anybody is looked up, and pays more for a call that nobody was let in with. Key and account
//! are counted after the key was found right: else anybody could use up somebody's bucket by the public part of a key. What
//! visitors of a widget do is never counted as its account's, for the same reason.

mod bucket;
mod ledge;
pub mod proxy;

use crate::clock::Clock;
use crate::config::RatesConfig;
use bucket::Buckets;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, WidgetId};

/// Whose bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The peer's address.
    Address,
    /// The API key.
    Key,
    /// The account, with all its keys.
    Account,
    /// A widget, with all its visitors.
    Widget,
    /// One address that sends files by a widget.
    Visitor,
}

impl Whose {
    /// For people and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Key => "key",
            Self::Account => "account",
            Self::Widget => "widget",
            Self::Visitor => "visitor",
        }
    }
}

/// Not now: nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many calls of this {}: {per_minute} a minute are allowed; wait and go on", whose.word())]
pub struct TooOften {
    /// Who calls too often.
    pub whose: Whose,
    /// Calls a minute that are allowed in the long run.
    pub per_minute: u32,
    /// Calls that are allowed at once.
    pub burst: u32,
    /// When the next call is let in.
    pub retry_after: Duration,
}

/// A bucket after a call that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose bucket it is.
    pub whose: Whose,
    /// Calls a minute that are allowed in the long run.
    pub per_minute: u32,
    /// Calls that are allowed at once.
    pub burst: u32,
    /// Calls left now.
    pub remaining: u32,
    /// When all of them are there again.
    pub full_in: Duration,
}

impl Standing {
    /// How long an empty bucket takes to be full.
    #[must_use]
    pub fn window(&self) -> Duration {
        Duration::from_secs(60) * self.burst / self.per_minute.max(1)
    }
}

impl From<&TooOften> for Standing {
    fn from(refused: &TooOften) -> Self {
        let TooOften { whose, per_minute, burst, retry_after } = *refused;
        Self { whose, per_minute, burst, remaining: 0, full_in: retry_after }
    }
}

/// All buckets of one process.
pub struct Throttle {
    addresses: Option<Buckets<IpAddr>>,
    keys: Option<Buckets<String>>,
    accounts: Option<Buckets<AccountId>>,
    widgets: Option<Buckets<WidgetId>>,
    visitors: Option<Buckets<(IpAddr, WidgetId)>>,
    failed_sign_in_costs: u32,
}

impl Throttle {
    /// By configuration; `clock` must not go back.
    #[must_use]
    pub fn new(rates: &RatesConfig, clock: &Arc<dyn Clock>) -> Self {
        Self {
            addresses: Buckets::new(Whose::Address, rates.address_calls_per_minute, clock),
            keys: Buckets::new(Whose::Key, rates.key_calls_per_minute, clock),
            accounts: Buckets::new(Whose::Account, rates.account_calls_per_minute, clock),
            widgets: Buckets::new(Whose::Widget, rates.widget_calls_per_minute, clock),
            visitors: Buckets::new(Whose::Visitor, rates.visitor_files_per_minute, clock),
            failed_sign_in_costs: rates.failed_sign_in_costs,
        }
    }

    /// Somebody calls from `peer`; who it is, is not known yet. None where addresses are not limited.
    ///
    /// # Errors
    /// `TooOften`.
    pub fn arrives(&self, peer: IpAddr) -> Result<Option<Standing>, TooOften> {
        self.addresses.as_ref().map(|buckets| buckets.take(&network(peer))).transpose()
    }

    /// The call from `peer` was not let in: a wrong key, a wrong password. Takes what that costs, or what is left.
    pub fn failed(&self, peer: IpAddr) {
        let Some(addresses) = &self.addresses else { return };
        let peer = network(peer);
        // The call itself was counted as it arrived.
        for _ in 1..self.failed_sign_in_costs {
            if addresses.take(&peer).is_err() {
                return;
            }
        }
    }

    /// An account calls, with the key of that prefix where it came with one. Where the limited ones stand after it.
    ///
    /// # Errors
    /// `TooOften`.
    pub fn calls(&self, key: Option<&str>, account: AccountId) -> Result<Vec<Standing>, TooOften> {
        let mut standings = Vec::new();
        if let (Some(buckets), Some(key)) = (&self.keys, key) {
            standings.push(buckets.take(&key.to_owned())?);
        }
        if let Some(buckets) = &self.accounts {
            standings.push(buckets.take(&account)?);
        }
        Ok(standings)
    }

    /// Some visitor asks for something of a widget.
    ///
    /// # Errors
    /// `TooOften`.
    pub fn visits(&self, widget: WidgetId) -> Result<(), TooOften> {
        self.widgets.as_ref().map_or(Ok(()), |buckets| buckets.take(&widget).map(drop))
    }

    /// A visitor at `peer` sends a file by a widget.
    ///
    /// # Errors
    /// `TooOften`.
    pub fn sends(&self, peer: IpAddr, widget: WidgetId) -> Result<(), TooOften> {
        self.visitors.as_ref().map_or(Ok(()), |buckets| buckets.take(&(network(peer), widget)).map(drop))
    }
}

/// Whoever has one IPv6 address has all of its /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(peer) => IpAddr::V4(peer),
        IpAddr::V6(peer) => {
            let [a, b, c, d, ..] = peer.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ManualClock, Timestamp};

    fn throttle(rates: RatesConfig) -> (Throttle, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        (Throttle::new(&rates, &(Arc::clone(&clock) as Arc<dyn Clock>)), clock)
    }

    fn rates(address: u32, key: u32, account: u32) -> RatesConfig {
        RatesConfig {
            address_calls_per_minute: address,
            key_calls_per_minute: key,
            account_calls_per_minute: account,
            widget_calls_per_minute: 0,
            visitor_files_per_minute: 0,
            failed_sign_in_costs: 4,
        }
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn who_waits_as_long_as_told_is_let_in_and_no_sooner() {
        let (throttle, clock) = throttle(rates(60, 0, 0));
        for remaining in (0..10).rev() {
            let standing = throttle.arrives(peer("10.0.0.1")).unwrap().unwrap();
            assert_eq!((standing.burst, standing.remaining), (10, remaining));
            assert_eq!(standing.full_in, Duration::from_secs(10 - u64::from(remaining)));
        }
        let refused = throttle.arrives(peer("10.0.0.1")).unwrap_err();
        assert_eq!(
            (refused.per_minute, refused.burst, refused.retry_after),
            (60, 10, Duration::from_secs(1))
        );
        throttle.arrives(peer("10.0.0.2")).unwrap();
        clock.advance(refused.retry_after - Duration::from_micros(1));
        assert_eq!(throttle.arrives(peer("10.0.0.1")).unwrap_err().retry_after, Duration::from_micros(1));
        clock.advance(Duration::from_micros(1));
        throttle.arrives(peer("10.0.0.1")).unwrap();
        assert!(throttle.arrives(peer("10.0.0.1")).is_err());
    }

    #[test]
    fn a_failed_sign_in_costs_more_and_takes_the_last_that_is_there() {
        let (throttle, clock) = throttle(rates(60, 0, 0));
        for _ in 0..2 {
            throttle.arrives(peer("10.0.0.1")).unwrap();
            throttle.failed(peer("10.0.0.1"));
        }
        assert_eq!(throttle.arrives(peer("10.0.0.1")).unwrap().unwrap().remaining, 1);
        throttle.failed(peer("10.0.0.1"));
        assert!(throttle.arrives(peer("10.0.0.1")).is_err());
        clock.advance(Duration::from_secs(10));
        assert_eq!(throttle.arrives(peer("10.0.0.1")).unwrap().unwrap().remaining, 9);
    }

    #[test]
    fn keys_and_accounts_have_buckets_of_their_own_and_zero_is_no_limit() {
        let (first, second) = (AccountId::generate(), AccountId::generate());
        let (limited, _) = throttle(rates(0, 6, 18));
        assert_eq!(limited.arrives(peer("10.0.0.1")), Ok(None));
        limited.failed(peer("10.0.0.1"));
        limited.calls(Some("a"), first).unwrap();
        assert_eq!(limited.calls(Some("a"), first).unwrap_err().whose, Whose::Key);
        limited.calls(Some("b"), first).unwrap();
        limited.calls(None, first).unwrap();
        let refused = limited.calls(Some("c"), first).unwrap_err();
        assert_eq!((refused.whose, refused.per_minute), (Whose::Account, 18));
        assert!(refused.to_string().starts_with("too many calls of this account: 18 a minute"), "{refused}");
        limited.calls(Some("d"), second).unwrap();
        let (off, _) = throttle(rates(0, 0, 0));
        for _ in 0..1_000 {
            off.arrives(peer("10.0.0.1")).unwrap();
            off.calls(Some("a"), first).unwrap();
        }
    }

    #[test]
    fn a_widget_has_its_own_bucket_and_each_address_one_for_files() {
        let rates =
            RatesConfig { widget_calls_per_minute: 18, visitor_files_per_minute: 6, ..rates(0, 0, 6) };
        let (limited, _) = throttle(rates);
        let (first, second) = (WidgetId::generate(), WidgetId::generate());
        limited.sends(peer("10.0.0.1"), first).unwrap();
        assert_eq!(limited.sends(peer("10.0.0.1"), first).unwrap_err().whose, Whose::Visitor);
        limited.sends(peer("10.0.0.2"), first).unwrap();
        limited.sends(peer("10.0.0.1"), second).unwrap();
        for _ in 0..3 {
            limited.visits(first).unwrap();
        }
        assert_eq!(limited.visits(first).unwrap_err().whose, Whose::Widget);
        limited.visits(second).unwrap();
        limited.calls(None, AccountId::generate()).unwrap();
    }

    #[test]
    fn one_network_of_ipv6_is_one_caller() {
        for (a, b, same) in [
            ("2001:db8::1", "2001:db8::ffff:1", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
        ] {
            assert_eq!(network(peer(a)) == network(peer(b)), same, "{a} and {b}");
        }
    }
}
