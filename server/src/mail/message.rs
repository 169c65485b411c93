//! A letter as it travels: headers, plain words and the same as a page (RFC 5322, MIME).

use super::{Letter, MailError, MailSetupError};
use crate::clock::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, SinglePart};
use std::time::{Duration, UNIX_EPOCH};

/// How a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// To a server, which need not take more than ASCII (RFC 5321; RFC 6152 is an extension).
    Wire,
    /// Into a file, which takes every letter.
    File,
}

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
    pub(super) fn message(
        &self,
        letter: &Letter,
        carrier: Carrier,
        now: Timestamp,
        id: u128,
    ) -> Result<Message, MailError> {
        let date = UNIX_EPOCH + Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
        let text =
            SinglePart::builder().header(ContentType::TEXT_PLAIN).body(as_written(letter.text(), carrier));
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

/// As it is, where a message may have it so: whoever reads the outbox takes links out of it whole.
fn as_written(text: &str, carrier: Carrier) -> Body {
    let is_line = |line: &str| line.len() <= LINE_MAX && !line.chars().any(char::is_control);
    let encoding = match (text.is_ascii(), carrier) {
        _ if !text.split('\n').all(is_line) => None,
        (true, _) => Some(ContentTransferEncoding::SevenBit),
        (false, Carrier::File) => Some(ContentTransferEncoding::EightBit),
        (false, Carrier::Wire) => None,
    };
    match encoding {
        Some(encoding) => Body::dangerous_pre_encoded(text.replace('\n', "\r\n").into_bytes(), encoding),
        None => Body::new(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, carrier: Carrier) -> String {
        let sender = Sender::parse("Studio <studio@example.org>").unwrap();
        let letter = Letter::new("reader@example.net", "Sign in", text).unwrap();
        String::from_utf8(sender.message(&letter, carrier, Timestamp(0), 7).unwrap().formatted()).unwrap()
    }

    #[test]
    fn a_link_is_whole_in_a_message_and_what_must_be_encoded_is() {
        let link = format!("https://studio.example:7703/invitation/{}", "a1".repeat(40));
        let to = |band: &str| format!("{band}:\n{link}\n\nGood for two weeks.");
        let as_it_is =
            |band: &str, bits: u8| format!("{bits}bit\r\n\r\n{band}:\r\n{link}\r\n\r\nGood for two weeks.");
        for carrier in [Carrier::Wire, Carrier::File] {
            let plain = written(&to("Dreams"), carrier);
            assert!(plain.contains(&as_it_is("Dreams", 7)), "{plain}");
            let long = "x".repeat(LINE_MAX + 1);
            assert!(!written(&long, carrier).contains(&long), "{carrier:?}");
        }
        let filed = written(&to("Träume"), Carrier::File);
        assert!(filed.contains(&as_it_is("Träume", 8)), "{filed}");
        assert!(written(&to("Träume"), Carrier::Wire).is_ascii());
    }
}
