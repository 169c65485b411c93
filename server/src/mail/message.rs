//! A letter as it travels: headers, plain words and the same as a page (RFC 5322, MIME).

use super::{Letter, MailError, MailSetupError};
use crate::clock::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
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
        let text = SinglePart::builder().header(ContentType::TEXT_PLAIN).body(as_written(letter.text()));
        let body = MultiPart::alternative().singlepart(text).singlepart(SinglePart::html(letter.html()));
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

/// Octets of a line (RFC 5322).
const LINE_MAX: usize = 998;

/// Letters and digits as they are, where a message may have them so: whoever reads the outbox takes links out of it whole.
fn as_written(text: &str) -> Body {
    let is_plain = |byte: u8| byte == b'\n' || (b' '..=b'~').contains(&byte);
    if text.bytes().all(is_plain) && text.lines().all(|line| line.len() <= LINE_MAX) {
        let lines = text.replace('\n', "\r\n").into_bytes();
        Body::dangerous_pre_encoded(lines, ContentTransferEncoding::SevenBit)
    } else {
        Body::new(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let sender = Sender::parse("Studio <studio@example.org>").unwrap();
        let letter = Letter::new("reader@example.net", "Sign in", text).unwrap();
        String::from_utf8(sender.message(&letter, Timestamp(0), 7).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_link_is_whole_in_a_message_and_what_must_be_encoded_is() {
        let link = format!("https://studio.example:7703/invitation/{}", "a1".repeat(40));
        let plain = written(&format!("See it:\n{link}\n\nGood for two weeks."));
        assert!(plain.contains(&format!("7bit\r\n\r\nSee it:\r\n{link}\r\n\r\nGood for")), "{plain}");
        assert!(written("Träume").is_ascii());
        let long = "x".repeat(LINE_MAX + 1);
        assert!(!written(&long).contains(&long));
    }
}
