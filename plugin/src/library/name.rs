//! Names of files that people see: what a take, a stem or a server calls things, made fit for every system's disk. Pure;
//! never asks the disk what is there.

use super::Place;

/// Longest part of a file name, in UTF-16 units as Windows counts them: two parts, tempo and bar, below our folders, stay
/// within its 260.
const PART_UNITS_MAX: usize = 48;
/// The same in bytes as the others count them: two parts, tempo and bar stay within their 255.
const PART_BYTES_MAX: usize = 96;

/// `Verse 2 - vocals - 124bpm - bar 3`, without what is not known.
pub(super) fn stem_name(take: &str, stem: &str, place: &Place) -> String {
    let mut parts = vec![part(take, "Take"), part(stem, "stem")];
    if let Some(tempo) = place.tempo {
        parts.push(format!("{}bpm", (tempo * 100.0).round() / 100.0));
    }
    if let Some(bar) = place.bar {
        parts.push(format!("bar {bar}"));
    }
    parts.join(" - ")
}

/// The name of a folder for a take.
pub(super) fn folder_name(take: &str) -> String {
    part(take, "Take")
}

/// The `number`th name: the first as it is, then `name (2)` and so on.
pub(super) fn numbered(name: &str, number: usize) -> String {
    if number <= 1 { name.to_owned() } else { format!("{name} ({number})") }
}

/// Whether a name from a record is the name of a file beside it and nothing else: no way up, no way down.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && name == clean(name) && name.len() <= 255
}

/// One part of a file name that Linux, macOS and Windows all take, and that looks in a file browser as it is.
fn part(text: &str, instead: &str) -> String {
    let mut text = clean(text);
    let (mut units, mut bytes) = (0, 0);
    let end = text.char_indices().find_map(|(at, character)| {
        units += character.len_utf16();
        bytes += character.len_utf8();
        (units > PART_UNITS_MAX || bytes > PART_BYTES_MAX).then_some(at)
    });
    if let Some(end) = end {
        text.truncate(end);
    }
    let text = trimmed(&text);
    match text.is_empty() {
        true => instead.to_owned(),
        false => text.to_owned(),
    }
}

/// Without what any system forbids in names, and without what only confuses the eye.
fn clean(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|&character| !is_invisible(character))
        .map(|character| match character {
            '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => '_',
            other if other.is_whitespace() => ' ',
            other => other,
        })
        .collect();
    let text = trimmed(&text);
    // Windows takes `con.wav` and `NUL` for devices, whatever follows the first dot.
    let first = text.split('.').next().unwrap_or_default().trim_end();
    if is_device(first) { format!("_{text}") } else { text.to_owned() }
}

/// Windows drops dots and spaces at the end; a dot at the start hides a file elsewhere.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character| character == ' ' || character == '.')
}

/// Control characters, and the marks that turn the direction of writing or take no room.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Source: Microsoft, "Naming Files, Paths, and Namespaces"; the superscript digits count as digits there.
fn is_device(name: &str) -> bool {
    let name = name.to_uppercase();
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| {
            matches!(rest, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³")
        })
    };
    matches!(name.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(tempo: Option<f64>, bar: Option<i32>) -> Place {
        Place { tempo, bar, ..Place::default() }
    }

    #[test]
    fn a_name_says_take_stem_tempo_and_bar_as_far_as_they_are_known() {
        let check = |tempo, bar, expected: &str| {
            assert_eq!(stem_name("Verse 2", "vocals", &at(tempo, bar)), expected);
        };
        check(Some(124.0), Some(3), "Verse 2 - vocals - 124bpm - bar 3");
        check(Some(123.456), None, "Verse 2 - vocals - 123.46bpm");
        check(Some(92.5), Some(-1), "Verse 2 - vocals - 92.5bpm - bar -1");
        check(None, Some(12), "Verse 2 - vocals - bar 12");
        check(None, None, "Verse 2 - vocals");
    }

    #[test]
    fn names_fit_every_system() {
        let long = "x".repeat(300);
        for (from, expected) in [
            ("Verse 2", "Verse 2"),
            ("Höhe · Größe 🎹", "Höhe · Größe 🎹"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..\\..\\windows", "_.._windows"),
            ("/etc/passwd", "_etc_passwd"),
            ("C:\\take", "C__take"),
            ("a<b>c:d\"e|f?g*h", "a_b_c_d_e_f_g_h"),
            ("..", "Take"),
            (".", "Take"),
            ("", "Take"),
            (" . . ", "Take"),
            (".hidden", "hidden"),
            ("end. . ", "end"),
            ("a\nb\tc\0d\u{7f}e", "abcde"),
            ("vo\u{202E}slac", "voslac"),
            ("\u{200B}\u{FEFF}", "Take"),
            ("wide\u{3000}space", "wide space"),
            ("CON", "_CON"),
            ("con.take", "_con.take"),
            ("nul .x", "_nul .x"),
            ("LPT9", "_LPT9"),
            ("com¹", "_com¹"),
            ("COM10", "COM10"),
            ("console", "console"),
            (&long, &long[..PART_UNITS_MAX]),
        ] {
            assert_eq!(folder_name(from), expected, "{from:?}");
            assert!(is_plain(&folder_name(from)), "{from:?}");
        }
    }

    #[test]
    fn the_longest_name_fits_255_bytes_and_ends_with_a_whole_character() {
        for text in ["ä", "語", "🎹", "x", "."] {
            let text = text.repeat(400);
            let name = stem_name(&text, &text, &at(Some(999.99), Some(i32::MIN)));
            let file = format!("{}.wav", numbered(&name, 999));
            assert!(file.len() <= 255, "{} bytes", file.len());
            assert!(is_plain(&file));
        }
    }

    #[test]
    fn a_name_from_a_record_leads_nowhere_else() {
        for name in
            ["", ".", "..", "../x.wav", "a/b.wav", "a\\b.wav", "/x.wav", "C:x.wav", "x.wav ", "a\0b", "NUL"]
        {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(is_plain("Verse 2 - vocals - 124bpm - bar 3 (2).wav"));
    }
}
