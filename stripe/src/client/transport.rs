//! One call over HTTP: sent once, with limits of time and size, and an answer that is judged by its status. Asks nothing
//! again.
//!
//! The client that comes with the requests would do for the network. It forgets the status of an error it cannot read,
//! takes an answer of any size, and ends the process where the system has no certificates.

use super::key::{Key, SetupError};
use crate::error::{Away, Refusal, StripeError};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use stripe_client_core::{CustomizedStripeRequest, StripeClient, StripeClientErr, StripeMethod, VERSION};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

/// How long one call may take, in seconds, until its whole answer is here.
pub const CALL_SECONDS_MAX: u64 = 30;
/// The longest answer that is read. A page of a hundred checkouts has less than one mebibyte.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
const AGENT: &str = concat!("tributary/", env!("CARGO_PKG_VERSION"));
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A connection for each call: a handshake is nothing beside what a call takes, and none is found dead.
#[derive(Clone)]
pub(crate) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    address: String,
    headers: HeaderMap,
}

/// Why a call failed; a refusal is not yet judged.
#[derive(Debug)]
pub(crate) enum Failed {
    Refused(Box<Refusal>),
    Other(StripeError),
}

impl From<StripeError> for Failed {
    fn from(error: StripeError) -> Self {
        Self::Other(error)
    }
}

impl From<Failed> for StripeError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(refusal) => (*refusal).into(),
            Failed::Other(error) => error,
        }
    }
}

impl StripeClientErr for Failed {
    /// Asked for answers of success alone.
    fn deserialize_err(message: impl std::fmt::Display) -> Self {
        Self::Other(StripeError::Unparsed { what: message.to_string() })
    }
}

impl Transport {
    pub(super) fn new(key: &Key, base_url: Option<&str>) -> Result<Self, SetupError> {
        let (address, is_encrypted) = key.address(base_url)?;
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {}", key.secret())).map_err(|_| SetupError::Key)?;
        authorization.set_sensitive(true);
        let version = HeaderValue::from_str(VERSION.as_str()).expect("a version is a date and a word");
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, authorization),
            (USER_AGENT, HeaderValue::from_static(AGENT)),
            (STRIPE_VERSION, version),
        ]);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(is_encrypted)?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { client, address, headers })
    }

    fn request(&self, request: CustomizedStripeRequest) -> Result<Request<Full<Bytes>>, Failed> {
        let (request, options) = request.into_pieces();
        let query = request
            .query
            .filter(|query| !query.is_empty())
            .map_or(String::new(), |query| format!("?{query}"));
        let method = match request.method {
            StripeMethod::Get => Method::GET,
            StripeMethod::Post => Method::POST,
            StripeMethod::Delete => Method::DELETE,
        };
        let mut built =
            Request::builder().method(method).uri(format!("{}/v1{}{query}", self.address, request.path));
        if let Some(headers) = built.headers_mut() {
            headers.extend(self.headers.clone());
        }
        if let Some(key) = options.request_strategy.and_then(|strategy| strategy.get_key()) {
            built = built.header(IDEMPOTENCY_KEY, key.as_str());
        }
        if request.body.is_some() {
            built = built.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = Full::new(request.body.map(Bytes::from).unwrap_or_default());
        built.body(body).map_err(|_| StripeError::NotFound.into())
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, StripeError> {
        let answer = self.client.request(request).await.map_err(network)?;
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                StripeError::Unparsed { what: format!("more than {ANSWER_BYTES_MAX} bytes") }
            } else {
                StripeError::Away(Away::Network(error))
            }
        })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl StripeClient for Transport {
    type Err = Failed;

    async fn execute(&self, request: CustomizedStripeRequest) -> Result<Bytes, Failed> {
        let request = self.request(request)?;
        let limit = Duration::from_secs(CALL_SECONDS_MAX);
        let answer = tokio::time::timeout(limit, self.answer(request))
            .await
            .map_err(|_| StripeError::Away(Away::Timeout))??;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        let kept = answer.headers().get(REPLAYED).is_some_and(|value| value == "true");
        Err(Failed::Refused(Box::new(Refusal::read(answer.status().as_u16(), kept, answer.body()))))
    }
}

fn network(error: impl Error + Send + Sync + 'static) -> StripeError {
    StripeError::Away(Away::Network(Box::new(error)))
}

/// Trusts whom the system trusts; nobody, where nothing is encrypted.
fn tls(is_encrypted: bool) -> Result<ClientConfig, SetupError> {
    let mut roots = RootCertStore::empty();
    if is_encrypted {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(SetupError::Certificates);
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring speaks the versions that rustls takes for safe");
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
