//! Notes made heard through a plain synth, as a track that is played with the take. Made again whenever it is not in the
//! cache; never the only place of anything.

use super::music::{Music, Note};
use super::{ClipRecord, Library, LibraryError, TrackFile, record};
use sha2::Digest;
use std::f32::consts::TAU;
use std::fs;
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{ClipShape, FrameSink, PcmWriter};

/// Changes whenever the synth sounds otherwise, so that no old sound is taken for it.
const SYNTH: u8 = 2;
/// Notes that sound at once; what comes beyond is not heard.
const VOICES_MAX: usize = 64;
/// Of a note at full velocity; four of them stay below full scale.
const LEVEL: f32 = 0.3;
/// Seconds: a note swells, falls to its steady level, and fades.
const ATTACK: f32 = 0.008;
const DECAY: f32 = 0.35;
const RELEASE: f32 = 0.06;
/// Part of the first level that a held note keeps.
const STEADY: f32 = 0.55;
/// Frames between two looks at a note's bend.
const BEND_FRAMES: u64 = 64;

/// What the notes are played by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timbre {
    /// A soft tone with a few harmonics.
    Tone,
    /// General MIDI's drums: what is low thuds, what is high hisses.
    Drums,
    /// Beats as clicks, the first of a bar higher.
    Clicks,
}

impl Library {
    /// The notes of `music` as sound of the clip's length, rate and channels. `goes_on` is asked again and again.
    ///
    /// # Errors
    /// [`LibraryError::Stopped`] when `goes_on` said so, [`LibraryError::Full`], [`LibraryError::Disk`].
    pub fn audition(
        &self,
        music: &Music,
        timbre: Timbre,
        clip: ClipRecord,
        goes_on: &mut dyn FnMut() -> bool,
    ) -> Result<TrackFile, LibraryError> {
        let shape = ClipShape { channels: clip.channels, frames: clip.frames, rate_hz: clip.rate_hz };
        let path = self.cache().join(format!("{}.f32", fingerprint(music, timbre, clip)));
        let track = TrackFile {
            path,
            offset_bytes: 0,
            channels: clip.channels,
            rate_hz: clip.rate_hz,
            first_frame: 0,
            frames: clip.frames,
        };
        let found = fs::metadata(&track.path).map(|found| found.len()).ok();
        if found.is_some() && found == track.byte_of(track.frames) {
            return Ok(track);
        }
        record::replace(&self.temporary(), &track.path, |out| {
            let failed = LibraryError::sound(&track.path);
            let mut sink = PcmWriter::new(out, shape).map_err(failed)?;
            let mut synth = Synth::new(music, timbre, clip.rate_hz);
            let mut block = vec![0.0; BLOCK_FRAMES];
            let mut done = 0;
            while done < clip.frames {
                let frames = (clip.frames - done).min(BLOCK_FRAMES as u64) as usize;
                synth.render(done, &mut block[..frames]);
                let channels = vec![&block[..frames]; usize::from(clip.channels)];
                sink.write(&channels).map_err(LibraryError::sound(&track.path))?;
                done += frames as u64;
                if !goes_on() {
                    return Err(LibraryError::Stopped);
                }
            }
            sink.finish().map_err(LibraryError::sound(&track.path))
        })?;
        self.bound_cache(super::CACHE_BYTES_MAX, &track.path);
        Ok(track)
    }
}

fn fingerprint(music: &Music, timbre: Timbre, clip: ClipRecord) -> String {
    let mut hasher = sha2::Sha256::new();
    hasher.update([SYNTH, timbre as u8]);
    hasher.update(clip.frames.to_le_bytes());
    hasher.update([clip.rate_hz.to_le_bytes(), u32::from(clip.channels).to_le_bytes()].concat());
    for note in &music.notes {
        hasher.update([note.start.to_le_bytes(), note.end.to_le_bytes()].concat());
        hasher.update([note.pitch, note.velocity]);
        hasher.update(music.track(note).unwrap_or_default().as_bytes());
        hasher.update((note.bends.len() as u64).to_le_bytes());
        note.bends.iter().for_each(|bend| hasher.update(bend.to_le_bytes()));
    }
    for beat in music.beats.iter().chain(&music.downbeats) {
        hasher.update(beat.to_le_bytes());
    }
    let digits: String = hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("notes-{digits}")
}

