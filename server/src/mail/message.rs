//! A letter as it travels: headers, plain words and the same as a page (RFC 5322, MIME).

use super::{Letter, MailError, MailSetupError};
use crate::clock::Timestamp;
use lettre::Message;
use lettre::message::{Mailbox, MultiPart};
use std::time::{Duration, UNIX_EPOCH};

/// Who letters are from.
#[derive(Clone, Debug)]
pub struct Sender(Mailbox);

impl Sender {
    /// `Studio <studio@example.org>` or the address alone.
    ///
    /// # Errors
    /// `Sender`.
    pub fn parse(text: &str) -> Result<Self, MailSetupError> {
        let mailbox: Mailbox = text.parse().map_err(|_| MailSetupError::Sender)?;
        let address: &str = mailbox.email.as_ref();
        let is_plain = address.is_ascii() && !text.chars().any(char::is_control);
        if is_plain { Ok(Self(mailbox)) } else { Err(MailSetupError::Sender) }
    }

    /// The whole message, dated `now`; `id` makes its name unlike any other's.
    pub(super) fn message(&self, letter: &Letter, now: Timestamp, id: u128) -> Result<Message, MailError> {
        let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
        let body = MultiPart::alternative_plain_html(letter.text().to_owned(), letter.html());
        Message::builder()
            .from(self.0.clone())
            .to(Mailbox::new(None, letter.address().clone()))
            .subject(letter.subject())
            .date(date)
            .message_id(Some(format!("<{id:032x}@{}>", self.0.email.domain())))
            .multipart(body)
            .map_err(|error| MailError::Never(Box::new(error)))
    }
}
