//! Jobs: begun, cancelled, repeated, shown, forgotten.

use super::Actor;
use super::takes::now_us;
use crate::library::{ClipRecord, Fader, JobKey, JobRecord, ReferenceRecord, SettingRecords, TakeInfo};
use crate::session::job::JobNews;
use crate::session::{choice, neighbours, shelf};
use crate::view::Quote;
use std::collections::BTreeMap;
use tributary_protocol::limits::title_of;
use tributary_protocol::vocab::JobId;

/// What a new job shall do.
struct Wanted {
    task: String,
    model: String,
    stems: Vec<String>,
    settings: SettingRecords,
    references: Vec<ReferenceRecord>,
    range: (u64, u64),
    quoted: u64,
}

impl Actor {
    /// The take in the window through the model chosen, at the price shown.
    pub(super) fn run_job(&mut self) {
        let quoted = match &self.view.choice.quote {
            Quote::Price { credits, missing: 0, .. } => *credits,
            Quote::Price { missing, .. } => {
                return self.warn(format!("{missing} credits are missing: add credits, or trim the take."));
            }
            Quote::Refused(reason) => return self.warn(reason.clone()),
            Quote::Nothing | Quote::Asked => {
                return self
                    .warn("There is no price yet: choose a take and a model, and connect to a server.");
            }
        };
        let Some(take) = self.view.take.as_ref().map(|take| (*take.info).clone()) else { return };
        let wanted = Wanted {
            task: self.view.choice.task.clone(),
            model: self.view.choice.model.clone(),
            stems: choice::wanted(&self.view.choice),
            settings: self.view.choice.settings.clone(),
            references: self.view.choice.references.clone(),
            range: take.range(),
            quoted,
        };
        self.begin_job(take, wanted);
    }

    pub(super) fn run_again(&mut self, key: JobKey) {
        let Some(record) = self.jobs.get(key).map(|entry| entry.record.clone()) else { return };
        let Some(take) = self.takes.iter().find(|take| take.id == record.take).cloned() else {
            return self.warn("The take of this job was deleted: it cannot be run again.");
        };
        let JobRecord { task, model, stems, settings, references, range, quoted, .. } = record;
        self.begin_job(take, Wanted { task, model, stems, settings, references, range, quoted });
    }

    fn begin_job(&mut self, take: TakeInfo, wanted: Wanted) {
        let link = self.link.borrow().clone();
        let (Some(around), Some(link)) = (self.job_surroundings(), link) else {
            return self.warn("No server is connected: connect to one, then run it.");
        };
        let Wanted { task, model, stems, settings, references, range, quoted } = wanted;
        let offered = self.view.offer.iter().find(|offered| offered.name == model);
        let record = JobRecord {
            version: JobRecord::VERSION,
            key: JobId::generate().into(),
            take: take.id,
            title: title_of(&take.name),
            task,
            model_version: offered.map(|offered| offered.version.clone()).unwrap_or_default(),
            model,
            server: link.server,
            quoted,
            begun_at_us: now_us(),
            // Known when the clip has been cut.
            clip: ClipRecord { sha256: [0; 32], frames: 0, channels: take.channels, rate_hz: take.rate_hz },
            range,
            place: take.place,
            is_admitted: false,
            is_cancelled: false,
            outcome: None,
            mix: first_mix(&stems),
            settings,
            references,
            sheets: Vec::new(),
            stems,
        };
        self.jobs.begin(record, take, &around);
        self.are_jobs_news = true;
    }

    pub(super) fn cancel_job(&mut self, key: JobKey) {
        if !self.jobs.cancel(key) {
            self.warn("This job has ended already.");
        }
    }

    pub(super) fn fetch_again(&mut self, key: JobKey) {
        if let Some(around) = self.job_surroundings() {
            self.jobs.fetch_again(key, &around);
            self.are_jobs_news = true;
        }
    }

    /// A job's take and result are in the window.
    pub(super) fn show_job(&mut self, key: JobKey) {
        let Some(take) = self.jobs.get(key).map(|entry| entry.record.take) else { return };
        self.select_take(take);
        self.project.update(|state| {
            if state.take == Some(take) {
                state.add_job(key);
                state.shown = Some(key);
            }
        });
        self.show_project_take();
    }

    pub(super) fn forget_job(&mut self, key: JobKey) {
        if self.jobs.get(key).is_some_and(|entry| entry.is_alive()) {
            return self.warn("This job has not ended: cancel it first.");
        }
        if self.player.subject.is_some_and(|subject| subject.job == Some(key)) {
            self.unload();
        }
        self.project.update(|state| {
            state.jobs.retain(|job| *job != key);
            state.shown = state.shown.filter(|shown| *shown != key);
        });
        self.shelf.forget_job(key);
        self.are_jobs_news = true;
        let (Some(record), Some(library)) = (self.jobs.forget(key), self.shelf.library().cloned()) else {
            return;
        };
        self.show_project_take();
        if record.clip.frames > 0 {
            shelf::change(library, self.mailbox.clone(), move |library| library.delete_job(&record));
        }
    }

    pub(super) fn hear_job(&mut self, news: JobNews) {
        self.are_jobs_news = true;
        let change = self.jobs.hear(news);
        if let Some(warning) = change.warning {
            self.warn(warning);
        }
        if let Some(key) = change.ready {
            self.result_is_here(key);
        }
        if change.is_over {
            self.refresh_server();
            neighbours::tell();
        }
    }

    /// A result of a take in the window is shown at once, where it was asked for here or nothing else is shown.
    fn result_is_here(&mut self, key: JobKey) {
        let Some(take) = self.jobs.get(key).map(|entry| entry.record.take) else { return };
        let is_in_window = self.view.take.as_ref().is_some_and(|shown| shown.info.id == take);
        let state = self.project.state();
        if is_in_window && (state.jobs.contains(&key) || state.shown.is_none()) {
            self.project.update(|state| state.shown = Some(key));
        }
        if self.project.state().shown == Some(key) {
            // Files that were missing before are here now.
            self.player.subject = None;
            self.show_project_take();
        }
    }
}

/// What was taken out of a voice is not heard with it, unless somebody wants it.
fn first_mix(stems: &[String]) -> BTreeMap<String, Fader> {
    let is_voice = stems.iter().any(|stem| stem == "speech");
    let noise = stems.iter().find(|stem| is_voice && *stem == "noise");
    noise.map(|noise| (noise.clone(), Fader { is_muted: true, ..Fader::default() })).into_iter().collect()
}
