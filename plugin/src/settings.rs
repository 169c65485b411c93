//! What this user chose once for all projects: server, key, accepted certificates, size of the window. Never in a
//! project, so that a project can be given away without a key in it. Speaks to no server.
//!
//! ```toml
//! # <user config>/tributary/plugin.toml, readable by its owner only
//! server = "https://stems.example.org:7700"    # absent: the server on this machine
//! task = "separate"                            # chosen last
//! [[known]]
//! address = "https://stems.example.org:7700"
//! key = "tk_.."
//! certificate = "AB:CD:.."                     # SHA-256 of the one that was accepted
//! purchase = "0198c1f0-.."                     # begun and not known to have ended
//! [window]
//! width = 980.0
//! ```

mod file;

pub(crate) use file::{SettingsFile, Stamp, load_limited};

use crate::view::WindowSize;
use std::fmt;
use std::path::PathBuf;
use toml::{Table, Value};
use tributary_protocol::limits::NAME_CHARS_MAX;
use tributary_protocol::vocab::{PurchaseId, Sha256};

/// Servers that are remembered; the one not used for longest goes first.
pub const KNOWN_MAX: usize = 32;
/// Characters of an address; of a key.
const ADDRESS_CHARS_MAX: usize = 300;
const KEY_CHARS_MAX: usize = 500;
/// Points that a window may have, each way, and its zoom.
const POINTS: std::ops::RangeInclusive<f32> = 200.0..=10_000.0;
const ZOOM: std::ops::RangeInclusive<f32> = 1.0..=3.0;

/// All of it. Read with patience: what makes no sense is left out, and [`Settings::is_damaged`] says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The server in use; none for the one on this machine.
    pub server: Option<String>,
    /// Servers whose key or certificate is remembered, the last used last.
    pub known: Vec<KnownServer>,
    /// Size and zoom of the window.
    pub window: WindowSize,
    /// The task chosen last; fresh projects begin with it.
    pub task: Option<String>,
    /// Something in the file made no sense.
    pub is_damaged: bool,
}

/// A server that was used before.
#[derive(Clone, PartialEq, Eq)]
pub struct KnownServer {
    /// As [`normal_address`] writes it.
    pub address: String,
    /// The API key.
    pub key: Option<String>,
    /// The certificate that was accepted.
    pub certificate: Option<Sha256>,
    /// A purchase that was begun there and is not known to have ended.
    pub purchase: Option<PurchaseId>,
}

impl fmt::Debug for KnownServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Settings {
    /// What is known of a server.
    #[must_use]
    pub fn known(&self, address: &str) -> Option<&KnownServer> {
        self.known.iter().find(|known| known.address == address)
    }

    /// What is known of a server, to be changed; it becomes the last used.
    pub fn use_server(&mut self, address: &str) -> &mut KnownServer {
        let fresh = KnownServer { address: address.to_owned(), key: None, certificate: None, purchase: None };
        let found = self.known.iter().position(|known| known.address == address);
        let known = found.map_or(fresh, |index| self.known.remove(index));
        let over = (self.known.len() + 1).saturating_sub(KNOWN_MAX);
        self.known.drain(..over);
        self.known.push(known);
        self.known.last_mut().expect("one was put there")
    }