/// Plays events in order, a block at a time.
struct Synth {
    rate_hz: f32,
    /// By start, the last first.
    waiting: Vec<Event>,
    voices: Vec<Voice>,
}

/// A note in frames.
struct Event {
    first: u64,
    end: u64,
    pitch: f32,
    level: f32,
    bends: Vec<f32>,
    timbre: Timbre,
}

struct Voice {
    event: Event,
    phase: f32,
    step: f32,
    noise: u32,
}

impl Synth {
    fn new(music: &Music, timbre: Timbre, rate_hz: u32) -> Self {
        let frame = |seconds: f64| (seconds * f64::from(rate_hz)).round().max(0.0) as u64;
        let note = |note: &Note| Event {
            first: frame(note.start),
            end: frame(note.end),
            pitch: f32::from(note.pitch),
            level: (f32::from(note.velocity) / 127.0).powf(1.5) * LEVEL,
            bends: note.bends.clone(),
            timbre: if music.track(note).is_some_and(|track| track.contains("drum")) {
                Timbre::Drums
            } else {
                timbre
            },
        };
        let click = |beat: &f64, pitch| Event {
            first: frame(*beat),
            end: frame(*beat + 0.03),
            pitch,
            level: LEVEL,
            bends: Vec::new(),
            timbre,
        };
        let is_down = |beat: &f64| music.downbeats.iter().any(|down| (down - beat).abs() < 1e-3);
        let mut waiting: Vec<Event> = match timbre {
            Timbre::Clicks => {
                music.beats.iter().map(|beat| click(beat, if is_down(beat) { 96.0 } else { 84.0 })).collect()
            }
            _ => music.notes.iter().map(note).collect(),
        };
        waiting.sort_by_key(|event| std::cmp::Reverse(event.first));
        Self { rate_hz: rate_hz.max(1) as f32, waiting, voices: Vec::new() }
    }

    /// Replaces `out` by what sounds from frame `at` on.
    fn render(&mut self, at: u64, out: &mut [f32]) {
        out.fill(0.0);
        let end = at + out.len() as u64;
        while self.waiting.last().is_some_and(|event| event.first < end) {
            let event = self.waiting.pop().filter(|_| self.voices.len() < VOICES_MAX);
            self.voices.extend(event.map(|event| Voice { event, phase: 0.0, step: 0.0, noise: 0x9E37_79B9 }));
        }
        let rate = self.rate_hz;
        self.voices.retain_mut(|voice| voice.add(at, out, rate));
        for sample in out {
            // Many notes at once are rounded off, never cut off.
            *sample = if sample.abs() > 0.5 {
                sample.signum() * (0.5 + 0.5 * ((sample.abs() - 0.5) * 2.0).tanh())
            } else {
                *sample
            };
        }
    }
}

impl Voice {
    /// Adds what it sounds like; false once it is over.
    fn add(&mut self, at: u64, out: &mut [f32], rate: f32) -> bool {
        let tail = (RELEASE * rate) as u64;
        let Event { first, end, .. } = self.event;
        let from = first.max(at);
        for frame in from..(at + out.len() as u64).min(end + tail) {
            let age = (frame - first) as f32 / rate;
            if (frame - first).is_multiple_of(BEND_FRAMES) || self.step == 0.0 {
                let pitch = self.event.pitch + self.event.bend(frame);
                self.step = (440.0 * ((pitch - 69.0) / 12.0).exp2() / rate).min(0.5);
            }
            let faded = 1.0 - (frame.saturating_sub(end) as f32 / tail.max(1) as f32);
            let sample = match self.event.timbre {
                Timbre::Tone => self.tone() * swell(age) * faded,
                Timbre::Drums => self.drum(age) * faded,
                Timbre::Clicks => (self.phase * TAU).sin() * (-age * 90.0).exp(),
            };
            out[(frame - at) as usize] += sample * self.event.level;
            self.phase = (self.phase + self.step).fract();
        }
        at + (out.len() as u64) < end + tail
    }

