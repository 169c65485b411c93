//! Tempo and key of real music.

use super::{read, transcribe};
use crate::signals::test_data;
use std::path::{Path, PathBuf};
use tributary_models::Settings;

/// Clip, tempo, key.
fn pieces(data: &Path) -> [(PathBuf, f64, &'static str); 4] {
    [
        (data.join("audio/separation/lithium/mixture.flac"), 124.0, "G minor"),
        (data.join("audio/separation/sodium/mixture.flac"), 140.0, "G minor"),
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/song/mixture.flac"), 104.0, "A minor"),
        (data.join("audio/transcription/03_BN3-119-G_solo_mic.wav"), 119.0, "G major"),
    ]
}

#[test]
fn tempo_and_key_of_real_music_are_found() {
    let Some(data) = test_data("tempo and key of real music") else { return };
    for (path, bpm, key) in pieces(&data) {
        let found = transcribe(None, "beats", &read(&path), Settings::default()).analysis();
        println!("{} {bpm} {key}:\n{} {} {}", path.display(), found["tempo"], found["key"], found["meter"]);
        println!("{} {} ", found["tempo_map"], found["downbeats_seconds"]);
    }
}
