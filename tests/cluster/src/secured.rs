//! A PostgreSQL that speaks TLS, on a port of this machine.

use crate::Cluster;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

/// Between our letting go of a free port and PostgreSQL's taking it somebody else may.
const TRIES: usize = 5;

/// A cluster of its own, which also listens on a port of this machine.
pub struct Secured {
    /// The same by its socket.
    pub cluster: Cluster,
}

impl Secured {
    /// Starts it with a certificate and its key, as PEM.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed or does not start; the message says what to run.
    pub fn start(certificate: &str, key: &str) -> anyhow::Result<Self> {
        let mut tries = 1;
        loop {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let started = Cluster::start(port, |programs, data| {
                for (name, text) in [("server.crt", certificate), ("server.key", key)] {
                    let file = data.join(name);
                    write_private(&file, text)?;
                    programs.give(&file)?;
                }
                Ok("listen_addresses = '127.0.0.1'\nssl = on\n")
            });
            match started {
                Ok(cluster) => return Ok(Self { cluster }),
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => tries += 1,
            }
        }
    }

    /// The address of a database for a role, by `host` and the port; `more` are parameters such as
    /// `sslmode=verify-full`.
    #[must_use]
    pub fn address(&self, role: &str, host: &str, database: &str, more: &str) -> String {
        format!("postgres://{role}@{host}:{}/{database}?{more}", self.cluster.port)
    }
}

/// PostgreSQL takes no key that others can read.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text)?;
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(())
}
