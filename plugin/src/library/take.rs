//! Takes on disk: their records, and the list of them. Never touches a sample; `recording` writes those.

use super::folder::{Damage, id_folders};
use super::record::{self, check_version};
use super::{Library, LibraryError, TakeId, TakeInfo};
use serde::{Deserialize, Serialize};
use std::path::Path;
use tributary_protocol::limits::{RATE_HZ_MAX, RATE_HZ_MIN, title_of};

/// What `take.json` is, as of this program.
const VERSION: u32 = 1;
/// The name of a record.
pub(super) const RECORD: &str = "take.json";
/// What stands where the record will be while the take is recorded.
pub(super) const BEGUN: &str = "begun.json";

/// A take's record as it is written.
#[derive(Serialize, Deserialize)]
struct TakeRecord {
    #[serde(default)]
    version: u32,
    #[serde(flatten)]
    take: TakeInfo,
}

impl Library {
    /// All takes, newest first. Those whose record makes no sense are in [`Library::damaged`].
    #[must_use]
    pub fn takes(&self) -> Vec<TakeInfo> {
        self.read_takes().0
    }

    /// One take.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Damaged`], [`LibraryError::Disk`].
    pub fn take(&self, id: TakeId) -> Result<TakeInfo, LibraryError> {
        load(&self.take_folder(id).join(RECORD), id)
    }

    /// Keeps a take's record: its name, trim and so on. The record before stays until this one is on the disk.
    ///
    /// # Errors
    /// [`LibraryError::Missing`] where the take was deleted, [`LibraryError::Unsuitable`] for a record that says what
    /// cannot be, [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn save_take(&self, take: &TakeInfo) -> Result<(), LibraryError> {
        let folder = self.take_folder(take.id);
        if !folder.is_dir() {
            return Err(LibraryError::missing("the take"));
        }
        let take = tidy(take.clone()).map_err(LibraryError::unsuitable)?;
        record::save(&self.temporary(), &folder.join(RECORD), &TakeRecord { version: VERSION, take })
    }

    /// Deletes a take with its samples, jobs and stems.
    ///
    /// # Errors
    /// [`LibraryError::Missing`], [`LibraryError::Busy`] while it is recorded, [`LibraryError::Disk`].
    pub fn delete_take(&self, id: TakeId) -> Result<(), LibraryError> {
        let folder = self.take_folder(id);
        if folder.join(BEGUN).exists() && !folder.join(RECORD).exists() {
            return Err(LibraryError::Busy);
        }
        self.throw_away(&folder, "the take")
    }

    /// All takes, and what is left out.
    pub(super) fn read_takes(&self) -> (Vec<TakeInfo>, Vec<Damage>) {
        let (mut takes, mut damaged) = (Vec::new(), Vec::new());
        for (id, folder) in id_folders(&self.takes_folder()) {
            match load(&folder.join(RECORD), TakeId(id)) {
                Ok(take) => takes.push(take),
                // Recorded just now, or about to be, or deleted while we looked.
                Err(LibraryError::Missing { .. })
                    if folder.join(BEGUN).exists() || !folder.join("take.f32").exists() => {}
                Err(error) => damaged.push(Damage { path: folder, reason: error.told() }),
            }
        }
        takes.sort_by_key(|take: &TakeInfo| std::cmp::Reverse((take.made_at_us, take.id)));
        (takes, damaged)
    }
}

fn load(path: &Path, id: TakeId) -> Result<TakeInfo, LibraryError> {
    let TakeRecord { version, take } = record::load(path, "the take")?;
    check_version(version, VERSION)
        .and_then(
            |()| if take.id == id { Ok(()) } else { Err("it is the record of another take".to_owned()) },
        )
        .and_then(|()| tidy(take))
        .map_err(|reason| LibraryError::damaged(path, reason))
}

/// A record that says what cannot be is refused; what does not matter is put right.
pub(super) fn tidy(take: TakeInfo) -> Result<TakeInfo, String> {
    check_shape(take.channels, take.rate_hz)?;
    if take.frames == 0 || take.frames > super::frames_max(take.rate_hz) {
        return Err(format!("a take cannot have {} frames", take.frames));
    }
    let name = title_of(&take.name);
    Ok(TakeInfo {
        name: if name.is_empty() { "Take".to_owned() } else { name },
        place: take.place.tidy(),
        trim: take.trim.filter(|&(first, end)| first < end && end <= take.frames),
        ..take
    })
}

/// Takes are mono or stereo, at a rate that servers take.
pub(super) fn check_shape(channels: u16, rate_hz: u32) -> Result<(), String> {
    if !(1..=2).contains(&channels) {
        return Err(format!("it has {channels} channels; takes are mono or stereo, so mix it down first"));
    }
    if !(RATE_HZ_MIN..=RATE_HZ_MAX).contains(&rate_hz) {
        return Err(format!("its rate is {rate_hz} Hz; {RATE_HZ_MIN} to {RATE_HZ_MAX} Hz can be used"));
    }
    Ok(())
}
