//! Level over time and frequency, as an image. The clip streams through; memory is that of the image.

use super::{open, picture};
use anyhow::Context;
use std::path::Path;
use tributary_audio::frames::{empty_block, fill};
use tributary_audio::limits::BLOCK_FRAMES;
use tributary_audio::{ClipShape, Frames};
use tributary_models::dsp::{Forward, Stft, StftShape};

/// Widest image; longer clips put several columns of the transform into one of the image.
const WIDTH_MAX: u64 = 1_200;
/// Rows of the image, equal steps of log frequency.
const HEIGHT: usize = 200;
/// Lowest frequency shown: below it is no note, and a log axis has to begin somewhere.
pub const BOTTOM_HZ: f64 = 40.0;
/// Highest frequency shown, where the rate allows.
const TOP_HZ: f64 = 20_000.0;
/// Levels from the palette's first colour to its last, dB of a full-scale sine.
const RANGE_DB: (f64, f64) = (-96.0, -12.0);

/// One palette index a pixel, rows from the highest frequency down.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Highest frequency, at the upper edge; the lower edge is [`BOTTOM_HZ`].
    pub top_hz: f64,
    /// `width * height` levels.
    pub pixels: Vec<u8>,
}

/// Draws the file: power averaged over the channels, and over time within one column of the image.
///
/// # Errors
/// A file that cannot be read.
pub fn draw(path: &Path) -> anyhow::Result<Spectrogram> {
    let mut sound = open(path)?;
    let mut canvas = Canvas::new(sound.shape());
    canvas.fill(&mut *sound).with_context(|| format!("draw {}", path.display()))?;
    Ok(canvas.image())
}

struct Canvas {
    stft: std::sync::Arc<Stft>,
    clip: ClipShape,
    /// Columns the transform will give.
    columns: u64,
    width: usize,
    /// For each row, from the top: first bin and one past the last.
    rows: Vec<(usize, usize)>,
    top_hz: f64,
    /// Sum of powers, `[width][HEIGHT]`.
    power: Vec<f64>,
    /// Columns added, `[width]`.
    added: Vec<f64>,
}

impl Canvas {
    fn new(clip: ClipShape) -> Self {
        // About 90 ms, 4096 frames at 44.1 and 48 kHz: tones an octave above the bass's lowest are told apart.
        let n_fft =
            usize::try_from(u64::from(clip.rate_hz) / 8).unwrap_or(usize::MAX).next_power_of_two() / 2;
        let shape = StftShape::new(n_fft, n_fft / 4)
            .expect("a power of two, from 512 for 8 kHz to 16384 for 192 kHz");
        let columns = shape.columns(clip.frames).max(1);
        let width = usize::try_from(columns.min(WIDTH_MAX)).expect("at most WIDTH_MAX");
        let top_hz = TOP_HZ.min(f64::from(clip.rate_hz) / 2.0);
        Self {
            stft: Stft::new(shape),
            clip,
            columns,
            width,
            rows: rows(shape, clip.rate_hz, top_hz),
            top_hz,
            power: vec![0.0; width * HEIGHT],
            added: vec![0.0; width],
        }
    }

