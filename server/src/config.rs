//! Everything a deployment chooses, typed, with a default that works alone on one machine.
//!
//! Read from `tributary.toml` in the data folder (or the file named by `--config`), then from environment
//! variables `TRIBUTARY_SERVE_<KEY>` (two underscores between table and key: `TRIBUTARY_SERVE_WORKER__JOBS=2`).
//! A key nobody knows is an error that names it.

mod api;
mod calls;
mod mail;
mod network;
mod pages;
mod payments;
mod webhooks;

pub use api::ApiConfig;
pub use calls::{ProxyConfig, RatesConfig};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
pub use mail::{MailConfig, SCHEMES as MAIL_SCHEMES};
pub use network::Network;
pub use pages::{BrandConfig, BrandLink, PagesConfig, SignUp, origin_of};
pub use payments::PaymentsConfig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tributary_models::session::{Attention, Precision};
use tributary_models::{EngineChoice, SessionOptions};
use tributary_protocol::limits::{CLIP_SECONDS_MAX, CREDITS_MAX, is_web_page};
pub use webhooks::WebhooksConfig;

/// Name of the config file in the data folder.
pub const FILE_NAME: &str = "tributary.toml";

/// 16 TB: more is a mistake of units.
const MEMORY_MB_MAX: u64 = 1 << 24;

/// The whole configuration of `tributary serve`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where gRPC listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Where /healthz and /metrics listen; port 0 lets the system choose. Keep it inside your network.
    pub listen_http: SocketAddr,
    /// Certificate and key; without them a server that listens beyond loopback makes its own at the first start.
    pub tls: Option<TlsConfig>,
    /// PostgreSQL for many servers, `postgres://tributary_app:PASSWORD@HOST/DATABASE`; empty for a file of SQLite's in
    /// the data folder.
    pub database: String,
    /// The same database as the role that acts across accounts; empty for `tributary_scheduler` with the password of
    /// `database`.
    pub database_scheduler: String,
    /// Where clips, stems and uploads lie; empty for the data folder. Servers of one database share one folder.
    pub files: PathBuf,
    /// What one request may ask for.
    pub limits: LimitsConfig,
    /// How often one may call.
    pub rates: RatesConfig,
    /// Proxies before this server.
    pub proxy: ProxyConfig,
    /// The developer API.
    pub api: ApiConfig,
    /// Where customers may be told how their jobs end.
    pub webhooks: WebhooksConfig,
    /// How letters leave this server.
    pub mail: MailConfig,
    /// How credits are sold.
    pub payments: PaymentsConfig,
    /// The web pages.
    pub pages: PagesConfig,
    /// How jobs are run.
    pub worker: WorkerConfig,
    /// How chunks are run.
    pub device: DeviceConfig,
    /// Credits per started minute of audio, by model; installed models that are not named have a usual price.
    pub prices: BTreeMap<String, u64>,
    /// Models whose licence does not say that what they make may be sold, and which are offered all the same.
    pub accept_licences: Vec<String>,
    /// Credits of the account that the first start makes.
    pub first_credits: u64,
    /// The page that sells credits, `https://..`; empty for none. Clients open it in the user's browser.
    pub buy_url: String,
    /// `text` or `json`.
    pub log_format: LogFormat,
}

/// PEM files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, with its chain.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What one request may ask for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Longest clip.
    pub clip_seconds_max: u64,
    /// Jobs of one account that may be open at once.
    pub jobs_open_max: u32,
    /// Queued jobs of all accounts; more are told to come again. 0 for any number.
    pub jobs_queued_max: u64,
    /// An upload without progress for this long is given up and its credits released.
    pub upload_idle_seconds: u64,
    /// Days after which clips and results of ended jobs are deleted.
    pub keep_days: u32,
    /// What one account may keep, clips and results together, in MB (2^20 bytes); 0 for any amount.
    pub storage_mb: u64,
    /// New jobs are refused while less than this is free for clips and stems.
    pub disk_free_min_mb: u64,
}

