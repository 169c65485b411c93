//! One POST to a customer's endpoint. The name is resolved here, the machine is looked at, and that very machine is
//! connected to. No redirect is followed, no proxy is asked, and of the answer nothing but its head is read.

use super::guard::not_public;
use super::target::Target;
use crate::config::WebhooksConfig;
use crate::webhook::Failed;
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// For all of it: name, connection, TLS, the letter and the head of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of the machines that a name leads to, so many are tried.
const MACHINES_MAX: usize = 3;
/// The head of an answer.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// From names to addresses.
#[async_trait]
pub trait Names: Send + Sync {
    /// All that a name leads to.
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// As the system resolves names.
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// The way out.
pub struct Wire {
    config: WebhooksConfig,
    names: Arc<dyn Names>,
    tls: TlsConnector,
    patience: Duration,
}

impl Wire {
    /// Trusts the system's certificates.
    #[must_use]
    pub fn new(config: WebhooksConfig) -> Self {
        let mut roots = RootCertStore::empty();
        // What cannot be read is not trusted; with none at all every delivery fails and says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self::with(config, Arc::new(SystemNames), roots, PATIENCE)
    }

    /// With other names, other roots and another patience: for tests.
    #[must_use]
    pub fn with(
        config: WebhooksConfig,
        names: Arc<dyn Names>,
        roots: RootCertStore,
        patience: Duration,
    ) -> Self {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the versions that are safe")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { config, names, tls: TlsConnector::from(Arc::new(tls)), patience }
    }

    /// Posts; the status of an answer that takes it (2xx).
    ///
    /// # Errors
    /// Why it was not taken, in words for the account's people.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<u16, Failed> {
        let failed = |reason: String| Failed { status: None, reason };
        // As strict as when it was named: the configuration may be another now.
        let target = Target::read(url, &self.config).map_err(|error| failed(error.to_string()))?;
        let asked = tokio::time::timeout(self.patience, self.ask(&target, headers, body)).await;
        let status = match asked {
            Err(_) => return Err(failed(format!("it did not answer in {} s", self.patience.as_secs_f32()))),
            Ok(answered) => answered.map_err(failed)?,
        };
        let reason = match status {
            200..=299 => return Ok(status),
            300..=399 => format!("it answered {status}: redirects are not followed"),
            _ => format!("it answered {status}"),
        };
        Err(Failed { status: Some(status), reason })
    }

    async fn ask(
        &self,
        target: &Target,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<u16, String> {
        let stream = self.connect(target).await?;
        if !target.is_secure {
            return talk(stream, target, headers, body).await;
        }
        let name = ServerName::try_from(target.host.clone());
        let name = name.map_err(|_| "its name cannot stand in a certificate".to_owned())?;
        let secured = self.tls.connect(name, stream).await;
        talk(secured.map_err(|error| format!("no TLS with it: {error}"))?, target, headers, body).await
    }

    /// A connection to one of the machines that the name leads to and that may be reached.
    async fn connect(&self, target: &Target) -> Result<TcpStream, String> {
        let found = self.names.resolve(&target.host, target.port).await;
        let found = found.map_err(|_| "its name leads nowhere".to_owned())?;
        let mut last = "its name leads nowhere".to_owned();
        for address in found.into_iter().take(MACHINES_MAX) {
            if let (Some(whose), false) = (not_public(address.ip()), self.config.development) {
                last = format!("its name leads to a network that is not of the internet: {whose}");
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = format!("no connection: {}", error.kind()),
            }
        }
        Err(last)
    }
}

/// Sends the letter over a connection of its own, and reads the head of the answer.
async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    target: &Target,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> Result<u16, String> {
    let broken = |error: hyper::Error| format!("the connection broke: {error}");
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let mut request =
        Request::builder().method(Method::POST).uri(&target.path).header("host", target.authority());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.header("connection", "close").body(Full::new(Bytes::from(body)));
    let request = request.map_err(|_| "the letter cannot be written".to_owned())?;
    let mut asked = pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut asked => answer,
        // It may have answered before it closed. Either way the other side of the connection knows by now.
        ended = connection => asked.await.map_err(|error| ended.err().unwrap_or(error)),
    };
    // With this the connection is gone, and whatever body would still come.
    Ok(answer.map_err(broken)?.status().as_u16())
}
