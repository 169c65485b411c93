//! How much of an MP4 file's sound is the encoder's lead-in and padding. Reads a few boxes, never the sound.
//!
//! Sources: ISO/IEC 14496-12 (`mvhd`, `elst`, `mdhd`, `hdlr`); Apple's `iTunSMPB` tag, whose second to fourth
//! hexadecimal numbers are delay, padding and length in frames.

use std::io::{Read, Seek, SeekFrom};

use crate::AudioError;
use crate::pcm::read_full;

/// Boxes looked at in one file; a usual one has fifty.
const BOXES_MAX: usize = 10_000;
/// Bytes read of one box: more than we need of any.
const BOX_BYTES_MAX: usize = 256;

/// The part of the decoded frames that is the sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Frames before the sound.
    pub(super) skip_frames: u64,
    /// Frames of sound, where the file says.
    pub(super) frames: Option<u64>,
}

/// What was found of one track.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    is_sound: bool,
    /// Ticks a second, and length in ticks.
    media: Option<(u32, u64)>,
    /// Length in ticks of the movie, and first tick of the media.
    edit: Option<(u64, u64)>,
}

/// The index of an MP4 file, as far as it concerns lengths.
#[derive(Debug, Default)]
pub(super) struct Movie {
    timescale: Option<u32>,
    tracks: Vec<Track>,
    tag: Option<Edit>,
}

/// The index of `source`; `None` where this is no MP4 file. Leaves `source` at its start.
///
/// # Errors
/// [`AudioError::Damaged`] for an MP4 file without index: it stands last, so it is what a cut-off file lacks.
pub(super) fn read(source: &mut (impl Read + Seek)) -> Result<Option<Movie>, AudioError> {
    let end = seek(source, SeekFrom::End(0))?;
    seek(source, SeekFrom::Start(4))?;
    let mut brand = [0; 4];
    let found = read_full(source, &mut brand)?;
    let movie = if found == brand.len() && &brand == b"ftyp" {
        let mut movie = Movie::default();
        walk(source, end, &mut movie)?;
        if movie.tracks.is_empty() {
            let reason = "the index of the MP4 file is missing; it was cut off before its end".to_owned();
            return Err(AudioError::Damaged { reason });
        }
        Some(movie)
    } else {
        None
    };
    seek(source, SeekFrom::Start(0))?;
    Ok(movie)
}

/// Visits all boxes from front to back, stepping into those that hold others.
fn walk(source: &mut (impl Read + Seek), end: u64, movie: &mut Movie) -> Result<(), AudioError> {
    let mut at = 0;
    let mut body = [0; BOX_BYTES_MAX];
    for _ in 0..BOXES_MAX {
        if end.saturating_sub(at) < 8 {
            break;
        }
        seek(source, SeekFrom::Start(at))?;
        let found = read_full(source, &mut body)?;
        let bytes = &body[..found];
        let (size, kind, head) = match (u32_at(bytes, 0), bytes.get(4..8)) {
            (Some(1), Some(kind)) => (u64_at(bytes, 8).unwrap_or(0), kind, 16),
            (Some(0), Some(kind)) => (end - at, kind, 8),
            (Some(size), Some(kind)) => (u64::from(size), kind, 8),
            _ => break,
        };
        if size < head {
            break;
        }
        let inside = &bytes[(head as usize).min(found)..];
        let inside = &inside[..inside.len().min(usize::try_from(size - head).unwrap_or(usize::MAX))];
        let step = match kind {
            b"moov" | b"edts" | b"mdia" | b"udta" | b"ilst" | b"----" => head,
            b"trak" => {
                movie.tracks.push(Track::default());
                head
            }
            // Version and flags stand before its boxes.
            b"meta" => head + 4,
            _ => {
                movie.take(kind, inside);
                size
            }
        };
        let Some(next) = at.checked_add(step) else { break };
        at = next;
    }
    Ok(())
}

impl Movie {
    fn take(&mut self, kind: &[u8], body: &[u8]) {
        // Version 1 of these boxes counts in 64 bits.
        let is_long = body.first() == Some(&1);
        match kind {
            b"mvhd" => self.timescale = u32_at(body, if is_long { 20 } else { 12 }),
            b"data" => self.tag = self.tag.or_else(|| parse_tag(body)),
            b"hdlr" | b"mdhd" | b"elst" => {
                let Some(track) = self.tracks.last_mut() else { return };
                match kind {
                    b"hdlr" => track.is_sound |= body.get(8..12) == Some(b"soun"),
                    b"mdhd" => track.media = parse_media(body, is_long),
                    _ => track.edit = parse_list(body, is_long),
                }
            }
            _ => {}
        }
    }

