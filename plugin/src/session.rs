//! The session of one plugin instance: takes, jobs, account. Commands in, views out. Nothing here is ever called by the
//! audio thread, and no call here waits for a disk or a network.
//!
//! - `runtime`: the threads that all instances of a process share
//! - `actor`: one loop an instance; owns everything below
//! - `connection`, `local`: the server
//! - `sign_in`, `shop`: being let in by the browser, and buying
//! - `capture`: from the audio thread's tape to a take
//! - `job`, `jobs`: a job's life, and all jobs
//! - `choice`: what shall be done with takes
//! - `shelf`, `figures`, `player`: the library, what is computed from it, what is played
//! - `dialog`: the system's own windows
//! - `mailbox`, `neighbours`: what an instance's tasks tell it, and what other instances do
//! - `orders`: what the audio thread shall do, kept until it took it
//! - `notices`: what the user should know

mod actor;
mod capture;
mod choice;
mod connection;
mod dialog;
mod figures;
mod job;
mod jobs;
mod local;
mod mailbox;
mod neighbours;
mod notices;
mod orders;
mod player;
mod runtime;
mod shelf;
mod shop;
mod sign_in;

use crate::audio::{Desk, Gauges};
use crate::command::{COMMANDS_MAX, Command};
use crate::library::Library;
use crate::project::Project;
use crate::view::{Notice, View, Weight};
use arc_swap::ArcSwap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A session that ends has this long to close a take that is being recorded; the take's file is whole to the last
/// block that was written in any case.
const END_MAX: Duration = Duration::from_secs(2);

/// Where things of this user lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Root of the library.
    pub library: PathBuf,
    /// The settings file.
    pub settings: PathBuf,
    /// The folder in which a server on this machine leaves its `local.json`.
    pub server: PathBuf,
}

impl Places {
    /// The user's own, or what `TRIBUTARY_PLUGIN_DATA` (the library's folder), `TRIBUTARY_PLUGIN_SETTINGS` (a file)
    /// and `TRIBUTARY_DATA` (a server's data folder) say instead.
    #[must_use]
    pub fn of_user() -> Self {
        let data = crate::settings::user_data().unwrap_or_else(std::env::temp_dir).join("tributary");
        let config = crate::settings::user_config().unwrap_or_else(std::env::temp_dir).join("tributary");
        let named = |name, usual| std::env::var_os(name).map_or(usual, PathBuf::from);
        Self {
            library: Library::default_root().unwrap_or_else(|| data.join("plugin")),
            settings: named("TRIBUTARY_PLUGIN_SETTINGS", config.join("plugin.toml")),
            server: named("TRIBUTARY_DATA", data),
        }
    }
}

/// The session takes no more commands for the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plugin is busy: try again in a moment")]
pub struct Busy;

/// What the wiring tells the session of its surroundings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Surroundings {
    is_window_open: bool,
    track_name: String,
}

/// What the session shows, and whom it tells.
struct Stage {
    view: ArcSwap<View>,
    on_change: Arc<dyn Fn() + Send + Sync>,
}

impl Stage {
    fn show(&self, view: View) {
        self.view.store(Arc::new(view));
        (self.on_change)();
    }
}

/// The session of one plugin instance. Threads: any but audio. Dropping it ends the instance's tasks and, with the
/// last one of the process, all threads; jobs go on at the server.
pub struct Session {
    stage: Arc<Stage>,
    gauges: Arc<Gauges>,
    commands: mpsc::Sender<Command>,
    surroundings: watch::Sender<Surroundings>,
    stop: CancellationToken,
    actor: Option<JoinHandle<()>>,
    // Last, so that the threads outlive what runs on them.
    runtime: Option<runtime::Lease>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Begins. Returns at once: files and servers are looked at later, on other threads. `on_change` is called on
    /// one of those whenever there is another view; it must not block and not drop the session.
    ///
    /// Where no thread can be started, the session says so in its view and does nothing else.
    #[must_use]
    pub fn open(
        desk: Desk,
        project: Arc<Project>,
        places: Places,
        on_change: Arc<dyn Fn() + Send + Sync>,
    ) -> Self {
        let stage = Arc::new(Stage { view: ArcSwap::default(), on_change });
        let gauges = Arc::clone(&desk.gauges);
        let (commands, waiting) = mpsc::channel(COMMANDS_MAX);
        let (surroundings, around) = watch::channel(Surroundings::default());
        let stop = CancellationToken::new();
        let (runtime, actor) = match runtime::Lease::take() {
            Ok(lease) => {
                let outside = actor::Outside {
                    stage: Arc::clone(&stage),
                    project,
                    places,
                    commands: waiting,
                    surroundings: around,
                    stop: stop.clone(),
                };
                let actor = lease.handle().spawn(actor::run(desk, outside));
                (Some(lease), Some(actor))
            }
            Err(cause) => {
                stage.show(without_threads(&cause));
                (None, None)
            }
        };
        Self { stage, gauges, commands, surroundings, stop, actor, runtime }
    }

    /// The newest view.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.stage.view.load_full()
    }

    /// What moves with the sound.
    #[must_use]
    pub fn gauges(&self) -> Arc<Gauges> {
        Arc::clone(&self.gauges)
    }

    /// Asks for something; the answer is a later view.
    ///
    /// # Errors
    /// [`Busy`] when [`COMMANDS_MAX`] commands wait already.
    pub fn send(&self, command: Command) -> Result<(), Busy> {
        self.commands.try_send(command).map_err(|_| Busy)
    }

    /// The window is there, or gone. While it is there, account and offer are kept fresh.
    pub fn set_window_open(&self, is_open: bool) {
        self.surroundings
            .send_if_modified(|around| std::mem::replace(&mut around.is_window_open, is_open) != is_open);
    }

    /// The name of the host's track; new takes are named after it. Empty for unknown.
    pub fn set_track_name(&self, name: &str) {
        self.surroundings.send_if_modified(|around| {
            let is_news = around.track_name != name;
            if is_news {
                name.clone_into(&mut around.track_name);
            }
            is_news
        });
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.stop.cancel();
        let (Some(mut actor), Some(runtime)) = (self.actor.take(), self.runtime.take()) else { return };
        // Somebody may drop us from a task of this or another runtime, where nothing may wait: then the tasks end
        // by themselves a moment later.
        if tokio::runtime::Handle::try_current().is_err() {
            let ended = runtime.handle().block_on(async { tokio::time::timeout(END_MAX, &mut actor).await });
            if ended.is_err() {
                actor.abort();
            }
        }
    }
}

fn without_threads(cause: &std::io::Error) -> View {
    let text = format!(
        "Tributary cannot start its threads ({cause}): sound passes through, all else is off. Close other programs, \
         then add the plugin again."
    );
    View { notices: vec![Notice { number: 0, weight: Weight::Error, text, path: None }], ..View::default() }
}
