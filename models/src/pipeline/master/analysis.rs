//! The readings before the first frame goes out: what the references are like, what the clip is like, what gain it
//! needs. Each step reads one window, so that progress moves and a stop is heard.

use super::chain::Chain;
use super::equaliser::{Curves, Equaliser};
use super::figures::{Gauge, PlainGauge, amplitude, decibels, peak_and_energy};
use super::goal::{Guard, Level};
use super::level::LevelHistogram;
use super::planes::{heard, mid};
use super::portrait::{Portrait, SILENCE, Sketch};
use super::search::{GAIN_DB_MAX, MODEL_MS, Model, Search};
use super::target::{FULL, Target};
use super::verdict::Verdict;
use super::windows::Windows;
use super::{Job, Pass, filtered};
use crate::ModelError;
use crate::dsp::TruePeakMeter;
use crate::pipeline::Clips;
use std::sync::Arc;
use tributary_audio::frames::slices;
use tributary_audio::{ClipShape, Frames, LoudnessMeter, Resampler};

pub(super) struct Analysis {
    job: Arc<Job>,
    clips: Clips,
    pass: usize,
    step: u32,
    windows: Option<Windows>,
    ear: Ear,
    references: Vec<Portrait>,
    clip: Option<Portrait>,
    target: Option<Target>,
    equaliser: Option<Equaliser>,
    /// What came out of it last.
    filtered: Vec<Vec<f32>>,
    search: Option<Search>,
    verdict: Verdict,
}

/// What a reading listens for.
enum Ear {
    Nothing,
    Portrait(Box<Sketch>),
    Filtered { level: Option<LevelHistogram>, loudness: Option<Box<LoudnessEar>> },
    Trial { gain_db: f64, chain: Chain, meter: Box<LoudnessMeter> },
}

/// Loudness and peaks after the equaliser.
struct LoudnessEar {
    meter: LoudnessMeter,
    true_peak: TruePeakMeter,
    plain: PlainGauge,
    model: Model,
    model_frames: usize,
}

impl Analysis {
    pub(super) fn new(job: Arc<Job>, clips: Clips) -> Self {
        let verdict = Verdict { gain: 1.0, ceiling: amplitude(job.goal.ceiling_db), ..Verdict::default() };
        Self {
            job,
            clips,
            pass: 0,
            step: 0,
            windows: None,
            ear: Ear::Nothing,
            references: Vec::new(),
            clip: None,
            target: None,
            equaliser: None,
            filtered: Vec::new(),
            search: None,
            verdict,
        }
    }

    /// Reads one window of the reading that is due.
    ///
    /// # Errors
    /// Where a clip cannot be read or a reference is silent.
    pub(super) fn step(&mut self) -> Result<(), ModelError> {
        let Some(&(pass, steps)) = self.job.passes.get(self.pass) else { return Ok(()) };
        if self.step == 0 {
            self.begin(pass)?;
        }
        if let Some(windows) = &mut self.windows {
            self.ear.listen(windows.next()?, self.equaliser.as_mut(), &mut self.filtered)?;
        }
        self.step += 1;
        if self.step == steps {
            self.windows = None;
            self.conclude()?;
            self.pass += 1;
            self.step = 0;
        }
        Ok(())
    }

    /// After the last step: what was decided, the filters, and the clip once more from its beginning.
    ///
    /// # Errors
    /// Where the clip cannot be opened.
    pub(super) fn finish(&mut self) -> Result<(Verdict, Option<Equaliser>, Windows), ModelError> {
        let windows = self.open_clip()?;
        Ok((std::mem::take(&mut self.verdict), self.equaliser.take(), windows))
    }

    fn begin(&mut self, pass: Pass) -> Result<(), ModelError> {
        let (clip, rate_hz) = (self.job.clip, self.job.clip.rate_hz);
        self.ear = Ear::Nothing;
        match pass {
            Pass::Reference(number) => {
                let source = self.clips.references[number].open()?;
                let shape = at_rate(source.shape(), rate_hz);
                let source: Box<dyn Frames> = if source.shape() == shape {
                    source
                } else {
                    Box::new(Resampler::with_length(source, rate_hz, shape.frames)?)
                };
                self.windows = Some(Windows::new(source, shape.frames, self.job.window_frames, 0));
                // Its true peak matters only where it becomes the ceiling.
                let is_ceiling =
                    self.job.goal.level == Level::Reference && self.job.goal.guard != Guard::Classic;
                let new = if is_ceiling { Gauge::new } else { Gauge::without_true_peak };
                self.ear = Ear::Portrait(Box::new(Sketch::new(shape, new(shape.channels, rate_hz)?)));
            }
            Pass::Clip => {
                self.windows = Some(self.open_clip()?);
                self.ear = Ear::Portrait(Box::new(Sketch::new(clip, Gauge::new(clip.channels, rate_hz)?)));
            }
            Pass::Filtered => {
                let is_level = self.job.goal.level == Level::Reference;
                let level = is_level.then(|| LevelHistogram::new(clip));
                let loudness = if is_level && self.job.goal.guard != Guard::Off {
                    None
                } else {
                    Some(Box::new(LoudnessEar::new(&self.job)?))
                };
                self.windows = Some(self.open_clip()?);
                self.ear = Ear::Filtered { level, loudness };
            }
            Pass::Trial => {
                let Some(gain_db) = self.search.as_ref().and_then(Search::next_db) else { return Ok(()) };
                let meter = Box::new(LoudnessMeter::without_peaks(clip.channels, rate_hz)?);
                let chain = Chain::first(&self.job, self.verdict.ceiling);
                self.windows = Some(self.open_clip()?);
                self.ear = Ear::Trial { gain_db, chain, meter };
            }
        }
        Ok(())
    }

