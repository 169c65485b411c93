//! The connection: address, key, certificate, keep-alive. Plain http never leaves this machine, and the key is
//! never printed.

use super::ClientError;
use super::certificate::Known;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::v1::account_client::AccountClient;
use crate::v1::clips_client::ClipsClient;
use crate::v1::jobs_client::JobsClient;
use crate::v1::models_client::ModelsClient;
use crate::v1::sheets_client::SheetsClient;
use crate::v1::shop_client::ShopClient;
use crate::v1::sign_in_client::SignInClient;
use crate::v1::stems_client::StemsClient;
use crate::vocab::Sha256;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Uri};
use tonic::{Request, Status};

/// Time for TCP and TLS to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A ping after this long without traffic finds a dead connection before the user does.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Throughput over a distance is at most window / round trip; the default of 64 KiB would make it 1.3 MB/s at 50 ms.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
const HEADER_BYTES_MAX: u32 = 16 << 10;

/// Where the server is, who we are, and whom we trust to be the server.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `https://host[:port]`, or `http://` for an address of this machine.
    pub address: String,
    /// Who we are.
    pub key: ApiKey,
    /// Whom we trust; without meaning for `http://`.
    pub tls: Tls,
}

/// Whom we trust to be the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// The public authorities, as the web's browsers do.
    #[default]
    PublicRoots,
    /// This certificate (or authority) and nothing else: a server on the studio's own network.
    Pinned {
        /// The certificate, as PEM text.
        certificate_pem: String,
        /// The name in the certificate, where it differs from the address.
        server_name: Option<String>,
    },
    /// The one certificate with this SHA-256 (see [`super::certificate_of`]), whatever names and dates are in it:
    /// somebody compared the fingerprint.
    Fingerprint(Sha256),
}

/// The secret that says who we are. Cannot be printed.
#[derive(Clone)]
pub struct ApiKey(Option<MetadataValue<Ascii>>);

impl ApiKey {
    /// Takes the key as the server printed it; white space around it is dropped.
    ///
    /// # Errors
    /// [`ClientError::SignIn`] if it is empty or holds anything that no key holds.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ClientError> {
        let text = text.as_ref().trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ClientError::SignIn);
        }
        let mut header: MetadataValue<Ascii> =
            format!("Bearer {text}").parse().map_err(|_| ClientError::SignIn)?;
        header.set_sensitive(true);
        Ok(Self(Some(header)))
    }

    /// Nobody yet: enough to ask to be let in ([`super::Client::begin_sign_in`]) and for nothing else.
    #[must_use]
    pub fn nobody() -> Self {
        Self(None)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Puts the key on every call.
#[derive(Clone, Debug)]
pub(super) struct Bearer(ApiKey);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(key) = &self.0.0 {
            request.metadata_mut().insert("authorization", key.clone());
        }
        Ok(request)
    }
}

type Authorized = InterceptedService<Channel, Bearer>;

/// The stubs, all over one connection, none of which takes a message beyond the limit.
#[derive(Clone)]
pub(super) struct Wire {
    channel: Channel,
    bearer: Bearer,
}

macro_rules! stub {
    ($name:ident, $stub:ident) => {
        pub(super) fn $name(&self) -> $stub<Authorized> {
            $stub::with_interceptor(self.channel.clone(), self.bearer.clone())
                .max_decoding_message_size(MESSAGE_BYTES_MAX)
                .max_encoding_message_size(MESSAGE_BYTES_MAX)
        }
    };
}

impl Wire {
    stub!(account, AccountClient);
    stub!(clips, ClipsClient);
    stub!(jobs, JobsClient);
    stub!(models, ModelsClient);
    stub!(sheets, SheetsClient);
    stub!(shop, ShopClient);
    stub!(sign_in, SignInClient);
    stub!(stems, StemsClient);
}

