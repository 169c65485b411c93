//! Being let in by the browser, and buying: at most one of each is under way, and what it says is shown. The last one
//! asked for counts; an older one is not heard any more.

use super::Actor;
use crate::session::connection::Wish;
use crate::session::shop::ShopDesk;
use crate::session::sign_in::SignInDesk;
use crate::settings::{SettingsFile, normal_address};
use crate::view::{Connection, Purchase, PurchaseStage, SignIn};
use tokio::task::AbortHandle;

/// Something that waits for a person at a browser.
#[derive(Debug, Default)]
pub(super) struct Under {
    number: u64,
    task: Option<AbortHandle>,
}

impl Under {
    /// Ends what was; the number of what comes.
    fn next(&mut self) -> u64 {
        if let Some(task) = self.task.take() {
            task.abort();
        }
        self.number += 1;
        self.number
    }
}

impl Actor {
    pub(super) fn sign_in(&mut self, address: &str) {
        let address = normal_address(address);
        let is_known = match &self.view.connection {
            Connection::NoServer => false,
            Connection::Connecting { address: known }
            | Connection::Connected { address: known, .. }
            | Connection::SignedOut { address: known, .. }
            | Connection::Unknown { address: known, .. }
            | Connection::Lost { address: known, .. } => *known == address,
        };
        if !is_known {
            // Its certificate may have to be asked about, which the connection does.
            self.wish(Wish::Connect { address: address.clone(), key: String::new() });
        }
        let desk = SignInDesk {
            number: self.sign_in.next(),
            address,
            settings: self.settings(),
            wishes: self.wishes.clone(),
            mailbox: self.mailbox.clone(),
        };
        self.sign_in.task = Some(self.tasks.spawn(desk.run()));
        self.view.sign_in = SignIn::Asked;
    }

    pub(super) fn cancel_sign_in(&mut self) {
        self.sign_in.next();
        self.view.sign_in = SignIn::Nothing;
    }

    pub(super) fn hear_sign_in(&mut self, number: u64, sign_in: SignIn) {
        if number == self.sign_in.number {
            self.view.sign_in = sign_in;
            self.is_news = true;
        }
    }

    pub(super) fn buy(&mut self, name: String) {
        let pack = self.view.account.as_ref().and_then(|account| {
            account.packs.packs.iter().find(|pack| pack.name == name && account.may_buy).cloned()
        });
        let (Some(pack), Some(desk)) = (pack, self.shop_desk()) else {
            return self.warn("This cannot be bought now: see that the server answers, then try again.");
        };
        self.purchase.task = Some(self.tasks.spawn(desk.buy(pack.clone())));
        self.view.purchase = Some(Purchase { pack, stage: PurchaseStage::Asked });
    }

    /// Once connected, what was begun before is gone on with.
    pub(super) fn look_for_purchase(&mut self) {
        let is_free = self.purchase.task.as_ref().is_none_or(AbortHandle::is_finished);
        if is_free
            && matches!(self.view.connection, Connection::Connected { .. })
            && let Some(desk) = self.shop_desk()
        {
            self.purchase.task = Some(self.tasks.spawn(desk.resume()));
        }
    }

    pub(super) fn leave_purchase(&mut self) {
        // One that is open goes on being watched: its credits shall be seen when they come.
        self.view.purchase = None;
    }

    /// Another server has other purchases.
    pub(super) fn forget_purchase(&mut self) {
        self.purchase.next();
        self.view.purchase = None;
    }

    pub(super) fn hear_purchase(&mut self, number: u64, purchase: Purchase) {
        if number != self.purchase.number {
            return;
        }
        if purchase.stage == PurchaseStage::Paid {
            self.refresh_server();
        }
        self.view.purchase = Some(purchase);
        self.is_news = true;
    }

    fn shop_desk(&mut self) -> Option<ShopDesk> {
        let client = self.link.borrow().as_ref()?.client.clone();
        Some(ShopDesk {
            number: self.purchase.next(),
            client,
            settings: self.settings(),
            mailbox: self.mailbox.clone(),
        })
    }

    fn settings(&self) -> SettingsFile {
        SettingsFile(self.places.settings.clone())
    }
}