/// How jobs are run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkerConfig {
    /// Jobs run at once.
    pub jobs: u32,
    /// Of one account.
    pub jobs_per_account: u32,
    /// Times a job whose worker vanished is tried before it fails.
    pub attempts: u32,
    /// A worker that says nothing for this long has lost its job.
    pub lease_seconds: u64,
    /// Chunks of one job between cutting and assembling: bounds its memory.
    pub chunks_in_flight: usize,
    /// At SIGTERM, running jobs have this long to reach a chunk's end.
    pub drain_seconds: u64,
    /// How often abandoned things are looked for.
    pub reap_seconds: u64,
    /// Where /healthz and /metrics of `tributary worker` listen; port 0 lets the system choose.
    pub listen_http: SocketAddr,
}

/// How chunks are run: every option of engines and devices is made of this, in [`DeviceConfig::session_options`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceConfig {
    /// Chunks in one batch; fewer where the device's memory was seen to hold fewer.
    pub batch_max: usize,
    /// `auto` (ONNX Runtime where `--onnx-runtime` names its library, else rten), `rten` or `onnx-runtime`.
    pub engine: EngineChoice,
    /// `cpu`, `cuda` or `tensorrt`; an accelerator that cannot be used is an error, never the CPU in its stead.
    pub kind: tributary_models::Device,
    /// Which device of that kind, 0 for the first.
    pub number: u8,
    /// Threads of the CPU; 0 for all.
    pub threads: usize,
    /// Memory that loaded models may take together: the one not used for longest makes room. 0 for half of the machine's,
    /// or three quarters of an accelerator's. On an accelerator no model may take more than this either.
    pub memory_mb: u64,
    /// `auto` (half where a model has a graph for it and the device is an accelerator), `full` or `half`.
    pub precision: Precision,
    /// CUDA and TensorRT: replay recorded launches for shapes that come again.
    pub cuda_graphs: bool,
    /// CUDA: kernels of attention: `auto`, `flash`, `efficient` or `math`.
    pub attention: Attention,
    /// TensorRT: where compiled engines are kept; empty for `engines` in the data folder.
    pub engine_cache: PathBuf,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7700)),
            listen_http: SocketAddr::from(([127, 0, 0, 1], 7701)),
            tls: None,
            database: String::new(),
            database_scheduler: String::new(),
            files: PathBuf::new(),
            limits: LimitsConfig::default(),
            rates: RatesConfig::default(),
            proxy: ProxyConfig::default(),
            api: ApiConfig::default(),
            webhooks: WebhooksConfig::default(),
            mail: MailConfig::default(),
            payments: PaymentsConfig::default(),
            pages: PagesConfig::default(),
            worker: WorkerConfig::default(),
            device: DeviceConfig::default(),
            prices: BTreeMap::from([("mini".to_owned(), 1)]),
            accept_licences: Vec::new(),
            first_credits: 600,
            buy_url: String::new(),
            log_format: LogFormat::Text,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            clip_seconds_max: 2 * 3600,
            jobs_open_max: 50,
            jobs_queued_max: 10_000,
            upload_idle_seconds: 3600,
            keep_days: 30,
            storage_mb: 0,
            disk_free_min_mb: 512,
        }
    }
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            jobs: 4,
            jobs_per_account: 2,
            attempts: 3,
            lease_seconds: 30,
            chunks_in_flight: 4,
            drain_seconds: 25,
            reap_seconds: 5,
            listen_http: SocketAddr::from(([127, 0, 0, 1], 7702)),
        }
    }
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self {
            batch_max: 4,
            engine: EngineChoice::Auto,
            kind: tributary_models::Device::Cpu,
            number: 0,
            threads: 0,
            memory_mb: 0,
            precision: Precision::Auto,
            cuda_graphs: false,
            attention: Attention::Auto,
            engine_cache: PathBuf::new(),
        }
    }
}

