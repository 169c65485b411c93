//! Certificates that no authority vouches for: what a server presents, to be compared by its fingerprint, and the
//! check that it is the same one every time after. Nothing is ever sent to a server that is only being looked at.

use super::ClientError;
use super::connect::parse;
use crate::vocab::Sha256;
use sha2::Digest;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

/// Time for TCP and TLS together.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// What a server of ours speaks; some answer nobody who does not offer it.
const ALPN_H2: &[u8] = b"h2";

/// What a server says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresentedCertificate {
    /// SHA-256 over the certificate in DER: what its operator sees as its fingerprint, and what
    /// [`super::Tls::Fingerprint`] takes once somebody has compared them.
    pub fingerprint: Sha256,
}

/// Asks the server at `address` (`https://..`) for its certificate without trusting it: the handshake is made, the
/// server proves that it has the certificate's key, and the connection is closed. No key of ours is sent.
///
/// # Errors
/// [`ClientError::BadAddress`] where the address is not https, [`ClientError::InsecureAddress`],
/// [`ClientError::Unreachable`], and [`ClientError::Untrusted`] where no TLS server answers.
pub async fn certificate_of(address: &str) -> Result<PresentedCertificate, ClientError> {
    let bad = || ClientError::BadAddress { address: address.to_owned() };
    let (uri, true) = parse(address)? else { return Err(bad()) };
    let host = uri.host().map(|host| host.trim_start_matches('[').trim_end_matches(']')).ok_or_else(bad)?;
    let name = ServerName::try_from(host.to_owned()).map_err(|_| bad())?;
    let port = uri.port_u16().unwrap_or(443);
    let unreachable =
        |cause: Box<dyn Error + Send + Sync>| ClientError::Unreachable { address: address.to_owned(), cause };
    let look = Arc::new(Look::default());
    let connector = TlsConnector::from(Arc::new(config(Arc::clone(&look) as _)?));
    let handshake = async {
        let stream = TcpStream::connect((host, port)).await?;
        connector.connect(name, stream).await
    };
    match timeout(LOOK_TIMEOUT, handshake).await {
        Err(elapsed) => Err(unreachable(Box::new(elapsed))),
        Ok(Err(cause)) if cause.kind() == io::ErrorKind::InvalidData => {
            Err(ClientError::Untrusted { address: address.to_owned(), cause: Box::new(cause) })
        }
        Ok(Err(cause)) => Err(unreachable(Box::new(cause))),
        Ok(Ok(_)) => {
            let seen = look.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            let fingerprint = seen.ok_or_else(|| ClientError::protocol("a server without a certificate"))?;
            Ok(PresentedCertificate { fingerprint })
        }
    }
}

fn config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, ClientError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|cause| ClientError::BadCertificate { cause: Box::new(cause) })?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols.push(ALPN_H2.to_vec());
    Ok(config)
}

fn fingerprint(certificate: &CertificateDer<'_>) -> Sha256 {
    Sha256(sha2::Sha256::digest(certificate).into())
}

/// Remembers a certificate and trusts nobody with anything.
#[derive(Debug, Default)]
struct Look(Mutex<Option<Sha256>>);

/// Trusts the certificate with this hash and no other. Names and dates are not looked at: that the certificate is
/// this server's was said by the person who compared it.
#[derive(Debug)]
pub(super) struct Known(pub(super) Sha256);

/// What both have in common: the server must prove that it has the certificate's private key.
macro_rules! proves_its_key {
    () => {
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            let algorithms = provider().signature_verification_algorithms;
            verify_tls12_signature(message, certificate, signature, &algorithms)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signature: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, TlsError> {
            let algorithms = provider().signature_verification_algorithms;
            verify_tls13_signature(message, certificate, signature, &algorithms)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            provider().signature_verification_algorithms.supported_schemes()
        }
    };
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint(certificate));
        Ok(ServerCertVerified::assertion())
    }

    proves_its_key!();
}

impl ServerCertVerifier for Known {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if fingerprint(certificate) == self.0 {
            return Ok(ServerCertVerified::assertion());
        }
        Err(TlsError::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    proves_its_key!();
}
