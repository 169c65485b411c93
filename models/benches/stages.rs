//! How fast mini and its stages are: one JSON object a line, `{name, value, unit}`, for `cargo xtask bench`.
//! Measures on noise, since the work does not depend on what is heard. Takes well under a minute.

use realfft::num_complex::Complex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_audio::{Audio, AudioError, Frames};
use tributary_models::dsp::{Forward, Inverse, Stft, StftShape};
use tributary_models::{Ask, Catalog, Clip, Clips, Go, ModelError, ResultSink, Setting, Settings, run};

const RATE_HZ: u32 = 44_100;
const SECONDS: usize = 120;
/// Runs of everything; the fastest counts, since anything else is what the machine did besides.
const RUNS: usize = 3;

fn main() -> Result<(), ModelError> {
    // `cargo bench` says so; `cargo test --all-targets` only wants to see that it starts.
    if !std::env::args().any(|a| a == "--bench") {
        return Ok(());
    }
    mini()?;
    mastering()?;
    transforms();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the lines are what this program is for")]
fn print(name: &str, value: f64, unit: &str) {
    println!("{{\"name\":\"{name}\",\"value\":{value:.3},\"unit\":\"{unit}\"}}");
}

fn noise(frames: usize) -> Vec<f32> {
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    std::iter::repeat_with(next).take(frames).collect()
}

/// A clip in memory that is not copied for every reader.
struct Held(Arc<Audio>);

struct HeldFrames {
    audio: Arc<Audio>,
    at: usize,
}

impl Clip for Held {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(HeldFrames { audio: Arc::clone(&self.0), at: 0 }))
    }
}

impl Frames for HeldFrames {
    fn shape(&self) -> tributary_audio::ClipShape {
        self.audio.shape()
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let end = self.audio.frames().min(self.at + frames_max);
        for (to, from) in block.iter_mut().zip(&self.audio.channels) {
            to.extend_from_slice(&from[self.at..end]);
        }
        let read = end - self.at;
        self.at = end;
        Ok(read)
    }
}

struct Nowhere;

impl ResultSink for Nowhere {
    fn write(&mut self, _stem: usize, _block: &[&[f32]]) -> Result<(), AudioError> {
        Ok(())
    }

    fn sheet(&mut self, _sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        Ok(())
    }
}

fn mini() -> Result<(), ModelError> {
    let pipeline = Catalog::embedded()?.pipeline("mini")?;
    let started = Instant::now();
    let mut session = pipeline.load()?;
    print("mini_load", started.elapsed().as_secs_f64() * 1e3, "ms");
    for rate_hz in [RATE_HZ, 48_000] {
        let channel = noise(SECONDS * rate_hz as usize);
        let audio = Arc::new(Audio { channels: vec![channel.clone(), channel], rate_hz });
        let plan = pipeline.plan(audio.shape(), &Ask::default())?;
        let mut best: Option<tributary_models::RunReport> = None;
        for _ in 0..RUNS {
            let clip = Arc::new(Held(Arc::clone(&audio)));
            let mut go = |_: u32, _: u32| Go::On;
            let report = run(&*pipeline, &mut session, clip.into(), &plan, &mut Nowhere, &mut go)?;
            if best.is_none_or(|best| report.wall < best.wall) {
                best = Some(report);
            }
        }
        let best = best.unwrap_or_default();
        let times = |took: Duration| SECONDS as f64 / took.as_secs_f64().max(1e-9);
        let name = |stage: &str| format!("mini_{stage}_{rate_hz}");
        print(&name("real_time_factor"), times(best.wall), "x");
        print(&name("cut"), times(best.cut), "x");
        print(&name("infer"), times(best.infer), "x");
        print(&name("assemble"), times(best.assemble), "x");
    }
    Ok(())
}

/// Mastering like a reference as long as the clip, and to a loudness without one.
fn mastering() -> Result<(), ModelError> {
    let pipeline = Catalog::embedded()?.pipeline("master")?;
    let channel = noise(SECONDS * RATE_HZ as usize);
    let audio = Arc::new(Audio { channels: vec![channel.clone(), channel], rate_hz: RATE_HZ });
    let word = |word: &str| Setting::Choice(word.to_owned());
    let like = Settings::default().with("preset", word("reference")).with("limiter", word("classic"));
    for (name, settings, references) in [("reference", like, 1), ("loudness", Settings::default(), 0)] {
        let references = vec![audio.shape(); references];
        let ask = Ask { stems: Vec::new(), settings, references };
        let plan = pipeline.plan(audio.shape(), &ask)?;
        let mut best = Duration::MAX;
        for _ in 0..RUNS {
            let held = || Arc::new(Held(Arc::clone(&audio)));
            let references = ask.references.iter().map(|_| held() as Arc<dyn Clip>).collect();
            let clips = Clips { clip: held(), references };
            let mut go = |_: u32, _: u32| Go::On;
            let mut session = pipeline.load()?;
            best = best.min(run(&*pipeline, &mut session, clips, &plan, &mut Nowhere, &mut go)?.wall);
        }
        print(&format!("master_{name}"), SECONDS as f64 / best.as_secs_f64().max(1e-9), "x");
    }
    Ok(())
}

fn fastest(mut work: impl FnMut()) -> f64 {
    let runs = (0..RUNS).map(|_| {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    });
    runs.fold(f64::INFINITY, f64::min)
}

/// Our transform, one channel on one thread, against the loop everyone writes first: a complex transform of every
/// windowed column, and nothing reused.
fn transforms() {
    let Some(shape) = StftShape::new(4096, 1024) else { return };
    let (n_fft, hop) = (shape.n_fft(), shape.hop_frames());
    let clip = noise(SECONDS * RATE_HZ as usize);
    let stft = Stft::new(shape);
    let mut columns: Vec<Complex<f32>> = Vec::new();
    let ours = fastest(|| {
        columns.clear();
        let mut stream = Forward::new(&stft);
        stream.push(&clip, &mut columns);
        stream.finish(&mut columns);
    });
    let window = tributary_models::dsp::window::hann_periodic(n_fft);
    let plain = fastest(|| {
        let fft = rustfft::FftPlanner::<f32>::new().plan_fft_forward(n_fft);
        let mut all: Vec<Vec<Complex<f32>>> = Vec::new();
        for frames in clip.windows(n_fft).step_by(hop) {
            let mut column: Vec<Complex<f32>> =
                frames.iter().zip(&window).map(|(x, w)| Complex::new(x * w, 0.0)).collect();
            fft.process(&mut column);
            column.truncate(n_fft / 2 + 1);
            all.push(column);
        }
        assert!(!std::hint::black_box(all).is_empty());
    });
    let mut out = Vec::new();
    let inverse = fastest(|| {
        out.clear();
        let mut stream = Inverse::new(&stft, clip.len() as u64);
        for column in columns.chunks_mut(shape.bins()) {
            stream.push(column, &mut out);
        }
        stream.finish(&mut out);
    });
    let times = |seconds: f64| SECONDS as f64 / seconds;
    print("stft_forward", times(ours), "x");
    print("stft_forward_rustfft_loop", times(plain), "x");
    print("stft_forward_against_rustfft_loop", plain / ours, "ratio");
    print("stft_inverse", times(inverse), "x");
}
