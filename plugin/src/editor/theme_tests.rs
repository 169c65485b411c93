//! Every pair of text and background that the window uses can be read; stems are told apart with every colour vision.

use super::*;

/// Text on background, as drawn somewhere.
fn pairs() -> Vec<(&'static str, Color32, Color32)> {
    let mut pairs =
        vec![("accent button", ON_BRIGHT, ACCENT), ("accent button, hovered", ON_BRIGHT, ACCENT_HOVER)];
    for (name, ground) in [("ground", GROUND), ("panel", PANEL), ("well", WELL), ("raised", RAISED)] {
        for text in [TEXT, DIM, RECORD, WARN, GOOD] {
            pairs.push((name, text, ground));
        }
    }
    pairs.push(("hovered or chosen", TEXT, HOVER));
    pairs.push(("hovered or chosen, dim", DIM, HOVER));
    pairs.push(("recording", ON_BRIGHT, RECORD));
    pairs.push(("warning", ON_BRIGHT, WARN));
    pairs.extend(STEMS.iter().map(|(name, colour)| (*name, ON_BRIGHT, *colour)));
    pairs.extend(STEMS.iter().map(|(name, colour)| (*name, *colour, GROUND)));
    pairs
}

fn linear(colour: Color32) -> [f64; 3] {
    [colour.r(), colour.g(), colour.b()].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

/// WCAG 2.2, relative luminance.
fn luminance(colour: Color32) -> f64 {
    let [r, g, b] = linear(colour);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn every_text_has_a_contrast_of_at_least_four_and_a_half() {
    for (name, text, ground) in pairs() {
        let contrast = contrast(text, ground);
        assert!(contrast >= 4.5, "{name}: {text:?} on {ground:?} has {contrast:.2}");
    }
}

/// Full dichromacy in linear RGB (Viénot, Brettel and Mollon 1999).
const VISIONS: [(&str, [[f64; 3]; 3]); 4] = [
    ("normal", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    ("protan", [[0.112, 0.888, 0.0], [0.113, 0.887, 0.0], [0.004, -0.004, 1.0]]),
    ("deutan", [[0.293, 0.707, 0.0], [0.293, 0.707, 0.0], [-0.022, 0.022, 1.0]]),
    ("tritan", [[1.013, 0.141, -0.154], [-0.011, 0.875, 0.136], [0.077, 0.778, 0.145]]),
];

fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let [r, g, b] = rgb.map(|value| value.clamp(0.0, 1.0));
    let f = |value: f64| if value > 0.008_856 { value.cbrt() } else { 7.787 * value + 16.0 / 116.0 };
    let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505);
    let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
    let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn stems_are_told_apart_with_every_colour_vision() {
    for (vision, matrix) in VISIONS {
        let seen = STEMS.map(|(name, colour)| {
            let rgb = linear(colour);
            (name, lab(matrix.map(|row| row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2])))
        });
        for (index, (one, a)) in seen.iter().enumerate() {
            for (other, b) in &seen[..index] {
                let distance = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                // A difference of 10 in CIELAB is seen at a glance.
                assert!(distance > 10.0, "{one} and {other} are {distance:.1} apart for {vision} vision");
            }
        }
    }
}

#[test]
fn an_unknown_stem_has_the_colour_of_its_row() {
    assert_eq!(stem_colour("bass", 0), STEMS[2].1);
    assert_eq!(stem_colour("kazoo", 1), STEMS[1].1);
    assert_eq!(stem_colour("kazoo", 7), STEMS[1].1);
}
