//! Chains of pipelines that have no network: what goes where, what is held, and how they end.

use super::*;
use crate::pipeline::{Assembler, Cutter, ResultSink};
use crate::progress::Go;
use crate::run::run;
use crate::session::SessionOptions;
use crate::settings::ControlKind;
use std::num::NonZeroUsize;
use std::sync::mpsc::sync_channel;
use tributary_audio::Frames;

/// Frames of a chunk of [`Echo`].
const STEP: usize = 1000;
const RATE_HZ: u32 = 8_000;

/// The clip, `frames` long: two channels that count.
struct Counting(u64);

struct CountingFrames {
    frames: u64,
    at: u64,
}

impl Clip for Counting {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        Ok(Box::new(CountingFrames { frames: self.0, at: 0 }))
    }
}

impl Frames for CountingFrames {
    fn shape(&self) -> ClipShape {
        ClipShape { channels: 2, frames: self.frames, rate_hz: RATE_HZ }
    }

    fn read(&mut self, block: &mut [Vec<f32>], frames_max: usize) -> Result<usize, AudioError> {
        let end = self.frames.min(self.at + frames_max.min(333) as u64);
        for at in self.at..end {
            block[0].push(at as f32);
            block[1].push(-(at as f32));
        }
        Ok((end - std::mem::replace(&mut self.at, end)) as usize)
    }
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Cut,
    Panic,
    Infer,
    Assemble,
    /// Listens to its first chunk only, and says that there are no more.
    Leaves,
}

/// The last number of chunks that may not come back.
type Bound = Link<()>;

/// Cuts a clip into pieces, as they are.
struct Pieces {
    frames: Box<dyn Frames>,
    size: usize,
    next: u32,
    chunks: u32,
    fault: Fault,
    bound: Arc<Bound>,
}

impl Cutter for Pieces {
    fn next_chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        if self.next == self.chunks {
            return Ok(None);
        }
        self.bound.depart()?;
        if self.next == 2 {
            assert!(self.fault != Fault::Panic, "a piece too many");
            if self.fault == Fault::Cut {
                return Err(ModelError::Unfit("it does not like this stem".to_owned()));
            }
        }
        let mut block = vec![Vec::new(); 2];
        tributary_audio::frames::fill(&mut self.frames, &mut block, self.size)?;
        let (index, data) = (self.next, block.concat());
        self.next += 1;
        Ok(Some(Chunk { index, shape: vec![data.len()], data, part: 0 }))
    }
}

/// Puts pieces together: as the stems `all` and `half`, or as one sheet of all samples of the first channel.
struct Whole {
    chunks: u32,
    next: u32,
    sheet: Option<(usize, Vec<u8>)>,
    stems: usize,
    fault: Fault,
    bound: Arc<Bound>,
}

impl Assembler for Whole {
    fn push(&mut self, answer: ChunkAnswer, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        assert_eq!(answer.index, self.next, "its own numbers, in order");
        self.next += 1;
        self.bound.arrived();
        if self.fault == Fault::Assemble {
            return Err(ModelError::Unfit("it does not like this answer".to_owned()));
        }
        let (left, right) = answer.data.split_at(answer.data.len() / 2);
        if let Some((_, bytes)) = &mut self.sheet {
            bytes.extend(left.iter().flat_map(|x| x.to_le_bytes()));
            return Ok(());
        }
        for stem in 0..self.stems {
            let scaled = |x: &[f32]| x.iter().map(|x| x / (stem + 1) as f32).collect::<Vec<_>>();
            sink.write(stem, &[&scaled(left), &scaled(right)])?;
        }
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn ResultSink) -> Result<(), ModelError> {
        assert_eq!(self.next, self.chunks);
        if let Some((sheet, bytes)) = &self.sheet {
            sink.sheet(*sheet, bytes)?;
        }
        Ok(())
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.bound.close();
    }
}

fn ends(
    frames: Box<dyn Frames>,
    size: usize,
    plan: &Plan,
    sheet: Option<usize>,
    fault: Fault,
    room: usize,
) -> Ends {
    let bound = Arc::new(Bound::new(room, ()));
    let chunks = plan.chunks;
    let cutter = Pieces { frames, size, next: 0, chunks, fault, bound: Arc::clone(&bound) };
    let (sheet, stems) = (sheet.map(|sheet| (sheet, Vec::new())), plan.stems.len());
    (Box::new(cutter), Box::new(Whole { chunks, next: 0, sheet, stems, fault, bound }))
}

