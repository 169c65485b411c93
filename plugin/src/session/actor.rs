//! One loop an instance: hears commands, the project, the audio thread and its own tasks; shows a view when something
//! changed. Computes nothing long and touches no file itself; what it does about each is in the files below.

mod asking;
mod commands;
mod files;
mod paying;
mod picking;
mod results;
mod server;
mod takes;
mod wishes;
mod work;

use super::capture::Tape;
use super::connection::{self, Link, WISHES_MAX, Wish};
use super::job::Surroundings as JobSurroundings;
use super::jobs::Jobs;
use super::mailbox::{Event, Mailbox};
use super::notices::Notices;
use super::orders::Orders;
use super::player::Player;
use super::shelf::Shelf;
use super::{Places, Stage, Surroundings, neighbours};
use crate::audio::{Desk, Gauges, Order, Reel};
use crate::command::Command;
use crate::library::{Outline, TakeId, TakeInfo};
use crate::project::Project;
use crate::view::{Recorder, View, Weight};
use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often the audio thread is looked at while it may begin a take at any moment.
const POLL_BUSY: Duration = Duration::from_millis(8);
/// With the window open, and without.
const POLL_OPEN: Duration = Duration::from_millis(50);
const POLL_CLOSED: Duration = Duration::from_millis(250);

/// What an actor is given.
pub(super) struct Outside {
    pub(super) stage: Arc<Stage>,
    pub(super) project: Arc<Project>,
    pub(super) places: Places,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) surroundings: watch::Receiver<Surroundings>,
    pub(super) stop: CancellationToken,
}

struct Actor {
    project: Arc<Project>,
    places: Places,
    around: Surroundings,
    stop: CancellationToken,
    mailbox: Mailbox,
    /// Everything that runs on its own and may be ended at any moment.
    tasks: JoinSet<()>,
    /// File browsers that were started; who has ended is let go, so that no dead child is left behind.
    browsers: Vec<Child>,

    view: View,
    is_news: bool,
    notices: Notices,

    gauges: Arc<Gauges>,
    orders: Orders,
    retired: rtrb::Consumer<Arc<Reel>>,
    /// Away while a take is written.
    tape: Option<Tape>,
    recording: Option<JoinHandle<()>>,
    rate_hz: u32,

    shelf: Shelf,
    takes: Vec<TakeInfo>,
    /// Takes whose samples are on this disk.
    present: BTreeSet<TakeId>,
    /// Outlines of takes that were in the window lately.
    outlines: VecDeque<(TakeId, Arc<Outline>)>,
    /// When the take in the window is to be looked at anew.
    look_at: Option<Instant>,
    jobs: Jobs,
    are_jobs_news: bool,
    player: Player,

    link: watch::Receiver<Option<Link>>,
    wishes: mpsc::Sender<Wish>,
    is_wanted: watch::Sender<bool>,
    quote: server::Asked,
    sign_in: paying::Under,
    purchase: paying::Under,
    /// Questions for a path so far.
    questions: u64,
}

/// Runs until `stop`, and then until everything it began has ended.
pub(super) async fn run(desk: Desk, outside: Outside) {
    let Outside { stage, project, places, mut commands, mut surroundings, stop } = outside;
    let (mailbox, mut events) = Mailbox::new();
    let mut neighbours = neighbours::listen();
    let mut actor = Actor::new(desk, Arc::clone(&project), places, mailbox, stop.clone());
    actor.open_library();
    actor.project_loaded();
    let mut poll_at = Instant::now();
    loop {
        actor.show_news(&stage);
        poll_at = poll_at.min(Instant::now() + actor.poll_wait());
        tokio::select! {
            () = stop.cancelled() => break,
            Some(command) = commands.recv(), if actor.shelf.was_opened() => actor.obey(command),
            Some(event) = events.recv() => {
                actor.hear(event);
                // What waits already is shown with it.
                while let Ok(event) = events.try_recv() {
                    actor.hear(event);
                }
            }
            () = project.loaded() => actor.project_loaded(),
            Ok(()) = surroundings.changed() => {
                let around = surroundings.borrow_and_update().clone();
                actor.surroundings_changed(around);
            }
            Ok(()) = neighbours.changed() => actor.list_library(),
            () = sleep_until(poll_at) => {
                actor.look_around();
                poll_at = Instant::now() + actor.poll_wait();
            }
        }
    }
    actor.end(&mut events).await;
}

