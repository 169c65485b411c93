//! The key of a piece from how much of each pitch class sounds.
//!
//! Correlation with the profiles of two studies, averaged: C. Krumhansl & E. Kessler, "Tracing the dynamic changes in
//! perceived tonal organization", 1982 (listeners' ratings), and D. Temperley, "What's key for key?", Music Perception
//! 17(1), 1999 (corrected for what the first gets wrong in scores). The method is Krumhansl & Schmuckler's.

/// A major or minor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Pitch class of its tonic: 0 is C, 11 is B.
    pub tonic: u8,
    /// Minor, else major.
    pub is_minor: bool,
}

/// A key and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeyFound {
    /// The key.
    pub key: Key,
    /// 0 to 1: how far it is ahead of the best other key.
    pub confidence: f64,
}

const KRUMHANSL_MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const KRUMHANSL_MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
const TEMPERLEY_MAJOR: [f64; 12] = [5.0, 2.0, 3.5, 2.0, 4.5, 4.0, 2.0, 4.5, 2.0, 3.5, 1.5, 4.0];
const TEMPERLEY_MINOR: [f64; 12] = [5.0, 2.0, 3.5, 4.5, 2.0, 4.0, 2.0, 4.5, 3.5, 2.0, 1.5, 4.0];
/// A lead of this much in correlation is as sure as it gets.
const SURE_LEAD: f64 = 0.2;

impl Key {
    /// Sharps, or flats as a negative number, of its signature: -6 to 6, as MIDI and MusicXML count them.
    #[must_use]
    pub fn fifths(self) -> i8 {
        let major = if self.is_minor { (self.tonic + 3) % 12 } else { self.tonic };
        let fifths = (7 * i32::from(major)).rem_euclid(12);
        (if fifths > 6 { fifths - 12 } else { fifths }) as i8
    }

    /// As people say it: `G minor`, `Bb major`.
    #[must_use]
    pub fn name(self) -> String {
        const FLAT: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"];
        const SHARP: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
        let names = if self.fifths() < 0 { FLAT } else { SHARP };
        let mode = if self.is_minor { "minor" } else { "major" };
        format!("{} {mode}", names[usize::from(self.tonic % 12)])
    }
}

/// The key that fits best. `chroma`: how much of each pitch class sounds, C first, in any unit. None where no pitch
/// class stands out.
#[must_use]
pub fn key(chroma: &[f64; 12]) -> Option<KeyFound> {
    let mut ranked: Vec<(f64, Key)> = Vec::with_capacity(24);
    for tonic in 0..12_u8 {
        let turned: [f64; 12] = std::array::from_fn(|i| chroma[(i + usize::from(tonic)) % 12]);
        for (is_minor, profiles) in
            [(false, [KRUMHANSL_MAJOR, TEMPERLEY_MAJOR]), (true, [KRUMHANSL_MINOR, TEMPERLEY_MINOR])]
        {
            let [a, b] = profiles.map(|profile| correlation(&turned, &profile));
            ranked.push((0.5 * (a? + b?), Key { tonic, is_minor }));
        }
    }
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (best, second) = (ranked[0], ranked[1]);
    (best.0 > 0.0).then(|| KeyFound {
        key: best.1,
        confidence: ((best.0 - second.0) / SURE_LEAD).clamp(0.0, 1.0) * best.0.min(1.0),
    })
}

/// Pearson's; none where one side is constant.
fn correlation(a: &[f64; 12], b: &[f64; 12]) -> Option<f64> {
    let mean = |x: &[f64; 12]| x.iter().sum::<f64>() / 12.0;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a) * (a - mean_a);
        bb += (b - mean_b) * (b - mean_b);
    }
    let scale = (aa * bb).sqrt();
    // 1e-12 of the sum of squares: what rounding leaves of a flat chroma is no music.
    let sounds = aa > 1e-12 * a.iter().map(|x| x * x).sum::<f64>();
    (scale.is_finite() && scale > 0.0 && sounds).then(|| ab / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(tonic: usize, steps: &[usize], triad: &[usize]) -> [f64; 12] {
        let mut chroma = [0.0; 12];
        steps.iter().for_each(|step| chroma[(tonic + step) % 12] += 1.0);
        triad.iter().for_each(|step| chroma[(tonic + step) % 12] += 1.0);
        chroma
    }

    #[test]
    fn scales_with_their_triads_are_in_their_keys() {
        for tonic in 0..12 {
            for (is_minor, steps, triad) in [
                (false, &[0, 2, 4, 5, 7, 9, 11][..], &[0, 4, 7][..]),
                (true, &[0, 2, 3, 5, 7, 8, 11], &[0, 3, 7]),
            ] {
                let found = key(&scale(tonic, steps, triad)).unwrap();
                assert_eq!(found.key, Key { tonic: tonic as u8, is_minor });
                assert!((0.0..=1.0).contains(&found.confidence));
            }
        }
    }

    #[test]
    fn silence_and_noise_without_pitch_have_no_key() {
        assert_eq!(key(&[0.0; 12]), None);
        assert_eq!(key(&[0.1; 12]), None);
        assert_eq!(key(&[f64::NAN; 12]), None);
    }

    #[test]
    fn signatures_are_those_of_the_circle_of_fifths() {
        for (tonic, is_minor, fifths, name) in [
            (0, false, 0, "C major"),
            (9, true, 0, "A minor"),
            (7, false, 1, "G major"),
            (7, true, -2, "G minor"),
            (10, false, -2, "Bb major"),
            (6, false, 6, "F# major"),
            (1, false, -5, "Db major"),
        ] {
            let key = Key { tonic, is_minor };
            assert_eq!((key.fifths(), &*key.name()), (fifths, name));
        }
    }
}
