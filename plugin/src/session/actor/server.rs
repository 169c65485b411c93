//! The server's side of the window: connection, account, offer, what would be asked for and what it would cost.

use super::Actor;
use crate::library::{SettingRecord, sent};
use crate::session::connection::{News, Wish};
use crate::session::job::sentence;
use crate::session::mailbox::Event;
use crate::session::{choice, mailbox::Mailbox};
use crate::view::{Choice, Connection, Quote};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tributary_protocol::client::{Client, ClientError, QuoteAsk};

/// Who drags a trim handle does not want a price for every pixel.
const QUOTE_PAUSE: Duration = Duration::from_millis(250);

/// The last question for a price.
#[derive(Debug, Default)]
pub(super) struct Asked {
    number: u64,
    ask: Option<QuoteAsk>,
    task: Option<AbortHandle>,
}

impl Actor {
    pub(super) fn hear_connection(&mut self, news: News) {
        self.is_news = true;
        match news {
            News::State(state) => {
                if !matches!(state, Connection::Connected { .. } | Connection::Lost { .. }) {
                    self.view.account = None;
                    self.view.offer = Arc::default();
                    self.view.limits = None;
                    self.forget_purchase();
                }
                self.view.connection = state;
                self.look_for_purchase();
                self.ask_again();
            }
            News::Offer(models, limits) => {
                self.view.offer = models.into();
                self.view.limits = Some(limits);
                self.fit_choice();
            }
            News::Account(account) => {
                let is_news = self.view.account.as_ref() != Some(&account);
                self.view.account = Some(account);
                if is_news {
                    self.ask_again();
                }
            }
            News::Settings(text) => self.warn(text),
        }
    }

    /// Account and offer are kept fresh while somebody looks or something runs.
    pub(super) fn want_server(&mut self) {
        let is_wanted = self.around.is_window_open || self.jobs.are_under_way();
        self.is_wanted.send_if_modified(|was| std::mem::replace(was, is_wanted) != is_wanted);
    }

    pub(super) fn refresh_server(&mut self) {
        // Where there is no room, somebody has asked already.
        let _ = self.wishes.try_send(Wish::Refresh);
    }

    /// The choice follows the wish, the offer and the take; its price is asked for where it may be another one.
    pub(super) fn fit_choice(&mut self) {
        let wish = self.project.state().choice;
        let quote = std::mem::take(&mut self.view.choice.quote);
        let usual = self.shelf.usual_task.as_deref().unwrap_or_default();
        let is_reading = self.view.choice.is_reading;
        let fitted = Choice { quote, is_reading, ..choice::fit(&wish, usual, &self.view.offer) };
        self.is_news |= fitted != self.view.choice;
        self.view.choice = fitted;
        let ask = self.quote_ask();
        if ask != self.quote.ask {
            self.quote.ask = ask;
            self.ask_again();
        }
    }

    /// The price of the take in the window by the model chosen.
    fn quote_ask(&self) -> Option<QuoteAsk> {
        let take = self.view.take.as_ref().filter(|take| take.is_present)?;
        let model = Some(&self.view.choice.model).filter(|model| !model.is_empty())?;
        let (first, end) = take.info.range();
        // A switch can make another model work, which is paid, too; no slider does.
        let mut switches = self.view.choice.settings.clone();
        switches.retain(|_, set| matches!(set, SettingRecord::Switch(_)));
        Some(QuoteAsk {
            model: model.clone(),
            frames: end.saturating_sub(first),
            channels: take.info.channels,
            rate_hz: take.info.rate_hz,
            settings: sent(&switches),
        })
    }

    fn ask_again(&mut self) {
        if let Some(task) = self.quote.task.take() {
            task.abort();
        }
        self.quote.number += 1;
        let is_connected = matches!(self.view.connection, Connection::Connected { .. });
        let link = self.link.borrow().clone().filter(|_| is_connected);
        self.view.choice.quote = match (self.quote.ask.clone(), link) {
            (Some(ask), Some(link)) => {
                let asking = ask_for(self.quote.number, link.client, ask, self.mailbox.clone());
                self.quote.task = Some(self.tasks.spawn(asking));
                Quote::Asked
            }
            _ => Quote::Nothing,
        };
        self.is_news = true;
    }

    pub(super) fn hear_quote(&mut self, number: u64, quote: Quote) {
        if number == self.quote.number {
            self.view.choice.quote = quote;
            self.is_news = true;
        }
    }
}

async fn ask_for(number: u64, client: Client, ask: QuoteAsk, mailbox: Mailbox) {
    sleep(QUOTE_PAUSE).await;
    let quote = match client.quote(&ask).await {
        Ok(quote) => Quote::Price {
            credits: quote.credits.0,
            reason: quote.reason,
            missing: quote.credits.0.saturating_sub(quote.available.0),
        },
        Err(ClientError::NotEnoughCredits { needed, available }) => Quote::Price {
            credits: needed.0,
            reason: String::new(),
            missing: needed.0.saturating_sub(available.0),
        },
        Err(ClientError::Refused { reason }) => Quote::Refused(reason),
        Err(error) => Quote::Refused(sentence(&error)),
    };
    mailbox.post(Event::Quote { number, quote }).await;
}
