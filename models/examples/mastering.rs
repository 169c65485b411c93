//! Masters WAV files as the tests do, for measuring: `mastering OUT CLIP [REFERENCE] [name=value ..]`.
use std::path::PathBuf;
use std::sync::Arc;
use tributary_audio::{AudioError, FrameSink, Frames, WavWriter};
use tributary_models::*;

struct File(PathBuf);
impl Clip for File {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        tributary_audio::open(&self.0)
    }
}
struct Out(Box<dyn FrameSink>, PathBuf);
impl ResultSink for Out {
    fn write(&mut self, _: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.0.write(block)
    }
    fn sheet(&mut self, _: usize, bytes: &[u8]) -> Result<(), AudioError> {
        std::fs::write(self.1.with_extension("json"), bytes).unwrap();
        Ok(())
    }
}
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (sets, files): (Vec<_>, Vec<_>) = args.iter().partition(|a| a.contains('='));
    let p = Catalog::embedded().unwrap().pipeline("master").unwrap();
    let mut settings = Settings::default();
    for s in sets {
        let (n, v) = s.split_once('=').unwrap();
        let c = p.controls().into_iter().find(|c| c.name == n).unwrap();
        settings = settings.with(n, c.kind.parse(v).unwrap());
    }
    let clip = |f: &String| Arc::new(File(PathBuf::from(f))) as Arc<dyn Clip>;
    let clips = Clips { clip: clip(files[1]), references: files[2..].iter().map(|f| clip(f)).collect() };
    let shape = clips.clip.open().unwrap().shape();
    let ask = Ask {
        stems: vec![],
        settings,
        references: clips.references.iter().map(|r| r.open().unwrap().shape()).collect(),
    };
    let plan = p.plan(shape, &ask).unwrap();
    let out = PathBuf::from(files[0]);
    let mut sink = Out(Box::new(WavWriter::create(&out, shape).unwrap()), out.clone());
    let mut s = p.load().unwrap();
    let r = run(&*p, &mut s, clips, &plan, &mut sink, &mut |_: u32, _: u32| Go::On).unwrap();
    sink.0.finish().unwrap();
    println!("{r:?}");
}
