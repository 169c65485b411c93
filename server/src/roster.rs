//! Who serves one database, and what each offers: one small file a process in the folder that they share. Finds where they
//! disagree; decides nothing: while prices or models change, processes differ for as long as it takes to restart them.

use crate::clock::{Clock, Timestamp};
use crate::offer::Offers;
use crate::role::Role;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often a process says that it is there.
const EVERY: Duration = Duration::from_secs(10);
/// Who has not said so for this long is gone.
const GONE_AFTER: Duration = Duration::from_secs(60);
/// An entry this old is taken away by whoever sees it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(86_400);
/// Entries beyond these are not read.
const ENTRIES_MAX: usize = 1_000;
/// An entry is no larger: thousands of models.
const ENTRY_BYTES_MAX: u64 = 1 << 20;
/// Differences beyond these are not told.
const DIFFERENCES_MAX: usize = 20;

/// What a process says of one model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Which weights.
    pub version: String,
    /// Its price.
    pub credits_per_minute: u64,
}

/// What a process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, unlike any other's.
    pub name: String,
    /// What it does, [`Role::word`].
    pub role: String,
    /// The program's version.
    pub program: String,
    /// What it offers, or can run, by the model's name.
    pub models: BTreeMap<String, Offered>,
    /// When it said so, microseconds since 1970.
    pub seen_at: i64,
}

impl Entry {
    /// Of a process that offers these.
    #[must_use]
    pub fn new(name: &str, role: Role, offers: &Offers) -> Self {
        let offered = |offer: &crate::offer::Offer| Offered {
            version: offer.version.clone(),
            credits_per_minute: offer.credits_per_minute,
        };
        Self {
            name: name.to_owned(),
            role: role.word().to_owned(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            models: offers.all().map(|offer| (offer.card.name.clone(), offered(offer))).collect(),
            seen_at: 0,
        }
    }

    /// Where the other one differs, in words for an operator.
    fn differences(&self, other: &Self) -> Vec<String> {
        let who = format!("{} ({})", other.name, other.role);
        let mut found = Vec::new();
        if self.program != other.program {
            found
                .push(format!("{who} is version {} of the program, this is {}", other.program, self.program));
        }
        for (model, here) in &self.models {
            let Some(there) = other.models.get(model) else {
                found.push(format!("{who} has no model `{model}`"));
                continue;
            };
            if here.version != there.version {
                found.push(format!(
                    "{who} has weights {} of `{model}`, here are {}",
                    there.version, here.version
                ));
            }
            if here.credits_per_minute != there.credits_per_minute {
                found.push(format!(
                    "{who} asks {} credits a minute for `{model}`, here it is {}",
                    there.credits_per_minute, here.credits_per_minute
                ));
            }
        }
        let more = other.models.keys().filter(|model| !self.models.contains_key(*model));
        found.extend(more.map(|model| format!("{who} has `{model}`, which is not here")));
        found
    }
}

/// One process among those of its database.
pub struct Roster {
    folder: PathBuf,
    own: Entry,
    clock: Arc<dyn Clock>,
    differences: Mutex<Vec<String>>,
}

impl Roster {
    /// Says for the first time that this process is there, and looks who else is.
    ///
    /// # Errors
    /// Where the folder cannot be made, read or written.
    pub fn join(folder: &Path, own: Entry, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let roster = Self { folder: folder.to_owned(), own, clock, differences: Mutex::default() };
        roster.round()?;
        Ok(roster)
    }

