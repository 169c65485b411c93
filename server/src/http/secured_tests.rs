//! The pages of a server in a studio's network: no password crosses it in the clear.

use crate::config::Config;
use crate::{Parts, Running, start};
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A server whose pages listen on every address of this machine.
async fn server(data: &Path, change: impl FnOnce(&mut Config)) -> Running {
    let mut config = Config::default();
    config.listen.set_port(0);
    config.listen_http.set_port(0);
    config.limits.disk_free_min_mb = 1;
    config.pages.listen = "0.0.0.0:0".parse().unwrap();
    config.pages.public_url = "https://studio.test".to_owned();
    change(&mut config);
    config.check().unwrap();
    start(config, data, Parts::default()).await.unwrap()
}

async fn knock(running: &Running) -> TcpStream {
    TcpStream::connect(("127.0.0.1", running.pages.port())).await.unwrap()
}

/// What a page answers; nothing where nobody answers so.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let request = b"GET /sign-in HTTP/1.1\r\nHost: studio.test\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).to_lowercase()
}

fn trusting(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_beyond_this_machine_speak_tls_by_the_servers_own_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let running = server(folder.path(), |_| ()).await;
    assert!(running.address.starts_with("http://127.0.0.1:"), "gRPC stays as it was: {}", running.address);
    let own = running.certificate.as_ref().unwrap();
    let name = ServerName::try_from("studio.test").unwrap();
    let stream = trusting(&own.path).connect(name, knock(&running).await).await.unwrap();
    let page = ask(stream).await;
    assert!(page.starts_with("http/1.1 200 ok\r\n") && page.contains("password"), "{page}");
    assert!(page.contains("strict-transport-security:") && page.contains("; secure"), "{page}");
    let plain = ask(knock(&running).await).await;
    assert!(!plain.contains("http/1.1"), "nothing in the clear: {plain}");
    running.drain().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_behind_a_proxy_that_is_trusted_leave_tls_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let behind = |config: &mut Config| config.proxy.trusted = vec!["10.0.0.0/8".parse().unwrap()];
    let running = server(folder.path(), behind).await;
    assert!(running.certificate.is_none());
    let page = ask(knock(&running).await).await;
    assert!(page.starts_with("http/1.1 200 ok\r\n") && page.contains("password"), "{page}");
    running.drain().await;
}