    fn fill(&mut self, sound: &mut dyn Frames) -> anyhow::Result<()> {
        let bins = self.stft.shape().bins();
        let channels = usize::from(self.clip.channels);
        let mut forward: Vec<Forward> = (0..channels).map(|_| Forward::new(&self.stft)).collect();
        let mut done = vec![0u64; channels];
        let mut block = empty_block(self.clip.channels, BLOCK_FRAMES);
        let mut columns = Vec::new();
        loop {
            let ended = fill(sound, &mut block, BLOCK_FRAMES)? == 0;
            for ((forward, samples), done) in forward.iter_mut().zip(&block).zip(&mut done) {
                columns.clear();
                forward.push(samples, &mut columns);
                if ended {
                    forward.finish(&mut columns);
                }
                for column in columns.chunks_exact(bins) {
                    self.add(*done, |bin| f64::from(column[bin].norm_sqr()));
                    *done += 1;
                }
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// Adds column number `column` of one channel.
    fn add(&mut self, column: u64, power: impl Fn(usize) -> f64) {
        let place = column.min(self.columns - 1) * self.width as u64 / self.columns;
        let x = usize::try_from(place).expect("below the width");
        self.added[x] += 1.0;
        for (y, &(first, end)) in self.rows.iter().enumerate() {
            // The loudest bin of a row, not the mean: a partial keeps its brightness where a row holds many bins.
            self.power[x * HEIGHT + y] += (first..end).map(&power).fold(0.0, f64::max);
        }
    }

    fn image(&self) -> Spectrogram {
        // A sine of amplitude 1 under the Hann window peaks at n_fft / 4.
        let full_scale = (self.stft.shape().n_fft() as f64 / 4.0).powi(2);
        let mut pixels = vec![0; self.width * HEIGHT];
        for x in 0..self.width {
            for y in 0..HEIGHT {
                let power = self.power[x * HEIGHT + y] / self.added[x].max(1.0) / full_scale;
                let level_db = 10.0 * power.max(1e-20).log10();
                let level = (level_db - RANGE_DB.0) / (RANGE_DB.1 - RANGE_DB.0);
                pixels[y * self.width + x] = picture::byte(level * 255.0);
            }
        }
        Spectrogram { width: self.width, height: HEIGHT, top_hz: self.top_hz, pixels }
    }
}

/// The bins of each row, from the top; every row has at least one.
fn rows(shape: StftShape, rate_hz: u32, top_hz: f64) -> Vec<(usize, usize)> {
    let bin_of = |row: usize| {
        let hertz = BOTTOM_HZ * (top_hz / BOTTOM_HZ).powf(1.0 - row as f64 / HEIGHT as f64);
        let exact = (hertz * shape.n_fft() as f64 / f64::from(rate_hz)).round();
        (0..shape.bins()).rev().find(|&bin| bin as f64 <= exact).unwrap_or(0)
    };
    (0..HEIGHT)
        .map(|row| {
            let first = bin_of(row + 1);
            (first, bin_of(row).clamp(first + 1, shape.bins()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_audio::Audio;

    fn drawn(hertz: f64, seconds: u32, rate_hz: u32) -> Spectrogram {
        let frames = u64::from(seconds * rate_hz);
        let step = hertz * std::f64::consts::TAU / f64::from(rate_hz);
        let tone: Vec<f32> = (0..frames).map(|frame| single((frame as f64 * step).sin() * 0.9)).collect();
        let clip = ClipShape { channels: 2, frames, rate_hz };
        let mut canvas = Canvas::new(clip);
        let audio = Audio { channels: vec![tone.clone(), tone], rate_hz };
        canvas.fill(&mut audio.into_frames()).unwrap();
        canvas.image()
    }

    #[expect(clippy::cast_possible_truncation, reason = "samples are single precision")]
    fn single(sample: f64) -> f32 {
        sample as f32
    }

    /// Brightest row in the middle column.
    fn brightest(image: &Spectrogram) -> usize {
        let column = image.width / 2;
        (0..image.height).max_by_key(|row| image.pixels[row * image.width + column]).unwrap()
    }

    #[test]
    fn a_tone_is_brightest_at_its_own_height_at_every_rate() {
        for (hertz, rate_hz) in [(1_000.0, 44_100), (8_000.0, 48_000), (1_000.0, 8_000), (440.0, 192_000)] {
            let image = drawn(hertz, 1, rate_hz);
            let height = (image.top_hz / hertz).ln() / (image.top_hz / BOTTOM_HZ).ln() * image.height as f64;
            let found = brightest(&image) as f64;
            assert!((found - height).abs() <= 4.0, "{hertz} Hz at {rate_hz}: row {found}, expected {height}");
        }
    }

    #[test]
    fn a_full_scale_tone_is_the_brightest_colour_and_silence_the_darkest() {
        let image = drawn(1_000.0, 1, 44_100);
        assert_eq!(image.pixels.iter().max(), Some(&255));
        assert!(drawn(0.0, 1, 44_100).pixels.iter().all(|&pixel| pixel == 0));
    }

    #[test]
    fn a_long_clip_is_no_wider_than_the_limit_and_a_single_frame_is_drawn() {
        assert_eq!(drawn(1_000.0, 60, 44_100).width, 1_200);
        let mut one = Canvas::new(ClipShape { channels: 1, frames: 1, rate_hz: 44_100 });
        one.fill(&mut Audio { channels: vec![vec![0.5]], rate_hz: 44_100 }.into_frames()).unwrap();
        assert_eq!(one.image().width, 1);
    }
}
