//! The API with a certificate.

use super::world::World;
use crate::config::TlsConfig;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_is_spoken_to_over_tls_alone_and_one_that_is_slow_keeps_none_waiting() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = TlsConfig { cert: folder.path().join("cert.pem"), key: folder.path().join("key.pem") };
    std::fs::write(&files.cert, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let world = World::with(|config| config.tls = Some(files)).await;

    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    // Connects and says nothing.
    let _silent = TcpStream::connect(world.api).await.unwrap();
    let ask = async {
        let stream = TcpStream::connect(world.api).await.unwrap();
        let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let key = &world.server.key;
        let head = format!(
            "GET /api/v1/account HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let answer =
        tokio::time::timeout(Duration::from_secs(5), ask).await.expect("the silent one keeps nobody waiting");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"available\""), "{answer}");
    // Its address was counted like any other's.
    assert!(answer.contains("\"address\";r="), "{answer}");

    let mut plain = TcpStream::connect(world.api).await.unwrap();
    plain.write_all(b"GET /api/v1/ HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "nothing in the clear");
}
