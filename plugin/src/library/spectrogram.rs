//! Pictures of energy over time and frequency, made from front to back. A bounded picture, however long the sound.
//!
//! Scale: rows are spaced by the logarithm of the frequency, [`HZ_MAX`] at the top, [`HZ_MIN`] at the bottom, whatever the
//! rate. A value is the level in dB of the strongest part in its cell, where a sine of full scale on all channels is 0 dB:
//! 0 stands for -90 dB and less, 255 for 0 dB and more. Channels and windows are averaged by their power.

use super::Spectrogram;
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::collections::VecDeque;
use std::sync::Arc;
use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{AudioError, Frames};

/// Most columns.
pub const WIDTH_MAX: usize = 2_048;
/// Rows, always.
pub const HEIGHT: usize = 112;
/// Lower edge of the picture.
pub const HZ_MIN: f64 = 40.0;
/// Upper edge of the picture; beyond half the rate it is empty.
pub const HZ_MAX: f64 = 20_000.0;
/// What 0 stands for.
pub const DB_MIN: f64 = -90.0;

/// Frames of a window: 23 Hz a bin at 48 kHz.
const WINDOW_FRAMES: usize = 2_048;
/// Least frames between two columns; closer ones would show the same.
const HOP_FRAMES_MIN: u64 = 256;
/// Windows a column: long sound is looked at here and there, so that hours cost seconds.
const WINDOWS_MAX: u64 = 8;

impl Spectrogram {
    /// The picture of all of `source`.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of(source: &mut dyn Frames) -> Result<Self, AudioError> {
        let shape = source.shape();
        let width = (shape.frames / HOP_FRAMES_MIN).clamp(1, WIDTH_MAX as u64);
        let windows = shape.frames.div_ceil(width * WINDOW_FRAMES as u64 / 2).clamp(1, WINDOWS_MAX);
        let mut analysis = Analysis::new();
        let bands = bands(shape.rate_hz);
        let width_usize = usize::try_from(width).unwrap_or(WIDTH_MAX);
        let mut picture = Self { width: width_usize, height: HEIGHT, levels: vec![0; width_usize * HEIGHT] };
        let mut tape = Tape::new(source);
        for column in 0..width {
            analysis.powers.fill(0.0);
            for window in 0..windows {
                // The middle of the window's share of the sound.
                let number = u128::from(2 * (column * windows + window) + 1);
                let centre = number * u128::from(shape.frames) / u128::from(2 * width * windows);
                tape.go_to(u64::try_from(centre).unwrap_or(u64::MAX))?;
                tape.channels().for_each(|channel| analysis.add(channel));
            }
            let windows = windows as f64 * f64::from(shape.channels.max(1));
            for (row, band) in bands.iter().enumerate() {
                let power = band.power(&analysis.powers) / windows;
                picture.levels[row * width_usize + column as usize] = level(power);
            }
        }
        Ok(picture)
    }

    /// The row of a frequency, from 0 at the top; none outside the picture.
    #[must_use]
    pub fn row_of(hz: f64) -> Option<usize> {
        let from_top = (HZ_MAX / hz).ln() / (HZ_MAX / HZ_MIN).ln();
        (hz > 0.0 && (0.0..1.0).contains(&from_top)).then_some((from_top * HEIGHT as f64) as usize)
    }
}

/// As [`Spectrogram::levels`] has it. `power`: of a sine, 1.0 at full scale.
fn level(power: f64) -> u8 {
    let db = 10.0 * power.max(1e-30).log10();
    ((db - DB_MIN) / -DB_MIN * 255.0).round().clamp(0.0, 255.0) as u8
}

/// One row of the picture in bins.
struct Band {
    /// The middle, between two bins.
    middle: f64,
    /// Bins within.
    bins: std::ops::Range<usize>,
}

impl Band {
    /// The strongest bin within; between two bins where there is none, so that low rows are not striped.
    fn power(&self, powers: &[f64]) -> f64 {
        let at = |bin: usize| powers.get(bin).copied().unwrap_or(0.0);
        let below = self.middle.floor();
        let share = self.middle - below;
        let between = at(below as usize) * (1.0 - share) + at(below as usize + 1) * share;
        self.bins.clone().map(at).fold(between, f64::max)
    }
}

