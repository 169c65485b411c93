//! The library as its callers see it: on a real disk, with crashes, full disks and records that someone tampered with.

mod jobs;
mod stems;
mod takes;
mod tracks;

use super::*;
use std::path::Path;
use tempfile::TempDir;

/// A library of its own; the folder goes with the first.
pub(super) fn library() -> (TempDir, Library) {
    let folder = tempfile::tempdir().unwrap();
    let library = Library::open(folder.path()).unwrap();
    (folder, library)
}

/// Interleaved samples that differ everywhere.
pub(super) fn samples(frames: usize, channels: u16) -> Vec<f32> {
    let values = frames * usize::from(channels);
    (0..values).map(|at| ((at as u64 * 7_919 % 20_011) as f32 / 20_011.0 - 0.5) * 0.9).collect()
}

pub(super) fn info(id: TakeId, name: &str) -> TakeInfo {
    TakeInfo {
        id,
        name: name.to_owned(),
        frames: 0,
        channels: 0,
        rate_hz: 0,
        place: Place {
            frames: Some(96_000),
            beats: Some(8.0),
            bar: Some(3),
            tempo: Some(124.0),
            meter: Some((4, 4)),
        },
        origin: Origin::Recorded,
        lost_frames: 0,
        trim: None,
        made_at_us: id.made_at_us(),
    }
}

/// A take of `frames` frames at 48 kHz.
pub(super) fn recorded(library: &Library, name: &str, frames: usize, channels: u16) -> TakeInfo {
    let id = TakeId::generate();
    let mut writer = library.begin_take(id, channels, 48_000).unwrap();
    for block in samples(frames, channels).chunks(960) {
        writer.write(block).unwrap();
    }
    writer.finish(info(id, name)).unwrap()
}

/// A job of all of a take.
pub(super) fn job(library: &Library, take: &TakeInfo, stems: &[&str]) -> JobRecord {
    let clip = library.clip(take).unwrap();
    JobRecord {
        version: JobRecord::VERSION,
        key: JobKey(Uuid::now_v7()),
        take: take.id,
        title: take.name.clone(),
        task: "separate".to_owned(),
        model: "mini".to_owned(),
        model_version: "1".to_owned(),
        stems: stems.iter().map(|&stem| stem.to_owned()).collect(),
        server: "https://studio.local:7443".to_owned(),
        quoted: 3,
        begun_at_us: 1_700_000_000_000_000,
        clip: clip.header.into(),
        range: take.range(),
        place: take.place,
        is_admitted: false,
        is_cancelled: false,
        outcome: None,
        mix: [("vocals".to_owned(), Fader { gain_db: -3.5, is_solo: true, is_muted: false })].into(),
        settings: SettingRecords::new(),
        references: Vec::new(),
        sheets: Vec::new(),
    }
}

pub(super) fn bytes_of(samples: &[f32]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// Names in a folder, in order.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = super::folder::entries(folder).map(|(name, _)| name).collect();
    names.sort();
    names
}

/// Takes so many bytes, then the disk is full.
pub(super) struct SmallDisk {
    pub(super) bytes: Vec<u8>,
    pub(super) room: usize,
}

impl std::io::Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = bytes.len().min(self.room - self.bytes.len());
        if count == 0 && !bytes.is_empty() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
