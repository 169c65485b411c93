//! The device with a real engine and a graph of one node.

use super::health::Resident;
use super::*;
use crate::clock::{ManualClock, Timestamp};
use std::io::Cursor;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use tributary_audio::pcm::PcmReader;
use tributary_audio::{AudioError, ClipShape, Frames};
use tributary_models::session::{Input, SessionOptions};
use tributary_models::{Ask, Assembler, Catalog, Clip, Clips, Cutter, Plan, Session};

/// First sample of a chunk that makes [`Doubling`] panic.
const PANIC: f32 = 13.0;
/// First sample of a chunk that the engine is said to refuse.
const REFUSE: f32 = 14.0;
/// First sample of a chunk that gets no answer.
const FORGET: f32 = 15.0;
/// First sample of a chunk that does not fit the device's memory at the first try.
const LARGE: f32 = 16.0;

/// Protocol buffers by hand: a field holding bytes, shorter than 128.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

/// An ONNX model of one node: y = x + x.
fn doubling_graph() -> Vec<u8> {
    let float_tensor = field(2, &field(1, &[0x08, 1]));
    let value = |name: &[u8]| [field(1, name), float_tensor.clone()].concat();
    let node = [field(1, b"x"), field(1, b"x"), field(2, b"y"), field(4, b"Add")].concat();
    let graph =
        [field(1, &node), field(2, b"double"), field(11, &value(b"x")), field(12, &value(b"y"))].concat();
    [vec![0x08, 8], field(7, &graph), field(8, &[0x10, 13])].concat()
}

/// What models are said to take.
#[derive(Clone, Default)]
struct Scales(Arc<AtomicU64>);

impl MemoryGauge for Scales {
    fn used_bytes(&self) -> Option<u64> {
        Some(self.0.load(SeqCst))
    }

    fn budget_bytes(&self) -> Option<u64> {
        None
    }
}

/// What a pipeline saw.
#[derive(Default)]
struct Seen {
    loads: AtomicUsize,
    large: AtomicUsize,
    batches: Mutex<Vec<Vec<u32>>>,
}

/// Doubles every sample through the real engine.
#[derive(Default)]
struct Doubling {
    seen: Arc<Seen>,
    refuses_to_load: bool,
    /// With more chunks at once the device runs out of memory.
    fits: Option<usize>,
    /// The memory it is said to take when it is loaded, and more with every batch that is larger than any before.
    bytes: u64,
    scales: Scales,
    /// Says that a batch began, then waits for leave to run it.
    gate: Option<(mpsc::SyncSender<()>, Mutex<mpsc::Receiver<()>>)>,
}

impl Pipeline for Doubling {
    fn plan(&self, _: ClipShape, _: &Ask) -> Result<Plan, ModelError> {
        Err(ModelError::Stopped)
    }

    fn begin(
        &self,
        _: &Plan,
        _: Clips,
        _: usize,
    ) -> Result<(Box<dyn Cutter>, Box<dyn Assembler>), ModelError> {
        Err(ModelError::Stopped)
    }

    fn load(&self) -> Result<Session, ModelError> {
        self.seen.loads.fetch_add(1, SeqCst);
        if self.refuses_to_load {
            return Err(ModelError::Card { card: "doubling".to_owned(), reason: "no weights".to_owned() });
        }
        self.scales.0.fetch_add(self.bytes, SeqCst);
        let options = SessionOptions { threads: std::num::NonZeroUsize::MIN, ..SessionOptions::default() };
        Session::load("doubling", &[("net", &doubling_graph())], options)
    }

