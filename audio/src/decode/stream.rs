//! Packets of one compressed file, decoded one after the other. Never lets a panic of a decoder through.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

use crate::limits::check_channels_and_rate;
use crate::{AudioError, ClipShape};

/// Largest text or picture tag read: we show none of them, and an invented size must not cost memory.
const TAG_BYTES_MAX: usize = 1 << 20;

/// Channels and rate of decoded sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) channels: u16,
    pub(super) rate_hz: u32,
}

/// How far the length that a container declares can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// FLAC, AIFF: it is the length of the samples themselves, and disagreeing with it is damage.
    Exact,
    /// MP3 with its encoder's own tag: fewer frames are damage.
    AtLeast,
    /// An estimate, a rounding or nothing.
    Unreliable,
}

/// A file being decoded.
pub(super) struct Stream {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    spec: Option<Spec>,
    declared_frames: Option<u64>,
    declared_spec: Option<Spec>,
    kind: Kind,
    is_broken: bool,
}

impl Stream {
    pub(super) fn open(file: File) -> Result<Self, AudioError> {
        guarded(|| Self::open_unguarded(file))?
    }

    fn open_unguarded(file: File) -> Result<Self, AudioError> {
        let source = MediaSourceStream::new(Box::new(file), Default::default());
        let metadata = MetadataOptions::default()
            .limit_tag_bytes(Limit::Maximum(TAG_BYTES_MAX))
            .limit_visual_bytes(Limit::Maximum(TAG_BYTES_MAX));
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), source, FormatOptions::default(), metadata)
            .map_err(not_opened)?;
        let Some(track) = format.default_track(TrackType::Audio) else {
            return Err(AudioError::NotAudio { hint: "there is no audio track in it".to_owned() });
        };
        let Some(CodecParameters::Audio(parameters)) = &track.codec_params else {
            return Err(AudioError::NotAudio { hint: "its audio track is of an unknown kind".to_owned() });
        };
        let options = AudioDecoderOptions::default().gapless(true).verify(true);
        let decoder =
            symphonia::default::get_codecs().make_audio_decoder(parameters, &options).map_err(not_opened)?;
        let declared_spec = match (&parameters.channels, parameters.sample_rate) {
            (Some(channels), Some(rate_hz)) => Some(checked_spec(channels.count(), rate_hz)?),
            _ => None,
        };
        let kind = match format.format_info().short_name {
            "flac" | "aiff" => Kind::Exact,
            "mp3" if track.delay.is_some() => Kind::AtLeast,
            _ => Kind::Unreliable,
        };
        let (track, declared_frames) = (track.id, track.num_frames);
        Ok(Self {
            format,
            decoder,
            track,
            spec: None,
            declared_frames,
            declared_spec,
            kind,
            is_broken: false,
        })
    }

    /// Shape as the container declares it, where that can be relied on and will be found wrong otherwise.
    pub(super) fn declared_shape(&self) -> Option<ClipShape> {
        let Spec { channels, rate_hz } = self.declared_spec?;
        // FLAC says 0 for "not known".
        let frames = self.declared_frames.filter(|&frames| self.kind == Kind::Exact && frames > 0)?;
        Some(ClipShape { channels, frames, rate_hz })
    }

    /// Frames below which the file lacks some that it once had.
    pub(super) fn declared_frames_at_least(&self) -> Option<u64> {
        self.declared_frames.filter(|_| self.kind == Kind::AtLeast)
    }

    /// Channels and rate, known after the first call of [`Stream::next`].
    pub(super) fn spec(&self) -> Option<Spec> {
        self.spec
    }

    /// Replaces `block` by the frames of the next packet and returns how many; `None` at the end.
    /// A packet may give no frames and still not be the last.
    pub(super) fn next(&mut self, block: &mut Vec<Vec<f32>>) -> Result<Option<usize>, AudioError> {
        if self.is_broken {
            return Err(damaged("it could not be read to its end"));
        }
        // A panic leaves the decoder in a state that means nothing, as does an error: neither may be asked again.
        self.is_broken = true;
        let frames = guarded(|| self.next_unguarded(block))??;
        self.is_broken = false;
        Ok(frames)
    }

    fn next_unguarded(&mut self, block: &mut Vec<Vec<f32>>) -> Result<Option<usize>, AudioError> {
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return self.end().map(|()| None),
                Err(Error::ResetRequired) => {
                    return Err(damaged("several pieces of sound follow each other in it; export it as one"));
                }
                Err(error) => return Err(not_decoded(error)),
            };
            if packet.track_id != self.track {
                continue;
            }
            let decoded = self.decoder.decode(&packet).map_err(not_decoded)?;
            if decoded.frames() > 0 {
                expect_same(&mut self.spec, &decoded)?;
            }
            decoded.copy_to_vecs_planar(block);
            return Ok(Some(decoded.frames()));
        }
    }

    /// The end of a FLAC file holds a checksum of all samples.
    fn end(&mut self) -> Result<(), AudioError> {
        if self.decoder.finalize().verify_ok == Some(false) {
            return Err(damaged("its samples do not match its own checksum"));
        }
        Ok(())
    }
}

/// Fixes the spec with the first packet, and refuses any later change of it.
fn expect_same(spec: &mut Option<Spec>, decoded: &GenericAudioBufferRef<'_>) -> Result<(), AudioError> {
    let seen = checked_spec(decoded.num_planes(), decoded.spec().rate())?;
    match spec.get_or_insert(seen) {
        first if *first == seen => Ok(()),
        _ => Err(damaged("its number of channels or sample rate changes in the middle")),
    }
}

fn checked_spec(channels: usize, rate_hz: u32) -> Result<Spec, AudioError> {
    check_channels_and_rate(channels as u64, u64::from(rate_hz))?;
    Ok(Spec { channels: u16::try_from(channels).unwrap_or(u16::MAX), rate_hz })
}

/// Runs a call into a decoder; a panic becomes an error.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, AudioError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|_| damaged("it makes no sense to the decoder"))
}

fn not_opened(error: Error) -> AudioError {
    match error {
        Error::IoError(cause) if cause.kind() != std::io::ErrorKind::UnexpectedEof => {
            AudioError::Io { action: "open audio file", cause }
        }
        Error::IoError(_) => damaged("the file is shorter than its header says"),
        Error::DecodeError(reason) => damaged(reason),
        other => AudioError::NotAudio { hint: other.to_string() },
    }
}

fn not_decoded(error: Error) -> AudioError {
    match error {
        Error::IoError(cause) if cause.kind() != std::io::ErrorKind::UnexpectedEof => {
            AudioError::Io { action: "read audio file", cause }
        }
        Error::IoError(_) => damaged("the file ends in the middle of the sound"),
        other => damaged(&other.to_string()),
    }
}

fn damaged(reason: &str) -> AudioError {
    AudioError::Damaged { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::guarded;
    use crate::AudioError;

    #[test]
    fn a_panic_of_a_decoder_becomes_damage() {
        assert!(matches!(
            guarded(|| -> u8 { panic!("as a decoder might") }),
            Err(AudioError::Damaged { .. })
        ));
        assert!(matches!(guarded(|| 7), Ok(7)));
    }
}
