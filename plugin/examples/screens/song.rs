//! Our demo song as the window shows it: outlines and spectrograms of its real sound.

use realfft::RealFftPlanner;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use tributary_audio::Audio;
use tributary_plugin::library::{Outline, Spectrogram};

/// A sound to look at.
#[derive(Clone)]
pub(crate) struct Sound {
    /// Its waveform.
    pub(crate) outline: Arc<Outline>,
    /// Its spectrogram.
    pub(crate) spectrogram: Arc<Spectrogram>,
}

/// Mixture and stems.
pub(crate) struct Song {
    /// The song.
    pub(crate) mixture: Sound,
    /// Vocals, drums, bass, other.
    pub(crate) stems: Vec<(&'static str, Sound)>,
    /// Hz.
    pub(crate) rate_hz: u32,
}

/// Frames that are read at most: the song has fewer.
const FRAMES_MAX: u64 = 4_000_000;

impl Song {
    /// From the folder of the tests.
    ///
    /// # Errors
    /// A file that is not there or cannot be decoded.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/song");
        let read = |name: &str| -> Result<Audio, Box<dyn Error>> {
            let mut source = tributary_audio::open(&folder.join(format!("{name}.flac")))?;
            Ok(Audio::read_all(&mut *source, FRAMES_MAX)?)
        };
        let mixture = read("mixture")?;
        let mut stems = Vec::new();
        for name in ["vocals", "drums", "bass", "other"] {
            stems.push((name, see(&read(name)?)));
        }
        Ok(Self { rate_hz: mixture.rate_hz, mixture: see(&mixture), stems })
    }
}

fn see(audio: &Audio) -> Sound {
    let channels = audio.channels.len().max(1) as f32;
    let mono: Vec<f32> = (0..audio.frames())
        .map(|frame| audio.channels.iter().map(|channel| channel[frame]).sum::<f32>() / channels)
        .collect();
    Sound { outline: Arc::new(outline(&mono)), spectrogram: Arc::new(spectrogram(&mono, audio.rate_hz)) }
}

fn outline(mono: &[f32]) -> Outline {
    const COLUMN: usize = 128;
    let widen = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
    let finest = mono
        .chunks(COLUMN)
        .map(|column| column.iter().map(|level| (*level, *level)).fold((1.0, -1.0), widen));
    let mut levels: Vec<Vec<(f32, f32)>> = vec![finest.collect()];
    while let Some(last) = levels.last().filter(|last| last.len() > 1) {
        let next = last.chunks(2).map(|pair| pair.iter().copied().fold((1.0, -1.0), widen)).collect();
        levels.push(next);
    }
    Outline { frames: mono.len() as u64, column_frames: COLUMN as u64, levels }
}

/// 40 Hz to 16 kHz over a log axis.
fn spectrogram(mono: &[f32], rate_hz: u32) -> Spectrogram {
    const FFT: usize = 4096;
    const HEIGHT: usize = 128;
    const WIDTH: usize = 1024;
    let transform = RealFftPlanner::<f32>::new().plan_fft_forward(FFT);
    let (mut time, mut bins) = (transform.make_input_vec(), transform.make_output_vec());
    let mut levels = vec![0u8; WIDTH * HEIGHT];
    for column in 0..WIDTH {
        let middle = column * mono.len() / WIDTH;
        for (index, sample) in time.iter_mut().enumerate() {
            let at = (middle + index).checked_sub(FFT / 2);
            let window = 0.5 - 0.5 * (index as f32 / FFT as f32 * std::f32::consts::TAU).cos();
            *sample = at.and_then(|at| mono.get(at)).copied().unwrap_or(0.0) * window;
        }
        if transform.process(&mut time, &mut bins).is_err() {
            continue;
        }
        let power: Vec<f32> = bins.iter().map(|bin| bin.norm_sqr()).collect();
        for row in 0..HEIGHT {
            let hz = |row: f32| 40.0 * 400f32.powf(1.0 - row / HEIGHT as f32);
            let bin = |hz: f32| hz * FFT as f32 / rate_hz as f32;
            let (low, high) = (bin(hz(row as f32 + 1.0)), bin(hz(row as f32)));
            let range = low as usize..(high.ceil() as usize).min(power.len()).max(low as usize + 1);
            let most = power[range].iter().copied().fold(0.0, f32::max);
            let db = 10.0 * (most / (FFT as f32 / 4.0).powi(2)).max(1e-12).log10();
            levels[row * WIDTH + column] = ((db + 90.0) / 90.0 * 255.0).clamp(0.0, 255.0) as u8;
        }
    }
    Spectrogram { width: WIDTH, height: HEIGHT, levels }
}