    /// The clip in windows that reach over by half a filter.
    fn open_clip(&self) -> Result<Windows, ModelError> {
        let reach = self.equaliser.as_ref().map_or(0, Equaliser::reach_frames);
        let (frames, window) = (self.job.clip.frames, self.job.window_frames);
        Ok(Windows::new(self.clips.clip.open()?, frames, window, reach))
    }

    fn conclude(&mut self) -> Result<(), ModelError> {
        match std::mem::replace(&mut self.ear, Ear::Nothing) {
            Ear::Nothing => {}
            Ear::Portrait(sketch) => {
                let portrait = sketch.finish()?;
                match self.job.passes[self.pass].0 {
                    Pass::Reference(_) => self.references.push(portrait),
                    _ => self.compare(portrait)?,
                }
            }
            Ear::Filtered { level, loudness } => {
                let loudness = loudness.map(|ear| ear.finish()).transpose()?;
                match level {
                    Some(level) => self.level(&level, loudness.map(|heard| heard.true_peak)),
                    None => self.loudness(loudness.expect("what has no level to match has a loudness")),
                }
            }
            Ear::Trial { gain_db, mut chain, mut meter } => {
                let rest = chain.finish(self.job.channels());
                meter.add(&slices(&rest))?;
                if let Some(search) = &mut self.search {
                    search.tell(gain_db, &meter.loudness()?);
                    self.verdict.gain = amplitude(search.best_db());
                }
            }
        }
        Ok(())
    }

    /// All were heard: designs the equaliser.
    fn compare(&mut self, clip: Portrait) -> Result<(), ModelError> {
        self.target = Target::of(&self.references, &self.job)?;
        self.verdict.before = clip.figures;
        self.verdict.references = self.references.iter().map(|r| r.figures).collect();
        for (i, reference) in self.references.iter().enumerate() {
            if reference.is_much_like(&clip) {
                let text = format!("the clip and reference {} are the same recording or nearly", i + 1);
                self.verdict.notes.push(text);
            }
        }
        let curves = Curves::design(&self.job, &clip, self.target.as_ref());
        let note = |text: &str| Some(text.to_owned());
        self.verdict.notes.extend(match (&curves, &self.target) {
            _ if clip.level < SILENCE => note("the clip is silent: it is left as it is"),
            (None, _) if self.job.goal.amount > 0.0 && clip.spectra.is_none() => {
                note("the clip is too short for an equaliser: only the level was changed")
            }
            (None, Some(target)) if self.job.goal.amount > 0.0 && target.spectra.is_none() => {
                note("the references are too short for an equaliser: only the level was changed")
            }
            (Some(curves), Some(target))
                if curves.side.is_none() && self.job.goal.sides && target.spectra.is_some() =>
            {
                note("the clip or the references have no sides: the sides follow the middle")
                    .filter(|_| self.job.clip.channels > 1)
            }
            _ => None,
        });
        // The classic limiter holds samples and is to leave what the reference program leaves.
        let cut = self.job.goal.guard != Guard::Classic && clip.level >= SILENCE;
        self.equaliser = Equaliser::new(curves.as_ref(), cut, self.job.fft_frames);
        self.verdict.curves = curves;
        self.clip = Some(clip);
        Ok(())
    }

    /// The gain to the reference's level.
    fn level(&mut self, histogram: &LevelHistogram, true_peak: Option<f64>) {
        let (Some(clip), Some(target)) = (&self.clip, &self.target) else { return };
        // Full scale is where the reference's peak is: there the limiter stands.
        let scale = target.peak / FULL;
        let wanted = target.level / scale;
        self.verdict.ceiling = match self.job.goal.guard {
            Guard::Classic => target.peak,
            _ => target.true_peak.min(self.verdict.ceiling),
        };
        if clip.level < SILENCE {
            return;
        }
        let gain = histogram.gain(wanted / clip.level, wanted) * scale;
        self.verdict.gain = gain.min(amplitude(GAIN_DB_MAX));
        if let Some(true_peak) = true_peak {
            self.verdict.gain = self.verdict.gain.min(self.verdict.ceiling / true_peak.max(SILENCE));
        }
    }