    fn infer(&self, session: &mut Session, batch: &[Chunk]) -> Result<Vec<ChunkAnswer>, ModelError> {
        self.seen.batches.lock().unwrap().push(batch.iter().map(|chunk| chunk.index).collect());
        if let Some((began, leave)) = &self.gate {
            began.send(()).unwrap();
            leave.lock().unwrap().recv().unwrap();
        }
        assert!(batch.iter().all(|chunk| chunk.data[0] != PANIC), "thirteen");
        let large = batch.iter().any(|chunk| chunk.data[0] == LARGE)
            && self.seen.large.fetch_add(1, SeqCst).is_multiple_of(2);
        if large || self.fits.is_some_and(|fits| batch.len() > fits) {
            let reason = "Failed to allocate memory".to_owned();
            return Err(ModelError::OutOfMemory { model: "doubling".to_owned(), reason });
        }
        if batch.iter().any(|chunk| chunk.data[0] == REFUSE) {
            return Err(ModelError::Engine { model: "doubling".to_owned(), reason: "fourteen".to_owned() });
        }
        let mut answers = Vec::new();
        for chunk in batch.iter().filter(|chunk| chunk.data[0] != FORGET) {
            let input = Input { name: "x", shape: &chunk.shape, data: &chunk.data };
            let data = session.run("net", &[input], &["y"])?.remove(0).data;
            answers.push(ChunkAnswer { index: chunk.index, data });
        }
        Ok(answers)
    }
}

fn start(options: DeviceOptions) -> Device {
    start_on(options, Scales::default())
}

fn start_on(options: DeviceOptions, scales: Scales) -> Device {
    Device::start(options, Arc::new(ManualClock::new(Timestamp(0))), Box::new(scales)).unwrap()
}

/// Batches of at most four; at most ten chunks wait.
fn device() -> Device {
    start(DeviceOptions { batch_max: 4, waiting_max: 10, memory_bytes: None })
}

/// Names of the models that are loaded, the one used last at the end.
fn models(device: &Device) -> Vec<String> {
    device.health().residents().into_iter().map(|resident| resident.model).collect()
}

/// What a model of the memory tests takes, far above the weights of one node.
const MODEL_BYTES: u64 = 1_000_000;

/// A device with memory for two models of [`MODEL_BYTES`], and a pipeline that takes as much.
fn device_for_two() -> (Device, Arc<Doubling>) {
    let scales = Scales::default();
    let options = DeviceOptions { memory_bytes: Some(2 * MODEL_BYTES), ..DeviceOptions::default() };
    let device = start_on(options, scales.clone());
    (device, Arc::new(Doubling { bytes: MODEL_BYTES, scales, ..Doubling::default() }))
}

fn run_once(device: &Device, pipeline: &Arc<Doubling>, model: &str, first: f32) -> Result<f32, DeviceError> {
    let work = Work { model: model.to_owned(), ..work(pipeline, 0, first) };
    Ok(device.submit(work).unwrap().wait()?.data[0])
}

fn work(pipeline: &Arc<Doubling>, index: u32, first: f32) -> Work {
    Work {
        account: AccountId::generate(),
        weight: NonZeroU32::MIN,
        job: JobId::generate(),
        pipeline: Arc::clone(pipeline) as Arc<dyn Pipeline>,
        model: "doubling".to_owned(),
        chunk: Chunk { index, shape: vec![3], data: vec![first, 0.25, -1.0], part: 0 },
        cost: 1,
        cancelled: CancellationToken::new(),
        meter: Arc::default(),
    }
}

/// A pipeline whose batches wait: each sends on the first channel and then needs one message on the second.
fn gated() -> (Arc<Doubling>, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (began, has_begun) = mpsc::sync_channel(100);
    let (leave, may_run) = mpsc::channel();
    let gate = Some((began, Mutex::new(may_run)));
    (Arc::new(Doubling { gate, ..Doubling::default() }), has_begun, leave)
}

/// Submits `firsts` while a first chunk runs, so that they make one batch; their answers in order.
fn answers_of_one_batch(device: &Device, firsts: &[f32]) -> (Vec<Result<f32, DeviceError>>, Arc<Seen>) {
    answers_that_fit(device, firsts, None)
}