    /// Reads what [`Settings::as_toml`] writes, and whatever else.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let Ok(mut table) = text.parse::<Table>() else {
            return Self { is_damaged: true, ..Self::default() };
        };
        let mut settings = Self::default();
        match table.remove("server") {
            None => {}
            Some(Value::String(address)) if is_address(&address) => settings.server = Some(address),
            Some(_) => settings.is_damaged = true,
        }
        match table.remove("task") {
            None => {}
            Some(Value::String(task)) if task.chars().count() <= NAME_CHARS_MAX => settings.task = Some(task),
            Some(_) => settings.is_damaged = true,
        }
        match table.remove("known") {
            None => {}
            Some(Value::Array(servers)) => settings.read_known(servers),
            Some(_) => settings.is_damaged = true,
        }
        match table.remove("window") {
            None => {}
            Some(Value::Table(window)) => settings.read_window(&window),
            Some(_) => settings.is_damaged = true,
        }
        settings
    }

    fn read_known(&mut self, servers: Vec<Value>) {
        let over = servers.len().saturating_sub(KNOWN_MAX);
        self.is_damaged |= over > 0;
        for server in servers.into_iter().skip(over) {
            match KnownServer::read(server) {
                Some(known) if self.known(&known.address).is_none() => self.known.push(known),
                _ => self.is_damaged = true,
            }
        }
    }

    fn read_window(&mut self, window: &Table) {
        let mut number = |name, allowed: std::ops::RangeInclusive<f32>, usual| match window.get(name) {
            None => usual,
            Some(value) => {
                let number = match value {
                    Value::Float(number) => *number as f32,
                    Value::Integer(number) => *number as f32,
                    _ => f32::NAN,
                };
                let makes_sense = allowed.contains(&number);
                self.is_damaged |= !makes_sense;
                if makes_sense { number } else { usual }
            }
        };
        let usual = WindowSize::default();
        let width = number("width", POINTS, usual.width);
        let height = number("height", POINTS, usual.height);
        let zoom = number("zoom", ZOOM, usual.zoom);
        self.window = WindowSize { width, height, zoom };
    }

    /// As the file has it.
    #[must_use]
    pub fn as_toml(&self) -> String {
        let mut table = Table::new();
        if let Some(server) = &self.server {
            table.insert("server".into(), server.clone().into());
        }
        if let Some(task) = &self.task {
            table.insert("task".into(), task.clone().into());
        }
        let known = self.known.iter().map(|known| {
            let mut entry = Table::new();
            entry.insert("address".into(), known.address.clone().into());
            if let Some(key) = &known.key {
                entry.insert("key".into(), key.clone().into());
            }
            if let Some(certificate) = known.certificate {
                entry.insert("certificate".into(), certificate.as_fingerprint().into());
            }
            if let Some(purchase) = known.purchase {
                entry.insert("purchase".into(), purchase.to_string().into());
            }
            Value::Table(entry)
        });
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            table.insert("known".into(), Value::Array(known));
        }
        let mut window = Table::new();
        for (name, number) in
            [("width", self.window.width), ("height", self.window.height), ("zoom", self.window.zoom)]
        {
            window.insert(name.into(), f64::from(number).into());
        }
        table.insert("window".into(), Value::Table(window));
        table.to_string()
    }
}

impl KnownServer {
    fn read(value: Value) -> Option<Self> {
        let Value::Table(mut table) = value else { return None };
        let mut text = |name, chars_max| match table.remove(name) {
            None => Some(None),
            Some(Value::String(text)) if text.chars().count() <= chars_max => Some(Some(text)),
            Some(_) => None,
        };
        let address = text("address", ADDRESS_CHARS_MAX)?.filter(|address| is_address(address))?;
        let key = text("key", KEY_CHARS_MAX)?;
        // A pin that cannot be read must not become "any certificate will do": the entry is left out.
        let certificate = match text("certificate", ADDRESS_CHARS_MAX)? {
            None => None,
            Some(text) => Some(Sha256::from_fingerprint(&text)?),
        };
        let purchase = match text("purchase", ADDRESS_CHARS_MAX)? {
            None => None,
            Some(text) => Some(text.parse().ok()?),
        };
        Some(Self { address, key, certificate, purchase })
    }
}

/// A window as it may be; what a host or a file says beyond that is brought back into range.
#[must_use]
pub(crate) fn reasonable(size: WindowSize) -> WindowSize {
    let within = |number: f32, range: std::ops::RangeInclusive<f32>, usual: f32| {
        if number.is_finite() { number.clamp(*range.start(), *range.end()) } else { usual }
    };
    let usual = WindowSize::default();
    WindowSize {
        width: within(size.width, POINTS, usual.width),
        height: within(size.height, POINTS, usual.height),
        zoom: within(size.zoom, ZOOM, usual.zoom),
    }
}

