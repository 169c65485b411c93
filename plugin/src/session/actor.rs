//! One loop an instance: hears commands, the project, the audio thread and its own tasks; shows a view when something
//! changed. Computes nothing long and touches no file itself.

use super::notices::Notices;
use super::orders::Orders;
use super::{Places, Stage, Surroundings};
use crate::audio::{Desk, Order, Reel, Report};
use crate::command::Command;
use crate::project::Project;
use crate::view::{View, Weight};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How often the audio thread is looked at while it has something to say.
const POLL_BUSY: Duration = Duration::from_millis(8);
/// With the window open, and without.
const POLL_OPEN: Duration = Duration::from_millis(50);
const POLL_CLOSED: Duration = Duration::from_millis(200);

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
    view: View,
    is_news: bool,
    notices: Notices,
    orders: Orders,
    reports: rtrb::Consumer<Report>,
    retired: rtrb::Consumer<Arc<Reel>>,
    project: Arc<Project>,
    is_window_open: bool,
}

/// Runs until `stop`.
pub(super) async fn run(desk: Desk, outside: Outside) {
    let Outside { stage, project, places: _, mut commands, mut surroundings, stop } = outside;
    let Desk { orders, reports, retired, .. } = desk;
    let mut actor = Actor {
        view: View::default(),
        is_news: true,
        notices: Notices::default(),
        orders: Orders::new(orders),
        reports,
        retired,
        project: Arc::clone(&project),
        is_window_open: false,
    };
    actor.project_loaded();
    loop {
        if std::mem::take(&mut actor.is_news) {
            stage.show(actor.view.clone());
        }
        tokio::select! {
            () = stop.cancelled() => return,
            Some(command) = commands.recv() => actor.obey(command),
            () = project.loaded() => actor.project_loaded(),
            Ok(()) = surroundings.changed() => {
                actor.is_window_open = surroundings.borrow_and_update().is_window_open;
            }
            () = tokio::time::sleep(actor.poll_wait()) => actor.look_at_desk(),
        }
    }
}

impl Actor {
    fn poll_wait(&self) -> Duration {
        match (self.orders.are_kept(), self.is_window_open) {
            (true, _) => POLL_BUSY,
            (false, true) => POLL_OPEN,
            (false, false) => POLL_CLOSED,
        }
    }

    fn look_at_desk(&mut self) {
        self.orders.flush();
        while self.retired.pop().is_ok() {}
        while self.reports.pop().is_ok() {}
    }

    fn project_loaded(&mut self) {
        let state = self.project.state();
        if state.is_damaged {
            self.project.update(|state| state.is_damaged = false);
            let text = "The project's memory of this plugin was damaged: what could be read is back, takes and \
                        results are all in the library.";
            self.notices.add(&mut self.view.notices, Weight::Warning, text, None);
        }
        self.view.player.monitor = state.monitor.into();
        self.orders.give(Order::Monitor(self.view.player.monitor));
        self.is_news = true;
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::SetMonitor(monitor) => {
                self.view.player.monitor = monitor;
                self.project.update(|state| state.monitor = monitor.into());
                self.orders.give(Order::Monitor(monitor));
            }
            Command::Dismiss(number) => self.view.notices.retain(|notice| notice.number != number),
            Command::Resize(size) => self.view.window = size,
            _ => return,
        }
        self.is_news = true;
    }
}
