//! Keeps one instance in touch with its server: which one it is, whether it answers, what it offers, what the account
//! has. Knows no takes and no jobs; those use the [`Link`] it hands out.

mod target;

use super::Places;
use super::mailbox::{Event, Mailbox};
use crate::settings::{SettingsFile, Stamp, normal_address};
use crate::view::{Account, Connection};
use std::time::Duration;
pub(super) use target::Target;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tributary_protocol::client::{
    AccountView, Client, ClientError, ModelView, Packs, Patience, ServerLimits, certificate_of,
};
use tributary_protocol::vocab::Sha256;

/// What the window or the user wants of the connection at once, waiting at most.
pub(super) const WISHES_MAX: usize = 32;
/// While somebody looks, account and offer are no older than this.
const FRESH_FOR: Duration = Duration::from_secs(30);
/// Files are looked at this often: while somebody waits for a server to appear, and otherwise.
const LOOK_SOON: Duration = Duration::from_secs(2);
const LOOK_LATER: Duration = Duration::from_secs(15);
/// Waits between tries to reach a server that does not answer.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Somebody may be looking at the window: what does not answer should be known soon. What goes on for longer, like a
/// job, has its own way of trying for ever.
pub(super) const PATIENCE: Patience = Patience {
    first_wait: Duration::from_millis(200),
    longest_wait: Duration::from_secs(3),
    first_contact: Duration::from_secs(4),
    without_success: Duration::from_secs(15),
    unary: Duration::from_secs(8),
    stream_idle: Duration::from_secs(45),
};

/// The right of a key to spend its account's money.
const BUY: &str = "buy";

/// A way to a server that was reached and accepts our key.
#[derive(Clone, Debug)]
pub(super) struct Link {
    /// What jobs remember as their server.
    pub(super) server: String,
    pub(super) client: Client,
}

/// What somebody wants of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Connect { address: String, key: String },
    Accept { fingerprint: String },
    SignOut,
    Refresh,
}

/// What became known.
#[derive(Debug)]
pub(super) enum News {
    State(Connection),
    Offer(Vec<ModelView>, ServerLimits),
    Account(Account),
    /// Settings could not be read or written.
    Settings(String),
}

/// Runs until its wishes end.
pub(super) async fn run(
    places: Places,
    wishes: mpsc::Receiver<Wish>,
    is_wanted: watch::Receiver<bool>,
    link: watch::Sender<Option<Link>>,
    mailbox: Mailbox,
) {
    let settings = SettingsFile(places.settings.clone());
    let keeper = Keeper {
        places,
        settings,
        wishes,
        is_wanted,
        link,
        mailbox,
        state: Connection::NoServer,
        presented: None,
        answered: false,
    };
    keeper.keep().await;
}

struct Keeper {
    places: Places,
    settings: SettingsFile,
    wishes: mpsc::Receiver<Wish>,
    is_wanted: watch::Receiver<bool>,
    link: watch::Sender<Option<Link>>,
    mailbox: Mailbox,
    state: Connection,
    /// The certificate that the user is asked about: whose, and which.
    presented: Option<(String, Sha256)>,
    /// The present target has answered before.
    answered: bool,
}

/// Why the keeper looks again.
enum Woken {
    /// Somebody wants it, or it is time.
    Ask,
    /// The server may be another one.
    Retarget,
    /// The session is over.
    End,
}

impl Keeper {
    async fn keep(mut self) {
        let mut before: Option<(Target, Client)> = None;
        loop {
            let (target, stamps) = self.find_target().await;
            let is_connected = matches!(self.state, Connection::Connected { .. });
            let same = before.take().filter(|(before, _)| is_connected && target.as_ref() == Some(before));
            before = match (same, target) {
                // Something else in the settings changed.
                (Some(same), _) => Some(same),
                (None, Some(target)) => {
                    self.answered = false;
                    self.prepare(&target).await.map(|client| (target, client))
                }
                (None, None) => {
                    self.tell(Connection::NoServer).await;
                    None
                }
            };
            let woken = match &before {
                Some((target, client)) => self.stay(target, client, &stamps).await,
                None => self.wait(&stamps, None).await,
            };
            if matches!(woken, Woken::End) {
                return;
            }
        }
    }