impl DeviceConfig {
    /// Bytes that loaded models may take together; none where that is left to the device.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        (self.memory_mb > 0).then_some(self.memory_mb << 20)
    }

    /// What every model's session is made with. `engines` is the data folder's place for compiled engines. Whoever calls
    /// this does so once a start: the cache's name is kept as long as the process lives.
    #[must_use]
    pub fn session_options(&self, engines: PathBuf) -> SessionOptions {
        let default = SessionOptions::default();
        let cache =
            if self.engine_cache.as_os_str().is_empty() { engines } else { self.engine_cache.clone() };
        let compiles = self.kind == tributary_models::Device::TensorRt;
        SessionOptions {
            threads: NonZeroUsize::new(self.threads).unwrap_or(default.threads),
            engine: self.engine,
            device: self.kind,
            device_number: self.number,
            precision: self.precision,
            attention: self.attention,
            memory_bytes_max: self.memory_bytes().filter(|_| self.kind.is_accelerator()),
            cuda_graphs: self.cuda_graphs,
            engine_cache: compiles.then(|| &*Box::leak(cache.into_boxed_path())),
            ..default
        }
    }
}

impl WorkerConfig {
    /// The lease as a duration.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

impl LimitsConfig {
    /// The upload's patience as a duration.
    #[must_use]
    pub fn upload_idle(&self) -> Duration {
        Duration::from_secs(self.upload_idle_seconds)
    }

    /// How long clips and results are kept.
    #[must_use]
    pub fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.keep_days) * 86_400)
    }

    /// Bytes that one account may keep; none for any amount.
    #[must_use]
    pub fn storage_bytes(&self) -> Option<u64> {
        (self.storage_mb > 0).then_some(self.storage_mb << 20)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Not TOML, a key nobody knows, or a value of the wrong kind; the message names it.
    #[error("the configuration cannot be read: {0}")]
    Unreadable(Box<figment::Error>),
    /// A value outside its range.
    #[error("`{key}` is {value}; it must be {allowed}")]
    Range {
        /// The key, dotted.
        key: &'static str,
        /// What was given.
        value: u64,
        /// What is allowed, in words.
        allowed: String,
    },
    /// Not the address of a database. It is not repeated: a password may stand in it.
    #[error(
        "`{key}` is no address of a PostgreSQL database; it must be empty or like \
         postgres://tributary_app:PASSWORD@HOST/DATABASE"
    )]
    NoDatabase {
        /// The key, dotted.
        key: &'static str,
    },
    /// Not an address or a network.
    #[error("`{key}` names `{value}`; it must be an address like 10.0.0.1 or a network like 10.0.0.0/8")]
    NoNetwork {
        /// The key, dotted.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// Not the name of a header.
    #[error("`{key}` is `{value}`; it must be the name of a header like x-forwarded-for")]
    NoHeader {
        /// The key, dotted.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// Not an address that the API may listen at.
    #[error(
        "`api.listen` is `{value}`; it must be empty or an address like 127.0.0.1:7704, and beyond loopback \
         there must be `tls` files, or `proxy.trusted` must name the proxy that has the certificate"
    )]
    NoApiAddress {
        /// What was given.
        value: String,
    },
    /// Links in letters and plugins would lead nowhere.
    #[error(
        "`pages.public_url` must say by which address browsers reach the pages that listen at {listen}, like \
         {scheme}://studio.example:7703"
    )]
    NoPublicUrl {
        /// Where they listen.
        listen: SocketAddr,
        /// What the pages speak there.
        scheme: &'static str,
    },
    /// Not the address of a server for mail. It is not repeated: a password may stand in it.
    #[error(
        "`mail.smtp` is no address of a mail server; it must be empty or like smtps://USER:PASSWORD@HOST:465"
    )]
    NoMailServer,
    /// Not somebody letters can be from.
    #[error("`mail.from` is `{value}`; it must be like Studio <studio@example.org>")]
    NoSender {
        /// What was given.
        value: String,
    },
    /// A pack that cannot be sold.
    #[error("`payments.packs`: the pack `{pack}` cannot be sold: {fault}")]
    Pack {
        /// Its name.
        pack: String,
        /// What is wrong.
        fault: String,
    },
    /// Not a colour.
    #[error("`pages.brand.accent` is `{value}`; it must be like #a394ff")]
    NoColour {
        /// What was given.
        value: String,
    },
    /// Not the address of a web page.
    #[error(
        "`{key}` is `{value}`; it must be empty or a web page's address like https://stems.example.org/credits"
    )]
    NoPage {
        /// The key, dotted.
        key: &'static str,
        /// What was given.
        value: String,
    },
}

