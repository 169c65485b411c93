//! One purchase, as one task: its id is on disk before it is sent, its page is paid in the browser, and it is asked for
//! until it was paid or cannot be any more. One that was begun before is gone on with.

use super::job::sentence;
use super::mailbox::{Event, Mailbox};
use crate::settings::SettingsFile;
use crate::view::{Purchase, PurchaseStage};
use std::io;
use std::time::Duration;
use tokio::time::sleep;
use tributary_protocol::client::{Client, ClientError, PackView, PurchaseState, PurchaseView};
use tributary_protocol::vocab::PurchaseId;

/// Somebody sits at the page: they want to see soon that it worked.
const PAUSE: Duration = Duration::from_secs(3);
/// After so many questions they went away, and it is asked for less often.
const SOON: u32 = 200;
const LONG_PAUSE: Duration = Duration::from_secs(30);

/// What is bought where, and who is told.
pub(super) struct ShopDesk {
    pub(super) number: u64,
    pub(super) client: Client,
    pub(super) settings: SettingsFile,
    pub(super) mailbox: Mailbox,
}

impl ShopDesk {
    /// Buys a pack, and stays with it to its end.
    pub(super) async fn buy(self, pack: PackView) {
        let id = PurchaseId::generate();
        if let Err(cause) = self.remember(Some(id)).await {
            let why = format!(
                "Nothing was bought, since the settings cannot be written ({cause}): check space and permissions."
            );
            return self.tell(Purchase { pack, stage: PurchaseStage::Failed(why) }).await;
        }
        match self.client.buy(id, &pack.name, false).await {
            Ok(purchase) => self.follow(purchase).await,
            Err(error) => {
                // The server may have it all the same where its answer was lost; then the id finds it again.
                if !matches!(error, ClientError::Unreachable { .. } | ClientError::Busy { .. }) {
                    let _ = self.remember(None).await;
                }
                let stage = PurchaseStage::Failed(sentence(&error));
                self.tell(Purchase { pack, stage }).await;
            }
        }
    }

    /// Goes on with what was begun at this server before, if anything was.
    pub(super) async fn resume(self) {
        let (settings, address) = (self.settings.clone(), self.client.address().to_owned());
        let known = tokio::task::spawn_blocking(move || {
            settings.load().ok().and_then(|settings| settings.known(&address)?.purchase)
        });
        let Some(id) = known.await.ok().flatten() else { return };
        match self.client.purchase(id).await {
            Ok(purchase) => self.follow(purchase).await,
            Err(ClientError::Refused { .. } | ClientError::UnknownJob { .. }) => {
                let _ = self.remember(None).await;
            }
            // Asked again with the next connection.
            Err(_) => {}
        }
    }

    async fn follow(&self, mut purchase: PurchaseView) {
        let mut questions: u32 = 0;
        loop {
            let shown = shown(&purchase);
            let is_over = shown.stage.is_over();
            if is_over {
                let _ = self.remember(None).await;
            }
            self.tell(shown).await;
            if is_over {
                return;
            }
            let asked = loop {
                sleep(if questions < SOON { PAUSE } else { LONG_PAUSE }).await;
                questions = questions.saturating_add(1);
                let asked = match purchase.state {
                    // Its page could not be opened: the same id buys once.
                    PurchaseState::Created => self.client.buy(purchase.id, &purchase.pack.name, false).await,
                    _ => self.client.purchase(purchase.id).await,
                };
                match asked {
                    Ok(now) if now == purchase => {}
                    Err(ClientError::Unreachable { .. } | ClientError::Busy { .. }) => {}
                    asked => break asked,
                }
            };
            match asked {
                Ok(now) => purchase = now,
                Err(error) => {
                    let stage = PurchaseStage::Failed(sentence(&error));
                    return self.tell(Purchase { pack: purchase.pack, stage }).await;
                }
            }
        }
    }

    async fn remember(&self, id: Option<PurchaseId>) -> io::Result<()> {
        let (settings, address) = (self.settings.clone(), self.client.address().to_owned());
        let kept = tokio::task::spawn_blocking(move || {
            settings.change(|settings| {
                if id.is_some() || settings.known(&address).is_some() {
                    settings.use_server(&address).purchase = id;
                }
            })
        });
        kept.await.map_err(io::Error::other)?.map(drop)
    }

    async fn tell(&self, purchase: Purchase) {
        self.mailbox.post(Event::Purchase { number: self.number, purchase }).await;
    }
}

fn shown(purchase: &PurchaseView) -> Purchase {
    let why = || purchase.failure.clone().unwrap_or_else(|| "The payment did not succeed.".to_owned());
    let stage = match (purchase.state, &purchase.url) {
        (PurchaseState::Open, Some(url)) => PurchaseStage::Open { url: url.clone() },
        (PurchaseState::Created | PurchaseState::Open, _) => PurchaseStage::Asked,
        (PurchaseState::Processing, _) => PurchaseStage::Processing,
        (PurchaseState::Paid, _) => PurchaseStage::Paid,
        (PurchaseState::Expired, _) => PurchaseStage::Expired,
        (PurchaseState::Failed, _) => PurchaseStage::Failed(why()),
        (PurchaseState::Mismatch, _) => PurchaseStage::Failed(
            "What was paid is not what was agreed: the server's operator decides, ask them.".to_owned(),
        ),
    };
    Purchase { pack: purchase.pack.clone(), stage }
}
