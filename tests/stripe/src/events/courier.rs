//! Brings events over HTTP, one after the other, and remembers what was answered. Never tries again: how often an event
//! comes is for the test to say.

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// How many parcels wait at most: many more than any test makes.
const WAITING_MAX: usize = 10_000;

/// One event on its way.
pub(crate) struct Parcel {
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) body: Vec<u8>,
    pub(crate) signature: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The event's id.
    pub event: String,
    /// What was answered; none where nobody did.
    pub status: Option<u16>,
}

pub(crate) struct Courier {
    parcels: mpsc::Sender<Parcel>,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

impl Courier {
    /// Works until it is dropped.
    pub(crate) fn start() -> Self {
        let (parcels, mut waiting) = mpsc::channel::<Parcel>(WAITING_MAX);
        let deliveries = Arc::new(Mutex::new(Vec::new()));
        let done = Arc::clone(&deliveries);
        tokio::spawn(async move {
            while let Some(parcel) = waiting.recv().await {
                let event = parcel.event.clone();
                let status = bring(parcel).await.ok();
                done.lock().unwrap_or_else(PoisonError::into_inner).push(Delivery { event, status });
            }
        });
        Self { parcels, deliveries }
    }

    pub(crate) fn send(&self, parcel: Parcel) {
        self.parcels.try_send(parcel).expect("no test makes so many events");
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) async fn bring(parcel: Parcel) -> anyhow::Result<u16> {
    let uri: Uri = parcel.url.parse()?;
    let authority = uri.authority().context("an address has a host")?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(uri.path())
        .header("host", authority.as_str())
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", parcel.signature)
        .body(Full::new(Bytes::from(parcel.body)))?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    answer.into_body().collect().await?;
    connection.abort();
    Ok(status)
}
