//! Agrees on a purchase, puts it on record, and opens the page where it is paid. In this order: whatever happens after
//! the record, the purchase is found again by its id.

use super::{Cashier, key, tenant};
use crate::billing::{NewPurchase, Pack, Purchase, PurchaseKind, PurchaseState};
use crate::people::Right;
use crate::store::StoreError;
use crate::store::purchases::{Begun, PurchaseStep};
use crate::tenant::{Forbidden, Principal};
use sha2::{Digest as _, Sha256 as Hasher};
use std::time::Duration;
use tributary_protocol::vocab::{Credits, PurchaseId, Sha256};
use tributary_stripe::{Buyer, Checkout, Currency, Money, NewCheckout, StripeError};

/// How long a page may be paid: less than the day that Stripe keeps keys for, so that opening it again with the same
/// key opens the same page.
const PAGE_OPEN: Duration = Duration::from_secs(23 * 3600);

/// Why nothing was bought; nothing was paid either.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuyError {
    /// Not with this key or role.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// No such pack, or not now.
    #[error("there is no pack `{0}` on offer now; the shop's page lists those that are")]
    NotOffered(String),
    /// The id was used for another purchase.
    #[error("this purchase id was used for another purchase; make a new one")]
    Conflict,
    /// A top-up is under way.
    #[error("a purchase of this account is under way; wait for it to end")]
    UnderWay,
    /// It cannot be reached now.
    #[error("the payment service does not answer now; nothing was paid, try again in a moment")]
    Away,
    /// It refuses.
    #[error("the payment service refused: {0}; nothing was paid")]
    Refused(String),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Cashier {
    /// A purchase with its page open, or whatever became of it: asking again with the same id buys once. `is_kept`: the
    /// buyer agrees that the account may be topped up later without them. `email` is filled in on the page.
    ///
    /// # Errors
    /// See [`BuyError`].
    pub async fn buy(
        &self,
        principal: &Principal,
        id: PurchaseId,
        pack: &str,
        is_kept: bool,
        email: &str,
    ) -> Result<Purchase, BuyError> {
        let tenant = principal.may(Right::Buy)?;
        let known = self.store.purchase(&tenant, id).await?;
        let new = match known {
            // What was agreed stays agreed, also when the pack costs something else now.
            Some(known) if known.agreed.pack == pack && known.agreed.kind == PurchaseKind::Checkout => {
                known.agreed
            }
            Some(_) => return Err(BuyError::Conflict),
            None => self.agree(principal, id, pack)?,
        };
        let now = self.clock.now();
        match self.store.begin_purchase(&tenant, &new, now).await? {
            Begun::Yes(purchase) if purchase.state == PurchaseState::Created => {
                let buyer = match self.store.payer(&tenant, self.live()).await? {
                    Some(payer) => Buyer::Customer(payer.customer),
                    None => Buyer::Email(email.to_owned()),
                };
                self.open_page(&purchase, buyer, is_kept).await
            }
            Begun::Yes(purchase) => Ok(purchase),
            Begun::Conflict => Err(BuyError::Conflict),
            Begun::UnderWay => Err(BuyError::UnderWay),
        }
    }

    fn agree(&self, principal: &Principal, id: PurchaseId, pack: &str) -> Result<NewPurchase, BuyError> {
        let offered = self.offered().find(|offered| offered.name == pack);
        let pack = offered.ok_or_else(|| BuyError::NotOffered(pack.chars().take(80).collect()))?;
        Ok(self.purchase_of_pack(id, PurchaseKind::Checkout, pack, principal.person))
    }

    pub(super) fn purchase_of_pack(
        &self,
        id: PurchaseId,
        kind: PurchaseKind,
        pack: &Pack,
        person: Option<tributary_protocol::vocab::PersonId>,
    ) -> NewPurchase {
        NewPurchase {
            id,
            kind,
            person,
            pack: pack.name.clone(),
            credits: Credits(pack.credits),
            amount_minor: pack.amount_minor,
            currency: pack.currency.clone(),
            live: self.live(),
        }
    }

    /// The page of a paid purchase's invoice; none where there is none yet. Stripe is asked.
    ///
    /// # Errors
    /// Where Stripe is away.
    pub async fn invoice_page(&self, purchase: &Purchase) -> Result<Option<String>, StripeError> {
        let Some(session) = purchase.session.as_deref().filter(|_| purchase.state == PurchaseState::Paid)
        else {
            return Ok(None);
        };
        match self.stripe.checkout(session).await?.invoice {
            Some(invoice) => Ok(self.stripe.invoice(&invoice).await?.page_url),
            None => Ok(None),
        }
    }

    async fn open_page(
        &self,
        purchase: &Purchase,
        buyer: Buyer,
        is_kept: bool,
    ) -> Result<Purchase, BuyError> {
        let price = price(purchase).map_err(|error| BuyError::Refused(error.to_string()))?;
        let back = format!("{}/purchases/{}", self.pages, purchase.agreed.id);
        let new = NewCheckout {
            purchase: purchase.reference(),
            price,
            product: self.product(purchase),
            buyer,
            success_url: back.clone(),
            cancel_url: format!("{back}?back"),
            expires_at_seconds: purchase.created_at.after(PAGE_OPEN).0 / 1_000_000,
            is_kept,
        };
        let key = key(purchase, &format!("page-{}", words_of(&new)));
        match self.stripe.open(&new, &key).await {
            Ok(page) => self.opened(purchase, &page).await,
            Err(StripeError::Refused { message, .. }) => {
                self.fail(purchase, &message).await?;
                Err(BuyError::Refused(message))
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a page could not be opened");
                Err(BuyError::Away)
            }
        }
    }

    async fn opened(&self, purchase: &Purchase, page: &Checkout) -> Result<Purchase, BuyError> {
        let (tenant, id) = (tenant(purchase), purchase.agreed.id);
        if let Some(url) = &page.url {
            let step = PurchaseStep::Opened { session: page.id.clone(), url: url.clone() };
            self.store.step_purchase(&tenant, id, &step, self.clock.now()).await?;
        }
        let opened = self.store.purchase(&tenant, id).await?;
        Ok(opened.unwrap_or_else(|| purchase.clone()))
    }

    pub(super) async fn fail(&self, purchase: &Purchase, reason: &str) -> Result<(), StoreError> {
        let step = PurchaseStep::Failed(reason.to_owned());
        self.store.step_purchase(&tenant(purchase), purchase.agreed.id, &step, self.clock.now()).await?;
        Ok(())
    }

    /// What the page and the history call it.
    pub(super) fn product(&self, purchase: &Purchase) -> String {
        let pack = self.packs.iter().find(|pack| pack.name == purchase.agreed.pack);
        let title = pack.map_or(purchase.agreed.pack.as_str(), |pack| pack.title.as_str());
        format!("{title}: {}", purchase.agreed.credits)
    }
}

/// What may be said otherwise the second time: who pays, whether the card is kept, where the pages are, what the pack is called.
/// Stripe refuses other words under a key that it knows, for as long as the page would be open; under another key they are
/// another page. The first page is either on record, and then not asked for again, or nobody has seen it.
fn words_of(new: &NewCheckout) -> String {
    let who = match &new.buyer {
        Buyer::Customer(customer) => customer,
        Buyer::Email(email) => email,
    };
    let kept = new.is_kept.to_string();
    let mut hasher = Hasher::new();
    for word in [who, &kept, &new.success_url, &new.product] {
        // Its length says where it ends.
        hasher.update((word.len() as u64).to_be_bytes());
        hasher.update(word);
    }
    Sha256(hasher.finalize().into()).to_string()
}

/// What was agreed, as Stripe writes it.
pub(super) fn price(purchase: &Purchase) -> Result<Money, tributary_stripe::CurrencyError> {
    let currency = Currency::new(&purchase.agreed.currency)?;
    Ok(Money { amount_minor: purchase.agreed.amount_minor, currency })
}
