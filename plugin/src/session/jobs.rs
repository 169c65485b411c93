//! All jobs that an instance knows: those of the library, and the tasks of those that have not ended. Touches no disk
//! itself.

use super::job::{JobNews, Life, Surroundings};
use crate::library::{JobKey, JobRecord, Outcome, TakeId, TakeInfo};
use crate::view::{Job, Stage};
use std::collections::BTreeMap;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// One job.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: JobRecord,
    pub(super) stage: Stage,
    /// The wish of its task to end it; none where no task runs.
    cancel: Option<watch::Sender<bool>>,
}

impl Entry {
    /// A task looks after it.
    pub(super) fn is_alive(&self) -> bool {
        self.cancel.is_some()
    }
}

/// What the end of a job's task means for the window.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// Its results are here now.
    pub(super) ready: Option<JobKey>,
    /// For people: what went wrong.
    pub(super) warning: Option<String>,
    /// Account and offer may be other ones now.
    pub(super) is_over: bool,
}

#[derive(Debug, Default)]
pub(super) struct Jobs {
    entries: BTreeMap<JobKey, Entry>,
    tasks: JoinSet<()>,
}

impl Jobs {
    pub(super) fn get(&self, key: JobKey) -> Option<&Entry> {
        self.entries.get(&key)
    }

    pub(super) fn record_mut(&mut self, key: JobKey) -> Option<&mut JobRecord> {
        self.entries.get_mut(&key).map(|entry| &mut entry.record)
    }

    /// The newest job of a take whose results are here.
    pub(super) fn newest_result_of(&self, take: TakeId) -> Option<JobKey> {
        let is_result =
            |entry: &&Entry| entry.record.take == take && matches!(entry.stage, Stage::Ready { .. });
        self.entries.values().filter(is_result).max_by_key(|entry| order(entry)).map(|entry| entry.record.key)
    }

    /// Some have not ended.
    pub(super) fn are_under_way(&self) -> bool {
        self.entries.values().any(Entry::is_alive)
    }

    pub(super) fn is_take_in_use(&self, take: TakeId) -> bool {
        self.entries.values().any(|entry| entry.record.take == take && entry.is_alive())
    }

