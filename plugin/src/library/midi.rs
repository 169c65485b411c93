//! Some notes of a MIDI file as a file of its own: everything else in it stays, so it lies in the song where the whole
//! file does. Reads and makes bytes, never files.

use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind, num::u28};
use std::collections::HashMap;

/// Ticks that a note's start may lie beside the time it is said to have: times are rounded where they are told.
const TICKS_NEAR: f64 = 4.0;
/// Microseconds of a quarter note where a file does not say (MIDI 1.0, RP-001).
const MICROS_A_BEAT: f64 = 500_000.0;

/// A note to be kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted<'a> {
    /// Of the track with this name; of any where it is none.
    pub track: Option<&'a str>,
    /// MIDI's number.
    pub pitch: u8,
    /// Seconds from the file's start.
    pub start: f64,
}

/// The file without the notes that are not wanted, and without tracks that lose all of theirs. None where it is no MIDI
/// file that counts in beats.
#[must_use]
pub fn only(bytes: &[u8], wanted: &[Wanted<'_>]) -> Option<Vec<u8>> {
    let smf = Smf::parse(bytes).ok()?;
    let Timing::Metrical(ticks_a_beat) = smf.header.timing else { return None };
    let clock = Clock::of(&smf, f64::from(ticks_a_beat.as_int()).max(1.0));
    let mut by_pitch: HashMap<u8, Vec<(f64, Option<&str>)>> = HashMap::new();
    for note in wanted {
        by_pitch.entry(note.pitch).or_default().push((clock.tick(note.start), note.track));
    }
    let named = |name: &str| smf.tracks.iter().any(|track| name_of(track) == Some(name));
    let mut tracks = Vec::new();
    for track in &smf.tracks {
        let name = name_of(track);
        let is_wanted = |pitch: u8, tick: u64| {
            by_pitch.get(&pitch).into_iter().flatten().any(|(at, of)| {
                let is_here = of.is_none_or(|of| name == Some(of) || !named(of));
                is_here && (at - tick as f64).abs() <= TICKS_NEAR
            })
        };
        tracks.extend(thinned(track, &is_wanted));
    }
    let mut out = Vec::new();
    Smf { header: smf.header, tracks }.write_std(&mut out).ok()?;
    Some(out)
}

fn name_of<'a>(track: &[TrackEvent<'a>]) -> Option<&'a str> {
    track.iter().find_map(|event| match event.kind {
        TrackEventKind::Meta(MetaMessage::TrackName(name)) => std::str::from_utf8(name).ok(),
        _ => None,
    })
}

/// A track without the notes that are not wanted; none where that was all it had.
fn thinned<'a>(track: &[TrackEvent<'a>], is_wanted: &dyn Fn(u8, u64) -> bool) -> Option<Vec<TrackEvent<'a>>> {
    let (mut out, mut tick, mut told) = (Vec::with_capacity(track.len()), 0_u64, 0_u64);
    // Notes that sound, by channel and pitch: whether each is kept, the first that began first.
    let mut sounding: HashMap<(u8, u8), std::collections::VecDeque<bool>> = HashMap::new();
    let (mut had_notes, mut has_notes) = (false, false);
    for event in track {
        tick += u64::from(event.delta.as_int());
        let is_kept = match event.kind {
            TrackEventKind::Midi { channel, message: MidiMessage::NoteOn { key, vel } } if vel > 0 => {
                let is_kept = is_wanted(key.as_int(), tick);
                sounding.entry((channel.as_int(), key.as_int())).or_default().push_back(is_kept);
                had_notes = true;
                has_notes |= is_kept;
                is_kept
            }
            TrackEventKind::Midi {
                channel,
                message: MidiMessage::NoteOff { key, .. } | MidiMessage::NoteOn { key, .. },
            } => {
                let begun = sounding.get_mut(&(channel.as_int(), key.as_int()));
                begun.and_then(std::collections::VecDeque::pop_front).unwrap_or(false)
            }
            // Bends between notes are silent, and the next note may rely on the last of them.
            _ => true,
        };
        if is_kept {
            let delta = u28::try_from(u32::try_from(tick - told).ok()?)?;
            out.push(TrackEvent { delta, kind: event.kind });
            told = tick;
        }
    }
    (has_notes || !had_notes).then_some(out)
}

/// Where times lie in ticks, by the tempo of all tracks.
struct Clock {
    ticks_a_beat: f64,
    /// First tick, first second, microseconds of a quarter note.
    pieces: Vec<(f64, f64, f64)>,
}

impl Clock {
    fn of(smf: &Smf<'_>, ticks_a_beat: f64) -> Self {
        let mut tempos = Vec::new();
        for track in &smf.tracks {
            let mut tick = 0_u64;
            for event in track {
                tick += u64::from(event.delta.as_int());
                if let TrackEventKind::Meta(MetaMessage::Tempo(micros)) = event.kind {
                    tempos.push((tick as f64, f64::from(micros.as_int()).max(1.0)));
                }
            }
        }
        tempos.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut clock = Self { ticks_a_beat, pieces: vec![(0.0, 0.0, MICROS_A_BEAT)] };
        for (tick, micros) in tempos {
            let (from, seconds, before) = clock.pieces[clock.pieces.len() - 1];
            clock.pieces.push((tick, seconds + (tick - from) * before / 1e6 / ticks_a_beat, micros));
        }
        clock
    }