fn session() -> Session {
    let threads = NonZeroUsize::new(3).unwrap();
    Session::without_network("echo", SessionOptions { threads, ..SessionOptions::default() })
}

fn same(batch: &[Chunk]) -> Vec<ChunkAnswer> {
    batch.iter().map(|chunk| ChunkAnswer { index: chunk.index, data: chunk.data.clone() }).collect()
}

/// The clip as its stems.
struct Echo;

impl Pipeline for Echo {
    fn plan(&self, clip: ClipShape, ask: &Ask) -> Result<Plan, ModelError> {
        let settings = ask.settings.clone().checked(&self.controls())?;
        let stems = vec!["all".to_owned(), "half".to_owned()];
        let chunks = clip.frames.div_ceil(STEP as u64) as u32;
        Ok(Plan { clip, references: Vec::new(), settings, stems, sheets: vec!["echo.txt".into()], chunks })
    }

    fn begin(&self, plan: &Plan, clips: Clips, in_flight_max: usize) -> Result<Ends, ModelError> {
        Ok(ends(clips.clip.open()?, STEP, plan, None, Fault::None, in_flight_max))
    }

    fn load(&self) -> Result<Session, ModelError> {
        Ok(session())
    }

    fn infer(&self, _session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        assert!(batch.iter().all(|chunk| chunk.part == 0));
        Ok(same(batch))
    }
}

/// Keeps all it hears: a sheet of the clip and one of each stem. Needs so many frames for a chunk.
struct Listening {
    frames: usize,
    pipeline: Arc<dyn Pipeline>,
    fault: Fault,
}

struct ListeningModel(Fault);

impl Pipeline for ListeningModel {
    fn plan(&self, _: ClipShape, _: &Ask) -> Result<Plan, ModelError> {
        unreachable!("it is never alone")
    }

    fn begin(&self, _: &Plan, _: Clips, _: usize) -> Result<Ends, ModelError> {
        unreachable!("it is never alone")
    }

    fn load(&self) -> Result<Session, ModelError> {
        Ok(session())
    }

    fn infer(&self, _session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        assert!(batch.iter().all(|chunk| chunk.part == 1));
        if self.0 == Fault::Infer {
            return Err(ModelError::Engine { model: "ears".into(), reason: "out of memory".into() });
        }
        Ok(same(batch))
    }
}

const SWITCH: Control = Control {
    name: "listen",
    title: "Listen",
    help: "Listens.",
    kind: ControlKind::Switch { default: false },
    advanced: false,
};

impl Follower for Listening {
    fn controls(&self) -> Vec<Control> {
        vec![SWITCH]
    }

    fn model(&self) -> (&str, &Arc<dyn Pipeline>) {
        ("ears", &self.pipeline)
    }

    fn plan(&self, clip: ClipShape, settings: Settings, stems: &[String]) -> Result<Following, ModelError> {
        let chunks =
            if self.fault == Fault::Leaves { 1 } else { clip.frames.div_ceil(self.frames as u64) as u32 };
        let plan = Plan {
            clip,
            references: Vec::new(),
            settings: settings.clone(),
            stems: Vec::new(),
            sheets: Vec::new(),
            chunks,
        };
        let hears = stems.iter().cloned().map(Hears::Stem).chain([Hears::Clip]);
        let listeners = hears.map(|hears| (hears, plan.clone())).collect();
        Ok(Following { listeners, sheets: ["all", "half", "clip"].map(str::to_owned).into(), settings })
    }

    fn begin(
        &self,
        following: &Following,
        clips: Vec<Clips>,
        in_flight_max: usize,
    ) -> Result<Vec<Ends>, ModelError> {
        let each = following.listeners.iter().zip(clips).enumerate();
        let ends = each.map(|(sheet, ((_, plan), clips))| {
            let frames = clips.clip.open()?;
            assert!(sheet == 2 || clips.clip.open().is_err(), "a stem is heard once");
            // Only the second listener fails.
            let fault = if sheet == 1 || self.fault == Fault::Leaves { self.fault } else { Fault::None };
            Ok(ends(frames, self.frames, plan, Some(sheet), fault, in_flight_max))
        });
        ends.collect()
    }
}

