//! Over TLS the client speaks to the server it knows, and to nobody else.

use crate::PATIENCE;
use crate::double::{self, Double};
use rcgen::CertifiedKey;
use tonic::transport::Identity;
use tributary_protocol::client::{ApiKey, Client, ClientError, Endpoint, Tls, certificate_of};
use tributary_protocol::vocab::Sha256;

fn certificate(name: &str) -> (Identity, String) {
    let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (Identity::from_pem(cert.pem(), signing_key.serialize_pem()), cert.pem())
}

fn pinned(certificate_pem: &str, server_name: Option<&str>) -> Tls {
    let certificate_pem = certificate_pem.to_owned();
    Tls::Pinned { certificate_pem, server_name: server_name.map(str::to_owned) }
}

async fn connect(address: &str, tls: Tls) -> Result<Client, ClientError> {
    let endpoint = Endpoint { address: address.to_owned(), key: ApiKey::new(double::KEY).unwrap(), tls };
    Ok(Client::connect(endpoint).await?.with_patience(PATIENCE))
}

#[tokio::test]
async fn a_pinned_certificate_is_enough() {
    let (identity, pem) = certificate("studio.test");
    let address = Double::default().serve_as(identity).await;
    let client = connect(&address, pinned(&pem, Some("studio.test"))).await.unwrap();
    assert_eq!(client.account().await.unwrap().name, "studio");
}

#[tokio::test]
async fn any_other_certificate_is_refused_at_once_and_never_sees_the_key() {
    let (identity, pem) = certificate("studio.test");
    let (_, other) = certificate("studio.test");
    let double = Double::default();
    let address = double.serve_as(identity).await;
    let strangers = [pinned(&other, Some("studio.test")), pinned(&pem, Some("other.test")), Tls::PublicRoots];
    for tls in strangers {
        let asked = connect(&address, tls).await.unwrap().account().await;
        assert!(matches!(asked, Err(ClientError::Untrusted { .. })), "{asked:?}");
    }
    assert_eq!(double.state().calls, 0);
}

#[tokio::test]
async fn a_pinned_text_without_a_certificate_is_refused() {
    for text in ["", "nonsense", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        let connected = connect("https://127.0.0.1:1", pinned(text, None)).await;
        assert!(matches!(connected, Err(ClientError::BadCertificate { .. })), "{text:?}: {connected:?}");
    }
}

#[tokio::test]
async fn a_certificate_is_seen_without_a_key_being_sent_and_then_trusted_by_its_fingerprint() {
    // No name in it is the address's, as with the certificate that a studio's server makes for itself.
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["studio.test".to_owned()]).unwrap();
    let double = Double::default();
    let address = double.serve_as(Identity::from_pem(cert.pem(), signing_key.serialize_pem())).await;
    let presented = certificate_of(&address).await.unwrap();
    assert_eq!(presented.fingerprint, crate::sha256(cert.der()));
    assert_eq!(double.state().calls, 0);
    let client = connect(&address, Tls::Fingerprint(presented.fingerprint)).await.unwrap();
    assert_eq!(client.account().await.unwrap().name, "studio");
}

#[tokio::test]
async fn another_fingerprint_is_refused_at_once_and_never_sees_the_key() {
    let (identity, _) = certificate("studio.test");
    let double = Double::default();
    let address = double.serve_as(identity).await;
    let asked = connect(&address, Tls::Fingerprint(Sha256([7; 32]))).await.unwrap().account().await;
    assert!(matches!(asked, Err(ClientError::Untrusted { .. })), "{asked:?}");
    assert_eq!(double.state().calls, 0);
}

#[tokio::test]
async fn there_is_no_certificate_where_no_tls_is() {
    let plain = Double::default().serve().await;
    let as_if_secure = plain.replace("http://", "https://");
    let asked = certificate_of(&as_if_secure).await;
    assert!(
        matches!(asked, Err(ClientError::Untrusted { .. } | ClientError::Unreachable { .. })),
        "{asked:?}"
    );
    let asked = certificate_of(&plain).await;
    assert!(matches!(asked, Err(ClientError::BadAddress { .. })), "{asked:?}");
    assert!(certificate_of("https://127.0.0.1:1").await.is_err());
}
