//! One server in this process and what a test does with it.

use crate::{database, signal};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tributary_protocol::client::{ApiKey, Client, Endpoint, JobView, NewJob, Patience, Tls};
use tributary_protocol::vocab::{AccountId, ClipHeader, Credits, JobId};
use tributary_server::clock::{Clock, SystemClock};
use tributary_server::config::Config;
use tributary_server::ledger::Grant;
use tributary_server::store::Store;
use tributary_server::tenant::Tenant;
use tributary_server::{Parts, Running, start};

/// A world: folder, server, and the local account's client.
pub struct Stage {
    /// The test's own folder.
    pub folder: TempDir,
    /// The server.
    pub server: Running,
    /// Acts for the local account, 600 credits.
    pub client: Client,
}

/// A clip on disk, ready to send.
pub struct Take {
    /// Canonical bytes.
    pub file: PathBuf,
    /// What they are.
    pub header: ClipHeader,
    /// Its samples, interleaved.
    pub samples: Vec<f32>,
}

/// The defaults, on free ports, quick to notice what was abandoned.
#[must_use]
pub fn config() -> Config {
    let mut config = Config::default();
    config.listen.set_port(0);
    config.listen_http.set_port(0);
    config.pages.listen.set_port(0);
    config.worker.listen_http.set_port(0);
    config.worker.reap_seconds = 1;
    config.limits.disk_free_min_mb = 1;
    // All tests knock from one address, some with many wrong keys.
    config.rates.failed_sign_in_costs = 1;
    config
}

/// A client of `address`, as impatient as a test.
///
/// # Errors
/// Where address or key are malformed.
pub async fn connect(address: &str, key: &str) -> anyhow::Result<Client> {
    let endpoint = Endpoint { address: address.to_owned(), key: ApiKey::new(key)?, tls: Tls::PublicRoots };
    let patience = Patience {
        first_wait: Duration::from_millis(20),
        longest_wait: Duration::from_millis(500),
        without_success: Duration::from_secs(60),
        ..Patience::default()
    };
    Ok(Client::connect(endpoint).await?.with_patience(patience))
}

impl Stage {
    /// The usual world.
    ///
    /// # Errors
    /// Where the server does not start.
    pub async fn new() -> anyhow::Result<Self> {
        Self::with(config(), Parts::default()).await
    }

    /// A world with another configuration or other parts.
    ///
    /// # Errors
    /// Where the server does not start.
    pub async fn with(config: Config, parts: Parts) -> anyhow::Result<Self> {
        Self::on(tempfile::tempdir()?, config, parts).await
    }

    /// A world on a folder that may have been used before.
    ///
    /// # Errors
    /// Where the server does not start.
    pub async fn on(folder: TempDir, mut config: Config, parts: Parts) -> anyhow::Result<Self> {
        let data = folder.path().join("data");
        if config.database.is_empty() {
            config.database = database::of(&data)?.unwrap_or_default();
        }
        let server = start(config, &data, parts).await?;
        let client = connect(&server.address, &server.key).await?;
        Ok(Self { folder, server, client })
    }

    /// Stops the server as SIGTERM does and hands the folder on.
    pub async fn stop(self) -> TempDir {
        self.server.drain().await;
        self.folder
    }

    /// A clip of the given length, its own for every seed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn take(&self, seed: u32, frames: u64) -> anyhow::Result<Take> {
        take(self.folder.path(), seed, frames, 2, 44_100)
    }

    /// A stereo clip of nothing.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn silence(&self, frames: u64) -> anyhow::Result<Take> {
        let samples = vec![0.0; usize::try_from(frames)? * 2];
        let file = self.folder.path().join(format!("silence-{frames}.f32"));
        let header = signal::write_canonical(&file, &samples, 2, 44_100)?;
        Ok(Take { file, header, samples })
    }

    /// A new account with credits, and its client.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn account(&self, name: &str, credits: u64) -> anyhow::Result<(Tenant, Client)> {
        let (id, now) = (AccountId::generate(), SystemClock.now());
        let store: &Arc<dyn Store> = &self.server.store;
        store.create_account(id, name, 100, now).await?;
        let tenant = Tenant::acting_for(id);
        if credits > 0 {
            let (payment_id, note) = (format!("for {name}"), "test".to_owned());
            store
                .grant(&tenant, &Grant { amount: Credits(credits), payment_id, note, expires_at: None }, now)
                .await?;
        }
        let key = tributary_server::auth::api_key::ApiKey::generate();
        store.add_key(&tenant, &key.row(id, "test"), now).await?;
        Ok((tenant, connect(&self.server.address, &key.reveal()).await?))
    }

    /// The whole way of one take with the local account; answers the ended job.
    ///
    /// # Errors
    /// Where any step is refused.
    pub async fn separate(&self, take: &Take) -> anyhow::Result<JobView> {
        run(&self.client, take, JobId::generate()).await
    }

    /// Fetches a stem's samples.
    ///
    /// # Errors
    /// Where it cannot be fetched.
    pub async fn stem(&self, job: &JobView, stem: &str) -> anyhow::Result<Vec<f32>> {
        let to = self.folder.path().join(format!("{}-{stem}.f32", job.id));
        self.client.download(job, stem, &to, |_| {}).await?;
        signal::read_canonical(&to)
    }

    /// The books, recomputed: every field is zero or the test fails.
    ///
    /// # Errors
    /// Where the store does not answer.
    ///
    /// # Panics
    /// When the books are wrong.
    pub async fn audit(&self) -> anyhow::Result<()> {
        let audit = self.server.store.audit().await?;
        assert!(audit.is_clean(), "{audit:?}");
        Ok(())
    }
}

/// Writes a take.
///
/// # Errors
/// Where it cannot be written.
pub fn take(folder: &Path, seed: u32, frames: u64, channels: u16, rate_hz: u32) -> anyhow::Result<Take> {
    let samples = signal::song(seed, frames, channels, rate_hz);
    let file = folder.join(format!("take-{seed}-{frames}-{channels}-{rate_hz}.f32"));
    let header = signal::write_canonical(&file, &samples, channels, rate_hz)?;
    Ok(Take { file, header, samples })
}

/// What a client asks for, all stems.
#[must_use]
pub fn wish(id: JobId, header: ClipHeader) -> NewJob {
    NewJob::new(id, "mini", header, "a take")
}

/// Create, send, wait for the end. May be called again with the same id after any interruption.
///
/// # Errors
/// Where any step is refused.
pub async fn run(client: &Client, take: &Take, id: JobId) -> anyhow::Result<JobView> {
    let mut job = client.create(&wish(id, take.header)).await.context("create")?;
    if job.state == tributary_protocol::client::JobState::Uploading {
        client.upload(&take.header, &take.file, |_| {}).await.context("upload")?;
    }
    let mut watch = client.watch(id);
    while let Some(next) = watch.next().await.context("watch")? {
        job = next;
    }
    Ok(job)
}