fn chain(frames: usize, fault: Fault) -> Chain {
    let pipeline: Arc<dyn Pipeline> = Arc::new(ListeningModel(fault));
    Chain::new("echo", Arc::new(Echo), vec![Arc::new(Listening { frames, pipeline, fault })])
}

fn ask(listen: bool) -> Ask {
    Ask { settings: Settings::default().with("listen", Setting::Switch(listen)), ..Ask::default() }
}

#[derive(Default)]
struct Kept {
    stems: [Vec<f32>; 2],
    sheets: Vec<(usize, Vec<u8>)>,
}

impl ResultSink for Kept {
    fn write(&mut self, stem: usize, block: &[&[f32]]) -> Result<(), AudioError> {
        self.stems[stem].extend(block[0]);
        Ok(())
    }

    fn sheet(&mut self, sheet: usize, bytes: &[u8]) -> Result<(), AudioError> {
        self.sheets.push((sheet, bytes.to_vec()));
        Ok(())
    }
}

fn run_chain(chain: &Chain, frames: u64, go: impl Fn(u32) -> Go) -> Result<(Plan, Kept), ModelError> {
    let clip = Arc::new(Counting(frames));
    let plan = chain.plan(clip.open()?.shape(), &ask(true))?;
    let (mut kept, mut session) = (Kept::default(), chain.load()?);
    run(chain, &mut session, clip.into(), &plan, &mut kept, &mut |done, _| go(done))?;
    Ok((plan, kept))
}

fn bytes(frames: u64, scale: f32) -> Vec<u8> {
    (0..frames).flat_map(|at| (at as f32 / scale).to_le_bytes()).collect()
}

#[test]
fn every_listener_hears_all_of_its_stem_or_of_the_clip_whatever_it_takes_at_once() {
    for frames in [1, 999, 1000, 1001, 25_000] {
        for at_once in [7_000, 1_000, 333, 100_000] {
            let (plan, kept) = run_chain(&chain(at_once, Fault::None), frames, |_| Go::On).unwrap();
            let theirs = frames.div_ceil(at_once as u64);
            assert_eq!(u64::from(plan.chunks), frames.div_ceil(1000) + 3 * theirs);
            assert_eq!(plan.sheets, ["echo.txt", "all", "half", "clip"]);
            assert_eq!((kept.stems[0].len(), kept.stems[1].len()), (frames as usize, frames as usize));
            let numbers: Vec<_> = kept.sheets.iter().map(|(number, _)| *number).collect();
            assert_eq!(numbers, [1, 2, 3], "after the first's own");
            for ((_, heard), scale) in kept.sheets.iter().zip([1.0, 2.0, 1.0]) {
                assert!(*heard == bytes(frames, scale), "{frames} frames, {at_once} at once");
            }
        }
    }
}

#[test]
fn switched_off_it_is_the_first_alone() {
    let chain = chain(500, Fault::None);
    let shape = Counting(5_000).open().unwrap().shape();
    let (off, on) = (chain.plan(shape, &ask(false)).unwrap(), chain.plan(shape, &ask(true)).unwrap());
    assert_eq!((off.chunks, off.sheets.len()), (5, 1));
    assert_eq!(off.settings, ask(false).settings);
    assert!(chain.others(&off).is_empty());
    let others: Vec<_> = chain.others(&on).into_iter().map(|part| (part.number, part.model)).collect();
    assert_eq!(others, [(1, "ears".to_owned())]);
    assert_eq!((chain.chunks_abreast(&off), chain.chunks_abreast(&on)), (usize::MAX, 1));
    let unknown = Ask { settings: Settings::default().with("lisp", Setting::Switch(true)), ..Ask::default() };
    let error = chain.plan(shape, &unknown).unwrap_err().to_string();
    assert!(error.contains("`lisp`") && error.contains("listen"), "{error}");
    let (mut cutter, assembler) = chain.begin(&off, Arc::new(Counting(5_000)).into(), 2).unwrap();
    assert_eq!(cutter.next_chunk().unwrap().unwrap().part, 0);
    drop(assembler);
}

