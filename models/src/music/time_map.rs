//! Seconds to beats and back, by pieces of steady tempo, as a DAW's tempo track has them.

/// The time from one beat to the next as MIDI files write it, microseconds: 24 bits.
const MICROS_MAX: f64 = 16_777_215.0;

/// A tempo that holds from some beat on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TempoPiece {
    /// Where it begins, seconds.
    pub start_seconds: f64,
    /// Where it begins, beats from the clip's first frame.
    pub start_beats: f64,
    /// From beat to beat, whole microseconds, so that a file says exactly what is meant here.
    pub micros_a_beat: u32,
}

impl TempoPiece {
    /// Beats a minute.
    #[must_use]
    pub fn bpm(&self) -> f64 {
        60e6 / f64::from(self.micros_a_beat)
    }
}

/// Where beats lie in a clip. Beat 0 is its first frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeMap {
    pieces: Vec<TempoPiece>,
}

impl TimeMap {
    /// One tempo from the first frame on.
    #[must_use]
    pub fn steady(bpm: f64) -> Self {
        let micros_a_beat = micros(60.0 / bpm);
        Self { pieces: vec![TempoPiece { start_seconds: 0.0, start_beats: 0.0, micros_a_beat }] }
    }

    /// Through points of seconds and beats, both rising, after (0, 0); the last tempo goes on. Steady 120 beats a
    /// minute where there is no such point.
    #[must_use]
    pub fn through(points: &[(f64, f64)]) -> Self {
        let mut pieces: Vec<TempoPiece> = Vec::new();
        let (mut seconds, mut beats) = (0.0, 0.0);
        for &(to_seconds, to_beats) in points {
            let more = to_beats - beats;
            if more <= 0.0 || to_seconds <= seconds {
                continue;
            }
            // From where the pieces so far really end: rounding to microseconds does not add up.
            let micros_a_beat = micros((to_seconds - seconds) / more);
            match pieces.last() {
                Some(last) if last.micros_a_beat == micros_a_beat => {}
                _ => {
                    pieces.push(TempoPiece { start_seconds: seconds, start_beats: beats, micros_a_beat });
                }
            }
            seconds += more * f64::from(micros_a_beat) / 1e6;
            beats = to_beats;
        }
        if pieces.is_empty() { Self::steady(120.0) } else { Self { pieces } }
    }

    /// The tempi in order; the first begins at 0.
    #[must_use]
    pub fn pieces(&self) -> &[TempoPiece] {
        &self.pieces
    }

    /// The beat at a time.
    #[must_use]
    pub fn beats_at(&self, seconds: f64) -> f64 {
        let after = self.pieces.partition_point(|piece| piece.start_seconds <= seconds);
        let piece = &self.pieces[after.max(1) - 1];
        piece.start_beats + (seconds - piece.start_seconds) * 1e6 / f64::from(piece.micros_a_beat)
    }

    /// The time of a beat.
    #[must_use]
    pub fn seconds_at(&self, beats: f64) -> f64 {
        let after = self.pieces.partition_point(|piece| piece.start_beats <= beats);
        let piece = &self.pieces[after.max(1) - 1];
        piece.start_seconds + (beats - piece.start_beats) * f64::from(piece.micros_a_beat) / 1e6
    }
}

fn micros(seconds: f64) -> u32 {
    (seconds * 1e6).round().clamp(1.0, MICROS_MAX) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back_is_the_same_and_the_points_are_met() {
        let points = [(0.7, 1.0), (10.7, 21.0), (20.0, 37.0)];
        let map = TimeMap::through(&points);
        assert_eq!(map.pieces().len(), 3);
        for (seconds, beats) in points {
            assert!((map.beats_at(seconds) - beats).abs() < 1e-4, "{seconds}");
        }
        for i in 0..300 {
            let seconds = f64::from(i) * 0.1;
            assert!((map.seconds_at(map.beats_at(seconds)) - seconds).abs() < 1e-9);
        }
    }

    #[test]
    fn three_hours_at_a_tempo_of_no_whole_microseconds_end_in_time() {
        let beat_seconds = 60.0 / 127.0;
        let points: Vec<_> =
            (1..=100).map(|i| (f64::from(i) * 228.0 * beat_seconds, f64::from(i) * 228.0)).collect();
        let map = TimeMap::through(&points);
        let end = points[99];
        // 1e-3: half a microsecond a beat over the last 228 beats.
        assert!((map.seconds_at(end.1) - end.0).abs() < 1e-3);
    }

    #[test]
    fn points_that_do_not_rise_are_left_out() {
        let map = TimeMap::through(&[(0.0, 0.0), (0.5, 1.0), (0.4, 2.0), (1.0, 1.0)]);
        assert_eq!(map, TimeMap::steady(120.0));
        assert_eq!(TimeMap::through(&[]), TimeMap::steady(120.0));
    }
}