/// The same on a device that has memory for no more than `fits` at once.
fn answers_that_fit(
    device: &Device,
    firsts: &[f32],
    fits: Option<usize>,
) -> (Vec<Result<f32, DeviceError>>, Arc<Seen>) {
    let (mut pipeline, has_begun, leave) = gated();
    Arc::get_mut(&mut pipeline).unwrap().fits = fits;
    let opener = device.submit(work(&pipeline, 100, 0.0)).unwrap();
    has_begun.recv().unwrap();
    let tickets: Vec<_> =
        (0..).zip(firsts).map(|(n, first)| device.submit(work(&pipeline, n, *first)).unwrap()).collect();
    // More than enough for the opener, the batch, all its halves and second tries.
    (0..4 * firsts.len() + 2).for_each(|_| leave.send(()).unwrap());
    drop(opener.wait());
    let answers = tickets.into_iter().map(|ticket| ticket.wait().map(|answer| answer.data[0])).collect();
    (answers, Arc::clone(&pipeline.seen))
}

#[test]
fn a_chunk_comes_back_as_the_engine_answered_it() {
    let device = device();
    let pipeline = Arc::new(Doubling::default());
    for index in 0..3 {
        let answer = device.submit(work(&pipeline, index, 1.5)).unwrap().wait().unwrap();
        assert_eq!((answer.index, answer.data), (index, vec![3.0, 0.5, -2.0]));
    }
    assert_eq!(pipeline.seen.loads.load(SeqCst), 1, "loaded once");
    device.shutdown();
    let health = device.health();
    assert_eq!((health.batches(), health.chunks_done(), health.chunks_failed()), (3, 3, 0));
    let residents = health.residents();
    assert_eq!(residents.len(), 1);
    let Resident { model, engine, device, instead, bytes } = &residents[0];
    assert_eq!((model.as_str(), engine.as_str(), device.as_str()), ("doubling", "rten", "CPU"));
    assert!(instead.as_ref().unwrap().contains("no library"), "{instead:?}");
    assert_eq!(*bytes, doubling_graph().len() as u64, "the weights, where the system says nothing");
}

#[test]
fn chunks_of_many_jobs_share_a_batch_and_each_gets_its_own_answer() {
    let (answers, seen) = answers_of_one_batch(&device(), &[1.0, 2.0, 3.0, 4.0]);
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, [2.0, 4.0, 6.0, 8.0]);
    let batches: Vec<_> = seen.batches.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(batches, [1, 4]);
}

#[test]
fn one_bad_chunk_in_a_batch_fails_alone() {
    for (bad, expected) in
        [(REFUSE, "model `doubling` failed"), (PANIC, "panicked: thirteen"), (FORGET, "asked")]
    {
        let device = device();
        let (answers, _) = answers_of_one_batch(&device, &[1.0, bad, 3.0]);
        let [Ok(2.0), Err(error), Ok(6.0)] = &answers[..] else { panic!("{answers:?}") };
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.is_transient());
        let after = device.submit(work(&Arc::new(Doubling::default()), 7, 5.0)).unwrap().wait().unwrap();
        assert_eq!(after.data[0], 10.0, "the thread goes on");
        device.shutdown();
        assert_eq!((device.health().chunks_done(), device.health().chunks_failed()), (4, 1));
    }
}

#[test]
fn a_session_that_saw_a_panic_is_not_used_again() {
    let device = device();
    let pipeline = Arc::new(Doubling::default());
    assert!(device.submit(work(&pipeline, 0, PANIC)).unwrap().wait().is_err());
    device.submit(work(&pipeline, 1, 1.0)).unwrap().wait().unwrap();
    assert_eq!(pipeline.seen.loads.load(SeqCst), 2);
}