/// The rows of a picture, highest first.
fn bands(rate_hz: u32) -> Vec<Band> {
    let bin_of = |row: f64| {
        let hz = HZ_MAX * (HZ_MIN / HZ_MAX).powf(row / HEIGHT as f64);
        hz * WINDOW_FRAMES as f64 / f64::from(rate_hz.max(1))
    };
    (0..HEIGHT)
        .map(|row| {
            let row = row as f64;
            Band {
                middle: bin_of(row + 0.5),
                bins: bin_of(row + 1.0).ceil() as usize..bin_of(row).ceil() as usize,
            }
        })
        .collect()
}

/// Windows, transforms and sums powers.
struct Analysis {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    input: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// Turns a bin's squared magnitude into the power of the sine that makes it.
    scale: f64,
    powers: Vec<f64>,
}

impl Analysis {
    fn new() -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW_FRAMES);
        // Hann: its side lobes fall fast, and its main lobe is four bins wide.
        let window: Vec<f32> = (0..WINDOW_FRAMES)
            .map(|frame| (std::f64::consts::PI * frame as f64 / WINDOW_FRAMES as f64).sin().powi(2) as f32)
            .collect();
        let sum: f64 = window.iter().map(|&weight| f64::from(weight)).sum();
        let (spectrum, scratch) = (fft.make_output_vec(), fft.make_scratch_vec());
        let powers = vec![0.0; spectrum.len()];
        let input = vec![0.0; WINDOW_FRAMES];
        Self { fft, window, input, spectrum, scratch, scale: (2.0 / sum).powi(2), powers }
    }

    fn add(&mut self, samples: impl Iterator<Item = f32>) {
        for ((input, weight), sample) in self.input.iter_mut().zip(&self.window).zip(samples) {
            *input = if sample.is_finite() { sample * weight } else { 0.0 };
        }
        self.fft
            .process_with_scratch(&mut self.input, &mut self.spectrum, &mut self.scratch)
            .expect("the transform made these buffers itself");
        for (power, bin) in self.powers.iter_mut().zip(&self.spectrum) {
            *power += f64::from(bin.norm_sqr()) * self.scale;
        }
    }
}

/// The sound round one frame, silence before its start and after its end.
struct Tape<'a> {
    source: &'a mut dyn Frames,
    block: Vec<Vec<f32>>,
    /// The window of each channel.
    held: Vec<VecDeque<f32>>,
    /// The frame after the last one held.
    end: u64,
}

impl<'a> Tape<'a> {
    fn new(source: &'a mut dyn Frames) -> Self {
        let channels = source.shape().channels;
        // What lies before the first frame.
        let silence: VecDeque<f32> = std::iter::repeat_n(0.0, WINDOW_FRAMES).collect();
        let held = vec![silence; usize::from(channels)];
        Self { source, block: empty_block(channels, BLOCK_FRAMES), held, end: 0 }
    }

    /// Forward only: the windows end half a window after `centre`.
    fn go_to(&mut self, centre: u64) -> Result<(), AudioError> {
        let end = centre.saturating_add(WINDOW_FRAMES as u64 / 2);
        while self.end < end {
            let wanted = usize::try_from(end - self.end).unwrap_or(usize::MAX).min(BLOCK_FRAMES);
            let got = fill(self.source, &mut self.block, wanted)?;
            for (held, fresh) in self.held.iter_mut().zip(&mut self.block) {
                fresh.resize(wanted.max(got), 0.0);
                let fresh = &fresh[fresh.len().saturating_sub(WINDOW_FRAMES)..];
                held.drain(..fresh.len());
                held.extend(fresh);
            }
            self.end += wanted as u64;
        }
        Ok(())
    }