impl Actor {
    fn new(
        desk: Desk,
        project: Arc<Project>,
        places: Places,
        mailbox: Mailbox,
        stop: CancellationToken,
    ) -> Self {
        let Desk { gauges, orders, reports, tape, retired } = desk;
        let (wishes, wished) = mpsc::channel(WISHES_MAX);
        let (is_wanted, wanted) = watch::channel(false);
        let (link_in, link) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(connection::run(places.clone(), wished, wanted, link_in, mailbox.clone()));
        Self {
            project,
            places,
            around: Surroundings::default(),
            stop,
            mailbox,
            tasks,
            browsers: Vec::new(),
            view: View::default(),
            is_news: true,
            notices: Notices::default(),
            gauges,
            orders: Orders::new(orders),
            retired,
            tape: Some(Tape { reports, samples: tape }),
            recording: None,
            rate_hz: 0,
            shelf: Shelf::default(),
            takes: Vec::new(),
            present: BTreeSet::new(),
            outlines: VecDeque::new(),
            look_at: None,
            jobs: Jobs::default(),
            are_jobs_news: false,
            player: Player::default(),
            link,
            wishes,
            is_wanted,
            quote: server::Asked::default(),
            sign_in: paying::Under::default(),
            purchase: paying::Under::default(),
            questions: 0,
        }
    }

    fn show_news(&mut self, stage: &Stage) {
        if std::mem::take(&mut self.are_jobs_news) {
            self.view.jobs = self.jobs.shown().into();
            self.is_news = true;
            self.want_server();
        }
        if std::mem::take(&mut self.is_news) {
            stage.show(self.view.clone());
        }
    }

    fn poll_wait(&self) -> Duration {
        let is_waiting_for_take = self.tape.is_some() && self.view.recorder != Recorder::Idle;
        if self.orders.are_kept() || is_waiting_for_take {
            POLL_BUSY
        } else if self.around.is_window_open {
            POLL_OPEN
        } else {
            POLL_CLOSED
        }
    }

    /// What nobody wakes us for.
    fn look_around(&mut self) {
        self.orders.flush();
        // Old reels are freed here, never by the audio thread.
        while self.retired.pop().is_ok() {}
        self.read_reports();
        self.save_what_changed();
        self.look_if_due();
        while self.tasks.try_join_next().is_some() {}
        self.browsers.retain_mut(|browser| matches!(browser.try_wait(), Ok(None)));
        let is_playing = self.gauges.is_free_playing.load(Ordering::Relaxed);
        if self.view.player.is_playing != is_playing && !self.orders.are_kept() {
            self.view.player.is_playing = is_playing;
            self.is_news = true;
        }
    }

    fn surroundings_changed(&mut self, around: Surroundings) {
        let was_open = self.around.is_window_open;
        self.around = around;
        self.want_server();
        if self.around.is_window_open && !was_open {
            self.list_library();
        }
    }

    fn project_loaded(&mut self) {
        let state = self.project.state();
        if state.is_damaged {
            self.project.update(|state| state.is_damaged = false);
            self.warn(
                "The project's memory of this plugin was damaged: what could be read is back, takes and results are \
                 all in the library.",
            );
        }
        self.view.player.monitor = state.monitor.into();
        self.orders.give(Order::Monitor(self.view.player.monitor));
        self.view.player.has_outputs = state.has_outputs;
        self.orders.give(Order::Outputs(state.has_outputs));
        self.fit_choice();
        self.list_library();
        self.is_news = true;
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Connection(news) => self.hear_connection(news),
            Event::Capture(news) => self.hear_capture(news),
            Event::Job(news) => self.hear_job(news),
            Event::Shelf(news) => self.hear_shelf(news),
            Event::Quote { number, quote } => self.hear_quote(number, quote),
            Event::SignIn { number, sign_in } => self.hear_sign_in(number, sign_in),
            Event::Purchase { number, purchase } => self.hear_purchase(number, purchase),
            Event::Chosen { number, answer } => self.chosen(number, answer),
            Event::Notice { weight, text, path } => self.notice(weight, text, path),
        }
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.notice(Weight::Warning, text, None);
    }

    fn notice(&mut self, weight: Weight, text: impl Into<String>, path: Option<PathBuf>) {
        self.notices.add(&mut self.view.notices, weight, text, path);
        self.is_news = true;
    }

    /// What a job's task uses; none without a library.
    fn job_surroundings(&self) -> Option<JobSurroundings> {
        Some(JobSurroundings {
            library: self.shelf.library()?.clone(),
            project: Arc::clone(&self.project),
            link: self.link.clone(),
            mailbox: self.mailbox.clone(),
        })
    }

    /// Nothing of this instance runs any more when this returns.
    async fn end(mut self, events: &mut mpsc::Receiver<Event>) {
        self.player.end();
        self.unload();
        self.tasks.shutdown().await;
        self.jobs.end().await;
        if let Some(mut recording) = self.recording.take() {
            // Its last words need room in the mailbox.
            loop {
                tokio::select! {
                    _ = &mut recording => break,
                    Some(event) = events.recv() => self.hear(event),
                }
            }
            while let Ok(event) = events.try_recv() {
                self.hear(event);
            }
        }
        self.shelf.save_at_end(self.view.window).await;
    }
}