#[test]
fn a_model_that_cannot_be_loaded_is_an_error_to_its_chunks_only() {
    let device = device();
    let broken = Arc::new(Doubling { refuses_to_load: true, ..Doubling::default() });
    let ticket = device.submit(Work { model: "broken".to_owned(), ..work(&broken, 0, 1.0) }).unwrap();
    let error = ticket.wait().unwrap_err();
    assert!(matches!(&error, DeviceError::Load { model, .. } if model == "broken"), "{error:?}");
    device.submit(work(&Arc::new(Doubling::default()), 0, 1.0)).unwrap().wait().unwrap();
}

#[test]
fn the_model_not_used_for_longest_makes_room() {
    let (device, pipeline) = device_for_two();
    for model in ["a", "b", "a", "c", "a"] {
        run_once(&device, &pipeline, model, 1.0).unwrap();
    }
    assert_eq!(models(&device), ["c", "a"]);
    assert_eq!(device.health().residents()[1].bytes, MODEL_BYTES, "as it was measured");
    assert_eq!(pipeline.seen.loads.load(SeqCst), 3, "`a` stayed, and nothing was loaded twice");
    run_once(&device, &pipeline, "b", 1.0).unwrap();
    assert_eq!(models(&device), ["a", "b"], "its size is known now");
}

#[test]
fn a_model_larger_than_the_budget_is_loaded_alone_and_works() {
    let (device, pipeline) = device_for_two();
    run_once(&device, &pipeline, "a", 1.0).unwrap();
    let scales = pipeline.scales.clone();
    let huge = Arc::new(Doubling { bytes: 5 * MODEL_BYTES, scales, ..Doubling::default() });
    assert_eq!(run_once(&device, &huge, "huge", 2.0).unwrap(), 4.0);
    assert_eq!(models(&device), ["huge"]);
    run_once(&device, &pipeline, "a", 1.0).unwrap();
    assert_eq!(models(&device), ["a"]);
    let budget = device.health().budget_bytes().unwrap();
    assert!(device.health().residents().iter().map(|resident| resident.bytes).sum::<u64>() <= budget);
}

#[test]
fn a_batch_that_is_too_large_is_halved_and_the_size_that_worked_is_remembered() {
    let device = start(DeviceOptions { batch_max: 8, waiting_max: 100, ..DeviceOptions::default() });
    let firsts: Vec<f32> = (1..=8).map(|n| n as f32).collect();
    let sizes = |seen: &Seen| seen.batches.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    for expected in [vec![1, 8, 4, 2, 2, 4, 2, 2], vec![1, 2, 2, 2, 2]] {
        let (answers, seen) = answers_that_fit(&device, &firsts, Some(3));
        let answers: Vec<f32> = answers.into_iter().map(Result::unwrap).collect();
        assert_eq!(answers, [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0]);
        assert_eq!(sizes(&seen), expected);
    }
    device.shutdown();
    assert_eq!(device.health().chunks_failed(), 0);
}

#[test]
fn a_chunk_that_does_not_fit_alone_fails_alone_and_says_what_to_do() {
    let device = device();
    let (answers, seen) = answers_that_fit(&device, &[1.0, 2.0, 3.0], Some(0));
    assert_eq!(seen.batches.lock().unwrap().len(), 1 + 1 + 2 + 2, "opener, three, halves of them");
    for answer in answers {
        let error = answer.unwrap_err();
        assert!(error.is_out_of_memory() && !error.is_transient());
        let said = std::error::Error::source(&error).unwrap().to_string();
        assert!(said.contains("ran out of memory") && said.contains("choose a smaller model"), "{said}");
    }
    run_once(&device, &Arc::new(Doubling::default()), "doubling", 1.0).unwrap();
}

#[test]
fn other_models_give_up_their_memory_for_a_chunk_that_does_not_fit() {
    let (device, pipeline) = device_for_two();
    run_once(&device, &pipeline, "a", 1.0).unwrap();
    assert_eq!(run_once(&device, &pipeline, "b", LARGE).unwrap(), 2.0 * LARGE);
    assert_eq!(models(&device), ["b"]);
}

