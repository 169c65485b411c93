//! What beats, key and drums are heard from, measured while a clip streams by: how strongly things begin, 86 times
//! a second, and how much of each pitch class sounds, ten times a second. Keeps some 2 kB a second
//! and no sound.
//!
//! Onset strength is the rise of a logarithmic mel spectrum, summed over its bands: D. Ellis, "Beat tracking by dynamic
//! programming", Journal of New Music Research 36(1), 2007, section 3.1. Pitch classes are read off the peaks of a long
//! transform, each at its interpolated frequency: E. Gómez, "Tonal description of polyphonic audio for music content
//! processing", INFORMS Journal on Computing 18(3), 2006.

use crate::dsp::{Forward, Stft, StftShape};
use crate::music::drums::hits;
use crate::music::midi_of_hz;
use realfft::num_complex::Complex;
use std::sync::Arc;

/// The rate all of it is made for; that of the transcription network, too.
pub const RATE_HZ: u32 = 22_050;
/// From one onset strength to the next, frames.
pub const HOP_FRAMES: usize = 256;
/// From one chroma to the next, frames.
pub const CHROMA_HOP_FRAMES: usize = 2048;
/// Bands in which drums are told apart: the kick's body, the snare's body, the hi-hat's hiss.
pub const DRUM_BANDS_HZ: [(f64, f64); 3] = [(35.0, 110.0), (160.0, 420.0), (7_500.0, 10_900.0)];

const ONSET_N_FFT: usize = 1024;
const CHROMA_N_FFT: usize = 8192;
/// The clip's level is taken from this much of its beginning, so that a quiet clip is heard as a loud one is.
const LEVEL_FRAMES: usize = 20 * RATE_HZ as usize;
/// Stretches of the beginning that are measured each, frames.
const LEVEL_STEP_FRAMES: usize = 2048;
/// Root mean square it is brought to: that of a mastered song.
const LEVEL_RMS: f64 = 0.15;
/// What is softer is silence: a few steps of 16 bits.
const SILENCE_RMS: f64 = 1e-4;
const MEL_BANDS: usize = 40;
const MEL_HZ: (f64, f64) = (30.0, 10_000.0);
/// How far below full scale a band still counts before the logarithm flattens it: about 60 dB.
const LOG_SLOPE: f32 = 1000.0;
/// Pitches that count towards the key: A1 to about C7.
const CHROMA_HZ: (f64, f64) = (54.0, 2_100.0);

/// What was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listened {
    /// How strongly something begins, 0 and up, one every [`HOP_FRAMES`] frames of [`RATE_HZ`].
    pub onsets: Vec<f32>,
    /// The same within each of [`DRUM_BANDS_HZ`].
    pub bands: [Vec<f32>; 3],
    /// How much of each pitch class sounds, C first, one every [`CHROMA_HOP_FRAMES`] frames.
    pub chroma: Vec<[f32; 12]>,
    /// The clip's length, seconds.
    pub seconds: f64,
}

impl Listened {
    /// The time of an onset strength, seconds.
    #[must_use]
    pub fn seconds_at(&self, index: f64) -> f64 {
        index * HOP_FRAMES as f64 / f64::from(RATE_HZ)
    }

    /// When something is struck, seconds: what rises by at least `part`, 0 to 1, of what the strong beginnings do.
    #[must_use]
    pub fn strikes(&self, part: f64) -> Vec<f64> {
        let strikes = hits(&self.onsets, part as f32);
        strikes.into_iter().map(|(index, _)| self.seconds_at(index as f64)).collect()
    }

    /// The pitch classes of all of it.
    #[must_use]
    pub fn chroma_sum(&self) -> [f64; 12] {
        let mut sum = [0.0; 12];
        for column in &self.chroma {
            sum.iter_mut().zip(column).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        sum
    }
}

/// Listens to one channel at [`RATE_HZ`].
pub struct Ear {
    onset_forward: Forward,
    chroma_forward: Forward,
    columns: Vec<Complex<f32>>,
    /// The clip's beginning, until its level is known.
    beginning: Vec<f32>,
    /// None before that.
    gain: Option<f32>,
    block: Vec<f32>,
    mel: Vec<Band>,
    drums: Vec<Band>,
    /// Logarithms of the column before: mel bands, then drum bands.
    before: Option<Vec<f32>>,
    frames: u64,
    heard: Listened,
}

/// Weights of neighbouring bins.
struct Band {
    first: usize,
    weights: Vec<f32>,
}

impl Default for Ear {
    fn default() -> Self {
        Self::new()
    }
}

impl Ear {
    /// Before the first frame.
    #[must_use]
    pub fn new() -> Self {
        let shape = |n_fft, hop| StftShape::new(n_fft, hop).expect("the hop is a quarter of the window");
        let onset = Stft::new(shape(ONSET_N_FFT, HOP_FRAMES));
        let chroma = Stft::new(shape(CHROMA_N_FFT, CHROMA_HOP_FRAMES));
        Self {
            onset_forward: Forward::new(&Arc::clone(&onset)),
            chroma_forward: Forward::new(&Arc::clone(&chroma)),
            columns: Vec::new(),
            beginning: Vec::new(),
            gain: None,
            block: Vec::new(),
            mel: mel_bands(),
            drums: DRUM_BANDS_HZ.iter().map(|(from, to)| Band::flat(*from, *to)).collect(),
            before: None,
            frames: 0,
            heard: Listened::default(),
        }
    }