    /// The edit of the first sound track, counted in frames of `rate_hz`; `None` where there is none, or where it is
    /// not counted in frames.
    pub(super) fn edit(&self, rate_hz: u32) -> Option<Edit> {
        self.tag.or_else(|| self.edit_of_list(rate_hz))
    }

    fn edit_of_list(&self, rate_hz: u32) -> Option<Edit> {
        let track = self.tracks.iter().find(|track| track.is_sound)?;
        let (_, media_frames) = track.media.filter(|&(timescale, _)| timescale == rate_hz)?;
        let (segment, skip_frames) = track.edit?;
        let to_end = media_frames.checked_sub(skip_frames).filter(|&frames| frames > 0);
        // The segment counts the movie's ticks, often milliseconds: unless they are frames it is too coarse to cut by.
        let by_segment = (self.timescale == Some(rate_hz) && segment > 0).then_some(segment);
        let frames = match (to_end, by_segment) {
            (Some(to_end), Some(segment)) => Some(to_end.min(segment)),
            (to_end, by_segment) => to_end.or(by_segment),
        };
        Some(Edit { skip_frames, frames })
    }
}

fn parse_media(body: &[u8], is_long: bool) -> Option<(u32, u64)> {
    if is_long {
        Some((u32_at(body, 20)?, u64_at(body, 24)?))
    } else {
        Some((u32_at(body, 12)?, u64::from(u32_at(body, 16)?)))
    }
}

/// The one entry that shows the media; `None` for a cut of several, which we play uncut.
fn parse_list(body: &[u8], is_long: bool) -> Option<(u64, u64)> {
    let entry_bytes = if is_long { 20 } else { 12 };
    let mut entries =
        body.get(8..)?.chunks_exact(entry_bytes).take(u32_at(body, 4)? as usize).filter_map(|entry| {
            if is_long {
                // A first tick below zero marks a pause before the sound.
                Some((u64_at(entry, 0)?, u64_at(entry, 8).filter(|&tick| tick <= i64::MAX as u64)?))
            } else {
                Some((
                    u64::from(u32_at(entry, 0)?),
                    u64::from(u32_at(entry, 4).filter(|&tick| tick <= i32::MAX as u32)?),
                ))
            }
        });
    let first = entries.next()?;
    if entries.next().is_none() { Some(first) } else { None }
}

/// The text of a `data` box if it has the form of `iTunSMPB`.
fn parse_tag(body: &[u8]) -> Option<Edit> {
    let text = std::str::from_utf8(body.get(8..)?).ok()?;
    let mut numbers = text.split_ascii_whitespace();
    let mut number = |digits: usize| {
        let digits = numbers.next().filter(|word| word.len() == digits)?;
        u64::from_str_radix(digits, 16).ok()
    };
    let (_, delay, _padding, frames) = (number(8)?, number(8)?, number(8)?, number(16)?);
    (frames > 0).then_some(Edit { skip_frames: delay, frames: Some(frames) })
}

fn seek(source: &mut impl Seek, to: SeekFrom) -> Result<u64, AudioError> {
    source.seek(to).map_err(|cause| AudioError::Io { action: "read audio file", cause })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(four.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from(u32_at(bytes, at)?) << 32 | u64::from(u32_at(bytes, at.checked_add(4)?)?))
}

#[cfg(test)]
mod tests {
    use super::{Edit, parse_list, parse_tag};

    #[test]
    fn the_tag_of_itunes_gives_delay_and_exact_length() {
        let mut body = vec![0; 8];
        body.extend(b" 00000000 00000840 000001C4 00000000000176FC 00000000 00000000");
        assert_eq!(parse_tag(&body), Some(Edit { skip_frames: 2_112, frames: Some(95_996) }));
        assert_eq!(parse_tag(b"\0\0\0\0\0\0\0\0My Song"), None);
        assert_eq!(parse_tag(b""), None);
    }

    #[test]
    fn a_pause_before_the_sound_is_passed_over_and_a_cut_of_several_is_left_alone() {
        let entry = |segment: u32, first: i32| {
            [segment.to_be_bytes(), first.to_be_bytes(), 0x0001_0000u32.to_be_bytes()].concat()
        };
        let list = |entries: &[Vec<u8>]| {
            [vec![0; 4], (entries.len() as u32).to_be_bytes().to_vec(), entries.concat()].concat()
        };
        assert_eq!(parse_list(&list(&[entry(9, -1), entry(500, 1_024)]), false), Some((500, 1_024)));
        assert_eq!(parse_list(&list(&[entry(9, 0), entry(500, 1_024)]), false), None);
        assert_eq!(parse_list(&list(&[entry(9, 0)])[..12], false), None);
    }
}
