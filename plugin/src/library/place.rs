//! Places in the song: where a part of a take begins, given where the take begins. Pure; knows no file.

use super::Place;

impl Place {
    /// The place `frames` frames later, by the tempo and time signature that were heard at its start. What cannot be
    /// known is left open: the bar, where the bars before were not all of this time signature.
    #[must_use]
    pub fn later(&self, frames: u64, rate_hz: u32) -> Self {
        if frames == 0 {
            return *self;
        }
        let seconds = frames as f64 / f64::from(rate_hz.max(1));
        let beats = self.beats.zip(self.tempo).map(|(beats, tempo)| beats + seconds * tempo / 60.0);
        Self {
            frames: self.frames.and_then(|at| at.checked_add_unsigned(frames)),
            beats,
            bar: self.bar_of(beats),
            ..*self
        }
    }

    /// The bar of a later beat, as long as counting from the project's start leads to the bar we know, too.
    fn bar_of(&self, beats: Option<f64>) -> Option<i32> {
        let (numerator, denominator) = self.meter?;
        let bar_beats = f64::from(numerator) * 4.0 / f64::from(denominator);
        let bar_at = |beats: f64| {
            // A beat that rounding left just before its bar line is on it.
            let bar = ((beats + 1e-6) / bar_beats).floor() + 1.0;
            (bar.abs() < 1e9).then_some(bar as i32)
        };
        if self.bar? != bar_at(self.beats?)? {
            return None;
        }
        bar_at(beats?)
    }

    /// Without what no host could mean: a tempo of zero, numbers that are none.
    pub(super) fn tidy(self) -> Self {
        Self {
            frames: self.frames,
            beats: self.beats.filter(|beats| beats.is_finite()),
            bar: self.bar,
            tempo: self.tempo.filter(|tempo| (1.0..=1_000.0).contains(tempo)),
            meter: self.meter.filter(|&(numerator, denominator)| numerator > 0 && denominator > 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(place: Place, seconds: u64, expected: Place) {
        assert_eq!(place.later(seconds * 48_000, 48_000), expected, "{place:?} {seconds} s later");
    }

    #[test]
    fn a_part_begins_where_tempo_and_meter_lead() {
        let start = Place {
            frames: Some(96_000),
            beats: Some(8.0),
            bar: Some(3),
            tempo: Some(120.0),
            meter: Some((4, 4)),
        };
        check(start, 0, start);
        check(start, 4, Place { frames: Some(288_000), beats: Some(16.0), bar: Some(5), ..start });
        check(start, 1, Place { frames: Some(144_000), beats: Some(10.0), ..start });
        let waltz = Place { beats: Some(6.0), meter: Some((3, 4)), ..start };
        check(waltz, 3, Place { frames: Some(240_000), beats: Some(12.0), bar: Some(5), ..waltz });
    }

    #[test]
    fn what_cannot_be_known_of_a_part_is_left_open() {
        check(Place::default(), 4, Place::default());
        // Bar 3 at beat 9 cannot be: some bar before was of another length.
        let odd =
            Place { beats: Some(13.0), bar: Some(3), tempo: Some(60.0), meter: Some((4, 4)), frames: None };
        check(odd, 1, Place { beats: Some(14.0), bar: None, ..odd });
        let no_tempo = Place { frames: Some(-48_000), beats: Some(8.0), bar: Some(3), ..Place::default() };
        check(no_tempo, 1, Place { frames: Some(0), beats: None, bar: None, ..no_tempo });
        assert_eq!(Place { frames: Some(i64::MAX), ..odd }.later(1, 48_000).frames, None);
    }

    #[test]
    fn nonsense_of_a_record_is_left_out() {
        let nonsense = Place {
            frames: Some(5),
            beats: Some(f64::NAN),
            bar: Some(-2),
            tempo: Some(0.0),
            meter: Some((4, 0)),
        };
        assert_eq!(nonsense.tidy(), Place { frames: Some(5), bar: Some(-2), ..Place::default() });
    }
}