    /// Takes the next frames.
    pub fn push(&mut self, frames: &[f32]) {
        self.frames += frames.len() as u64;
        if self.gain.is_some() {
            self.hear(frames);
            return;
        }
        self.beginning.extend_from_slice(frames);
        if self.beginning.len() >= LEVEL_FRAMES {
            self.level();
        }
    }

    /// Hears the clip's beginning, now that its level is known.
    fn level(&mut self) {
        let beginning = std::mem::take(&mut self.beginning);
        let steps = beginning[..beginning.len().min(LEVEL_FRAMES)].chunks(LEVEL_STEP_FRAMES);
        let power =
            |step: &[f32]| step.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / step.len() as f64;
        let (mut sum, mut count) = (0.0, 0.0);
        for power in steps.map(power).filter(|power| *power > SILENCE_RMS * SILENCE_RMS) {
            sum += power;
            count += 1.0;
        }
        self.gain = Some(if count > 0.0 { (LEVEL_RMS / (sum / count).sqrt()) as f32 } else { 1.0 });
        self.hear(&beginning);
    }

    fn hear(&mut self, frames: &[f32]) {
        let (mut block, gain) = (std::mem::take(&mut self.block), self.gain.unwrap_or(1.0));
        block.clear();
        block.extend(frames.iter().map(|x| gain * x));
        self.columns.clear();
        self.onset_forward.push(&block, &mut self.columns);
        self.begin();
        self.columns.clear();
        self.chroma_forward.push(&block, &mut self.columns);
        self.sound();
        self.block = block;
    }

    /// After the last frame.
    #[must_use]
    pub fn finish(mut self) -> Listened {
        if self.gain.is_none() {
            self.level();
        }
        self.columns.clear();
        self.onset_forward.finish(&mut self.columns);
        self.begin();
        self.columns.clear();
        self.chroma_forward.finish(&mut self.columns);
        self.sound();
        self.heard.seconds = self.frames as f64 / f64::from(RATE_HZ);
        self.heard
    }

    /// Onset strengths of the columns.
    fn begin(&mut self) {
        let scale = 4.0 / ONSET_N_FFT as f32;
        let mut power = vec![0.0; ONSET_N_FFT / 2 + 1];
        for column in self.columns.chunks_exact(ONSET_N_FFT / 2 + 1) {
            power.iter_mut().zip(column).for_each(|(p, x)| *p = (scale * scale) * x.norm_sqr().min(f32::MAX));
            let bands = self.mel.iter().chain(&self.drums);
            let logs: Vec<f32> = bands.map(|band| (LOG_SLOPE * band.level(&power)).ln_1p()).collect();
            let before = self.before.replace(logs);
            let logs = self.before.as_deref().unwrap_or(&[]);
            // What sounds in the first frame begins there.
            let before = before.unwrap_or_else(|| vec![0.0; logs.len()]);
            let mut rises = logs.iter().zip(&before).map(|(now, before)| (now - before).max(0.0));
            let onset: f32 = rises.by_ref().take(MEL_BANDS).sum();
            self.heard.onsets.push(onset / MEL_BANDS as f32);
            for (band, rise) in self.heard.bands.iter_mut().zip(rises) {
                band.push(rise);
            }
        }
    }

