//! Connections of browsers and programs over TLS, with the certificate that gRPC has. Handshakes are made beside each other:
//! one that is slow keeps no other waiting.

use crate::grpc::TlsPem;
use axum::Router;
use axum::serve::{Listener, ListenerExt};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

/// Handshakes at once; who comes then waits in the system's queue.
const HANDSHAKES_MAX: usize = 256;
/// A handshake that takes longer is given up.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// After an error of the listener itself, too many open files say.
const ERROR_WAIT: Duration = Duration::from_secs(1);

/// Serves until `stop`, over TLS where there is a certificate, then lets calls under way end.
///
/// # Errors
/// Where certificate or listener cannot be used.
pub(crate) async fn serve(
    router: Router,
    listener: TcpListener,
    tls: Option<TlsPem>,
    stop: CancellationToken,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let Some(pem) = tls else {
        return axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await;
    };
    // Tapped for its side effect: the framework tells addresses of tapped listeners of any kind.
    let listener = Secured::begin(listener, &pem)?.tap_io(|_| {});
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// What has come in over TLS.
struct Secured {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl Secured {
    /// Begins to take connections.
    ///
    /// # Errors
    /// Where certificate or key cannot be used.
    fn begin(listener: TcpListener, pem: &TlsPem) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config(pem).map_err(io::Error::other)?));
        let (sender, ready) = mpsc::channel(1);
        tokio::spawn(accept(listener, acceptor, sender));
        Ok(Self { ready, address })
    }
}

fn config(pem: &TlsPem) -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let chain = CertificateDer::pem_slice_iter(pem.cert.as_bytes()).collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(pem.key.as_bytes())?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    sender: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let accepted = tokio::select! {
            () = sender.closed() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, address)) = accepted else {
            tokio::time::sleep(ERROR_WAIT).await;
            continue;
        };
        let (acceptor, sender) = (acceptor.clone(), sender.clone());
        tokio::spawn(async move {
            // What is no TLS is of no interest: anybody may knock.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                let _ = sender.send((stream, address)).await;
            }
            drop(place);
        });
    }
}

impl Listener for Secured {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The task that sends ends only when this is dropped.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[cfg(test)]
#[path = "secured_tests.rs"]
mod tests;
