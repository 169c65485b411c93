//! An authority of certificates for tests: nobody's system knows it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::Path;
use tributary_protocol::vocab::PersonId;

/// Signs certificates of servers.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate.
    pub(crate) pem: String,
}

/// A server's certificate and key, as PEM.
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut own = CertificateParams::new([]).unwrap();
        own.distinguished_name.push(DnType::CommonName, "an authority of tests");
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = own.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(own, key), pem }
    }

    /// For a server of this name or address.
    pub(crate) fn sign(&self, name: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &self.issuer).unwrap().pem();
        Signed { certificate, key: key.serialize_pem() }
    }

    /// Writes its certificate into a folder; the file's path as text.
    pub(crate) fn written(&self, folder: &Path) -> String {
        let file = folder.join(format!("{}.pem", PersonId::generate()));
        std::fs::write(&file, &self.pem).unwrap();
        file.to_str().unwrap().to_owned()
    }
}
