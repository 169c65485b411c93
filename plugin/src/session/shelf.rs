//! The library and the settings as an instance uses them: opened and listed on blocking threads, and written a moment
//! after the last change, so that dragging a fader costs one write and not a hundred.

use super::figures::FigureNews;
use super::mailbox::{Event, Mailbox};
use crate::library::{Damage, JobKey, JobRecord, Library, LibraryError, ReferenceRecord, TakeId, TakeInfo};
use crate::settings::{Settings, SettingsFile};
use crate::view::{Weight, WindowSize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Changes are written so long after the first of them.
const SAVE_AFTER: Duration = Duration::from_millis(400);

/// What the disk answered.
#[derive(Debug)]
pub(super) enum ShelfNews {
    Opened {
        library: Result<Library, String>,
        settings: Option<Settings>,
    },
    Listed(Listing),
    Importing(f32),
    Imported(Result<Option<TakeInfo>, String>),
    Exported(Result<Option<PathBuf>, String>),
    Referenced(Result<Option<ReferenceRecord>, String>),
    /// Something else was changed, or could not be: what could not.
    Changed(Result<(), String>),
    Figure(FigureNews),
}

/// What the library has.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) takes: Vec<(TakeInfo, bool)>,
    /// With each: all its files are here.
    pub(super) jobs: Vec<(JobRecord, bool)>,
    pub(super) damaged: Vec<Damage>,
}

#[derive(Debug, Default)]
pub(super) struct Shelf {
    library: Option<Library>,
    was_opened: bool,
    is_listing: bool,
    /// Somebody wants another list than the one being made.
    wants_list: bool,
    unsaved_takes: BTreeMap<TakeId, TakeInfo>,
    /// Being written at this moment.
    written_takes: BTreeMap<TakeId, TakeInfo>,
    unsaved_mixes: BTreeMap<JobKey, JobRecord>,
    pub(super) is_window_unsaved: bool,
    /// What this user did last.
    pub(super) usual_task: Option<String>,
    pub(super) is_task_unsaved: bool,
    changed_at: Option<Instant>,
    settings: Option<SettingsFile>,
    saving: Option<JoinHandle<()>>,
}

impl Shelf {
    pub(super) fn library(&self) -> Option<&Library> {
        self.library.as_ref()
    }

    /// It was tried to open it; commands can be obeyed.
    pub(super) fn was_opened(&self) -> bool {
        self.was_opened
    }

    /// Begins to open library and settings.
    pub(super) fn open(&mut self, root: PathBuf, settings: PathBuf, mailbox: Mailbox) {
        let settings = SettingsFile(settings);
        self.settings = Some(settings.clone());
        spawn_blocking(move || {
            let library = Library::open(&root).map_err(|error| error.told());
            let settings = settings.load().ok();
            mailbox.post_blocking(Event::Shelf(ShelfNews::Opened { library, settings }));
        });
    }

    pub(super) fn opened(&mut self, library: Option<Library>) {
        self.library = library;
        self.was_opened = true;
    }

    /// Begins to list the library; one list at a time.
    pub(super) fn list(&mut self, mailbox: Mailbox) {
        let Some(library) = self.library.clone() else { return };
        if std::mem::replace(&mut self.is_listing, true) {
            self.wants_list = true;
            return;
        }
        spawn_blocking(move || {
            mailbox.post_blocking(Event::Shelf(ShelfNews::Listed(list(&library))));
        });
    }

    /// A list has come. True where another one was wanted meanwhile.
    pub(super) fn listed(&mut self) -> bool {
        self.is_listing = false;
        std::mem::take(&mut self.wants_list)
    }

    /// A record is written soon.
    pub(super) fn keep_take(&mut self, take: TakeInfo) {
        self.unsaved_takes.insert(take.id, take);
    }

    /// The same for how a job's stems are mixed.
    pub(super) fn keep_mix(&mut self, job: JobRecord) {
        self.unsaved_mixes.insert(job.key, job);
    }

    /// What is deleted is not written any more.
    pub(super) fn forget_take(&mut self, take: TakeId) {
        self.unsaved_takes.remove(&take);
        self.written_takes.remove(&take);
        self.unsaved_mixes.retain(|_, job| job.take != take);
    }

    pub(super) fn forget_job(&mut self, job: JobKey) {
        self.unsaved_mixes.remove(&job);
    }

    /// A take as it will be on the disk, where it was changed and a list may not know yet.
    pub(super) fn unsaved_take(&self, take: TakeId) -> Option<&TakeInfo> {
        self.unsaved_takes.get(&take).or_else(|| self.written_takes.get(&take))
    }

    fn is_anything_unsaved(&self) -> bool {
        self.is_window_unsaved
            || self.is_task_unsaved
            || !self.unsaved_takes.is_empty()
            || !self.unsaved_mixes.is_empty()
    }