#[test]
fn a_guilty_chunk_says_nothing_of_sizes() {
    let device = device();
    let sizes = |seen: &Seen| seen.batches.lock().unwrap().iter().map(Vec::len).collect::<Vec<_>>();
    let (_, seen) = answers_of_one_batch(&device, &[1.0, REFUSE, 3.0, 4.0]);
    assert_eq!(sizes(&seen), [1, 4, 2, 1, 1, 2]);
    let (_, seen) = answers_of_one_batch(&device, &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(sizes(&seen), [1, 4]);
}

#[test]
fn cancelling_ends_the_wait_at_once_and_the_chunk_never_runs() {
    let device = device();
    let (pipeline, has_begun, leave) = gated();
    let running = work(&pipeline, 0, 1.0);
    let waiting = work(&pipeline, 1, 2.0);
    let (stop_running, stop_waiting) = (running.cancelled.clone(), waiting.cancelled.clone());
    let running = device.submit(running).unwrap();
    has_begun.recv().unwrap();
    let waiting = device.submit(waiting).unwrap();
    let waiters = [waiting, running].map(|ticket| std::thread::spawn(|| ticket.wait()));
    stop_waiting.cancel();
    stop_running.cancel();
    // The batch is still held at the gate: only the tokens can have ended these waits.
    for waiter in waiters {
        assert!(matches!(waiter.join().unwrap(), Err(DeviceError::Cancelled)));
    }
    leave.send(()).unwrap();
    device.shutdown();
    assert_eq!(*pipeline.seen.batches.lock().unwrap(), [vec![0]]);
    let mut late = work(&pipeline, 2, 1.0);
    late.cancelled = stop_waiting;
    assert!(matches!(device.submit(late), Err(DeviceError::Cancelled)));
}

#[test]
fn too_many_waiting_chunks_are_refused_with_the_limit() {
    let device = device();
    let (pipeline, has_begun, leave) = gated();
    let running = device.submit(work(&pipeline, 0, 1.0)).unwrap();
    has_begun.recv().unwrap();
    let waiting: Vec<_> = (1..=10).map(|n| device.submit(work(&pipeline, n, 1.0)).unwrap()).collect();
    let refused = device.submit(work(&pipeline, 11, 1.0));
    assert!(matches!(refused, Err(DeviceError::Busy { waiting_max: 10 })));
    (0..20).for_each(|_| leave.send(()).unwrap());
    running.wait().unwrap();
    waiting.into_iter().for_each(|ticket| drop(ticket.wait().unwrap()));
}

#[test]
fn shutdown_finishes_the_batch_and_stops_what_waits() {
    let device = device();
    let (pipeline, has_begun, leave) = gated();
    let running = device.submit(work(&pipeline, 0, 1.0)).unwrap();
    has_begun.recv().unwrap();
    let waiting = device.submit(work(&pipeline, 1, 1.0)).unwrap();
    let stopping = std::thread::spawn({
        let device = device.clone();
        move || device.shutdown()
    });
    while !device.owner.shared.lock().stopping {
        std::thread::yield_now();
    }
    let error = device.submit(work(&pipeline, 2, 1.0)).err().unwrap();
    assert!(matches!(error, DeviceError::Stopped) && error.is_transient());
    leave.send(()).unwrap();
    assert_eq!(running.wait().unwrap().data[0], 2.0);
    assert!(matches!(waiting.wait(), Err(DeviceError::Stopped)));
    stopping.join().unwrap();
    assert!(!device.health().is_live(Duration::from_secs(3600)));
}

#[test]
fn dropping_the_last_handle_joins_the_thread() {
    let device = device();
    let (health, shared) = (device.health(), Arc::downgrade(&device.owner.shared));
    assert!(health.is_live(TICK));
    drop(device.clone());
    assert!(health.is_live(TICK));
    drop(device);
    assert!(!health.is_live(TICK));
    assert!(shared.upgrade().is_none(), "the thread holds nothing any more");
}

#[test]
fn a_batch_that_takes_too_long_shows_in_the_health() {
    let clock = Arc::new(ManualClock::new(Timestamp(5)));
    let gauge = Box::new(Scales::default());
    let device =
        Device::start(DeviceOptions::default(), Arc::clone(&clock) as Arc<dyn Clock>, gauge).unwrap();
    let (pipeline, has_begun, leave) = gated();
    let running = device.submit(work(&pipeline, 0, 1.0)).unwrap();
    has_begun.recv().unwrap();
    clock.advance(Duration::from_secs(60));
    let health = device.health();
    assert_eq!(health.busy_since(), Some(Timestamp(5)));
    assert!(health.is_live(Duration::from_secs(60)));
    assert!(!health.is_live(Duration::from_secs(59)));
    leave.send(()).unwrap();
    running.wait().unwrap();
    device.shutdown();
    assert_eq!(health.busy_since(), None);
}

/// A tone in memory.
struct Tone(f32);

impl Tone {
    const SHAPE: ClipShape = ClipShape { channels: 2, frames: 12 * 44_100, rate_hz: 44_100 };
}

impl Clip for Tone {
    fn open(&self) -> Result<Box<dyn Frames>, AudioError> {
        let samples = (0..Self::SHAPE.frames * 2).map(|n| 0.3 * (n as f32 * self.0).sin());
        let bytes: Vec<u8> = samples.flat_map(f32::to_le_bytes).collect();
        Ok(Box::new(PcmReader::new(Cursor::new(bytes), Self::SHAPE)?))
    }
}

#[test]
fn mini_answers_in_a_batch_of_two_accounts_as_it_answers_alone() {
    let mini = Catalog::embedded().unwrap().pipeline("mini").unwrap();
    let plan = mini.plan(Tone::SHAPE, &Ask::default()).unwrap();
    let chunks = |tone: f32| {
        let (mut cutter, _assembler) = mini.begin(&plan, Arc::new(Tone(tone)).into(), 1000).unwrap();
        std::iter::from_fn(|| cutter.next_chunk().unwrap()).collect::<Vec<_>>()
    };
    let jobs = [chunks(0.01), chunks(0.09)];
    assert!(jobs.iter().all(|chunks| chunks.len() == plan.chunks as usize));

    let device = start(DeviceOptions { batch_max: 4, ..DeviceOptions::default() });
    let (pipeline, has_begun, leave) = gated();
    let opener = device.submit(work(&pipeline, 0, 0.0)).unwrap();
    has_begun.recv().unwrap();
    let mut asked = Vec::new();
    for chunks in jobs {
        let (account, job) = (AccountId::generate(), JobId::generate());
        for chunk in chunks {
            let of_mini = Work {
                account,
                job,
                pipeline: Arc::clone(&mini),
                model: "mini".to_owned(),
                chunk: chunk.clone(),
                ..work(&pipeline, 0, 0.0)
            };
            asked.push((chunk, device.submit(of_mini).unwrap()));
        }
    }
    leave.send(()).unwrap();
    opener.wait().unwrap();
    let mut session = mini.load().unwrap();
    let chunks = asked.len() as u64;
    for (chunk, ticket) in asked {
        let alone = mini.infer(&mut session, std::slice::from_ref(&chunk)).unwrap().remove(0);
        let shared = ticket.wait().unwrap();
        assert_eq!((shared.index, shared.data.len()), (chunk.index, alone.data.len()));
        let worst = shared.data.iter().zip(&alone.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // 1e-4: logits reach 20; threads may share a sum differently.
        assert!(worst < 1e-4, "{worst}");
    }
    device.shutdown();
    assert_eq!(device.health().chunks_done(), chunks + 1);
    assert!(device.health().batches() <= 1 + chunks.div_ceil(2), "they shared batches");
}
