//! People, as the operator adds them: without mail, and where nobody can sign up.

use super::db::open;
use super::{DONE, Place, screen};
use crate::auth::token::Token;
use crate::clock::{Clock, SystemClock};
use crate::data::DataFolder;
use crate::people::{self, LinkPurpose, Person};
use crate::store::Store;
use crate::store::people::NewPerson;
use anyhow::{Context, ensure};
use std::time::Duration;
use tributary_protocol::vocab::{AccountId, PersonId};

/// The link that is printed is good for so long.
const LINK: Duration = Duration::from_secs(86_400);
/// No password has this hash.
const NO_PASSWORD: &str = "none";

#[derive(clap::Args)]
pub(super) struct PeopleArgs {
    #[command(subcommand)]
    what: PeopleWhat,
}

#[derive(clap::Subcommand)]
enum PeopleWhat {
    /// Add a person, or give one a new way in: prints a link by which they choose a password, good for one day
    Add {
        /// Their e-mail address
        email: String,
        /// They see the operator's pages
        #[arg(long)]
        operator: bool,
    },
    /// Make a person one of the operators, or not any more
    Operator {
        /// Their e-mail address
        email: String,
        /// Not any more
        #[arg(long)]
        revoke: bool,
    },
}

pub(super) async fn run(place: Place, args: PeopleArgs) -> anyhow::Result<u8> {
    let store = open(&place).await?;
    let now = SystemClock.now();
    match args.what {
        PeopleWhat::Add { email, operator } => {
            let email = people::email(&email).context("this is no e-mail address")?;
            let person = find_or_add(store.as_ref(), &email).await?;
            if operator {
                store.set_operator(&email, Some(now)).await?;
            }
            let token = Token::generate();
            store.add_link(token.sha256(), person, LinkPurpose::Reset, now.after(LINK), now).await?;
            screen::line(format!("{}/reset/{}", pages_url(&place)?, token.reveal()));
            screen::note(format!("{email} chooses a password there; the link is good once, for one day"));
        }
        PeopleWhat::Operator { email, revoke } => {
            let email = people::email(&email).context("this is no e-mail address")?;
            let known = store.set_operator(&email, (!revoke).then_some(now)).await?;
            ensure!(known, "there is nobody with the address {email}");
        }
    }
    Ok(DONE)
}

async fn find_or_add(store: &dyn Store, email: &str) -> anyhow::Result<PersonId> {
    if let Some(person) = store.person_of(email).await? {
        return Ok(person.id);
    }
    let person = Person {
        id: PersonId::generate(),
        email: email.to_owned(),
        name: String::new(),
        password: NO_PASSWORD.to_owned(),
        verified_at: None,
        operates_since: None,
    };
    let id = person.id;
    let added =
        store.sign_up(&NewPerson { person, account: AccountId::generate() }, SystemClock.now()).await?;
    ensure!(added, "the address {email} was taken just now; try again");
    Ok(id)
}

/// As configured, or else as the server that runs here said when it began: it may listen elsewhere than its file says.
fn pages_url(place: &Place) -> anyhow::Result<String> {
    let data = DataFolder::open(&place.data_path()?)?;
    let config = place.config(data.path())?;
    let said = data.local()?.and_then(|local| local.pages).filter(|_| config.pages.public_url.is_empty());
    Ok(said.unwrap_or_else(|| config.pages_url(config.pages.listen)))
}
