//! One user's machine: a library, settings, a project, and a session between an audio thread and a server.

use crate::studio::{KEY, Pace, Studio, Wire};
use nice_plug::params::persist::PersistentField;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tributary_audio::{ClipShape, FrameSink, WavWriter};
use tributary_plugin::audio::{Engine, Transport, pair};
use tributary_plugin::command::Command;
use tributary_plugin::library::Library;
use tributary_plugin::project::{Project, ProjectState};
use tributary_plugin::session::{Places, Session};
use tributary_plugin::view::{Connection, Job, Quote, Stage, View};

/// Longer than anything takes; a test that waits so long has failed.
const WAIT_MAX: Duration = Duration::from_secs(60);
pub(crate) const RATE_HZ: u32 = 48_000;

/// Rings whenever there is another view.
#[derive(Default)]
struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

/// A user's machine, on which sessions come and go.
pub(crate) struct Machine {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) studio: Studio,
    pub(crate) wire: Wire,
    /// Runs the server; the sessions have their own.
    _network: tokio::runtime::Runtime,
}

impl Machine {
    pub(crate) fn new(pace: Pace) -> Self {
        let network = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("studio")
            .enable_all()
            .build()
            .unwrap();
        let studio = Studio::new(pace);
        let wire = network.block_on(async { Wire::to(studio.serve(None).await).await });
        let machine = Self { folder: tempfile::tempdir().unwrap(), studio, wire, _network: network };
        machine.leave_local_file();
        machine
    }

    /// As `tributary serve` does.
    pub(crate) fn leave_local_file(&self) {
        let places = self.places();
        std::fs::create_dir_all(&places.server).unwrap();
        let text = serde_json::json!({
            "server": format!("http://{}", self.wire.address), "key": KEY, "certificate": null
        });
        std::fs::write(places.server.join("local.json"), text.to_string()).unwrap();
    }

    pub(crate) fn places(&self) -> Places {
        let root = self.folder.path();
        Places {
            library: root.join("library"),
            settings: root.join("config/plugin.toml"),
            server: root.join("server"),
        }
    }

    pub(crate) fn library(&self) -> Library {
        Library::open(&self.places().library).unwrap()
    }

    /// A stereo file of so many frames.
    pub(crate) fn sound_file(&self, name: &str, frames: usize) -> PathBuf {
        let path = self.folder.path().join(name);
        let shape = ClipShape { channels: 2, frames: frames as u64, rate_hz: RATE_HZ };
        let mut writer = WavWriter::create(&path, shape).unwrap();
        let channels = noise(frames);
        writer.write(&[&channels[0], &channels[1]]).unwrap();
        writer.finish().unwrap();
        path
    }

    /// An instance with a fresh project.
    pub(crate) fn open(&self) -> Rig {
        self.open_with(Project::new())
    }

    /// An instance with what a host saved.
    pub(crate) fn reopen(&self, saved: &str) -> Rig {
        let project = Project::new();
        project.set(serde_json::from_str::<ProjectState>(saved).unwrap());
        self.open_with(project)
    }

    pub(crate) fn open_with(&self, project: Arc<Project>) -> Rig {
        Rig::open(project, self.places())
    }
}

/// Samples that hardly shrink on the wire, in [-0.5, 0.5).
pub(crate) fn noise(frames: usize) -> [Vec<f32>; 2] {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
    };
    [(0..frames).map(|_| next()).collect(), (0..frames).map(|_| next()).collect()]
}

/// One instance.
pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) engine: Engine,
    pub(crate) project: Arc<Project>,
    bell: Arc<Bell>,
}

impl Rig {
    pub(crate) fn open(project: Arc<Project>, places: Places) -> Self {
        let (mut engine, desk) = pair();
        engine.activate(RATE_HZ, 2);
        let bell = Arc::new(Bell::default());
        let rung = Arc::clone(&bell);
        let ring = move || {
            *rung.rings.lock().unwrap() += 1;
            rung.rung.notify_all();
        };
        let session = Session::open(desk, Arc::clone(&project), places, Arc::new(ring));
        Self { session, engine, project, bell }
    }

    /// What the host would save now.
    pub(crate) fn saved(&self) -> String {
        self.project.map(serde_json::to_string).unwrap()
    }

    pub(crate) fn send(&self, command: Command) {
        self.session.send(command).unwrap();
    }

    /// Returns what `find` finds in a view, now or later.
    pub(crate) fn wait<T>(&self, what: &str, mut find: impl FnMut(&View) -> Option<T>) -> T {
        let until = Instant::now() + WAIT_MAX;
        loop {
            let before = *self.bell.rings.lock().unwrap();
            let view = self.session.view();
            if let Some(found) = find(&view) {
                return found;
            }
            let mut rings = self.bell.rings.lock().unwrap();
            while *rings == before {
                let left = until.saturating_duration_since(Instant::now());
                assert!(!left.is_zero(), "never {what}: {view:#?}");
                rings = self.bell.rung.wait_timeout(rings, left).unwrap().0;
            }
        }
    }

    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&View) -> bool) {
        self.wait(what, |view| is_so(view).then_some(()));
    }

    pub(crate) fn connected(&self) {
        self.until("connected", |view| {
            matches!(view.connection, Connection::Connected { .. }) && view.account.is_some()
        });
    }

    /// Imports a file, and waits for its price.
    pub(crate) fn import(&self, path: PathBuf) {
        let before = self.session.view().takes.len();
        self.send(Command::Import(path));
        self.until("imported", |view| view.takes.len() == before + 1);
        self.priced();
    }

    pub(crate) fn priced(&self) {
        self.until("priced", |view| matches!(view.choice.quote, Quote::Price { .. }));
    }

    /// Runs a job on the take in the window.
    pub(crate) fn run(&self) -> Job {
        let before = self.session.view().jobs.len();
        self.send(Command::Run);
        self.wait("begun", |view| (view.jobs.len() == before + 1).then(|| view.jobs[0].clone()))
    }

    pub(crate) fn stage(&self, what: &str, is_so: impl Fn(&Stage) -> bool) -> Stage {
        self.wait(what, |view| view.jobs.first().map(|job| job.stage.clone()).filter(|stage| is_so(stage)))
    }

    /// One block through the engine.
    pub(crate) fn block(&mut self, samples: [&[f32]; 2], transport: &Transport) -> [Vec<f32>; 2] {
        let [mut left, mut right] = samples.map(<[f32]>::to_vec);
        self.engine.process(&mut [&mut left, &mut right], &mut (), transport, false);
        [left, right]
    }
}
