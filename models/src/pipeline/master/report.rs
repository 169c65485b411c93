//! The sheet beside the master: every figure before and after, the curves, the settings, and notes for people. JSON.

use super::Job;
use super::equaliser::Curves;
use super::figures::{Figures, PlainGauge, amplitude, decibels};
use super::goal::{Guard, Level};
use super::verdict::Verdict;
use crate::settings::Settings;
use serde::Serialize;

/// Points of the curves: sixths of an octave from 20 Hz to 20 kHz.
const POINTS_AN_OCTAVE: u32 = 6;
const POINTS: u32 = 10 * POINTS_AN_OCTAVE;
const FIRST_HZ: f64 = 20.0;
/// Further off a target than that is worth a note.
const MISS_LU: f64 = 0.1;
/// The lowest gain a curve shows.
const GAIN_DB_MIN: f64 = -60.0;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    target: Target,
    /// Between equaliser and limiter.
    gain_db: f64,
    /// The most that the limiter turned down.
    gain_reduction_db: f64,
    before: Figures,
    /// After equaliser and gain, before the limiter.
    unlimited: Unlimited,
    after: Figures,
    references: &'a [Figures],
    eq: Vec<Point>,
    settings: &'a Settings,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Target {
    /// None where the level of the reference is the target.
    integrated_lufs: Option<f64>,
    ceiling_db: Option<f64>,
    /// What the ceiling holds down: `true_peak` or `sample_peak`.
    ceiling_holds: &'static str,
}

#[derive(Serialize)]
struct Unlimited {
    sample_peak_dbfs: Option<f64>,
    rms_dbfs: Option<f64>,
}

#[derive(Serialize)]
struct Point {
    hz: f64,
    mid_db: f64,
    side_db: f64,
}

/// The sheet's bytes.
pub(super) fn write(
    job: &Job,
    verdict: &Verdict,
    unlimited: &PlainGauge,
    after: Figures,
    reduction_db: f64,
) -> Vec<u8> {
    let integrated_lufs = match job.goal.level {
        Level::Loudness { lufs } => Some(lufs),
        Level::Reference => None,
    };
    let classic = job.goal.guard == Guard::Classic;
    let target = Target {
        integrated_lufs,
        ceiling_db: decibels(verdict.ceiling),
        ceiling_holds: if classic { "sample_peak" } else { "true_peak" },
    };
    let mut notes = verdict.notes.clone();
    notes.extend(notes_on(&target, &after, job.goal.guard));
    let report = Report {
        version: 1,
        target,
        gain_db: 20.0 * verdict.gain.max(1e-9).log10(),
        gain_reduction_db: 0.0 - reduction_db,
        before: verdict.before,
        unlimited: Unlimited {
            sample_peak_dbfs: decibels(f64::from(unlimited.peak)),
            rms_dbfs: decibels(unlimited.rms()),
        },
        after,
        references: &verdict.references,
        eq: verdict.curves.as_ref().map_or_else(Vec::new, |curves| points(curves, job)),
        settings: &job.settings,
        notes,
    };
    serde_json::to_vec_pretty(&report).expect("a report holds nothing that JSON has no form for")
}

/// What did not come out as asked, and why.
fn notes_on(target: &Target, after: &Figures, guard: Guard) -> Vec<String> {
    let mut notes = Vec::new();
    if let (Some(wanted), Some(got)) = (target.integrated_lufs, after.integrated_lufs)
        && (wanted - got).abs() > MISS_LU
    {
        let why = match guard {
            Guard::Off => "the limiter is off, and more gain would exceed the ceiling",
            _ => "more gain would leave nothing but what the limiter turns down",
        };
        notes.push(format!("the loudness is {got:.1} LUFS, not {wanted:.1}: {why}"));
    }
    if let (Guard::Classic, Some(peak), Some(ceiling)) = (guard, after.true_peak_dbtp, target.ceiling_db)
        && peak > ceiling
    {
        notes.push(format!(
            "the true peak is {peak:.1} dBTP: the classic limiter holds samples, not what is between them"
        ));
    }
    notes
}

fn points(curves: &Curves, job: &Job) -> Vec<Point> {
    let bin_hz = f64::from(job.clip.rate_hz) / job.fft_frames as f64;
    let last = (curves.mid.len() - 1) as f64;
    let at = |curve: &[f64], hz: f64| {
        let place = (hz / bin_hz).min(last);
        let (i, part) = (place as usize, place.fract());
        let next = (i + 1).min(curve.len() - 1);
        let db = |bin: usize| 20.0 * curve[bin].max(amplitude(GAIN_DB_MIN)).log10();
        db(i) + part * (db(next) - db(i))
    };
    (0..=POINTS)
        .map(|i| FIRST_HZ * 2.0_f64.powf(f64::from(i) / f64::from(POINTS_AN_OCTAVE)))
        .filter(|hz| *hz <= f64::from(job.clip.rate_hz) / 2.0)
        .map(|hz| Point { hz, mid_db: at(&curves.mid, hz), side_db: at(curves.side(), hz) })
        .collect()
}