impl Config {
    /// Defaults, then the file (which may be absent), then the environment.
    ///
    /// # Errors
    /// Where a key is unknown, a value of the wrong kind, or out of range.
    pub fn load(file: &Path) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Serialized::defaults(Self::default()));
        if file.exists() {
            figment = figment.merge(Toml::file_exact(file));
        }
        let config: Self = figment
            .merge(Env::prefixed("TRIBUTARY_SERVE_").split("__"))
            .extract()
            .map_err(|error| ConfigError::Unreadable(Box::new(error)))?;
        config.check()?;
        Ok(config)
    }

    /// Without passwords, for people to see.
    #[must_use]
    pub fn shown(&self) -> Self {
        Self {
            database: masked(&self.database),
            database_scheduler: masked(&self.database_scheduler),
            mail: self.mail.shown(),
            payments: self.payments.shown(),
            ..self.clone()
        }
    }

    /// The file as a newcomer would write it, with every default.
    #[must_use]
    pub fn as_toml(&self) -> String {
        toml::to_string_pretty(self).unwrap_or_default()
    }

    /// Whether gRPC is spoken over TLS: with a certificate that is configured, and beyond loopback always.
    #[must_use]
    pub fn grpc_has_tls(&self) -> bool {
        self.tls.is_some() || !self.listen.ip().is_loopback()
    }

    /// Whether the pages speak TLS themselves: beyond loopback, where no proxy does it for them.
    #[must_use]
    pub fn pages_have_tls(&self) -> bool {
        !self.pages.listen.ip().is_loopback() && self.proxy.trusted.is_empty()
    }

    /// The pages' address as browsers see it. `listen`: where they listen, as the system chose it.
    #[must_use]
    pub fn pages_url(&self, listen: SocketAddr) -> String {
        self.pages.url(listen, self.pages_have_tls())
    }

    /// Whether all of it can be used together; for whoever changed something after it was read.
    ///
    /// # Errors
    /// What is wrong first.
    pub fn check(&self) -> Result<(), ConfigError> {
        let range = |key, value: u64, low: u64, high: u64| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ConfigError::Range { key, value, allowed: format!("{low} to {high}") })
            }
        };
        range("limits.clip_seconds_max", self.limits.clip_seconds_max, 1, CLIP_SECONDS_MAX)?;
        range("limits.jobs_open_max", self.limits.jobs_open_max.into(), 1, 10_000)?;
        range("limits.jobs_queued_max", self.limits.jobs_queued_max, 0, 10_000_000)?;
        self.rates.check(range)?;
        self.proxy.check()?;
        self.mail.check()?;
        self.api.check(self.tls.is_some() || !self.proxy.trusted.is_empty())?;
        self.payments.check()?;
        self.pages.check(self.pages_have_tls())?;
        range("limits.keep_days", self.limits.keep_days.into(), 1, 36_500)?;
        range("limits.storage_mb", self.limits.storage_mb, 0, 1 << 40)?;
        range("limits.upload_idle_seconds", self.limits.upload_idle_seconds, 1, 7 * 86_400)?;
        range("worker.jobs", self.worker.jobs.into(), 1, 64)?;
        range("worker.jobs_per_account", self.worker.jobs_per_account.into(), 1, 64)?;
        range("worker.attempts", self.worker.attempts.into(), 1, 100)?;
        range("worker.lease_seconds", self.worker.lease_seconds, 1, 3600)?;
        range("worker.chunks_in_flight", self.worker.chunks_in_flight as u64, 1, 64)?;
        range("worker.reap_seconds", self.worker.reap_seconds, 1, 3600)?;
        range("device.batch_max", self.device.batch_max as u64, 1, 256)?;
        range("device.threads", self.device.threads as u64, 0, SessionOptions::THREADS_MAX as u64)?;
        range("device.memory_mb", self.device.memory_mb, 0, MEMORY_MB_MAX)?;
        range("first_credits", self.first_credits, 0, CREDITS_MAX)?;
        if !self.buy_url.is_empty() && !is_web_page(&self.buy_url) {
            return Err(ConfigError::NoPage { key: "buy_url", value: self.buy_url.clone() });
        }
        let is_database =
            |text: &str| ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        for (key, text) in [("database", &self.database), ("database_scheduler", &self.database_scheduler)] {
            if !text.is_empty() && !is_database(text) {
                return Err(ConfigError::NoDatabase { key });
            }
        }
        for price in self.prices.values() {
            range("prices", *price, 0, 1_000_000)?;
        }
        Ok(())
    }
}

