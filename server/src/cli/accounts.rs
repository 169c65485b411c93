//! The operator's commands. They open the database of the data folder's configuration directly, also while a server
//! runs on it: who may read that folder is the operator.

use super::db::open;
use super::{DONE, Place, screen};
use crate::auth::api_key::ApiKey;
use crate::clock::{Clock, SystemClock};
use crate::data::LOCAL_ACCOUNT;
use crate::ledger::Grant;
use crate::store::terms::Refunded;
use crate::store::{AccountRow, Store};
use crate::tenant::Tenant;
use crate::worker::NORMAL_WEIGHT;
use anyhow::{bail, ensure};
use std::time::Duration;
use tributary_protocol::limits::CREDITS_MAX;
use tributary_protocol::vocab::{AccountId, Credits, JobId};

/// Accounts that an error names.
const NAMED_MAX: usize = 20;

#[derive(clap::Args)]
pub(super) struct CreditsArgs {
    #[command(subcommand)]
    what: CreditsWhat,
}

#[derive(clap::Subcommand)]
enum CreditsWhat {
    /// Add credits to an account
    Grant {
        /// How many
        #[arg(value_parser = clap::value_parser!(u64).range(1..=CREDITS_MAX))]
        credits: u64,
        /// Which account: its name, or what its people call it
        #[arg(long, default_value = LOCAL_ACCOUNT)]
        account: String,
        /// Why, as the account's history will show it
        #[arg(long, default_value = "granted by the operator")]
        note: String,
        /// The payment's own number: the same one twice grants once [default: a new one]
        #[arg(long, value_name = "ID")]
        payment: Option<String>,
        /// What is left of them ends after so many days; such credits are spent before others [default: never]
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3660))]
        expire_after: Option<u32>,
    },
    /// Give back what a job took, or a part of it; once a job
    Refund {
        /// Which job
        job: JobId,
        /// How many credits [default: all that it took]
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=CREDITS_MAX))]
        credits: Option<u64>,
        /// Which account
        #[arg(long, default_value = LOCAL_ACCOUNT)]
        account: String,
        /// Why, as the account's history will show it
        #[arg(long)]
        reason: String,
    },
    /// Prove that the books are right
    Audit,
}

#[derive(clap::Args)]
pub(super) struct AccountsArgs {
    #[command(subcommand)]
    what: AccountsWhat,
}

#[derive(clap::Subcommand)]
enum AccountsWhat {
    /// All accounts with their credits
    List,
    /// Add an account and print its first key
    Add {
        /// Its name
        name: String,
        /// Its share of the device beside others; 100 is normal
        #[arg(long, default_value_t = NORMAL_WEIGHT, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        weight: u32,
    },
}

#[derive(clap::Args)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    what: KeysWhat,
    /// Which account
    #[arg(long, global = true, default_value = LOCAL_ACCOUNT)]
    account: String,
}

#[derive(clap::Subcommand)]
enum KeysWhat {
    /// The account's keys
    List,
    /// Make a key; it is printed once and stored nowhere
    Add {
        /// For lists
        #[arg(long, default_value = "made by the operator")]
        label: String,
    },
    /// Kill a key; no request with it is accepted any more
    Revoke {
        /// The part of the key after `trb_`, as `keys list` prints it
        prefix: String,
    },
}

async fn find(store: &dyn Store, name: &str) -> anyhow::Result<AccountRow> {
    choose(store.accounts().await?, name)
}

/// The account of this name, or else the only open one that its people call so.
fn choose(mut accounts: Vec<AccountRow>, name: &str) -> anyhow::Result<AccountRow> {
    if let Some(at) = accounts.iter().position(|account| account.name == name) {
        return Ok(accounts.swap_remove(at));
    }
    let is_called =
        |account: &&AccountRow| account.closed_at.is_none() && !name.is_empty() && account.title == name;
    let called: Vec<_> = accounts.iter().filter(is_called).collect();
    let named = |accounts: &[&AccountRow]| {
        let names: Vec<_> = accounts.iter().take(NAMED_MAX).map(|account| account.name.as_str()).collect();
        names.join(", ")
    };
    match called[..] {
        [account] => Ok(account.clone()),
        [] => bail!(
            "there is no account `{name}`; `tributary accounts list` shows all, among them: {}",
            named(&accounts.iter().collect::<Vec<_>>())
        ),
        _ => bail!("{} accounts are called `{name}`: say {}", called.len(), named(&called)),
    }
}