/// The most frames that ever waited for a listener, chunks run one by one.
fn held(frames: u64, at_once: usize, in_flight: usize) -> usize {
    let chain = chain(at_once, Fault::None);
    let clip = Arc::new(Counting(frames));
    let plans = chain.plans(clip.open().unwrap().shape(), &ask(true)).unwrap();
    let (mut cutter, mut assembler) = chain.begin_all(&plans, &clip.into(), in_flight).unwrap();
    let hall = cutter.hall();
    let (send, chunks) = sync_channel(in_flight);
    let cutting = std::thread::spawn(move || {
        while let Some(chunk) = cutter.next_chunk().unwrap() {
            send.send(chunk).unwrap();
        }
    });
    let (mut kept, mut most, mut next) = (Kept::default(), 0, 0);
    for chunk in chunks {
        assert_eq!(chunk.index, next, "numbered as they leave");
        next += 1;
        let answer = ChunkAnswer { index: chunk.index, data: chunk.data };
        assembler.push(answer, &mut kept).unwrap();
        most = most.max(hall.with(|hall| hall.queued_most()));
    }
    assembler.finish(&mut kept).unwrap();
    cutting.join().unwrap();
    assert_eq!(kept.sheets.len(), 3);
    most
}

#[test]
fn what_waits_to_be_heard_does_not_grow_with_the_clip() {
    for (at_once, in_flight) in [(100, 1), (100, 4), (1_500, 4), (30_000, 2)] {
        for frames in [20_000, 400_000] {
            let most = held(frames, at_once, in_flight);
            let bound = (in_flight + 2) * STEP;
            assert!(most <= bound, "{most} of {frames} frames waited, {bound} may");
        }
    }
}

#[test]
fn a_stop_ends_all_stages() {
    for stop_at in [0, 1, 7, 40] {
        let go = |done| if done == stop_at { Go::Stop } else { Go::On };
        let stopped = run_chain(&chain(700, Fault::None), 60_000, go);
        assert!(matches!(stopped, Err(ModelError::Stopped)), "at {stop_at}");
    }
}

#[test]
fn whatever_fails_in_a_listener_fails_the_job_in_its_own_words() {
    for (fault, says) in [
        (Fault::Cut, "does not like this stem"),
        (Fault::Infer, "`ears`: out of memory"),
        (Fault::Assemble, "does not like this answer"),
    ] {
        for at_once in [300, 5_000] {
            let error = run_chain(&chain(at_once, fault), 60_000, |_| Go::On).err().unwrap().to_string();
            assert!(error.contains(says), "{fault:?}: {error}");
        }
    }
}

#[test]
fn a_panic_in_a_listener_is_a_panic_of_the_job_and_leaves_nobody_waiting() {
    let panicked = std::panic::catch_unwind(|| run_chain(&chain(300, Fault::Panic), 60_000, |_| Go::On));
    let payload = panicked.err().unwrap();
    assert!(payload.downcast_ref::<&str>().unwrap().contains("a piece too many"));
}

#[test]
fn listeners_that_leave_early_do_not_hold_the_first_back() {
    let (_, kept) = run_chain(&chain(300, Fault::Leaves), 60_000, |_| Go::On).unwrap();
    assert_eq!(kept.stems[0].len(), 60_000);
    assert!(kept.sheets.iter().all(|(_, heard)| heard.len() == 300 * 4));
}

#[test]
fn ends_that_are_dropped_at_any_moment_leave_nobody_waiting() {
    for taken in [0, 1, 3] {
        for cutter_first in [true, false] {
            let chain = chain(300, Fault::None);
            let clip = Arc::new(Counting(60_000));
            let plan = chain.plan(clip.open().unwrap().shape(), &ask(true)).unwrap();
            let (mut cutter, mut assembler) = chain.begin(&plan, clip.into(), 4).unwrap();
            for _ in 0..taken {
                let chunk = cutter.next_chunk().unwrap().unwrap();
                let answer = ChunkAnswer { index: chunk.index, data: chunk.data };
                assembler.push(answer, &mut Kept::default()).unwrap();
            }
            let wrong = ChunkAnswer { index: 99, data: Vec::new() };
            assert!(matches!(
                assembler.push(wrong, &mut Kept::default()),
                Err(ModelError::ChunkOrder { got: 99, .. })
            ));
            let unfinished = assembler.finish(&mut Kept::default());
            assert!(matches!(unfinished, Err(ModelError::ChunkOrder { .. })), "{unfinished:?}");
            if cutter_first {
                drop(cutter);
                drop(assembler);
            } else {
                drop(assembler);
                assert!(matches!(cutter.next_chunk(), Err(ModelError::Stopped)));
            }
        }
    }
}
