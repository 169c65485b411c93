//! Notes as a score: MusicXML 4.0, partwise, one part, as many voices as sound at once, every measure full.
//!
//! Times are rounded to the grid; a note that crosses a bar line or cannot be written as one is tied. Writes text,
//! parses none.

use crate::music::Note;
use crate::music::key::Key;
use crate::music::midi::Head;
use std::fmt::Write;

/// Units of a quarter note: sixteenths are 3, triplet eighths 4.
pub const DIVISIONS: u32 = 12;
/// More voices than these cannot be read; what does not fit is left out.
const VOICES_MAX: usize = 4;
/// Written lengths without triplets, longest first: units, type, dots.
const PLAIN: [(u32, &str, bool); 9] = [
    (48, "whole", false),
    (36, "half", true),
    (24, "half", false),
    (18, "quarter", true),
    (12, "quarter", false),
    (9, "eighth", true),
    (6, "eighth", false),
    (3, "16th", false),
    (0, "", false),
];

/// What goes on the page, beside the notes.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The part's name.
    pub part: &'a str,
    /// Steps of the grid in a quarter note: 1, 2, 4, or 3 for triplets.
    pub steps_a_beat: u32,
    /// Drums: no pitches but places on the staff.
    pub is_drums: bool,
}

/// Notes that begin and end together in one voice, in units from the clip's first frame.
#[derive(Clone, Debug)]
struct Chord {
    start: u32,
    end: u32,
    pitches: Vec<u8>,
}

/// A stretch of one voice within one measure.
struct Piece<'a> {
    units: u32,
    /// None for a rest.
    chord: Option<&'a Chord>,
    from_before: bool,
    goes_on: bool,
}

/// The score.
#[must_use]
pub fn musicxml(head: Head<'_>, page: Page<'_>, notes: &[Note]) -> String {
    let unit = DIVISIONS / page.steps_a_beat.max(1);
    let voices = voices(head, unit, notes);
    let bar = u32::from(head.bar_beats) * DIVISIONS;
    let pickup = u32::from(head.pickup_beats) * DIVISIONS;
    let last = voices.iter().flatten().map(|chord| chord.end).max().unwrap_or(0);
    let clip_units = (head.map.beats_at(head.seconds) * f64::from(DIVISIONS)).round() as u32;
    let end = last.max(clip_units).max(1);
    let mut text = opening(page);
    let (mut from, mut number) = (0, u32::from(pickup == 0));
    // Each voice is walked once: the next chord that may reach into a measure.
    let mut next = vec![0; voices.len()];
    while from < end {
        let units = if from == 0 && pickup > 0 { pickup } else { bar };
        let implicit = if from == 0 && pickup > 0 { " implicit=\"yes\"" } else { "" };
        put(&mut text, format_args!("    <measure number=\"{number}\"{implicit}>\n"));
        if from == 0 {
            attributes(&mut text, head, page, notes);
        }
        tempi(&mut text, head, from, from + units);
        let mut written = false;
        for (v, voice) in voices.iter().enumerate() {
            while voice.get(next[v]).is_some_and(|chord| chord.end <= from) {
                next[v] += 1;
            }
            let sounds = voice.get(next[v]).is_some_and(|chord| chord.start < from + units);
            if v > 0 && !sounds {
                continue;
            }
            if written {
                put(&mut text, format_args!("      <backup><duration>{units}</duration></backup>\n"));
            }
            written = true;
            measure(&mut text, &voice[next[v]..], from, units, v, page, head.key);
        }
        text.push_str("    </measure>\n");
        from += units;
        number += 1;
    }
    text.push_str("  </part>\n</score-partwise>\n");
    text
}

/// Chords by voice, on the grid; in a voice none overlap.
fn voices(head: Head<'_>, unit: u32, notes: &[Note]) -> Vec<Vec<Chord>> {
    let step = |seconds: f64| {
        let units = head.map.beats_at(seconds) * f64::from(DIVISIONS);
        (units / f64::from(unit)).round().max(0.0) as u32 * unit
    };
    let mut placed: Vec<(u32, u32, u8)> = notes
        .iter()
        .map(|note| {
            let start = step(note.start_seconds);
            (start, step(note.end_seconds).max(start + unit), note.pitch)
        })
        .collect();
    placed.sort_by_key(|(start, end, pitch)| (*start, std::cmp::Reverse(*end), std::cmp::Reverse(*pitch)));
    let mut voices: Vec<Vec<Chord>> = vec![Vec::new()];
    for (start, end, pitch) in placed {
        let together = |chord: &&mut Chord| chord.start == start && chord.end == end;
        if let Some(chord) = voices.iter_mut().filter_map(|voice| voice.last_mut()).find(together) {
            if !chord.pitches.contains(&pitch) {
                chord.pitches.push(pitch);
            }
            continue;
        }
        let chord = Chord { start, end, pitches: vec![pitch] };
        let free = |voice: &Vec<Chord>| voice.last().is_none_or(|last| last.end <= start);
        if let Some(voice) = voices.iter_mut().find(|voice| free(voice)) {
            voice.push(chord);
        } else if voices.len() < VOICES_MAX {
            voices.push(vec![chord]);
        } else {
            crowd(&mut voices, chord);
        }
    }
    for voice in &mut voices {
        voice.iter_mut().for_each(|chord| chord.pitches.sort_unstable());
    }
    voices
}