    fn channels(&self) -> impl Iterator<Item = impl Iterator<Item = f32>> {
        self.held.iter().map(|held| held.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_audio::Audio;

    fn sine(rate_hz: u32, frames: usize, level: f64, hz: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(rate_hz);
        (0..frames).map(|frame| (level * (step * frame as f64).sin()) as f32).collect()
    }

    fn of(rate_hz: u32, channels: Vec<Vec<f32>>) -> Spectrogram {
        Spectrogram::of(&mut Audio { channels, rate_hz }.into_frames()).unwrap()
    }

    fn db(level: u8) -> f64 {
        f64::from(level) / 255.0 * 90.0 - 90.0
    }

    /// A sine is brightest in its row, at its level, in every column but the first and last.
    fn check(rate_hz: u32, hz: f64, level_db: f64) {
        let frames = rate_hz as usize * 2;
        let sine = sine(rate_hz, frames, 10f64.powf(level_db / 20.0), hz);
        let picture = of(rate_hz, vec![sine.clone(), sine]);
        assert_eq!(picture.levels.len(), picture.width * picture.height);
        let row = Spectrogram::row_of(hz).unwrap();
        for column in 8..picture.width - 8 {
            let at = |row: usize| picture.levels[row * picture.width + column];
            let brightest = (0..HEIGHT).max_by_key(|&row| at(row)).unwrap();
            // At 41 Hz a row is a seventh of a bin.
            assert!(
                brightest.abs_diff(row) <= if hz < 100.0 { 8 } else { 1 },
                "{hz} Hz at {rate_hz}: {brightest} {row}"
            );
            // A Hann window loses up to 1.4 dB between two bins.
            let found = db(at(brightest));
            assert!((-1.8..=0.3).contains(&(found - level_db)), "{hz} Hz at {rate_hz}: {found} dB");
            // Two octaves away there is nothing.
            if let Some(far) = Spectrogram::row_of(hz * 4.0).filter(|_| hz > 100.0) {
                assert!(db(at(far)) < level_db - 45.0, "{hz} Hz at {rate_hz}: {} dB far away", db(at(far)));
            }
        }
    }

    #[test]
    fn a_sine_is_where_and_as_bright_as_it_is() {
        for rate_hz in [8_000, 44_100, 48_000, 192_000] {
            for hz in [440.0, 1_000.0, 3_333.0] {
                check(rate_hz, hz, 0.0);
                check(rate_hz, hz, -40.0);
            }
        }
        check(48_000, 15_000.0, -20.0);
        check(44_100, 60.0, -6.0);
    }

    #[test]
    fn time_runs_from_left_to_right() {
        let mut samples = vec![0.0; 48_000];
        samples.extend(sine(48_000, 48_000, 1.0, 1_000.0));
        let picture = of(48_000, vec![samples]);
        let row = Spectrogram::row_of(1_000.0).unwrap();
        let levels = &picture.levels[row * picture.width..(row + 1) * picture.width];
        let half = picture.width / 2;
        assert!(levels[..half - 8].iter().all(|&level| level == 0), "{levels:?}");
        assert!(levels[half + 8..picture.width - 8].iter().all(|&level| level > 245), "{levels:?}");
    }

    #[test]
    fn one_silent_channel_of_two_costs_3_db() {
        let tone = sine(48_000, 48_000, 0.1, 1_500.0);
        let both = of(48_000, vec![tone.clone(), tone.clone()]);
        let one = of(48_000, vec![tone.clone(), vec![0.0; tone.len()]]);
        let brightest = |picture: &Spectrogram| db(picture.levels.iter().copied().max().unwrap());
        assert!((brightest(&both) - brightest(&one) - 3.0).abs() < 0.5);
    }

    #[test]
    fn the_picture_is_bounded_and_short_or_silent_sound_has_one() {
        assert_eq!(of(48_000, vec![vec![0.5]]).width, 1);
        let silent = of(8_000, vec![vec![0.0; 10_000]; 2]);
        assert!(silent.levels.iter().all(|&level| level == 0));
        let long = of(48_000, vec![sine(48_000, 48_000 * 400, 0.5, 200.0)]);
        assert_eq!((long.width, long.height), (WIDTH_MAX, HEIGHT));
        let row = Spectrogram::row_of(200.0).unwrap();
        assert!(long.levels[row * WIDTH_MAX..][4..WIDTH_MAX - 4].iter().all(|&level| db(level) > -8.5));
        let above_half_the_rate = of(8_000, vec![sine(8_000, 20_000, 1.0, 3_900.0)]);
        let row = Spectrogram::row_of(8_000.0).unwrap();
        assert!(
            above_half_the_rate.levels[..row * above_half_the_rate.width].iter().all(|&level| level == 0)
        );
    }

    #[test]
    fn rows_run_from_high_to_low() {
        assert_eq!(Spectrogram::row_of(HZ_MAX), Some(0));
        assert_eq!(Spectrogram::row_of(HZ_MIN * 1.001), Some(HEIGHT - 1));
        for hz in [0.0, -1.0, f64::NAN, 20_001.0, 39.9, f64::INFINITY] {
            assert_eq!(Spectrogram::row_of(hz), None, "{hz}");
        }
    }
}
