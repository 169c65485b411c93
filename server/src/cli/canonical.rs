//! Files that people name -> clips, with the file's name in every error; and what is said about a clip.

pub(super) use crate::canonical::CanonicalClip;
use crate::canonical::{open, write};
use crate::cli::screen;
use anyhow::Context;
use std::path::Path;
use tributary_audio::ClipShape;

/// Decodes into a temporary file, hashing on the way. Bounded memory. Blocking.
pub(super) fn decode_file(path: &Path) -> anyhow::Result<CanonicalClip> {
    let named = || path.display().to_string();
    let mut source = open(path).with_context(named)?;
    write(source.as_mut(), &std::env::temp_dir()).with_context(named)
}

/// The shape of a file, without keeping its samples.
pub(super) fn shape_of(path: &Path) -> anyhow::Result<ClipShape> {
    Ok(open(path).with_context(|| path.display().to_string())?.shape())
}

/// What is said about a clip before anything is done with it.
pub(super) fn describe(shape: ClipShape) -> String {
    let channels = match shape.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        channels => format!("{channels} channels"),
    };
    format!("{}, {} Hz, {channels}", screen::duration(shape.seconds()), shape.rate_hz)
}