/// An address with its password hidden.
fn masked(address: &str) -> String {
    let begin = address.find("://").map_or(0, |at| at + 3);
    let end = address[begin..].find(['/', '?']).map_or(address.len(), |at| begin + at);
    match address[begin..end].rfind('@').and_then(|at| Some((at, address[begin..begin + at].find(':')?))) {
        Some((at, colon)) => format!("{}:***{}", &address[..begin + colon], &address[begin + at..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Config, ConfigError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        std::fs::write(&path, text).unwrap();
        Config::load(&path)
    }

    #[test]
    fn an_absent_file_gives_the_defaults_and_their_own_text_reads_back() {
        let config = Config::load(Path::new("nowhere.toml")).unwrap();
        assert_eq!(config.prices["mini"], 1);
        assert_eq!(load(&config.as_toml()).unwrap().as_toml(), config.as_toml());
    }

    #[test]
    fn a_key_nobody_knows_is_named() {
        let error = load("[worker]\njobz = 2\n").unwrap_err().to_string();
        assert!(error.contains("jobz"), "{error}");
    }

    #[test]
    fn what_is_chosen_for_the_device_reaches_its_sessions() {
        let written = "[device]\nengine = \"onnx-runtime\"\nkind = \"tensorrt\"\nnumber = 2\nthreads = 3\n\
            memory_mb = 64\nprecision = \"half\"\ncuda_graphs = true\nattention = \"flash\"\n";
        let device = load(written).unwrap().device;
        let engines = || PathBuf::from("engines");
        let options = device.session_options(engines());
        let expected = SessionOptions {
            threads: NonZeroUsize::new(3).unwrap(),
            engine: EngineChoice::OnnxRuntime,
            device: tributary_models::Device::TensorRt,
            device_number: 2,
            precision: Precision::Half,
            attention: Attention::Flash,
            memory_bytes_max: Some(64 << 20),
            cuda_graphs: true,
            bind_shapes: None,
            engine_cache: Some(Path::new("engines")),
        };
        assert_eq!(options, expected);
        assert_eq!(Config::default().device.session_options(engines()), SessionOptions::default());
        let error = load("[device]\nkind = \"abacus\"\n").unwrap_err().to_string();
        assert!(error.contains("abacus") && error.contains("tensorrt"), "{error}");
    }

    #[test]
    fn only_a_web_page_sells_credits() {
        assert_eq!(load("").unwrap().buy_url, "");
        assert_eq!(load("buy_url = \"https://h/credits\"").unwrap().buy_url, "https://h/credits");
        let error = load("buy_url = \"file:///etc/passwd\"").unwrap_err().to_string();
        assert!(error.contains("`buy_url` is `file:///etc/passwd`"), "{error}");
    }

    #[test]
    fn a_database_is_an_address_and_its_password_is_never_shown() {
        for address in ["postgres://a:s3cret@h:1/d?x=y", "postgres://a:s3cr@et@h", "postgresql://a:s3cret@/d"]
        {
            let config = load(&format!("database = \"{address}\"")).unwrap();
            let shown = config.shown().as_toml();
            assert!(shown.contains("://a:***@") && !shown.contains("s3cr"), "{shown}");
        }
        assert_eq!(masked("postgres://a@h/d"), "postgres://a@h/d");
        let error = load("database = \"sqlite://s3cret\"").unwrap_err().to_string();
        assert!(error.contains("`database`") && !error.contains("s3cret"), "{error}");
    }

    #[test]
    fn a_value_out_of_range_names_key_value_and_range() {
        let error = load("[limits]\nclip_seconds_max = 0\n").unwrap_err().to_string();
        assert_eq!(error, "`limits.clip_seconds_max` is 0; it must be 1 to 21600");
    }
}