/// Checks the address and prepares a connection that opens at the first call.
pub(super) fn open(endpoint: Endpoint) -> Result<Wire, ClientError> {
    let Endpoint { address, key, tls } = endpoint;
    let (uri, secure) = parse(&address)?;
    let mut channel = Channel::builder(uri)
        .user_agent(concat!("tributary/", env!("CARGO_PKG_VERSION")))
        .map_err(|_| ClientError::BadAddress { address: address.clone() })?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_max_header_list_size(HEADER_BYTES_MAX);
    if secure {
        channel = trust(channel, tls)?;
    }
    Ok(Wire { channel: channel.connect_lazy(), bearer: Bearer(key) })
}

fn trust(channel: tonic::transport::Endpoint, tls: Tls) -> Result<tonic::transport::Endpoint, ClientError> {
    let config = ClientTlsConfig::new();
    let trusting = match tls {
        Tls::PublicRoots => channel.tls_config(config.with_webpki_roots()),
        Tls::Fingerprint(fingerprint) => {
            channel.tls_config_with_verifier(config, Arc::new(Known(fingerprint)))
        }
        Tls::Pinned { certificate_pem, server_name } => {
            if !certificate_pem.contains("-----BEGIN CERTIFICATE-----") {
                return Err(ClientError::BadCertificate { cause: "no certificate in the text".into() });
            }
            let pinned = config.ca_certificate(Certificate::from_pem(certificate_pem));
            channel.tls_config(match server_name {
                Some(name) => pinned.domain_name(name),
                None => pinned,
            })
        }
    };
    trusting.map_err(|cause| ClientError::BadCertificate { cause: Box::new(cause) })
}

/// Checks the address, and that whatever goes there is protected. True for https.
pub(super) fn parse(address: &str) -> Result<(Uri, bool), ClientError> {
    let uri: Uri = address.parse().map_err(|_| ClientError::BadAddress { address: address.to_owned() })?;
    let secure = is_secure(&uri, address)?;
    Ok((uri, secure))
}

/// True for https, false for http on this machine; anything else is refused.
fn is_secure(uri: &Uri, address: &str) -> Result<bool, ClientError> {
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(true),
        (Some("http"), Some(host)) if is_loopback(host) => Ok(false),
        (Some("http"), Some(_)) => Err(ClientError::InsecureAddress { address: address.to_owned() }),
        _ => Err(ClientError::BadAddress { address: address.to_owned() }),
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str) -> Result<bool, ClientError> {
        let uri = address.parse().map_err(|_| ClientError::BadAddress { address: address.to_owned() })?;
        is_secure(&uri, address)
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for address in
            ["http://127.0.0.1:7700", "http://127.9.9.9", "http://[::1]:7700", "http://LOCALHOST:1"]
        {
            assert!(matches!(check(address), Ok(false)), "{address}");
        }
        for address in [
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://0.0.0.0:1",
        ] {
            assert!(matches!(check(address), Err(ClientError::InsecureAddress { .. })), "{address}");
        }
    }

    #[test]
    fn https_may_go_anywhere_and_nonsense_nowhere() {
        assert!(matches!(check("https://stems.example.org"), Ok(true)));
        for address in
            ["", "127.0.0.1:7700", "ftp://127.0.0.1", "http://", "localhost", "/tmp", "https://a b"]
        {
            assert!(matches!(check(address), Err(ClientError::BadAddress { .. })), "{address}");
        }
    }

    #[test]
    fn the_key_is_never_printed() {
        let key = ApiKey::new(" tk_secret\n").unwrap();
        let endpoint = Endpoint { address: "https://h".into(), key, tls: Tls::PublicRoots };
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(!format!("{:?}", endpoint.key.0).contains("secret"));
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_before_it_is_sent() {
        for text in ["", "  ", "two words", "line\nbreak", "ü"] {
            assert!(matches!(ApiKey::new(text), Err(ClientError::SignIn)), "{text:?}");
        }
    }
}
