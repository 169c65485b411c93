//! Letters over TLS, to a receiver whose certificate no system knows: in both of its ways, and never to a stranger.

use super::tests::{SIGNS_IN, letter, receive};
use super::*;
use crate::clock::SystemClock;
use crate::tls::authority::{Authority, Signed};
use std::sync::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

type Heard = Arc<Mutex<Vec<String>>>;

fn acceptor(signed: &Signed) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(signed.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(signed.key.as_bytes()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()).into()
}

/// A receiver that speaks TLS from the first byte where `scheme` is `smtps`, else after it was asked to (RFC 3207).
async fn start(scheme: &'static str, signed: &Signed) -> (u16, Heard) {
    let (acceptor, heard) = (acceptor(signed), Heard::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, lines) = (listener.local_addr().unwrap().port(), Arc::clone(&heard));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, lines) = (acceptor.clone(), Arc::clone(&lines));
            tokio::spawn(async move {
                let greets = scheme == "smtps";
                let stream = if greets { stream } else { asked_for_tls(stream, &lines).await };
                // Whoever does not know the certificate goes away here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    receive(stream, SIGNS_IN, greets, lines).await;
                }
            });
        }
    });
    (port, heard)
}

/// What is said in the clear.
async fn asked_for_tls(stream: TcpStream, heard: &Heard) -> TcpStream {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 receiver\r\n").await.unwrap();
    loop {
        let mut line = String::new();
        assert_ne!(stream.read_line(&mut line).await.unwrap(), 0, "it goes on to TLS");
        heard.lock().unwrap().push(format!("in the clear: {}", line.trim_end()));
        if line.starts_with("STARTTLS") {
            stream.write_all(b"220 go on\r\n").await.unwrap();
            return stream.into_inner();
        }
        stream.write_all(b"250-receiver\r\n250 STARTTLS\r\n").await.unwrap();
    }
}

fn smtp(scheme: &str, host: &str, port: u16, authorities: Option<&str>) -> Smtp {
    let sender = Sender::parse("Studio <studio@example.org>").unwrap();
    let address = format!("{scheme}://me:s3cret@{host}:{port}");
    Smtp::new(&address, authorities.map(Path::new), sender, Arc::new(SystemClock)).unwrap()
}

#[tokio::test]
async fn a_letter_goes_to_whom_the_configured_authority_signed_and_to_nobody_else() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let (known, unknown) = (authority.written(folder.path()), stranger.written(folder.path()));
    let signed = authority.sign("127.0.0.1");
    for scheme in ["smtps", "smtp"] {
        let (port, heard) = start(scheme, &signed).await;
        for (why, host, authorities) in [
            ("another authority", "127.0.0.1", Some(&*unknown)),
            ("no system knows it", "127.0.0.1", None),
            ("another name than the certificate's", "localhost", Some(&*known)),
        ] {
            let error = smtp(scheme, host, port, authorities).send(&letter()).await.unwrap_err();
            assert!(matches!(error, MailError::Later(_)), "{scheme}, {why}: {error:?}");
            let said = format!("{:#}", anyhow::Error::from(error));
            assert!(said.contains("certificate"), "{scheme}, {why}: {said}");
        }
        let told = |word: &str| heard.lock().unwrap().iter().any(|line| line.contains(word));
        assert!(!told("AUTH") && !told("MAIL FROM"), "{scheme}: a stranger hears no password and no letter");

        smtp(scheme, "127.0.0.1", port, Some(&known)).send(&letter()).await.unwrap();
        assert!(told("AUTH PLAIN") && told("RCPT TO:<reader@example.net>"), "{scheme}");
        assert!(!told("in the clear: AUTH") && !told("in the clear: MAIL"), "{scheme}");
        assert_eq!(told("in the clear: STARTTLS"), scheme == "smtp");
    }
}

#[test]
fn a_file_that_is_no_certificate_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let [missing, empty, garbled] =
        ["missing.pem", "empty.pem", "garbled.pem"].map(|name| folder.path().join(name));
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&garbled, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
    for file in [missing, empty, garbled] {
        let sender = Sender::parse("Studio <studio@example.org>").unwrap();
        let made = Smtp::new("smtps://h.example", Some(&file), sender, Arc::new(SystemClock));
        let said = made.err().expect("no certificate").to_string();
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(said.contains(name) && said.contains("`mail.certificate`"), "{said}");
    }
}