    fn tick(&self, seconds: f64) -> f64 {
        let piece = self.pieces.partition_point(|(_, from, _)| *from <= seconds).max(1) - 1;
        let (tick, from, micros) = self.pieces[piece];
        tick + (seconds - from) * 1e6 / micros * self.ticks_a_beat
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use midly::num::{u4, u7, u15, u24};
    use midly::{Format, Header, PitchBend};

    /// Two tracks beside one of tempo: a beat of half a second, then of one second.
    fn file() -> Vec<u8> {
        let meta = |delta: u32, kind| TrackEvent { delta: delta.into(), kind: TrackEventKind::Meta(kind) };
        let midi = |delta: u32, message| TrackEvent {
            delta: delta.into(),
            kind: TrackEventKind::Midi { channel: u4::new(0), message },
        };
        let on = |delta, key| midi(delta, MidiMessage::NoteOn { key: u7::new(key), vel: u7::new(90) });
        let off = |delta, key| midi(delta, MidiMessage::NoteOff { key: u7::new(key), vel: u7::new(0) });
        let tempo = vec![
            meta(0, MetaMessage::Tempo(u24::new(500_000))),
            meta(480, MetaMessage::Tempo(u24::new(1_000_000))),
            meta(1_440, MetaMessage::EndOfTrack),
        ];
        let part = |name: &'static str| {
            vec![
                meta(0, MetaMessage::TrackName(name.as_bytes())),
                on(0, 60),
                off(240, 60),
                midi(0, MidiMessage::PitchBend { bend: PitchBend::from_int(100) }),
                on(240, 64),
                on(0, 60),
                off(480, 60),
                off(0, 64),
                meta(960, MetaMessage::EndOfTrack),
            ]
        };
        let smf = Smf {
            header: Header::new(Format::Parallel, Timing::Metrical(u15::new(480))),
            tracks: vec![tempo, part("Vocals"), part("Bass")],
        };
        let mut bytes = Vec::new();
        smf.write_std(&mut bytes).unwrap();
        bytes
    }

    /// Names of the tracks with notes, and the notes: tick and pitch.
    fn notes(bytes: &[u8]) -> Vec<(String, Vec<(u64, u8)>)> {
        let smf = Smf::parse(bytes).unwrap();
        let named = smf.tracks.iter().filter_map(|track| Some((name_of(track)?.to_owned(), track)));
        named
            .map(|(name, track)| {
                let (mut tick, mut notes) = (0, Vec::new());
                for event in track {
                    tick += u64::from(event.delta.as_int());
                    if let TrackEventKind::Midi { message: MidiMessage::NoteOn { key, .. }, .. } = event.kind
                    {
                        notes.push((tick, key.as_int()));
                    }
                }
                (name, notes)
            })
            .collect()
    }

    fn want(track: Option<&str>, pitch: u8, start: f64) -> Wanted<'_> {
        Wanted { track, pitch, start }
    }

    #[test]
    fn wanted_notes_stay_where_they_are_and_tempo_and_length_too() {
        let whole = file();
        let some = only(&whole, &[want(Some("Vocals"), 60, 0.5), want(Some("Vocals"), 64, 0.501)]).unwrap();
        assert_eq!(notes(&some), [("Vocals".to_owned(), vec![(480, 64), (480, 60)])]);
        let (before, after) = (Smf::parse(&whole).unwrap(), Smf::parse(&some).unwrap());
        assert_eq!(before.tracks[0], after.tracks[0]);
        let long = |track: &[TrackEvent<'_>]| track.iter().map(|event| event.delta.as_int()).sum::<u32>();
        assert_eq!(long(&before.tracks[1]), long(&after.tracks[1]));
        let offs = after.tracks[1].iter().filter(|event| {
            matches!(event.kind, TrackEventKind::Midi { message: MidiMessage::NoteOff { .. }, .. })
        });
        assert_eq!(offs.count(), 2);
    }

    #[test]
    fn a_note_of_no_track_is_meant_in_all_and_one_of_an_unknown_track_too() {
        for track in [None, Some("Piano")] {
            let some = only(&file(), &[want(track, 60, 0.0)]).unwrap();
            assert_eq!(notes(&some).len(), 2, "{track:?}");
        }
        let none = only(&file(), &[want(None, 61, 0.0), want(None, 60, 9.0)]).unwrap();
        assert_eq!((notes(&none).len(), Smf::parse(&none).unwrap().tracks.len()), (0, 1));
    }

    #[test]
    fn what_is_no_midi_is_refused() {
        for bytes in [&b""[..], b"MThd", b"RIFF0000WAVE", &file()[..40]] {
            assert!(only(bytes, &[]).is_none_or(|bytes| Smf::parse(&bytes).is_ok()));
        }
    }
}
