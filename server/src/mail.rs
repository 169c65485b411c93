//! Port: letters to people. Carries no truth: a letter may be lost or come twice, and whoever waits for one asks again.

mod address;
mod letter;
mod message;
pub mod outbox;
pub mod post;
pub mod smtp;

use crate::clock::Clock;
use crate::config::MailConfig;
use async_trait::async_trait;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use letter::{Letter, LetterError};
pub use message::Sender;

/// Why a letter did not leave.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// It may leave later: nobody answers, or somebody says "not now".
    #[error("the letter cannot be sent now")]
    Later(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It never will: refused, or nothing that can be sent.
    #[error("the letter was refused")]
    Never(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why no letters can be sent at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailSetupError {
    /// `mail.from` is nobody.
    #[error("`mail.from` is no sender; it must be like Studio <studio@example.org>")]
    Sender,
    /// `mail.smtp` is no address. It is not repeated: a password may stand in it.
    #[error(
        "`mail.smtp` is no address of a mail server: {0}; it must be like smtps://USER:PASSWORD@HOST:465"
    )]
    Address(&'static str),
    /// A password in the clear.
    #[error("`mail.smtp` without TLS is for loopback only; use smtps:// or smtp://")]
    InTheClear,
    /// `mail.certificate` cannot be used.
    #[error("`mail.certificate` cannot be used: {path} must be a readable file of certificates, as PEM")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("cannot set TLS up for `mail.smtp`")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Takes letters away.
#[async_trait]
pub trait Mail: Send + Sync + 'static {
    /// Returns when the letter has left, or lies where it will be seen.
    async fn send(&self, letter: &Letter) -> Result<(), MailError>;
}

/// The adapter that the configuration asks for; `outbox` is the folder of letters that nobody takes away.
///
/// # Errors
/// Where sender or server are none.
pub fn open(
    config: &MailConfig,
    outbox: &Path,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn Mail>, MailSetupError> {
    let (sender, clock) = (Sender::parse(&config.from)?, Arc::clone(clock));
    Ok(if config.smtp.is_empty() {
        Arc::new(outbox::Outbox::new(outbox, sender, clock))
    } else {
        Arc::new(smtp::Smtp::new(&config.smtp, config.certificate.as_deref(), sender, clock)?)
    })
}
