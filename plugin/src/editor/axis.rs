//! Which part of the take is in sight, and where a frame of it lies on the screen. Pure.

use crate::library::TakeInfo;
use egui::{Rangef, Rect};

/// Frames in sight at least: beyond that a waveform has nothing more to tell.
const SIGHT_MIN: f64 = 256.0;

/// The part in sight. The same for the take and its stems, whatever their widths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    /// Frames of the take.
    frames: f64,
    /// First frame in sight.
    pub(crate) first: f64,
    /// Frames in sight.
    pub(crate) sight: f64,
}

impl Default for Axis {
    fn default() -> Self {
        Self::whole(1)
    }
}

impl Axis {
    /// All of a take in sight.
    pub(crate) fn whole(frames: u64) -> Self {
        let frames = frames.max(1) as f64;
        Self { frames, first: 0.0, sight: frames }
    }

    /// All is in sight.
    pub(crate) fn is_whole(&self) -> bool {
        self.sight >= self.frames
    }

    /// Where a frame lies in a row.
    pub(crate) fn x(&self, row: Rangef, frame: f64) -> f32 {
        row.min + ((frame - self.first) / self.sight * f64::from(row.span())) as f32
    }

    /// Where in the take a place in a row is, in frames; beyond its ends, too.
    pub(crate) fn at(&self, row: Rangef, x: f32) -> f64 {
        self.first + f64::from(x - row.min) / f64::from(row.span().max(1.0)) * self.sight
    }

    /// The frame at a place in a row, inside the take.
    pub(crate) fn frame(&self, row: Rangef, x: f32) -> u64 {
        self.at(row, x).round().clamp(0.0, self.frames) as u64
    }

    /// Frames a point.
    pub(crate) fn per_point(&self, row: Rangef) -> f64 {
        self.sight / f64::from(row.span().max(1.0))
    }

    /// Zooms by `factor` (more than 1: in) and keeps what is at `x` there.
    pub(crate) fn zoom(&mut self, row: Rangef, x: f32, factor: f32) {
        if !(factor.is_finite() && factor > 0.0) {
            return;
        }
        let share = f64::from((x - row.min) / row.span().max(1.0)).clamp(0.0, 1.0);
        let held = self.first + share * self.sight;
        self.sight = (self.sight / f64::from(factor)).clamp(SIGHT_MIN.min(self.frames), self.frames);
        self.move_to(held - share * self.sight);
    }

    /// Scrolls by so many points.
    pub(crate) fn scroll(&mut self, row: Rangef, points: f32) {
        if points.is_finite() {
            self.move_to(self.first + f64::from(points) * self.per_point(row));
        }
    }

    /// Begins here, as far as the take goes.
    pub(crate) fn move_to(&mut self, first: f64) {
        self.first = first.clamp(0.0, (self.frames - self.sight).max(0.0));
    }

    /// Turns the page when the sound leaves it.
    pub(crate) fn follow(&mut self, playhead: f64) {
        if !self.is_whole() && !(self.first..=self.first + self.sight).contains(&playhead) {
            self.move_to(playhead - self.sight * 0.05);
        }
    }

    /// Share of the take: where the part in sight begins, and how long it is.
    pub(crate) fn shares(&self) -> (f32, f32) {
        ((self.first / self.frames) as f32, (self.sight / self.frames) as f32)
    }
}

/// A mark of the ruler.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Mark {
    /// Frame of the take.
    pub(crate) frame: f64,
    /// What stands there; none for a lesser mark.
    pub(crate) label: Option<String>,
}

/// Marks of a ruler at most.
const MARKS_MAX: usize = 400;
/// Points between two labels at least.
const LABEL_GAP: f64 = 56.0;

/// The song's beats as the take knows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Beats {
    frames_per_quarter: f64,
    quarters_per_bar: f64,
    quarters_per_beat: f64,
    /// Quarter notes from the start of bar 1 to the take's first frame.
    start: f64,
}

