//! The chunks of a WAV file up to its samples: RIFF, RF64 and BW64. Never reads the samples themselves.
//!
//! Sources: Multimedia Programming Interface 1.0 (RIFF), Microsoft's WAVE_FORMAT_EXTENSIBLE, EBU Tech 3306 (RF64).

use std::io::{Read, Seek, SeekFrom};

use super::encoding::Encoding;
use crate::AudioError;
use crate::limits::check_channels_and_rate;
use crate::pcm::read_full;

/// Chunks looked at before the samples must begin; real files have a handful.
const CHUNKS_MAX: usize = 4_096;
/// Bytes of a `fmt ` chunk that mean something: WAVE_FORMAT_EXTENSIBLE is the longest form we read.
const FORMAT_BYTES_MAX: usize = 40;
/// What a 32-bit length says where the true one stands in `ds64`, or was never known.
const LENGTH_ELSEWHERE: u32 = u32::MAX;

/// The sub-format of WAVE_FORMAT_EXTENSIBLE is the plain tag in two bytes, then these, the same for all tags.
pub(crate) const TAG_GUID: [u8; 14] = [0, 0, 0, 0, 16, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71];

/// Where the samples lie and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) channels: u16,
    pub(crate) rate_hz: u32,
    /// `None` for anything but plain whole numbers and floats (ADPCM, A-law and their like).
    pub(crate) encoding: Option<Encoding>,
    /// First byte of the samples.
    pub(crate) data_at: u64,
    /// Bytes of samples as the header has them; `None` where it left them open (a recording into a pipe).
    pub(crate) data_bytes: Option<u64>,
    /// Bytes of samples that are there.
    pub(crate) data_bytes_found: u64,
}

/// Whether these first bytes are those of a WAV file.
pub(crate) fn is_wav(head: &[u8]) -> bool {
    head.len() >= 12 && matches!(&head[..4], b"RIFF" | b"RF64" | b"BW64") && &head[8..12] == b"WAVE"
}

/// Reads all chunks before the samples.
pub(crate) fn parse(source: &mut (impl Read + Seek)) -> Result<Header, AudioError> {
    let end = seek(source, SeekFrom::End(0))?;
    seek(source, SeekFrom::Start(0))?;
    let head: [u8; 12] = take(source, "the RIFF header")?;
    if !is_wav(&head) {
        return Err(AudioError::NotAudio { hint: "no RIFF/WAVE header".to_owned() });
    }
    let mut at = 12;
    let mut format = None;
    let mut long_data_bytes = None;
    for _ in 0..CHUNKS_MAX {
        if end.saturating_sub(at) < 8 {
            return Err(damaged("the header ends before any samples: there is no data chunk"));
        }
        seek(source, SeekFrom::Start(at))?;
        let chunk: [u8; 8] = take(source, "a chunk header")?;
        let bytes = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        at += 8;
        match &chunk[..4] {
            b"ds64" => {
                let sizes: [u8; 16] = take(source, "the ds64 chunk")?;
                long_data_bytes = Some(u64_at(&sizes, 8));
            }
            b"fmt " => format = Some(parse_format(source, bytes)?),
            b"data" => {
                let Some((channels, rate_hz, encoding)) = format else {
                    return Err(damaged("the samples come before their format"));
                };
                let data_bytes =
                    if bytes == LENGTH_ELSEWHERE { long_data_bytes } else { Some(u64::from(bytes)) };
                let present = end - at;
                let data_bytes_found = data_bytes.map_or(present, |declared| declared.min(present));
                return Ok(Header { channels, rate_hz, encoding, data_at: at, data_bytes, data_bytes_found });
            }
            _ => {}
        }
        // Chunks begin at even places.
        at += u64::from(bytes) + u64::from(bytes & 1);
    }
    Err(damaged(&format!("more than {CHUNKS_MAX} chunks before the samples")))
}

/// Channels, rate and encoding (`None`: compressed) of a `fmt ` chunk of `bytes` bytes.
fn parse_format(
    source: &mut (impl Read + Seek),
    bytes: u32,
) -> Result<(u16, u32, Option<Encoding>), AudioError> {
    let mut format = [0; FORMAT_BYTES_MAX];
    let length = FORMAT_BYTES_MAX.min(bytes as usize);
    let found = read_full(source, &mut format[..length])?;
    if found < 16 {
        return Err(damaged("the format chunk is too short"));
    }
    let mut tag = u16_at(&format, 0);
    let channels = u16_at(&format, 2);
    let rate_hz = u32_at(&format, 4);
    let frame_bytes = u16_at(&format, 12);
    let bits = u16_at(&format, 14);
    check_channels_and_rate(u64::from(channels), u64::from(rate_hz))?;
    if tag == 0xFFFE {
        if found < FORMAT_BYTES_MAX {
            return Err(damaged("the extensible format chunk is too short"));
        }
        tag = if format[26..40] == TAG_GUID { u16_at(&format, 24) } else { 0 };
    }
    if !matches!(tag, 1 | 3) {
        return Ok((channels, rate_hz, None));
    }
    let Some(encoding) = Encoding::of(tag == 3, bits) else {
        let kind = if tag == 3 { "floating-point" } else { "whole-number" };
        return Err(damaged(&format!("{kind} samples of {bits} bits do not exist")));
    };
    if usize::from(frame_bytes) != encoding.bytes() * usize::from(channels) {
        return Err(damaged(&format!(
            "{channels} channels of {bits} bits do not make a frame of {frame_bytes} bytes"
        )));
    }
    Ok((channels, rate_hz, Some(encoding)))
}

fn seek(source: &mut impl Seek, to: SeekFrom) -> Result<u64, AudioError> {
    source.seek(to).map_err(|cause| AudioError::Io { action: "read audio", cause })
}

fn take<const N: usize>(source: &mut impl Read, what: &str) -> Result<[u8; N], AudioError> {
    let mut bytes = [0; N];
    match read_full(source, &mut bytes)? {
        full if full == N => Ok(bytes),
        _ => Err(damaged(&format!("the file ends within {what}"))),
    }
}

fn damaged(reason: &str) -> AudioError {
    AudioError::Damaged { reason: reason.to_owned() }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