    /// Settings and what a local server left, with the state of both files.
    async fn find_target(&mut self) -> (Option<Target>, [Stamp; 2]) {
        let (settings, folder) = (self.settings.clone(), self.places.server.clone());
        let found = tokio::task::spawn_blocking(move || {
            let stamps = target::stamps(&settings, &folder);
            (target::find(&settings, &folder), stamps)
        })
        .await;
        match found {
            Ok((found, stamps)) => {
                if let Some(trouble) = found.trouble {
                    let file = self.settings.0.display();
                    let text = format!("The settings in {file} {trouble} Check server and key.");
                    self.mailbox.post(Event::Connection(News::Settings(text))).await;
                }
                (found.target, stamps)
            }
            Err(_) => (None, [Stamp::none(), Stamp::none()]),
        }
    }

    /// A client of the target, as far as one can be made without asking the server.
    async fn prepare(&mut self, target: &Target) -> Option<Client> {
        self.link.send_if_modified(|link| link.take().is_some());
        let address = target.address.clone();
        let endpoint = match target.endpoint() {
            Ok(endpoint) => endpoint,
            Err(error) => {
                self.tell(Connection::SignedOut { address, reason: error.to_string() }).await;
                return None;
            }
        };
        match Client::connect(endpoint).await {
            Ok(client) => {
                // A server that ran here once and may not now is no news until it answers.
                if !target.is_local {
                    self.tell(Connection::Connecting { address }).await;
                }
                Some(client.with_patience(PATIENCE))
            }
            Err(error) => {
                self.tell(Connection::Lost { address, reason: error.to_string() }).await;
                None
            }
        }
    }

    /// Asks one server again and again until another one is meant.
    async fn stay(&mut self, target: &Target, client: &Client, stamps: &[Stamp; 2]) -> Woken {
        let mut wait = FIRST_WAIT;
        loop {
            let asked = tokio::select! {
                asked = ask(client) => Some(asked),
                woken = self.hear_retarget() => match woken {
                    Woken::Ask => None,
                    other => return other,
                },
            };
            let again = match asked {
                None => continue,
                Some(Ok((models, limits, account))) => {
                    wait = FIRST_WAIT;
                    self.reached(target, client).await;
                    self.mailbox.post(Event::Connection(News::Offer(models, limits))).await;
                    self.mailbox.post(Event::Connection(News::Account(account))).await;
                    FRESH_FOR
                }
                Some(Err(error)) => {
                    self.failed(target, error).await;
                    let again = wait;
                    wait = (wait * 2).min(LONGEST_WAIT);
                    again
                }
            };
            match self.wait(stamps, Some(Instant::now() + again)).await {
                Woken::Ask => {}
                other => return other,
            }
        }
    }

    async fn reached(&mut self, target: &Target, client: &Client) {
        self.answered = true;
        let link = Link { server: target.name(), client: client.clone() };
        self.link.send_if_modified(|current| {
            let is_news = current.is_none();
            if is_news {
                *current = Some(link);
            }
            is_news
        });
        let (address, is_local) = (target.address.clone(), target.is_local);
        self.tell(Connection::Connected { address, is_local }).await;
    }

    async fn failed(&mut self, target: &Target, error: ClientError) {
        let address = target.address.clone();
        let state = match error {
            ClientError::SignIn => {
                self.link.send_if_modified(|link| link.take().is_some());
                Connection::SignedOut { address, reason: error.to_string() }
            }
            ClientError::Untrusted { .. } => {
                self.link.send_if_modified(|link| link.take().is_some());
                self.look_at_certificate(target, &error).await
            }
            _ if target.is_local && !self.answered => Connection::NoServer,
            _ if target.is_local => {
                let reason =
                    "The server on this machine does not answer: start it again with `tributary serve`.";
                Connection::Lost { address, reason: reason.to_owned() }
            }
            error => Connection::Lost { address, reason: error.to_string() },
        };
        self.tell(state).await;
    }

    /// What the server is, if it is not what we trust: the user decides.
    async fn look_at_certificate(&mut self, target: &Target, error: &ClientError) -> Connection {
        let address = target.address.clone();
        match certificate_of(&address).await {
            Ok(presented) if Some(presented.fingerprint) != target.fingerprint() => {
                self.presented = Some((address.clone(), presented.fingerprint));
                Connection::Unknown {
                    address,
                    fingerprint: presented.fingerprint.as_fingerprint(),
                    accepted_before: target.fingerprint().map(|before| before.as_fingerprint()),
                }
            }
            _ => Connection::Lost { address, reason: error.to_string() },
        }
    }