impl Beats {
    /// None where the take does not know its tempo.
    pub(crate) fn of(take: &TakeInfo) -> Option<Self> {
        let tempo = take.place.tempo.filter(|tempo| (1.0..=1_000.0).contains(tempo))?;
        let (upper, lower) =
            take.place.meter.filter(|(upper, lower)| *upper > 0 && *lower > 0).unwrap_or((4, 4));
        let quarters_per_beat = 4.0 / f64::from(lower);
        let quarters_per_bar = quarters_per_beat * f64::from(upper);
        let bar_start = take.place.bar.map(|bar| (f64::from(bar) - 1.0) * quarters_per_bar);
        let beats = take.place.beats.filter(|beats| beats.is_finite() && beats.abs() < 1e9);
        let start = match (beats, bar_start) {
            // Where the meter changed before, only the part inside the bar can be known.
            (Some(beats), Some(bar)) => bar + (beats - bar).rem_euclid(quarters_per_bar),
            (Some(beats), None) => beats,
            (None, Some(bar)) => bar,
            (None, None) => return None,
        };
        let frames_per_quarter = f64::from(take.rate_hz.max(1)) * 60.0 / tempo;
        Some(Self { frames_per_quarter, quarters_per_bar, quarters_per_beat, start })
    }

    /// Frames a beat.
    pub(crate) fn beat_frames(&self) -> f64 {
        self.frames_per_quarter * self.quarters_per_beat
    }

    fn frame(&self, quarter: f64) -> f64 {
        (quarter - self.start) * self.frames_per_quarter
    }

    /// Bars, and beats where there is room for them.
    pub(crate) fn marks(&self, axis: &Axis, row: Rect) -> Vec<Mark> {
        let per_point = axis.per_point(row.x_range());
        let bar_frames = self.quarters_per_bar * self.frames_per_quarter;
        let mut bars = 1.0;
        while bars * bar_frames / per_point < LABEL_GAP && bars < 1e9 {
            bars *= 2.0;
        }
        let has_beats = bars < 1.5 && self.beat_frames() / per_point > 12.0;
        let step =
            if has_beats { self.quarters_per_beat } else { self.quarters_per_bar * (bars / 4.0).max(1.0) };
        let quarter = |frame: f64| frame / self.frames_per_quarter + self.start;
        let first = (quarter(axis.first) / step).floor();
        let mut marks = Vec::new();
        for index in 0..MARKS_MAX {
            let at = (first + index as f64) * step;
            if self.frame(at) > axis.first + axis.sight {
                break;
            }
            let bar = at / self.quarters_per_bar;
            let is_labelled = (bar / bars - (bar / bars).round()).abs() < 1e-6;
            let label = is_labelled.then(|| format!("{:.0}", bar.round() + 1.0));
            marks.push(Mark { frame: self.frame(at), label });
        }
        marks
    }
}

/// Seconds, as finely as there is room for labels.
pub(crate) fn second_marks(axis: &Axis, row: Rect, rate_hz: u32) -> Vec<Mark> {
    let rate = f64::from(rate_hz.max(1));
    let gap = axis.per_point(row.x_range()) * LABEL_GAP / rate;
    let steps =
        [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0];
    let step = steps
        .into_iter()
        .find(|step| *step >= gap)
        .unwrap_or_else(|| (gap / 3600.0).ceil().max(1.0) * 3600.0);
    let (fine, first) = (step / 5.0, (axis.first / rate / step).floor() * 5.0);
    let mut marks = Vec::new();
    for index in 0..MARKS_MAX {
        let at = (first + index as f64) * fine;
        if at * rate > axis.first + axis.sight {
            break;
        }
        marks.push(Mark { frame: at * rate, label: (index % 5 == 0).then(|| second(at, step)) });
    }
    marks
}

fn second(at: f64, step: f64) -> String {
    let (minutes, seconds) = ((at / 60.0 + 1e-9).floor(), at - (at / 60.0 + 1e-9).floor() * 60.0);
    let seconds = seconds.max(0.0);
    match step {
        step if step >= 1.0 => format!("{minutes:.0}:{seconds:02.0}"),
        step if step >= 0.1 => format!("{minutes:.0}:{seconds:04.1}"),
        _ => format!("{minutes:.0}:{seconds:06.3}"),
    }
}

#[cfg(test)]
#[path = "axis_tests.rs"]
mod tests;