    /// Where others differed when last looked at, in words.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        self.differences.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says so again and again until told to stop, then leaves.
    pub async fn work(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
            let roster = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || roster.round()).await {
                Ok(Err(error)) => tracing::warn!(%error, "cannot tell other servers what this one offers"),
                Err(error) => tracing::error!(%error, "the roster panicked"),
                Ok(Ok(())) => {}
            }
        }
        let _ = fs::remove_file(self.path());
    }

    /// One round: writes the own entry, reads the others.
    fn round(&self) -> io::Result<()> {
        let now = self.clock.now();
        self.write(now)?;
        let mut found: Vec<String> =
            self.others(now)?.iter().flat_map(|other| self.own.differences(other)).collect();
        metrics::gauge!("tributary_roster_differences").set(found.len() as f64);
        found.truncate(DIFFERENCES_MAX);
        let mut known = self.differences.lock().unwrap_or_else(PoisonError::into_inner);
        for difference in found.iter().filter(|difference| !known.contains(difference)) {
            tracing::warn!("servers of this database differ: {difference}");
        }
        *known = found;
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.own.name))
    }

    /// Whole or not at all.
    fn write(&self, now: Timestamp) -> io::Result<()> {
        let entry = Entry { seen_at: now.0, ..self.own.clone() };
        let draft = self.folder.join(format!("{}.new", self.own.name));
        fs::write(&draft, serde_json::to_vec(&entry)?)?;
        fs::rename(draft, self.path())
    }

    /// Those that are there, by name. What cannot be read is nobody.
    fn others(&self, now: Timestamp) -> io::Result<Vec<Entry>> {
        let mut others = Vec::new();
        for file in fs::read_dir(&self.folder)?.take(ENTRIES_MAX).flatten() {
            let path = file.path();
            if path.extension().is_none_or(|end| end != "json") || path == self.path() {
                continue;
            }
            let Some(entry) = read(&path) else { continue };
            if Timestamp(entry.seen_at) < now.before(FORGOTTEN_AFTER) {
                let _ = fs::remove_file(path);
            } else if Timestamp(entry.seen_at) >= now.before(GONE_AFTER) {
                others.push(entry);
            }
        }
        others.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(others)
    }
}

fn read(path: &Path) -> Option<Entry> {
    let mut text = Vec::new();
    File::open(path).ok()?.take(ENTRY_BYTES_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    fn entry(name: &str, models: &[(&str, &str, u64)]) -> Entry {
        let offered = |&(model, version, credits_per_minute): &(&str, &str, u64)| {
            (model.to_owned(), Offered { version: version.to_owned(), credits_per_minute })
        };
        let models = models.iter().map(offered).collect();
        Entry {
            name: name.to_owned(),
            role: "worker".to_owned(),
            program: "1".to_owned(),
            models,
            seen_at: 0,
        }
    }

    #[test]
    fn processes_that_agree_are_quiet_and_others_are_told_apart_until_they_are_gone() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(ManualClock::new(Timestamp(1 << 50))));
        let join = |own| Roster::join(folder.path(), own, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let first = join(entry("first", &[("mini", "a", 1), ("large", "b", 4)]));
        assert!(join(entry("twin", &[("mini", "a", 1), ("large", "b", 4)])).differences().is_empty());
        let other = join(entry("other", &[("mini", "c", 2), ("more", "d", 1)]));
        assert_eq!(other.differences().len(), 8, "{:?}", other.differences());
        first.round().unwrap();
        let words = first.differences();
        assert_eq!(words.len(), 4, "{words:?}");
        assert_eq!(words[0], "other (worker) has no model `large`");
        assert_eq!(words[1], "other (worker) has weights c of `mini`, here are a");
        assert_eq!(words[2], "other (worker) asks 2 credits a minute for `mini`, here it is 1");
        assert_eq!(words[3], "other (worker) has `more`, which is not here");
        clock.advance(GONE_AFTER + Duration::from_secs(1));
        first.round().unwrap();
        assert!(first.differences().is_empty(), "it has not said that it is there");
        assert!(folder.path().join("other.json").is_file());
        clock.advance(FORGOTTEN_AFTER);
        first.round().unwrap();
        assert!(!folder.path().join("other.json").exists());
    }

    #[test]
    fn what_is_no_entry_is_nobody() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("a.json", "{"), ("b.json", "[]"), ("c.txt", "{}")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let clock = Arc::new(ManualClock::new(Timestamp(1)));
        assert!(
            Roster::join(folder.path(), entry("own", &[("mini", "a", 1)]), clock)
                .unwrap()
                .differences()
                .is_empty()
        );
    }

    #[tokio::test]
    async fn who_leaves_takes_its_entry_away() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(Timestamp(1)));
        let roster = Arc::new(Roster::join(folder.path(), entry("own", &[]), clock).unwrap());
        assert!(folder.path().join("own.json").is_file());
        let stop = CancellationToken::new();
        stop.cancel();
        roster.work(stop).await;
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