    /// While a call is under way: something that makes its answer worthless.
    async fn hear_retarget(&mut self) -> Woken {
        match self.wishes.recv().await {
            None => Woken::End,
            Some(wish) => self.obey(wish).await,
        }
    }

    /// Until `again` (with nobody looking, for ever), a wish, or another content of the files.
    async fn wait(&mut self, stamps: &[Stamp; 2], again: Option<Instant>) -> Woken {
        loop {
            let is_wanted = *self.is_wanted.borrow_and_update();
            let connected = matches!(self.state, Connection::Connected { .. });
            // Connected and nobody looks: what is known is good enough.
            let again = again.filter(|_| is_wanted || !connected);
            if again.is_some_and(|again| again <= Instant::now()) {
                return Woken::Ask;
            }
            let look = Instant::now() + if is_wanted { LOOK_SOON } else { LOOK_LATER };
            let until = again.map_or(look, |again| again.min(look));
            tokio::select! {
                wish = self.wishes.recv() => match wish {
                    None => return Woken::End,
                    Some(wish) => return self.obey(wish).await,
                },
                // Goes round: whoever looks now wants it fresh.
                Ok(()) = self.is_wanted.changed() => {}
                () = sleep_until(until) => {
                    if self.have_files_changed(stamps).await {
                        return Woken::Retarget;
                    }
                }
            }
        }
    }

    async fn have_files_changed(&self, stamps: &[Stamp; 2]) -> bool {
        let (settings, folder) = (self.settings.clone(), self.places.server.clone());
        let now = tokio::task::spawn_blocking(move || target::stamps(&settings, &folder)).await;
        now.is_ok_and(|now| now != *stamps)
    }

    async fn obey(&mut self, wish: Wish) -> Woken {
        match wish {
            Wish::Refresh => return Woken::Ask,
            Wish::Connect { address, key } => {
                let address = normal_address(&address);
                self.change_settings(move |settings| {
                    settings.server = Some(address.clone());
                    let known = settings.use_server(&address);
                    let key = key.trim();
                    // An empty key is the one entered before.
                    if !key.is_empty() {
                        known.key = Some(key.to_owned());
                    }
                })
                .await;
            }
            Wish::Accept { fingerprint } => {
                // Only what was shown can be accepted: the server may present another one by now.
                let shown = self.presented.clone();
                let Some((address, presented)) =
                    shown.filter(|(_, presented)| presented.as_fingerprint() == fingerprint)
                else {
                    return Woken::Ask;
                };
                self.change_settings(move |settings| {
                    settings.use_server(&address).certificate = Some(presented);
                })
                .await;
            }
            Wish::SignOut => {
                self.change_settings(|settings| {
                    if let Some(address) = settings.server.take() {
                        settings.known.retain(|known| known.address != address);
                    }
                })
                .await;
            }
        }
        Woken::Retarget
    }

    async fn change_settings(
        &mut self,
        change: impl FnOnce(&mut crate::settings::Settings) + Send + 'static,
    ) {
        let file = self.settings.clone();
        let changed = tokio::task::spawn_blocking(move || file.change(change)).await;
        if let Ok(Err(cause)) = changed {
            let text = format!(
                "The settings cannot be written to {}: {cause}. Check space and permissions.",
                self.settings.0.display()
            );
            self.mailbox.post(Event::Connection(News::Settings(text))).await;
        }
    }

    async fn tell(&mut self, state: Connection) {
        if self.state != state {
            self.state = state.clone();
            self.mailbox.post(Event::Connection(News::State(state))).await;
        }
    }
}

async fn ask(client: &Client) -> Result<(Vec<ModelView>, ServerLimits, Account), ClientError> {
    let offer = client.models().await?;
    let account = client.account().await?;
    // A server that is older than its shop sells nothing.
    let packs = client.packs().await.unwrap_or_default();
    Ok((offer.models, offer.limits, shown(account, packs)))
}

fn shown(account: AccountView, packs: Packs) -> Account {
    Account {
        available: account.available().0,
        may_buy: account.rights.iter().any(|right| right == BUY),
        name: account.name,
        held: account.held.0,
        buy_url: account.buy_url,
        person: account.person,
        role: account.role,
        month_limit: account.month_limit.map(|limit| limit.0),
        month_spent: account.month_spent.0,
        expiring: account.expiring,
        is_suspended: account.suspended,
        keep_days: account.keep_days,
        packs,
    }
}
