//! The library and the settings, as the actor uses them: opened, listed, exported, written a moment after a change.

use super::Actor;
use crate::library::Library;
use crate::session::neighbours;
use crate::session::shelf::{self, Listing, ShelfNews};
use crate::settings::Settings;
use crate::view::{Recorder, Stage, Weight};
use std::path::PathBuf;

impl Actor {
    pub(super) fn open_library(&mut self) {
        let Self { places, shelf, mailbox, .. } = self;
        shelf.open(places.library.clone(), places.settings.clone(), mailbox.clone());
    }

    pub(super) fn list_library(&mut self) {
        self.shelf.list(self.mailbox.clone());
    }

    pub(super) fn hear_shelf(&mut self, news: ShelfNews) {
        self.is_news = true;
        match news {
            ShelfNews::Opened { library, settings } => self.opened(library, settings),
            ShelfNews::Listed(listing) => self.listed(listing),
            ShelfNews::Importing(done) => {
                if let Recorder::Importing { share, .. } = &mut self.view.recorder {
                    *share = done;
                }
            }
            ShelfNews::Imported(imported) => {
                self.view.recorder = Recorder::Idle;
                match imported {
                    Ok(Some(take)) => self.take_is_here(take, 0),
                    Ok(None) => {}
                    Err(reason) => self.notice(Weight::Error, format!("The import failed: {reason}."), None),
                }
            }
            ShelfNews::Exported(exported) => match exported {
                Ok(Some(folder)) => {
                    let text = format!("Exported to {}.", folder.display());
                    self.notice(Weight::Note, text, Some(folder));
                }
                Ok(None) => {}
                Err(reason) => self.notice(Weight::Error, format!("The export failed: {reason}."), None),
            },
            ShelfNews::Referenced(read) => self.referenced(read),
            ShelfNews::Changed(done) => {
                if let Err(reason) = done {
                    self.warn(format!("The library could not be changed: {reason}."));
                }
                neighbours::tell();
            }
            ShelfNews::Figure(news) => self.hear_figure(news),
        }
    }

    fn opened(&mut self, library: Result<Library, String>, settings: Option<Settings>) {
        if let Some(settings) = settings {
            self.view.window = settings.window;
            self.shelf.usual_task = settings.task;
            self.fit_choice();
        }
        match library {
            Ok(library) => {
                self.shelf.opened(Some(library));
                self.list_library();
            }
            Err(reason) => {
                self.shelf.opened(None);
                let text = format!(
                    "Takes and results cannot be kept: {reason}. Sound passes through, but nothing can be recorded \
                     before {} can be written.",
                    self.places.library.display()
                );
                self.notice(Weight::Error, text, None);
            }
        }
    }

    fn listed(&mut self, listing: Listing) {
        if self.shelf.listed() {
            self.list_library();
        }
        let Listing { takes, jobs, damaged } = listing;
        self.present = takes.iter().filter(|(_, is_present)| *is_present).map(|(take, _)| take.id).collect();
        // What was changed and is not written yet is newer than what the disk says.
        self.takes = takes
            .into_iter()
            .map(|(take, _)| self.shelf.unsaved_take(take.id).cloned().unwrap_or(take))
            .collect();
        let around = self.job_surroundings();
        self.jobs.listed(jobs, around.as_ref());
        self.are_jobs_news = true;
        if let Some(first) = damaged.first() {
            let text = format!(
                "{} of the library's records cannot be read, for one {}: {}.",
                damaged.len(),
                first.path.display(),
                first.reason
            );
            self.notice(Weight::Warning, text, Some(first.path.clone()));
        }
        self.show_takes();
        self.show_project_take();
        self.look_for_files();
        self.fit_choice();
    }

    pub(super) fn save_what_changed(&mut self) {
        self.shelf.save(self.view.window, &self.mailbox);
    }

    pub(super) fn export(&mut self, to: PathBuf) {
        let key = self.view.result.as_ref().map(|result| result.job);
        let entry = key.and_then(|key| self.jobs.get(key));
        let ready = entry
            .filter(|entry| matches!(entry.stage, Stage::Ready { .. }))
            .map(|entry| entry.record.clone());
        let (Some(library), Some(job)) = (self.shelf.library().cloned(), ready) else {
            return self.warn("There is no result to export yet.");
        };
        let Some(take) = self.takes.iter().find(|take| take.id == job.take).cloned() else { return };
        shelf::export(library, take, job, to, self.stop.clone(), self.mailbox.clone());
    }
}