    /// For the window: newest first.
    pub(super) fn shown(&self) -> Vec<Job> {
        let mut entries: Vec<_> = self.entries.values().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(order(entry)));
        entries.into_iter().map(shown).collect()
    }

    /// What the disk has. Jobs that have not ended are taken up; those that are gone from the disk go.
    pub(super) fn listed(&mut self, found: Vec<(JobRecord, bool)>, around: Option<&Surroundings>) {
        let keys: std::collections::BTreeSet<_> = found.iter().map(|(record, _)| record.key).collect();
        self.entries.retain(|key, entry| entry.is_alive() || keys.contains(key) || !was_saved(&entry.record));
        for (mut record, is_there) in found {
            let key = record.key;
            if let Some(entry) = self.entries.get(&key) {
                if entry.is_alive() {
                    continue;
                }
                // How it is mixed here may not be written yet.
                record.mix.clone_from(&entry.record.mix);
            }
            match (stage_of(&record, is_there), around) {
                (Some(stage), _) => {
                    self.entries.insert(key, Entry { record, stage, cancel: None });
                }
                (None, Some(around)) => self.live(record, around, |life| life.live()),
                (None, None) => {}
            }
        }
    }

    /// A new job. It is shown from now on.
    pub(super) fn begin(&mut self, record: JobRecord, take: TakeInfo, around: &Surroundings) {
        self.live(record, around, |life| life.begin(take));
    }

    /// What was done is fetched again.
    pub(super) fn fetch_again(&mut self, key: JobKey, around: &Surroundings) {
        let record = self.entries.get(&key).filter(|entry| matches!(entry.stage, Stage::Missing { .. }));
        if let Some(record) = record.map(|entry| entry.record.clone()) {
            self.live(record, around, |life| life.live());
        }
    }

    fn live<F>(&mut self, record: JobRecord, around: &Surroundings, begin: impl FnOnce(Life) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (cancel, wish) = watch::channel(false);
        let life = Life::new(record.clone(), around.clone(), wish);
        self.tasks.spawn(begin(life));
        self.entries.insert(record.key, Entry { record, stage: Stage::Preparing, cancel: Some(cancel) });
    }

    /// The user wants a job to end. False where it has ended already.
    pub(super) fn cancel(&mut self, key: JobKey) -> bool {
        let cancel = self.entries.get(&key).and_then(|entry| entry.cancel.as_ref());
        cancel.is_some_and(|cancel| cancel.send(true).is_ok())
    }

    /// Takes a job out of the list.
    pub(super) fn forget(&mut self, key: JobKey) -> Option<JobRecord> {
        self.entries.remove(&key).map(|entry| entry.record)
    }

    /// What a job's task tells.
    pub(super) fn hear(&mut self, news: JobNews) -> Change {
        while self.tasks.try_join_next().is_some() {}
        match news {
            JobNews::Saved(record) => {
                if let Some(entry) = self.entries.get_mut(&record.key) {
                    entry.record = *record;
                }
                Change::default()
            }
            JobNews::Stage(key, stage) => {
                if let Some(entry) = self.entries.get_mut(&key).filter(|entry| entry.is_alive()) {
                    entry.stage = stage;
                }
                Change::default()
            }
            JobNews::Over { record, not_fetched } => self.over(*record, not_fetched),
            JobNews::NotSaved { key, reason } => self.not_saved(key, reason),
        }
    }

    fn over(&mut self, record: JobRecord, not_fetched: Option<String>) -> Change {
        let Some(entry) = self.entries.get_mut(&record.key) else { return Change::default() };
        let stage = stage_of(&record, not_fetched.is_none());
        let ready = matches!(stage, Some(Stage::Ready { .. })).then_some(record.key);
        let warning = not_fetched
            .map(|reason| format!("The result of `{}` could not be fetched: {reason}", record.title));
        entry.stage = stage.unwrap_or(Stage::Preparing);
        entry.record = record;
        entry.cancel = None;
        Change { ready, warning, is_over: true }
    }

    fn not_saved(&mut self, key: JobKey, reason: String) -> Change {
        let Some(entry) = self.entries.get_mut(&key) else { return Change::default() };
        let warning = format!("`{}` was not sent: {reason}", entry.record.title);
        entry.stage = Stage::Failed { reason, released: None };
        entry.cancel = None;
        Change { ready: None, warning: Some(warning), is_over: true }
    }

    /// Ends all tasks; what they had saved is what the next session goes on from.
    pub(super) async fn end(&mut self) {
        self.tasks.shutdown().await;
    }
}

fn order(entry: &Entry) -> (i64, JobKey) {
    (entry.record.begun_at_us, entry.record.key)
}

/// Before a job is saved its clip is not known.
fn was_saved(record: &JobRecord) -> bool {
    record.clip.frames > 0
}

/// Where an ended job stands; none for one that has not ended.
fn stage_of(record: &JobRecord, is_there: bool) -> Option<Stage> {
    Some(match record.outcome.clone()? {
        Outcome::Done { cost } if is_there => Stage::Ready { cost },
        Outcome::Done { cost } => Stage::Missing { cost },
        Outcome::Cancelled { released, cost } => Stage::Cancelled { released, cost },
        Outcome::Failed { reason, released } => Stage::Failed { reason, released },
    })
}

fn shown(entry: &Entry) -> Job {
    let record = &entry.record;
    Job {
        key: record.key,
        take: record.take,
        title: record.title.clone(),
        task: record.task.clone(),
        model: record.model.clone(),
        version: record.model_version.clone(),
        stems: record.stems.clone(),
        settings: record.settings.clone(),
        references: record.references.iter().map(|reference| reference.name.clone()).collect(),
        stage: entry.stage.clone(),
        begun_at_us: record.begun_at_us,
        quoted: record.quoted,
    }
}
