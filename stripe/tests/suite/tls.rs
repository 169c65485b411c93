//! The connection is encrypted, and only with whom the system trusts.
//!
//! Whom the system trusts is said by the environment, so the part that asks runs in a process of its own: this program
//! again, told by [`ADDRESS`].

use crate::scene::key;
use std::process::Command;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tributary_stripe::{Away, NewCustomer, Stripe, StripeError};

/// Where the asking part asks.
const ADDRESS: &str = "TRIBUTARY_STRIPE_TLS_ADDRESS";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"id\": \"cus_1\"}";

/// Answers every call with a customer.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let mut request = vec![0; 4096];
        let read = stream.read(&mut request).await.unwrap_or(0);
        if request[..read].starts_with(b"POST /v1/customers ") {
            let _ = stream.write_all(ANSWER).await;
        }
        let _ = stream.shutdown().await;
    }
}

#[tokio::test]
async fn stripe_is_whom_the_system_trusts() {
    if let Some(address) = std::env::var_os(ADDRESS) {
        return ask(address.to_str().unwrap()).await;
    }
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let trusted = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(trusted.path(), own.cert.pem()).unwrap();
    let private = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], private)
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));

    let mut asking = Command::new(std::env::current_exe().unwrap());
    asking.args(["--exact", "tls::stripe_is_whom_the_system_trusts", "--nocapture"]);
    asking.env(ADDRESS, format!("https://localhost:{port}")).env("SSL_CERT_FILE", trusted.path());
    let asked = tokio::task::spawn_blocking(move || asking.output().unwrap()).await.unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
}

/// With the certificate of `localhost` trusted: that name is answered, and an address that is not named in it is not.
async fn ask(address: &str) {
    let new = NewCustomer { email: "a@b.c".to_owned() };
    let stripe = Stripe::new("sk_live_1", Some(address)).unwrap();
    assert_eq!(stripe.customer(&new, &key("c")).await.unwrap(), "cus_1");
    let other = Stripe::new("sk_live_1", Some(&address.replace("localhost", "127.0.0.1"))).unwrap();
    let other = other.customer(&new, &key("c")).await;
    assert!(matches!(other, Err(StripeError::Away(Away::Network(_)))), "{other:?}");
}
