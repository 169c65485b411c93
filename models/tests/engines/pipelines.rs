//! Every installed pipeline on both engines: what comes out is the same, far below anything that can be heard.

use crate::library::{onnx_runtime, options};
use std::path::PathBuf;
use std::sync::Arc;
use tributary_audio::{AudioError, ClipShape, Frames};
use tributary_models::session::Engine;
use tributary_models::{Ask, Catalog, Clip, EngineChoice, Go, ResultSink, run};

const RATE_HZ: u32 = 44_100;
const FRAMES: u64 = 3 * 44_100;

/// Three seconds of a chord that begins and ends, with a little noise: no clip of anybody's.
struct Chord;

struct ChordFrames(u64);

impl Clip for Chord {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(ChordFrames(0)))
    }
}

impl Frames for ChordFrames {
    fn shape(&self) -> ClipShape {
        ClipShape { frames: FRAMES, channels: 2, rate_hz: RATE_HZ }
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let end = FRAMES.min(self.0 + frames_max as u64);
        for at in self.0..end {
            let seconds = at as f64 / f64::from(RATE_HZ);
            let loudness = 0.2 * (1.0 - (seconds - 1.5).abs() / 1.5);
            let tone = |hz: f64| (std::f64::consts::TAU * hz * seconds).sin();
            let hiss = (at.wrapping_mul(6_364_136_223_846_793_005) >> 40) as f64 / f64::from(1 << 23) - 1.0;
            for (channel, hz) in block.iter_mut().zip([220.0, 277.18]) {
                channel.push((loudness * (tone(hz) + tone(2.5 * hz)) + 0.01 * hiss) as f32);
            }
        }
        let read = (end - self.0) as usize;
        self.0 = end;
        Ok(read)
    }
}

#[derive(Default)]
struct Kept {
    stems: Vec<Vec<f32>>,
    sheets: Vec<usize>,
}

impl ResultSink for Kept {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.stems.resize(self.stems.len().max(stem + 1), Vec::new());
        block.iter().for_each(|channel| self.stems[stem].extend_from_slice(channel));
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, _bytes: &[u8]) -> Result<(), AudioError> {
        self.sheets.push(sheet);
        Ok(())
    }
}

fn results(engine: EngineChoice, name: &str) -> (Kept, Engine) {
    let models = std::env::var_os("TRIBUTARY_TEST_DATA").map(|folder| PathBuf::from(folder).join("models"));
    let catalog = Catalog::new(models.as_deref()).unwrap().with_session_options(options(engine, 2));
    let pipeline = catalog.pipeline(name).unwrap();
    let plan = pipeline.plan(Chord.open().unwrap().shape(), &Ask::default()).unwrap();
    let mut session = pipeline.load().unwrap();
    let (mut kept, mut go) = (Kept::default(), |_: u32, _: u32| Go::On);
    run(&*pipeline, &mut session, Arc::new(Chord).into(), &plan, &mut kept, &mut go).unwrap();
    (kept, session.engine().engine)
}

/// Sum of squares.
fn energy(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.map(|x| x * x).sum()
}

/// Energy of the difference against `loudest`, dB.
fn error_db(reference: &[f32], got: &[f32], loudest: f64) -> f64 {
    assert_eq!(reference.len(), got.len());
    let error = energy(reference.iter().zip(got).map(|(r, g)| f64::from(*r) - f64::from(*g)));
    10.0 * ((error + 1e-12) / (loudest + 1e-12)).log10()
}

#[test]
fn a_pipelines_result_does_not_depend_on_the_engine() {
    if !onnx_runtime("pipelines on two engines") {
        return;
    }
    let models = std::env::var_os("TRIBUTARY_TEST_DATA").map(|folder| PathBuf::from(folder).join("models"));
    let catalog = Catalog::new(models.as_deref()).unwrap();
    for card in catalog.cards() {
        let ((ours, rten), (theirs, onnx)) =
            (results(EngineChoice::Rten, &card.name), results(EngineChoice::OnnxRuntime, &card.name));
        assert!(
            [(Engine::Rten, Engine::OnnxRuntime), (Engine::None, Engine::None)].contains(&(rten, onnx)),
            "{} ran on {rten} and {onnx}: it does not pass the session's options on",
            card.name
        );
        assert_eq!((ours.stems.len(), &ours.sheets), (theirs.stems.len(), &theirs.sheets));
        // Against the loudest stem: rounding in a network of masks is heard against the whole, not against silence.
        let of = |stem: &Vec<f32>| energy(stem.iter().map(|x| f64::from(*x)));
        let loudest = theirs.stems.iter().map(of).fold(0.0, f64::max);
        for (i, (ours, theirs)) in ours.stems.iter().zip(&theirs.stems).enumerate() {
            let db = error_db(theirs, ours, loudest);
            println!("{} stem {i}: {db:.0} dB", card.name);
            // Measured: mini -130 dB (rten 0.27 against ONNX Runtime 1.31.1).
            assert!(db < -100.0, "{} stem {i}: {db} dB", card.name);
        }
    }
}