/// No voice is free: the one that would end first ends now, or takes the pitch into its chord.
fn crowd(voices: &mut [Vec<Chord>], chord: Chord) {
    let soonest = voices.iter_mut().filter_map(|voice| voice.last().map(|l| l.end).map(|end| (end, voice)));
    let Some((_, voice)) = soonest.min_by_key(|(end, _)| *end) else { return };
    let Some(last) = voice.last_mut() else { return };
    if last.start < chord.start {
        last.end = chord.start;
        voice.push(chord);
    } else {
        last.pitches
            .extend(chord.pitches.iter().filter(|p| !last.pitches.contains(p)).copied().collect::<Vec<_>>());
    }
}

/// One voice over one measure, rests and all.
fn measure(
    text: &mut String,
    chords: &[Chord],
    from: u32,
    units: u32,
    voice: usize,
    page: Page<'_>,
    key: Option<Key>,
) {
    let to = from + units;
    let mut at = from;
    let mut write = |at: u32, piece: Piece<'_>| write_piece(text, at - from, &piece, voice, page, key);
    for chord in chords.iter().take_while(|chord| chord.start < to) {
        let (start, end) = (chord.start.max(from), chord.end.min(to));
        if start > at {
            write(at, Piece { units: start - at, chord: None, from_before: false, goes_on: false });
        }
        let (from_before, goes_on) = (chord.start < from, chord.end > to);
        write(start, Piece { units: end - start, chord: Some(chord), from_before, goes_on });
        at = end;
    }
    if at < to {
        write(at, Piece { units: to - at, chord: None, from_before: false, goes_on: false });
    }
}

/// A piece as one or more written notes, tied.
fn write_piece(
    text: &mut String,
    at: u32,
    piece: &Piece<'_>,
    voice: usize,
    page: Page<'_>,
    key: Option<Key>,
) {
    let (mut at, mut left, mut first) = (at, piece.units, true);
    while left > 0 {
        let (units, kind, dotted, triplet) = written(at, left, page.steps_a_beat == 3);
        let last = left == units;
        let ties = (piece.from_before || !first, piece.goes_on || !last);
        let pitches: Vec<Option<u8>> =
            piece.chord.map_or(vec![None], |chord| chord.pitches.iter().copied().map(Some).collect());
        for (i, pitch) in pitches.iter().enumerate() {
            text.push_str("      <note>");
            if i > 0 {
                text.push_str("<chord/>");
            }
            match pitch {
                Some(pitch) => place(text, *pitch, page, key),
                None => text.push_str("<rest/>"),
            }
            put(text, format_args!("<duration>{units}</duration>"));
            let tied = pitch.is_some();
            if tied && ties.0 {
                text.push_str("<tie type=\"stop\"/>");
            }
            if tied && ties.1 {
                text.push_str("<tie type=\"start\"/>");
            }
            put(text, format_args!("<voice>{}</voice><type>{kind}</type>", voice + 1));
            if dotted {
                text.push_str("<dot/>");
            }
            if triplet {
                let three = "<actual-notes>3</actual-notes><normal-notes>2</normal-notes>";
                put(text, format_args!("<time-modification>{three}</time-modification>"));
            }
            if tied && (ties.0 || ties.1) {
                text.push_str("<notations>");
                if ties.0 {
                    text.push_str("<tied type=\"stop\"/>");
                }
                if ties.1 {
                    text.push_str("<tied type=\"start\"/>");
                }
                text.push_str("</notations>");
            }
            text.push_str("</note>\n");
        }
        at += units;
        left -= units;
        first = false;
    }
}

/// The longest length that can be written at a place of a measure: units, type, dot, triplet.
fn written(at: u32, left: u32, triplets: bool) -> (u32, &'static str, bool, bool) {
    let within = at % DIVISIONS;
    if triplets && (within != 0 || left < DIVISIONS) {
        // Within a beat: one or two thirds of it.
        let units = left.min(DIVISIONS - within);
        return if units >= 8 { (8, "quarter", false, true) } else { (4, "eighth", false, true) };
    }
    let whole_beats = if triplets { left - left % DIVISIONS } else { left };
    // Off the beat, what is written ends with the beat, so that the beat can be seen.
    let room = if within == 0 { whole_beats } else { whole_beats.min(DIVISIONS - within) };
    let fits = |&&(units, ..): &&(u32, &str, bool)| units <= room && (!triplets || units % DIVISIONS == 0);
    let (units, kind, dotted) = PLAIN.iter().find(fits).copied().unwrap_or(PLAIN[7]);
    if units == 0 { (left, "16th", false, false) } else { (units, kind, dotted, false) }
}