    /// Pitch classes of the columns.
    fn sound(&mut self) {
        let bin_hz = f64::from(RATE_HZ) / CHROMA_N_FFT as f64;
        let bins = (CHROMA_HZ.0 / bin_hz) as usize..(CHROMA_HZ.1 / bin_hz) as usize;
        let scale = 4.0 / CHROMA_N_FFT as f32;
        let mut logs = Vec::with_capacity(bins.len() + 2);
        for column in self.columns.chunks_exact(CHROMA_N_FFT / 2 + 1) {
            let mut chroma = [0.0_f32; 12];
            // Of every bin once: each is a neighbour of two. The root of the square is far quicker than a safe one.
            let seen = &column[bins.start - 1..bins.end + 1];
            logs.clear();
            logs.extend(seen.iter().map(|x| (LOG_SLOPE * scale * x.norm_sqr().min(f32::MAX).sqrt()).ln_1p()));
            for (bin, near) in bins.clone().zip(logs.windows(3)) {
                let [a, b, c] = [near[0], near[1], near[2]];
                // 0.05: 90 dB below full scale there is only rounding.
                if b <= a || b < c || b < 0.05 {
                    continue;
                }
                let shift = f64::from((a - c) / (2.0 * (a - 2.0 * b + c)).min(-1e-9)).clamp(-0.5, 0.5);
                let pitch = midi_of_hz((bin as f64 + shift) * bin_hz);
                let off = pitch - pitch.round();
                // What lies between two pitches belongs to neither.
                let sure = (std::f64::consts::PI * off).cos().powi(2) as f32;
                chroma[(pitch.round() as i64).rem_euclid(12) as usize] += sure * b * b;
            }
            self.heard.chroma.push(chroma);
        }
    }
}

impl Band {
    /// All bins between two frequencies alike, at least one.
    fn flat(from_hz: f64, to_hz: f64) -> Self {
        let bin_hz = f64::from(RATE_HZ) / ONSET_N_FFT as f64;
        let first = (from_hz / bin_hz).round() as usize;
        let last = ((to_hz / bin_hz).round() as usize).clamp(first, ONSET_N_FFT / 2);
        Self { first, weights: vec![1.0; last - first + 1] }
    }

    /// Rises from `hz[0]` to `hz[1]`, falls to `hz[2]`.
    fn triangle(hz: [f64; 3]) -> Self {
        let bin_hz = f64::from(RATE_HZ) / ONSET_N_FFT as f64;
        let (first, last) = ((hz[0] / bin_hz).ceil() as usize, (hz[2] / bin_hz).floor() as usize);
        let weight = |bin: usize| {
            let x = bin as f64 * bin_hz;
            let side = if x < hz[1] { (x - hz[0]) / (hz[1] - hz[0]) } else { (hz[2] - x) / (hz[2] - hz[1]) };
            side.clamp(0.0, 1.0) as f32
        };
        let weights: Vec<f32> = (first..=last).map(weight).collect();
        if weights.iter().sum::<f32>() > 0.0 { Self { first, weights } } else { Self::flat(hz[1], hz[1]) }
    }

    /// The amplitude within.
    fn level(&self, power: &[f32]) -> f32 {
        let bins = self.weights.iter().zip(&power[self.first.min(power.len())..]);
        bins.map(|(w, p)| w * p).sum::<f32>().sqrt()
    }
}

/// Triangles evenly spaced on the mel scale (O'Shaughnessy 1987: 2595 log10(1 + f / 700)).
fn mel_bands() -> Vec<Band> {
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10.0_f64.powf(mel / 2595.0) - 1.0);
    let (from, to) = (mel(MEL_HZ.0), mel(MEL_HZ.1));
    let edge = |i: usize| hz(from + (to - from) * i as f64 / (MEL_BANDS + 1) as f64);
    (0..MEL_BANDS).map(|i| Band::triangle([edge(i), edge(i + 1), edge(i + 2)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn listen(frames: &[f32]) -> Listened {
        let mut ear = Ear::new();
        frames.chunks(1000).for_each(|block| ear.push(block));
        ear.finish()
    }

    #[test]
    fn a_tone_is_its_pitch_class_and_begins_once() {
        let tone: Vec<f32> = (0..44_100)
            .map(|i| if i < 11_025 { 0.0 } else { 0.3 * (TAU * 440.0 * i as f32 / 22_050.0).sin() })
            .collect();
        let heard = listen(&tone);
        assert_eq!(heard.onsets.len(), 44_100 / HOP_FRAMES + 1);
        assert_eq!(heard.seconds, 2.0);
        let strongest = heard.onsets.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0;
        assert!((heard.seconds_at(strongest as f64) - 0.5).abs() < 0.03);
        let chroma = heard.chroma_sum();
        assert!(chroma.iter().enumerate().all(|(i, x)| i == 9 || *x < 0.05 * chroma[9]), "{chroma:?}");
    }

    #[test]
    fn silence_and_a_single_frame_are_heard_as_nothing() {
        for frames in [1, 100, 30_000] {
            let heard = listen(&vec![0.0; frames]);
            assert!(heard.onsets.iter().all(|x| *x == 0.0));
            assert_eq!(heard.chroma_sum(), [0.0; 12]);
        }
    }
}