    /// The gain to the loudness wanted, or a search for it.
    fn loudness(&mut self, heard: Heard) {
        let Level::Loudness { lufs } = self.job.goal.level else { return };
        let ceiling = self.verdict.ceiling;
        let plain_lufs = match (heard.lufs, decibels(heard.rms)) {
            (Some(lufs), _) => lufs,
            (None, Some(rms_db)) if self.job.clip.seconds() < 0.4 => {
                let text = "the clip is too short to measure its loudness: its level was taken for it";
                self.verdict.notes.push(text.to_owned());
                // BS.1770 without its filter and gates.
                rms_db + decibels((self.job.channels() as f64).sqrt()).unwrap_or(0.0) - 0.691
            }
            (None, _) => {
                let text = "the clip is too quiet to measure its loudness: no gain was applied";
                self.verdict.notes.extend((heard.rms > 0.0).then(|| text.to_owned()));
                return;
            }
        };
        let plain_db = (lufs - plain_lufs).min(GAIN_DB_MAX);
        self.verdict.gain = amplitude(plain_db);
        let fits = ceiling / heard.true_peak.max(1e-9);
        if self.job.goal.guard == Guard::Off {
            self.verdict.gain = self.verdict.gain.min(fits);
        } else if self.verdict.gain > fits * 0.99 && heard.lufs.is_some() {
            self.search = Some(Search::new(lufs, plain_lufs, ceiling, heard.model));
        }
    }
}

/// How long a clip of that shape is at another rate, at least one frame.
pub(super) fn at_rate(shape: ClipShape, rate_hz: u32) -> ClipShape {
    let frames = tributary_audio::resample::frames_at(shape.frames, shape.rate_hz, rate_hz).max(1);
    ClipShape { frames, rate_hz, ..shape }
}

impl Ear {
    /// `out` is room for what comes out of the filters.
    fn listen(
        &mut self,
        rows: &[Vec<f32>],
        equaliser: Option<&mut Equaliser>,
        out: &mut Vec<Vec<f32>>,
    ) -> Result<(), ModelError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Portrait(sketch) => sketch.push(&slices(rows)),
            Self::Filtered { level: Some(level), loudness: None } => {
                level.push(&filtered_middles(rows, equaliser));
                Ok(())
            }
            Self::Filtered { level, loudness } => {
                filtered(rows, equaliser, out);
                if let Some(level) = level {
                    level.push(&filtered_middles(out, None));
                }
                loudness.as_mut().map_or(Ok(()), |loudness| loudness.push(out))
            }
            Self::Trial { gain_db, chain, meter } => {
                let gain = amplitude(*gain_db) as f32;
                filtered(rows, equaliser, out);
                out.iter_mut().for_each(|row| row.iter_mut().for_each(|x| *x *= gain));
                Ok(meter.add(&slices(chain.push(out)))?)
            }
        }
    }
}

/// The middles of all groups that are heard.
fn filtered_middles(rows: &[Vec<f32>], mut equaliser: Option<&mut Equaliser>) -> Vec<Vec<f32>> {
    let of = |group| {
        let (mut middle, mut out) = (Vec::new(), Vec::new());
        mid(rows, group, &mut middle);
        let Some(equaliser) = &mut equaliser else { return middle };
        equaliser.run_mid(&middle, &mut out);
        out
    };
    heard(u16::try_from(rows.len()).unwrap_or(u16::MAX)).map(of).collect()
}

/// What a [`LoudnessEar`] heard.
struct Heard {
    lufs: Option<f64>,
    true_peak: f64,
    rms: f64,
    model: Model,
}

impl LoudnessEar {
    fn new(job: &Job) -> Result<Self, ModelError> {
        let release = (-MODEL_MS / job.goal.release_ms).exp() as f32;
        Ok(Self {
            meter: LoudnessMeter::without_peaks(job.clip.channels, job.clip.rate_hz)?,
            true_peak: TruePeakMeter::new(job.channels()),
            plain: PlainGauge::default(),
            model: Model { pieces: Vec::new(), release },
            model_frames: (MODEL_MS * 1e-3 * f64::from(job.clip.rate_hz)).ceil() as usize,
        })
    }

    fn push(&mut self, rows: &[Vec<f32>]) -> Result<(), ModelError> {
        self.meter.add(&slices(rows))?;
        self.true_peak.push(&slices(rows));
        self.plain.push(&slices(rows));
        let frames = rows.first().map_or(0, Vec::len);
        for from in (0..frames).step_by(self.model_frames) {
            let to = frames.min(from + self.model_frames);
            let pieces = rows.iter().map(|row| peak_and_energy(&row[from..to]));
            self.model.pieces.push(pieces.fold((0.0, 0.0), |(top, sum), (peak, energy)| {
                let energy = energy / (to - from) as f32;
                (peak.max(top), sum + energy)
            }));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Heard, ModelError> {
        let lufs = self.meter.loudness()?.integrated_lufs;
        let true_peak = f64::from(self.true_peak.peak());
        Ok(Heard { lufs, true_peak, rms: self.plain.rms(), model: self.model })
    }
}