    /// Writes what was changed, if that was long enough ago.
    pub(super) fn save(&mut self, window: WindowSize, mailbox: &Mailbox) {
        let is_writing = self.saving.as_ref().is_some_and(|saving| !saving.is_finished());
        if !is_writing && !self.written_takes.is_empty() {
            // A list that was made meanwhile may have the records before.
            self.written_takes.clear();
            self.list(mailbox.clone());
        }
        if !self.is_anything_unsaved() {
            return;
        }
        let changed_at = *self.changed_at.get_or_insert_with(Instant::now);
        if changed_at.elapsed() >= SAVE_AFTER && !is_writing {
            self.saving = Some(self.begin_to_save(window, Some(mailbox.clone())));
        }
    }

    /// Writes what was changed, now, and returns when it is written.
    pub(super) async fn save_at_end(mut self, window: WindowSize) {
        if let Some(saving) = self.saving.take() {
            let _ = saving.await;
        }
        if self.is_anything_unsaved() {
            let _ = self.begin_to_save(window, None).await;
        }
    }

    fn begin_to_save(&mut self, window: WindowSize, mailbox: Option<Mailbox>) -> JoinHandle<()> {
        self.changed_at = None;
        let takes = std::mem::take(&mut self.unsaved_takes);
        self.written_takes.clone_from(&takes);
        let mixes = std::mem::take(&mut self.unsaved_mixes);
        let is_window = std::mem::take(&mut self.is_window_unsaved);
        let task = self.usual_task.clone().filter(|_| std::mem::take(&mut self.is_task_unsaved));
        let settings = self.settings.clone().filter(|_| is_window || task.is_some());
        let library = self.library.clone();
        spawn_blocking(move || {
            let mut failed = Vec::new();
            if let Some(library) = library {
                let takes = takes.values().map(|take| library.save_take(take));
                let mixes = mixes.values().map(|job| library.save_job(job));
                failed.extend(takes.chain(mixes).filter_map(worth_telling));
            }
            if let Some(settings) = settings {
                // A window of another size is not worth a warning; it is written with the next change.
                let _ = settings.change(|settings| {
                    if is_window {
                        settings.window = window;
                    }
                    settings.task = task.or(settings.task.take());
                });
            }
            if let (Some(text), Some(mailbox)) = (failed.pop(), mailbox) {
                let text = format!("A change could not be written: {text}.");
                mailbox.post_blocking(Event::Notice { weight: Weight::Warning, text, path: None });
            }
        })
    }
}

/// What is not there any more needs no record.
fn worth_telling(saved: Result<(), LibraryError>) -> Option<String> {
    match saved {
        Ok(()) | Err(LibraryError::Missing { .. }) => None,
        Err(error) => Some(error.told()),
    }
}

/// Blocking.
fn list(library: &Library) -> Listing {
    let jobs = library.jobs().into_iter().map(|job| {
        let is_there = library.stems(&job).iter().all(|(_, file)| file.is_some())
            && library.sheets(&job).iter().all(|(_, file)| file.is_some());
        (job, is_there)
    });
    let takes = library.takes().into_iter().map(|take| {
        let is_present = library.is_present(&take);
        (take, is_present)
    });
    Listing { takes: takes.collect(), jobs: jobs.collect(), damaged: library.damaged() }
}

/// Begins to make a take of a file. `stop` ends it.
pub(super) fn import(library: Library, path: PathBuf, stop: CancellationToken, mailbox: Mailbox) {
    spawn_blocking(move || {
        let mut told = 0.0;
        let imported = library.import(&path, &mut |share| {
            if share - told >= 0.01 {
                told = share;
                mailbox.post_if_room(Event::Shelf(ShelfNews::Importing(share)));
            }
            !stop.is_cancelled()
        });
        let imported = unless_stopped(imported);
        mailbox.post_blocking(Event::Shelf(ShelfNews::Imported(imported)));
    });
}

/// Begins to write a result into a folder. `stop` ends it.
pub(super) fn export(
    library: Library,
    take: TakeInfo,
    job: JobRecord,
    to: PathBuf,
    stop: CancellationToken,
    mailbox: Mailbox,
) {
    spawn_blocking(move || {
        let exported = library.export(&take, &job, Path::new(&to), &mut |_| !stop.is_cancelled());
        mailbox.post_blocking(Event::Shelf(ShelfNews::Exported(unless_stopped(exported))));
    });
}

/// Begins to read a file that results shall be made like. `stop` ends it.
pub(super) fn refer(library: Library, path: PathBuf, stop: CancellationToken, mailbox: Mailbox) {
    spawn_blocking(move || {
        let read = unless_stopped(library.add_reference(&path, &mut |_| !stop.is_cancelled()));
        mailbox.post_blocking(Event::Shelf(ShelfNews::Referenced(read)));
    });
}

/// Begins to change the library in some other way.
pub(super) fn change(
    library: Library,
    mailbox: Mailbox,
    work: impl FnOnce(&Library) -> Result<(), LibraryError> + Send + 'static,
) {
    spawn_blocking(move || {
        let done = work(&library).map_err(|error| error.told());
        mailbox.post_blocking(Event::Shelf(ShelfNews::Changed(done)));
    });
}

fn unless_stopped<T>(done: Result<T, LibraryError>) -> Result<Option<T>, String> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(LibraryError::Stopped) => Ok(None),
        Err(error) => Err(error.told()),
    }
}