    /// A sine with a little of its second and third harmonic.
    fn tone(&self) -> f32 {
        let (sine, cosine) = (self.phase * TAU).sin_cos();
        sine + 0.3 * (2.0 * sine * cosine) + 0.1 * (3.0 * sine - 4.0 * sine.powi(3))
    }

    fn drum(&mut self, age: f32) -> f32 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 17;
        self.noise ^= self.noise << 5;
        let noise = self.noise as f32 / u32::MAX as f32 * 2.0 - 1.0;
        match self.event.pitch {
            // Kicks fall in pitch.
            pitch if pitch <= 36.0 => {
                2.0 * (TAU * (48.0 * age + 2.4 * (1.0 - (-age * 28.0).exp()))).sin() * (-age * 11.0).exp()
            }
            pitch if pitch <= 41.0 => (noise + (TAU * 190.0 * age).sin()) * (-age * 18.0).exp(),
            _ => noise * (-age * 60.0).exp(),
        }
    }
}

impl Event {
    /// Semitones off its pitch at a frame.
    fn bend(&self, frame: u64) -> f32 {
        let Some(last) = self.bends.len().checked_sub(1) else { return 0.0 };
        let share =
            frame.saturating_sub(self.first) as f32 / self.end.saturating_sub(self.first).max(1) as f32;
        let place = share.clamp(0.0, 1.0) * last as f32;
        let (one, other) = (self.bends[place as usize], self.bends[(place as usize + 1).min(last)]);
        one + (other - one) * place.fract()
    }
}

/// Level of a held note at an age in seconds.
fn swell(age: f32) -> f32 {
    let attack = (age / ATTACK).min(1.0);
    attack * (STEADY + (1.0 - STEADY) * (-(age - ATTACK).max(0.0) / DECAY).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library::tests::library;

    fn music() -> Music {
        let note = |start: f64, pitch| Note {
            start,
            end: start + 0.5,
            pitch,
            velocity: 100,
            confidence: 1.0,
            bends: vec![0.0, 1.0],
            track: 0,
        };
        let notes = vec![note(0.25, 69), note(1.0, 36)];
        Music { notes, beats: vec![0.0, 0.5], downbeats: vec![0.0], longest: 0.5, ..Music::default() }
    }

    fn rendered(timbre: Timbre, block: usize) -> Vec<f32> {
        let mut synth = Synth::new(&music(), timbre, 48_000);
        let mut all = vec![0.0; 96_000];
        for (index, part) in all.chunks_mut(block).enumerate() {
            synth.render((index * block) as u64, part);
        }
        all
    }

    #[test]
    fn notes_sound_where_they_are_and_blocks_make_no_difference() {
        for timbre in [Timbre::Tone, Timbre::Drums, Timbre::Clicks] {
            let sound = rendered(timbre, 4_096);
            assert_eq!(sound, rendered(timbre, 1_000), "{timbre:?}");
            assert!(sound.iter().all(|sample| sample.abs() <= 1.0));
        }
        let sound = rendered(Timbre::Tone, 4_096);
        let loudest =
            |range: std::ops::Range<usize>| sound[range].iter().fold(0.0f32, |most, one| most.max(one.abs()));
        assert_eq!(loudest(0..12_000), 0.0);
        assert!(loudest(12_000..36_000) > 0.1);
        assert_eq!(loudest(40_000..47_999), 0.0);
    }

    #[test]
    fn a_track_is_made_once_and_is_as_long_as_the_clip() {
        let (_folder, library) = library();
        let clip = ClipRecord { sha256: [0; 32], frames: 30_000, channels: 2, rate_hz: 48_000 };
        let track = library.audition(&music(), Timbre::Tone, clip, &mut || true).unwrap();
        assert_eq!((track.frames, track.channels), (30_000, 2));
        assert_eq!(fs::metadata(&track.path).unwrap().len(), 30_000 * 8);
        assert_eq!(library.audition(&music(), Timbre::Tone, clip, &mut || false).unwrap(), track);
        let other = ClipRecord { frames: 9, ..clip };
        assert!(matches!(
            library.audition(&music(), Timbre::Tone, other, &mut || false),
            Err(LibraryError::Stopped)
        ));
    }
}