pub(super) async fn credits(place: Place, args: CreditsArgs) -> anyhow::Result<u8> {
    let store = open(&place).await?;
    match args.what {
        CreditsWhat::Grant { credits, account, note, payment, expire_after } => {
            let row = find(store.as_ref(), &account).await?;
            let now = SystemClock.now();
            let payment_id = payment.unwrap_or_else(|| format!("operator-{}", AccountId::generate()));
            let expires_at =
                expire_after.map(|days| now.after(Duration::from_secs(u64::from(days) * 86_400)));
            let grant = Grant { amount: Credits(credits), payment_id, note, expires_at };
            let balance = store.grant(&Tenant::acting_for(row.id), &grant, now).await?;
            let before = row.balance.posted.0;
            let granted = Credits(balance.posted.0.saturating_sub(before));
            screen::line(format!(
                "{granted} granted; account {account} has {} available",
                balance.available()
            ));
        }
        CreditsWhat::Refund { job, credits, account, reason } => {
            let row = find(store.as_ref(), &account).await?;
            let tenant = Tenant::acting_for(row.id);
            let asked = credits.map(Credits);
            match store.refund(&tenant, job, asked, &reason, SystemClock.now()).await? {
                Refunded::Yes(refunded, balance) => screen::line(format!(
                    "{refunded} given back for job {job}; account {account} has {} available",
                    balance.available()
                )),
                Refunded::TooMuch(captured) => bail!("job {job} took {captured}; no more can be given back"),
                Refunded::Unknown => bail!("account {account} has no job {job} that has ended"),
            }
        }
        CreditsWhat::Audit => {
            let audit = store.audit().await?;
            ensure!(audit.is_clean(), "THE BOOKS ARE WRONG: {audit:?}");
            screen::line(
                "the books are right: accounts equal their transfers and open holds, every hold ended at most once",
            );
        }
    }
    Ok(DONE)
}

pub(super) async fn accounts(place: Place, args: AccountsArgs) -> anyhow::Result<u8> {
    let store = open(&place).await?;
    match args.what {
        AccountsWhat::List => {
            let row = |account: AccountRow| {
                let (posted, held) =
                    (account.balance.posted.0.to_string(), account.balance.held.0.to_string());
                let state = match (account.closed_at, account.suspended_at) {
                    (Some(at), _) => format!("closed since {}", screen::time(at.0)),
                    (None, Some(at)) => format!("suspended since {}", screen::time(at.0)),
                    (None, None) => "open".to_owned(),
                };
                [account.name, account.title, posted, held, account.weight.to_string(), state]
            };
            let rows: Vec<_> = store.accounts().await?.into_iter().map(row).collect();
            screen::table(["account", "called", "credits", "held", "weight", "state"], &rows);
        }
        AccountsWhat::Add { name, weight } => {
            ensure!(
                (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control),
                "an account's name has 1 to 200 characters and no control characters"
            );
            let (id, now) = (AccountId::generate(), SystemClock.now());
            store.create_account(id, &name, weight, now).await?;
            let key = ApiKey::generate();
            store.add_key(&Tenant::acting_for(id), &key.row(id, "first key"), now).await?;
            screen::line(key.reveal());
            screen::note(format!("Account {name} was made. Its key is above; it is shown this once."));
        }
    }
    Ok(DONE)
}

pub(super) async fn keys(place: Place, args: KeysArgs) -> anyhow::Result<u8> {
    let store = open(&place).await?;
    let id = find(store.as_ref(), &args.account).await?.id;
    let (tenant, now) = (Tenant::acting_for(id), SystemClock.now());
    match args.what {
        KeysWhat::List => {
            let row = |key: crate::store::KeyRow| {
                let state = key
                    .revoked_at
                    .map_or("alive".to_owned(), |at| format!("dead since {}", screen::time(at.0)));
                [key.prefix, state, key.label]
            };
            let rows: Vec<_> = store.keys(&tenant).await?.into_iter().map(row).collect();
            screen::table(["key", "state", "label"], &rows);
        }
        KeysWhat::Add { label } => {
            let key = ApiKey::generate();
            store.add_key(&tenant, &key.row(id, &label), now).await?;
            screen::line(key.reveal());
            screen::note("The key is above; it is shown this once.");
        }
        KeysWhat::Revoke { prefix } => {
            let prefix = prefix.strip_prefix("trb_").unwrap_or(&prefix).split('_').next().unwrap_or_default();
            ensure!(
                store.revoke_key(&tenant, prefix, now).await?,
                "account {} has no living key `{prefix}`; `tributary keys list` shows them",
                args.account
            );
            screen::line(format!("key {prefix} is dead"));
        }
    }
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::ledger::Balance;

    fn account(name: &str, title: &str) -> AccountRow {
        AccountRow {
            id: AccountId::generate(),
            name: name.to_owned(),
            title: title.to_owned(),
            weight: NORMAL_WEIGHT,
            suspended_at: None,
            closed_at: None,
            balance: Balance::default(),
        }
    }

    #[test]
    fn an_account_is_found_by_its_name_or_by_what_it_alone_is_called() {
        let closed = AccountRow { closed_at: Some(Timestamp(1)), ..account("4", "North") };
        let all = || {
            vec![
                account("local", ""),
                account("1", "North"),
                account("2", "Twins"),
                account("3", "Twins"),
                closed.clone(),
            ]
        };
        let named =
            |name: &str| choose(all(), name).map(|found| found.name).map_err(|error| error.to_string());
        assert_eq!(named("local").unwrap(), "local");
        assert_eq!(named("North").unwrap(), "1", "the closed one is found by its name alone");
        assert_eq!(named("4").unwrap(), "4");
        assert_eq!(named("Twins").unwrap_err(), "2 accounts are called `Twins`: say 2, 3");
        assert!(named("").unwrap_err().contains("among them: local, 1, 2, 3, 4"));
        let other = choose(vec![account("5", "local"), account("local", "")], "local").unwrap();
        assert_eq!(other.name, "local", "a name goes before a title");
    }
}
