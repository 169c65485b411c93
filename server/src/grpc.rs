//! The gRPC edge: translates, nothing else. Only this folder names wire types on the server.

mod accounts;
mod clips;
mod convert;
mod gate;
mod jobs;
mod models;
mod sheets;
mod shop;
mod sign_in;
mod status;
mod stems;

use crate::cashier::Cashier;
use crate::desk::Desk;
use crate::sign_in::SignIn;
pub use gate::Gate;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tributary_protocol::limits::MESSAGE_BYTES_MAX;
use tributary_protocol::v1;

/// HTTP/2 window of one stream: one packet in 50 ms would otherwise be the limit over a slow line.
const STREAM_WINDOW_BYTES: u32 = 4 << 20;
/// HTTP/2 window of one connection.
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
/// Calls one connection may have open.
const STREAMS_MAX: u32 = 64;
/// Bytes of headers.
const HEADERS_BYTES_MAX: u32 = 16 * 1024;

/// Everything the edge uses.
pub struct Edge {
    /// Who is let in.
    pub gate: Gate,
    /// Where calls are done.
    pub desk: Arc<Desk>,
    /// Lets devices in.
    pub sign_in: Arc<SignIn>,
    /// Sells credits; none where only the operator grants them.
    pub cashier: Option<Arc<Cashier>>,
}

/// Certificate and key, PEM.
#[derive(Clone)]
pub struct TlsPem {
    /// The certificate, with its chain.
    pub cert: String,
    /// Its private key.
    pub key: String,
}

/// Serves until `stop`, then lets calls under way end.
///
/// # Errors
/// Where TLS or the listener fails.
pub async fn serve(
    edge: Arc<Edge>,
    listener: TcpListener,
    tls: Option<TlsPem>,
    health: tonic_health::server::HealthReporter,
    stop: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let max = MESSAGE_BYTES_MAX;
    let routes = Routes::new(tonic_health::pb::health_server::HealthServer::new(
        tonic_health::server::HealthService::from_health_reporter(health),
    ))
    .add_service(
        v1::jobs_server::JobsServer::new(jobs::Jobs(Arc::clone(&edge))).max_decoding_message_size(max),
    )
    .add_service(
        v1::clips_server::ClipsServer::new(clips::Clips(Arc::clone(&edge))).max_decoding_message_size(max),
    )
    .add_service(
        v1::stems_server::StemsServer::new(stems::Stems(Arc::clone(&edge))).max_decoding_message_size(max),
    )
    .add_service(
        v1::sheets_server::SheetsServer::new(sheets::Sheets(Arc::clone(&edge)))
            .max_decoding_message_size(max),
    )
    .add_service(
        v1::account_server::AccountServer::new(accounts::Accounts(Arc::clone(&edge)))
            .max_decoding_message_size(max),
    )
    .add_service(
        v1::sign_in_server::SignInServer::new(sign_in::SignIns(Arc::clone(&edge)))
            .max_decoding_message_size(max),
    )
    .add_service(
        v1::shop_server::ShopServer::new(shop::Shop(Arc::clone(&edge))).max_decoding_message_size(max),
    )
    .add_service(
        v1::models_server::ModelsServer::new(models::Models(Arc::clone(&edge)))
            .max_decoding_message_size(max),
    );
    let gated = routes
        .prepare()
        .into_axum_router()
        .layer(axum::middleware::from_fn_with_state(edge.gate.clone(), gate::let_in));
    let mut server = Server::builder()
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .http2_max_header_list_size(HEADERS_BYTES_MAX)
        .http2_keepalive_interval(Some(Duration::from_secs(20)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)));
    if let Some(pem) = tls {
        server = server.tls_config(ServerTlsConfig::new().identity(Identity::from_pem(pem.cert, pem.key)))?;
    }
    server.serve_with_incoming_shutdown(gated, TcpListenerStream::new(listener), stop.cancelled_owned()).await
}

/// Words of the edge that every service uses.
type Answer<T> = Result<tonic::Response<T>, tonic::Status>;
/// A stream of answers.
type AnswerStream<T> = std::pin::Pin<Box<dyn tokio_stream::Stream<Item = Result<T, tonic::Status>> + Send>>;
