//! Letters by SMTP. One connection a letter: they are few.

use super::address::{Address, Secrecy};
use super::message::Carrier;
use super::{Letter, Mail, MailError, MailSetupError, Sender};
use crate::clock::Clock;
use async_trait::async_trait;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A server that does not answer one command within this is given up.
const COMMAND: Duration = Duration::from_secs(20);
/// A letter takes no longer than this altogether.
const WHOLE: Duration = Duration::from_secs(60);

/// Before each certificate in PEM (RFC 7468).
const BEGINS: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// Bytes of a file of certificates.
const CERTIFICATES_MAX: u64 = 1 << 20;

/// A mail server.
pub struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
    clock: Arc<dyn Clock>,
    whole: Duration,
}

impl Smtp {
    /// Connects to nobody yet.
    ///
    /// # Errors
    /// Where `address` is none, or without TLS beyond this machine, or where `authorities` is no file of certificates.
    pub fn new(
        address: &str,
        authorities: Option<&Path>,
        sender: Sender,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, MailSetupError> {
        let Address { secrecy, host, port, user } = Address::parse(address)?;
        let authorities = authorities.map(read).transpose()?;
        let tls = |host: &str| {
            let mut builder = TlsParameters::builder(host.to_owned());
            if let Some(authorities) = authorities.clone() {
                builder = builder.add_root_certificate(authorities);
            }
            builder.build().map_err(|error| MailSetupError::Tls(Box::new(error)))
        };
        let tls = match secrecy {
            Secrecy::Tls => Tls::Wrapper(tls(&host)?),
            Secrecy::StartTls => Tls::Required(tls(&host)?),
            Secrecy::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .timeout(Some(COMMAND));
        if let Some((user, password)) = user {
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(Self { transport: builder.build(), sender, clock, whole: WHOLE })
    }

    /// The same with another patience, for tests.
    #[must_use]
    pub fn with_patience(self, whole: Duration) -> Self {
        Self { whole, ..self }
    }
}

/// The certificates in a file; at least one.
fn read(path: &Path) -> Result<Certificate, MailSetupError> {
    let broken = |cause: Box<dyn std::error::Error + Send + Sync>| MailSetupError::Certificate {
        path: path.to_owned(),
        cause,
    };
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| broken(error.into()))?;
    file.take(CERTIFICATES_MAX).read_to_end(&mut pem).map_err(|error| broken(error.into()))?;
    if !pem.windows(BEGINS.len()).any(|window| window == BEGINS) {
        return Err(broken("there is no certificate in it".into()));
    }
    Certificate::from_pem(&pem).map_err(|error| broken(error.into()))
}

#[async_trait]
impl Mail for Smtp {
    async fn send(&self, letter: &Letter) -> Result<(), MailError> {
        let message = self.sender.message(letter, Carrier::Wire, self.clock.now(), rand::random())?;
        match tokio::time::timeout(self.whole, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => Err(MailError::Never(Box::new(error))),
            Ok(Err(error)) => Err(MailError::Later(Box::new(error))),
            Err(elapsed) => Err(MailError::Later(Box::new(elapsed))),
        }
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "smtp_tls_tests.rs"]
mod tls_tests;
