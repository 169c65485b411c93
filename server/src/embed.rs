//! Widgets of accounts: made, ended, found by the token in their address, and how much is left of them. Who may make one is
//! the edges' to know.

use crate::admission::{Admissions, Quote, Refusal};
use crate::auth::token::Token;
use crate::clock::Clock;
use crate::store::widgets::{AddedWidget, NewWidget};
use crate::store::{Store, StoreError};
use crate::tenant::Principal;
use crate::widget::{self, Fixed, NAME_CHARS_MAX, NotAnOrigin, ORIGINS_MAX, WIDGETS_MAX, Widget};
use std::sync::Arc;
use tributary_protocol::limits::CREDITS_MAX;
use tributary_protocol::vocab::{Credits, WidgetId};

/// High enough for a form, a player and its stems; whoever embeds it may change it.
const FRAME_HEIGHT: u32 = 720;

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
    /// A setting or a stem that the service does not know, or a value that it does not take.
    #[error(transparent)]
    Fixed(Refusal),
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
    /// The name is another's.
    #[error("there is a widget of this name that was asked for in other words")]
    Conflict,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// A widget as it is wished for.
#[derive(Clone, Debug, Default)]
pub struct WidgetWish {
    /// For the account's lists.
    pub name: String,
    /// A model's name.
    pub model: String,
    /// What visitors do not choose; stems in any order.
    pub fixed: Fixed,
    /// Origins, with blanks or lines between them.
    pub origins: String,
    /// What its visitors may spend in a calendar month.
    pub month_limit: Option<u64>,
}

/// Why a living widget takes no files, until its server changes or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Its service is not offered any more.
    Gone,
    /// Its service does not take any more what was fixed.
    Changed,
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
    /// Where the pages are, as browsers see them; without a slash at its end.
    pub url: String,
}

impl Widgets {
    /// A new one of the principal's account under a name; asked for again in the same words, the same one.
    ///
    /// # Errors
    /// Why not.
    pub async fn add(&self, who: &Principal, id: WidgetId, wish: &WidgetWish) -> Result<Widget, NotMade> {
        let name = wish.name.trim();
        if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) || name.chars().any(char::is_control) {
            return Err(NotMade::Name);
        }
        let offer = self.admissions.offers.get(&wish.model).map_err(|_| NotMade::Model)?;
        let origins = widget::origins(&wish.origins)?;
        if !(1..=ORIGINS_MAX).contains(&origins.len()) {
            return Err(NotMade::Origins);
        }
        let month_limit = wish.month_limit.filter(|limit| (1..=CREDITS_MAX).contains(limit));
        self.admissions.quote_minute(&wish.model, &wish.fixed).map_err(NotMade::Fixed)?;
        // In the model's order, none twice.
        let stems = offer.card.stems.iter().filter(|stem| wish.fixed.stems.contains(stem)).cloned().collect();
        let new = NewWidget {
            id,
            name: name.to_owned(),
            token: Token::generate().reveal().to_owned(),
            model: offer.card.name.clone(),
            fixed: Fixed { settings: wish.fixed.settings.clone(), stems },
            origins,
            month_limit: Credits(month_limit.ok_or(NotMade::Limit)?),
            created_by: who.person,
        };
        match self.store.add_widget(&who.tenant, &new, self.clock.now()).await? {
            AddedWidget::Yes(widget) | AddedWidget::Known(widget) => Ok(widget),
            AddedWidget::Conflict => Err(NotMade::Conflict),
            AddedWidget::TooMany => Err(NotMade::TooMany),
        }
    }

    /// What a minute costs by it at least, where its service is as it was when it was made.
    ///
    /// # Errors
    /// `Unfit`.
    pub fn quote(&self, widget: &Widget) -> Result<Quote, Unfit> {
        self.admissions.offers.get(&widget.model).map_err(|_| Unfit::Gone)?;
        self.admissions.quote_minute(&widget.model, &widget.fixed).map_err(|_| Unfit::Changed)
    }

    /// What its service is called, also where it is not offered any more.
    #[must_use]
    pub fn service(&self, widget: &Widget) -> String {
        let offer = self.admissions.offers.get(&widget.model);
        offer.map_or_else(|_| widget.model.clone(), |offer| offer.card.title.clone())
    }

    /// Its page.
    #[must_use]
    pub fn address(&self, widget: &Widget) -> String {
        format!("{}/widget/{}", self.url, widget.token)
    }

    /// The lines of HTML that show it.
    #[must_use]
    pub fn lines(&self, widget: &Widget) -> String {
        let (address, title) = (self.address(widget), attribute(&self.service(widget)));
        format!(
            "<iframe src=\"{address}\" title=\"{title}\" width=\"100%\" height=\"{FRAME_HEIGHT}\" \
             loading=\"lazy\"></iframe>"
        )
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

    /// What its visitors' jobs hold and took since the calendar month (UTC) began.
    ///
    /// # Errors
    /// The store's.
    pub async fn spent(&self, widget: &Widget) -> Result<Credits, StoreError> {
        self.store.widget_spent(&widget.tenant(), widget.id, self.clock.now().month()).await
    }

    /// What its visitors may still spend this month.
    ///
    /// # Errors
    /// The store's.
    pub async fn left(&self, widget: &Widget) -> Result<Credits, StoreError> {
        let spent = self.spent(widget).await?;
        Ok(widget.month_limit.checked_sub(spent).unwrap_or(Credits::ZERO))
    }

    /// Whole minutes of the longest song that it may still take this month, where its visitor chooses nothing that costs more;
    /// or why it takes none.
    ///
    /// # Errors
    /// The store's.
    pub async fn minutes_left(&self, widget: &Widget) -> Result<Result<u64, Unfit>, StoreError> {
        let minute = match self.quote(widget) {
            Ok(quote) => quote.credits.0,
            Err(unfit) => return Ok(Err(unfit)),
        };
        // A server that takes less than a minute says so when it has seen the file.
        let longest = (self.admissions.limits.clip_seconds_max / 60).max(1);
        let left = self.left(widget).await?.0;
        Ok(Ok(left.checked_div(minute).map_or(longest, |minutes| minutes.min(longest))))
    }
}

/// A text between the quotes of an attribute.
fn attribute(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_does_not_end_its_attribute() {
        assert_eq!(attribute("\"><script>&amp;"), "&quot;&gt;&lt;script&gt;&amp;amp;");
    }
}