fn place(text: &mut String, pitch: u8, page: Page<'_>, key: Option<Key>) {
    if page.is_drums {
        let (step, octave) = match pitch {
            36 => ('F', 4),
            38 => ('C', 5),
            _ => ('G', 5),
        };
        let place = format_args!(
            "<unpitched><display-step>{step}</display-step><display-octave>{octave}</display-octave></unpitched>"
        );
        return put(text, place);
    }
    let (step, alter, octave) = spelled(pitch, key.map_or(0, Key::fifths));
    put(text, format_args!("<pitch><step>{step}</step>"));
    if alter != 0 {
        put(text, format_args!("<alter>{alter}</alter>"));
    }
    put(text, format_args!("<octave>{octave}</octave></pitch>"));
}

/// Step, alteration and octave of a pitch, spelled near the key on the line of fifths.
fn spelled(pitch: u8, fifths: i8) -> (char, i32, i32) {
    // F C G D A E B are -1 to 5 on the line; 7 further is a sharp, 7 back a flat.
    let class = i32::from(pitch % 12);
    let centre = i32::from(fifths) + 2;
    let line = (7 * class).rem_euclid(12);
    let line = line + 12 * (centre - line + 6).div_euclid(12);
    let step = ['F', 'C', 'G', 'D', 'A', 'E', 'B'][(line + 1).rem_euclid(7) as usize];
    let alter = (line + 1).div_euclid(7);
    (step, alter, (i32::from(pitch) - alter).div_euclid(12) - 1)
}

fn opening(page: Page<'_>) -> String {
    let name = page.part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n\
         <!DOCTYPE score-partwise PUBLIC \"-//Recordare//DTD MusicXML 4.0 Partwise//EN\" \
         \"http://www.musicxml.org/dtds/partwise.dtd\">\n\
         <score-partwise version=\"4.0\">\n  <part-list>\n    <score-part id=\"P1\">\
         <part-name>{name}</part-name></score-part>\n  </part-list>\n  <part id=\"P1\">\n"
    )
}

fn attributes(text: &mut String, head: Head<'_>, page: Page<'_>, notes: &[Note]) {
    put(text, format_args!("      <attributes><divisions>{DIVISIONS}</divisions>"));
    if let Some(key) = head.key.filter(|_| !page.is_drums) {
        let mode = if key.is_minor { "minor" } else { "major" };
        put(text, format_args!("<key><fifths>{}</fifths><mode>{mode}</mode></key>", key.fifths()));
    }
    let beats = head.bar_beats;
    put(text, format_args!("<time><beats>{beats}</beats><beat-type>4</beat-type></time>"));
    let mut pitches: Vec<u8> = notes.iter().map(|note| note.pitch).collect();
    pitches.sort_unstable();
    let clef = match pitches.get(pitches.len() / 2) {
        _ if page.is_drums => "<clef><sign>percussion</sign></clef>",
        Some(..57) => "<clef><sign>F</sign><line>4</line></clef>",
        _ => "<clef><sign>G</sign><line>2</line></clef>",
    };
    put(text, format_args!("{clef}</attributes>\n"));
}

/// Tempo marks in a measure.
fn tempi(text: &mut String, head: Head<'_>, from: u32, to: u32) {
    for piece in head.map.pieces() {
        let at = (piece.start_beats * f64::from(DIVISIONS)).round() as u32;
        if (from..to).contains(&at) {
            let bpm = piece.bpm();
            put(
                text,
                format_args!(
                    "      <direction placement=\"above\"><direction-type><metronome><beat-unit>quarter</beat-unit>\
                     <per-minute>{bpm:.2}</per-minute></metronome></direction-type><offset>{}</offset>\
                     <sound tempo=\"{bpm:.3}\"/></direction>\n",
                    at - from
                ),
            );
        }
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes any number of letters");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pitches_are_spelled_as_their_key_has_them() {
        for (pitch, fifths, spelling) in [
            (60, 0, ('C', 0, 4)),
            (66, 1, ('F', 1, 4)),
            (70, -2, ('B', -1, 4)),
            (68, 0, ('G', 1, 4)),
            (63, -3, ('E', -1, 4)),
            (71, 6, ('B', 0, 4)),
            (59, -6, ('C', -1, 4)),
            (60, 6, ('B', 1, 3)),
        ] {
            assert_eq!(spelled(pitch, fifths), spelling, "{pitch} in {fifths}");
        }
    }

    #[test]
    fn every_stretch_of_the_grid_can_be_written_to_its_end() {
        for (unit, triplets) in [(12, false), (6, false), (3, false), (4, true)] {
            for at in (0..48).step_by(unit) {
                for units in (unit as u32..=96).step_by(unit) {
                    let (mut at, mut left) = (at as u32, units);
                    while left > 0 {
                        let (units, kind, dotted, triplet) = written(at, left, triplets);
                        assert!(units > 0 && units <= left && !kind.is_empty());
                        let plain = PLAIN.iter().find(|p| p.1 == kind && p.2 == dotted).unwrap().0;
                        assert_eq!(units, if triplet { plain * 2 / 3 } else { plain }, "{kind} at {at}");
                        at += units;
                        left -= units;
                    }
                }
            }
        }
    }
}
