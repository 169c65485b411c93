//! How much work enhancement is, on either engine and one thread. Printed, never asserted: machines differ.

use crate::library::{onnx_runtime, options};
use std::path::PathBuf;
use std::sync::Arc;
use tributary_audio::{Audio, AudioError, Frames};
use tributary_models::{Ask, Catalog, Clip, EngineChoice, Go, ResultSink, run};

struct Held(Arc<Audio>);

impl Clip for Held {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(self.0.as_ref().clone().into_frames()))
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

#[test]
fn the_work_of_enhancement_is_printed_for_both_engines() {
    let Some(data) = std::env::var_os("TRIBUTARY_TEST_DATA").map(PathBuf::from) else {
        println!("left out: the work of enhancement (TRIBUTARY_TEST_DATA is not set)");
        return;
    };
    if !onnx_runtime("the work of enhancement") {
        return;
    }
    let mut source = tributary_audio::open(&data.join("audio/speech/dfn_noisy_snr0.wav")).unwrap();
    let audio = Arc::new(Audio::read_all(&mut *source, u64::MAX).unwrap());
    for name in ["rnnoise", "gtcrn", "deepfilternet3"] {
        for engine in [EngineChoice::Rten, EngineChoice::OnnxRuntime] {
            let catalog = Catalog::new(Some(&data.join("models"))).unwrap();
            if !catalog.is_installed(name) {
                continue;
            }
            let pipeline = catalog.with_session_options(options(engine, 1)).pipeline(name).unwrap();
            let plan = pipeline.plan(audio.shape(), &Ask::default()).unwrap();
            let mut session = pipeline.load().unwrap();
            let clip = Arc::new(Held(Arc::clone(&audio)));
            let mut go = |_: u32, _: u32| Go::On;
            let before = cpu_seconds();
            let report = run(&*pipeline, &mut session, clip.into(), &plan, &mut Nowhere, &mut go).unwrap();
            let seconds = audio.shape().seconds();
            let (device, all) = (report.infer.as_secs_f64() / seconds, (cpu_seconds() - before) / seconds);
            println!(
                "{name} on {engine:?}: {all:.3} CPU s a second of sound in all, {device:.3} s on the device"
            );
        }
    }
}

/// CPU time of this process so far, seconds, of all threads; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of proc(5), ticks of a hundredth; the name in field 2 may hold blanks.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let ticks = after_name.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
