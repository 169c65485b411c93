//! Widgets of accounts: made, ended, found by the token in their address, and how much is left of them. Who may make one is
//! the edges' to know.

use crate::admission::{Admissions, Refusal};
use crate::auth::token::Token;
use crate::clock::Clock;
use crate::store::widgets::NewWidget;
use crate::store::{Store, StoreError};
use crate::tenant::Principal;
use crate::widget::{self, NAME_CHARS_MAX, NotAnOrigin, ORIGINS_MAX, WIDGETS_MAX, Widget};
use std::sync::Arc;
use tributary_audio::ClipShape;
use tributary_protocol::settings::Settings;
use tributary_protocol::vocab::{Credits, WidgetId};

/// The most that a widget may spend in a month; the ledger keeps no more.
const MONTH_LIMIT_MAX: u64 = 1 << 53;
/// A minute of an ordinary song, by which prices are told before there is a file.
const MINUTE: ClipShape = ClipShape { channels: 2, frames: 60 * 44_100, rate_hz: 44_100 };

/// Why there is no new widget, in words for whoever asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// Nothing, or too much, or odd characters.
    #[error("a name has 1 to {NAME_CHARS_MAX} characters and no control characters")]
    Name,
    /// Not on offer.
    #[error("choose a service")]
    Model,
    /// Not one that may stand in a header.
    #[error(transparent)]
    Origin(#[from] NotAnOrigin),
    /// None, or too many.
    #[error("name 1 to {ORIGINS_MAX} sites that may show it")]
    Origins,
    /// None, or beyond what is counted.
    #[error("say how many credits its visitors may spend in a month: 1 or more")]
    Limit,
    /// As many as there may be.
    #[error("an account has at most {WIDGETS_MAX} widgets; revoke one first")]
    TooMany,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// A widget as it is wished for.
#[derive(Clone, Debug)]
pub struct WidgetWish {
    /// For the account's lists.
    pub name: String,
    /// A model's name.
    pub model: String,
    /// Origins, with blanks or lines between them.
    pub origins: String,
    /// What its visitors may spend in a calendar month.
    pub month_limit: Option<u64>,
}

/// Sees to widgets.
#[derive(Clone)]
pub struct Widgets {
    /// Truth.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What is on offer, and what it costs.
    pub admissions: Arc<Admissions>,
}

impl Widgets {
    /// A new one of the principal's account.
    ///
    /// # Errors
    /// Why not.
    pub async fn add(&self, who: &Principal, wish: &WidgetWish) -> Result<Widget, NotMade> {
        let name = wish.name.trim();
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(NotMade::Name);
        }
        let offer = self.admissions.offers.get(&wish.model).map_err(|_| NotMade::Model)?;
        let origins = widget::origins(&wish.origins)?;
        if !(1..=ORIGINS_MAX).contains(&origins.len()) {
            return Err(NotMade::Origins);
        }
        let month_limit = wish.month_limit.filter(|limit| (1..=MONTH_LIMIT_MAX).contains(limit));
        let new = NewWidget {
            id: WidgetId::generate(),
            name: name.to_owned(),
            token: Token::generate().reveal().to_owned(),
            model: offer.card.name.clone(),
            origins,
            month_limit: Credits(month_limit.ok_or(NotMade::Limit)?),
            created_by: who.person,
        };
        self.store.add_widget(&who.tenant, &new, self.clock.now()).await?.ok_or(NotMade::TooMany)
    }

    /// The living one with that token in its address, whatever is written there. Asked with every request, so that a revoked
    /// one is dead at once.
    ///
    /// # Errors
    /// The store's.
    pub async fn find(&self, token: &str) -> Result<Option<Widget>, StoreError> {
        let Ok(token) = Token::parse(token) else { return Ok(None) };
        self.store.find_widget(token.reveal()).await
    }

    /// What its visitors may still spend this month.
    ///
    /// # Errors
    /// The store's.
    pub async fn left(&self, widget: &Widget) -> Result<Credits, StoreError> {
        let since = self.clock.now().month();
        let spent = self.store.widget_spent(&widget.tenant(), widget.id, since).await?;
        Ok(widget.month_limit.checked_sub(spent).unwrap_or(Credits::ZERO))
    }

    /// Whole minutes of the longest song that it may still take this month; none where its service is not offered any more.
    ///
    /// # Errors
    /// The store's.
    pub async fn minutes_left(&self, widget: &Widget) -> Result<Option<u64>, StoreError> {
        let longest = self.admissions.limits.clip_seconds_max / 60;
        let minute = match self.admissions.quote(&widget.model, MINUTE, &Settings::new()) {
            Ok(quote) => quote.credits.0,
            Err(Refusal::Model(_)) => return Ok(None),
            // A server that takes less than a minute says so when it has seen the file.
            Err(_) => 0,
        };
        let left = self.left(widget).await?.0;
        Ok(Some(left.checked_div(minute).map_or(longest, |minutes| minutes.min(longest))))
    }
}
