//! Keys that `tributary sign-in` fetched, one a server, in a file of this user's that nobody else may read. Used where no
//! key is named. Speaks to no server.
//!
//! ```toml
//! # <user config>/tributary/keys.toml
//! "https://stems.example.org:7700" = "tk_.."
//! ```

use anyhow::Context;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A longer file is none of ours.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// Where they are.
pub(super) struct Keyring(PathBuf);

impl Keyring {
    /// This user's; none without a home folder.
    pub(super) fn of_user() -> Option<Self> {
        Some(Self(user_config()?.join("tributary").join("keys.toml")))
    }

    /// The key for a server.
    pub(super) fn key(&self, address: &str) -> anyhow::Result<Option<String>> {
        Ok(self.load()?.remove(&plain(address)))
    }

    /// Keeps a key in the place of the one before.
    pub(super) fn keep(&self, address: &str, key: String) -> anyhow::Result<()> {
        let mut keys = self.load()?;
        keys.insert(plain(address), key);
        self.replace(&keys)
    }

    /// Forgets the key for a server; says whether there was one.
    pub(super) fn forget(&self, address: &str) -> anyhow::Result<bool> {
        let mut keys = self.load()?;
        let was_there = keys.remove(&plain(address)).is_some();
        if was_there {
            self.replace(&keys)?;
        }
        Ok(was_there)
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn load(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let file = match File::open(&self.0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error).with_context(|| format!("read {}", self.0.display())),
        };
        let mut text = String::new();
        let read = file.take(FILE_BYTES_MAX).read_to_string(&mut text);
        read.with_context(|| format!("read {}", self.0.display()))?;
        toml::from_str(&text).map_err(|_| {
            // Its words could show a key.
            anyhow::anyhow!("{} is damaged: delete it and sign in again", self.0.display())
        })
    }

    /// The temporary file is its owner's alone from the first byte.
    fn replace(&self, keys: &BTreeMap<String, String>) -> anyhow::Result<()> {
        let write = || -> io::Result<()> {
            let folder = self.0.parent().unwrap_or(Path::new("."));
            fs::create_dir_all(folder)?;
            let mut draft = tempfile::Builder::new().prefix(".keys-").tempfile_in(folder)?;
            draft.write_all(toml::to_string(keys).map_err(io::Error::other)?.as_bytes())?;
            draft.as_file().sync_all()?;
            draft.persist(&self.0).map_err(|error| error.error)?;
            Ok(())
        };
        write().with_context(|| format!("write {}", self.0.display()))
    }
}

/// One server is one address, however it ends.
fn plain(address: &str) -> String {
    address.trim().trim_end_matches('/').to_owned()
}

/// The platform's folder for a user's choices.
#[expect(clippy::disallowed_methods, reason = "the platform says it through the environment only")]
fn user_config() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if cfg!(windows) {
        folder("APPDATA")
    } else if cfg!(target_os = "macos") {
        folder("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        folder("XDG_CONFIG_HOME").or_else(|| folder("HOME").map(|home| home.join(".config")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_for_its_server_alone_and_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring(folder.path().join("config/tributary/keys.toml"));
        assert_eq!(keyring.key("https://h").unwrap(), None);
        keyring.keep("https://h/", "tk_one".into()).unwrap();
        keyring.keep("https://other", "tk_two".into()).unwrap();
        keyring.keep("https://h", "tk_three".into()).unwrap();
        assert_eq!(keyring.key("https://h").unwrap().as_deref(), Some("tk_three"));
        assert!(keyring.forget("https://h").unwrap());
        assert!(!keyring.forget("https://h").unwrap());
        assert_eq!(keyring.key("https://other").unwrap().as_deref(), Some("tk_two"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(keyring.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_file_is_told_without_its_words() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring(folder.path().join("keys.toml"));
        fs::write(keyring.path(), "tk_secret and so on").unwrap();
        let error = format!("{:#}", keyring.key("https://h").unwrap_err());
        assert!(error.contains("sign in again") && !error.contains("secret"), "{error}");
    }
}