fn is_address(text: &str) -> bool {
    text.len() <= ADDRESS_CHARS_MAX && text == normal_address(text)
}

/// An address as it is kept: no white space or slash at its end, and a scheme. Without one `https` is meant, or `http`
/// for this machine.
#[must_use]
pub fn normal_address(typed: &str) -> String {
    let typed = typed.trim().trim_end_matches('/');
    if typed.contains("://") || typed.is_empty() {
        return typed.to_owned();
    }
    let is_here = ["localhost", "127.", "[::1]"].iter().any(|host| typed.starts_with(host));
    format!("{}://{typed}", if is_here { "http" } else { "https" })
}

/// The platform's folder for a user's data.
pub(crate) fn user_data() -> Option<PathBuf> {
    if cfg!(windows) {
        folder("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_DATA_HOME").or_else(|| folder("HOME").map(|home| home.join(".local/share")))
    }
}

/// The platform's folder for a user's choices.
pub(crate) fn user_config() -> Option<PathBuf> {
    if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    }
}

fn folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Settings {
        let mut settings = Settings { server: Some("https://studio".into()), ..Settings::default() };
        settings.use_server("https://studio").key = Some("tk_secret".into());
        settings.use_server("https://studio").certificate = Some(Sha256([9; 32]));
        settings.use_server("http://127.0.0.1:7700").key = Some("tk_other".into());
        settings.use_server("http://127.0.0.1:7700").purchase = Some(PurchaseId::generate());
        settings.window.zoom = 2.0;
        settings.task = Some("master".into());
        settings
    }

    #[test]
    fn what_is_written_reads_back() {
        for settings in [Settings::default(), full()] {
            assert_eq!(Settings::parse(&settings.as_toml()), settings);
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        assert!(!format!("{:?}", full()).contains("secret"));
    }

    #[test]
    fn what_makes_no_sense_is_left_out_and_told() {
        for text in [
            "no toml",
            "server = 7",
            "server = 'studio'",
            "task = 7",
            "known = 7",
            "known = [7]",
            "known = [{ address = 'https://h', key = 7 }]",
            "known = [{ address = 'https://h', certificate = 'AB' }]",
            "known = [{ key = 'tk' }]",
            "known = [{ address = 'https://h', purchase = 'none' }]",
            "window = 7",
            "[window]\nwidth = -1",
            "[window]\nzoom = 1e300",
            "[window]\nheight = nan",
        ] {
            let settings = Settings::parse(text);
            assert!(settings.is_damaged, "{text}");
            assert_eq!(Settings { is_damaged: false, ..settings }, Settings::default(), "{text}");
        }
        assert!(!Settings::parse("colour = 'green'\n[window]\ndepth = 3").is_damaged);
    }

    #[test]
    fn of_many_servers_the_last_used_are_remembered() {
        let mut settings = Settings::default();
        (0..=KNOWN_MAX)
            .for_each(|number| drop(settings.use_server(&format!("https://h{number}")).key.take()));
        settings.use_server("https://h1");
        assert_eq!(settings.known.len(), KNOWN_MAX);
        assert!(settings.known("https://h0").is_none());
        assert_eq!(settings.known.last().unwrap().address, "https://h1");
    }

    #[test]
    fn an_address_may_be_typed_without_its_scheme() {
        for (typed, kept) in [
            ("studio.local:7700", "https://studio.local:7700"),
            (" https://h/ ", "https://h"),
            ("localhost:7700", "http://localhost:7700"),
            ("127.0.0.1:7700/", "http://127.0.0.1:7700"),
            ("[::1]:7700", "http://[::1]:7700"),
            ("10.0.0.3", "https://10.0.0.3"),
            ("", ""),
        ] {
            assert_eq!(normal_address(typed), kept);
        }
    }

    proptest! {
        #[test]
        fn no_text_at_all_makes_it_panic(text in "\\PC{0,120}") {
            let _ = Settings::parse(&text);
            let _ = Settings::parse(&format!("known = [{{ address = '{text}' }}]\n"));
            let _ = normal_address(&text);
        }
    }
}
