//! What the DAW's project remembers of an instance: which takes and jobs belong to it and what was chosen. The samples
//! and the records of jobs are in the library, so a project stays small and a damaged one loses nothing but this list.
//! Does no I/O; shared by the host's calls (save, load) and the session.

use crate::library::{JobKey, ReferenceRecord, SettingRecord, SettingRecords, TakeId};
use crate::view::Monitor;
use nice_plug::params::persist::PersistentField;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use uuid::Uuid;

/// The form of [`ProjectState`] that this version writes.
pub const VERSION: u32 = 2;
/// Takes or jobs one project names; beyond that the oldest are only in the library.
pub const NAMES_MAX: usize = 1000;
/// Characters of a task, a model or a stem.
const WORD_CHARS_MAX: usize = tributary_protocol::limits::NAME_CHARS_MAX;
/// Models whose values are remembered.
const MODELS_MAX: usize = 64;
/// Values of one model, and references.
const SETTINGS_MAX: usize = tributary_protocol::limits::SETTINGS_MAX;
const REFERENCES_MAX: usize = tributary_protocol::limits::REFERENCES_MAX;
/// Stems a choice names.
const STEMS_MAX: usize = tributary_protocol::limits::STEMS_MAX;

/// What is saved. Read with patience: what is missing, unknown, too long or of another kind is left out, and
/// [`ProjectState::is_damaged`] says so where something was lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectState {
    /// The form it has; [`VERSION`] when written here.
    pub version: u32,
    /// Names this instance for as long as the project lives; copies of a track share it.
    pub instance: Uuid,
    /// The take in the window.
    pub take: Option<TakeId>,
    /// All takes made or used here, oldest first, at most [`NAMES_MAX`].
    pub takes: Vec<TakeId>,
    /// All jobs begun here, oldest first, at most [`NAMES_MAX`]; each is here before the server hears of it.
    pub jobs: Vec<JobKey>,
    /// The job whose result is in the window.
    pub shown: Option<JobKey>,
    /// What is heard.
    pub monitor: MonitorWord,
    /// The stems sound on their own outputs, too.
    pub has_outputs: bool,
    /// What shall be done with takes.
    pub choice: ChosenModel,
    /// Something of what was read made no sense and was left out.
    #[serde(skip)]
    pub is_damaged: bool,
}

/// [`Monitor`] as it stands in projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MonitorWord {
    /// What the host sends.
    #[default]
    Input,
    /// The take.
    Original,
    /// The mix of stems.
    Stems,
}

/// A choice as it stands in projects; empty words mean that the server's first is meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChosenModel {
    /// A task.
    pub task: String,
    /// A model.
    pub model: String,
    /// Stems that are not wanted.
    pub unwanted: Vec<String>,
    /// The model last chosen for each task. Since version 2, as all below.
    #[serde(default)]
    pub models: BTreeMap<String, String>,
    /// Values of controls that are not their defaults, by model.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingRecords>,
    /// What results shall be made like, where a model takes references.
    #[serde(default)]
    pub references: Vec<ReferenceRecord>,
}

impl Default for ProjectState {
    fn default() -> Self {
        Self {
            version: VERSION,
            instance: Uuid::now_v7(),
            take: None,
            takes: Vec::new(),
            jobs: Vec::new(),
            shown: None,
            monitor: MonitorWord::Input,
            has_outputs: false,
            choice: ChosenModel::default(),
            is_damaged: false,
        }
    }
}

impl ProjectState {
    /// Puts a take among those of this project; the oldest makes room.
    pub fn add_take(&mut self, take: TakeId) {
        add(&mut self.takes, take);
    }

    /// Puts a job among those of this project; the oldest makes room.
    pub fn add_job(&mut self, job: JobKey) {
        add(&mut self.jobs, job);
    }
}

fn add<T: PartialEq>(names: &mut Vec<T>, name: T) {
    if !names.contains(&name) {
        names.push(name);
        let over = names.len().saturating_sub(NAMES_MAX);
        names.drain(..over);
    }
}

impl<'de> Deserialize<'de> for ProjectState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut read = Reading { value: Value::deserialize(deserializer)?, is_damaged: false };
        let fresh = Self::default();
        let version: u32 = read.field("version").unwrap_or(VERSION);
        let mut state = Self {
            version: VERSION,
            instance: read.field("instance").unwrap_or(fresh.instance),
            take: read.field("take"),
            takes: read.names("takes"),
            jobs: read.names("jobs"),
            shown: read.field("shown"),
            monitor: read.field("monitor").unwrap_or_default(),
            has_outputs: read.field("has_outputs").unwrap_or(false),
            choice: read.field("choice").unwrap_or_default(),
            is_damaged: false,
        };
        if !state.choice.is_reasonable() {
            state.choice = ChosenModel::default();
            read.is_damaged = true;
        }
        // What a later version writes may well look odd to this one; that is not damage.
        state.is_damaged = read.is_damaged && version <= VERSION;
        Ok(state)
    }
}

impl ChosenModel {
    /// Another task, with the model that it had the last time.
    pub fn choose_task(&mut self, task: String) {
        self.model = self.models.get(&task).cloned().unwrap_or_default();
        self.task = task;
    }

    /// Another model of a task.
    pub fn choose_model(&mut self, task: &str, model: String) {
        if self.models.len() < MODELS_MAX || self.models.contains_key(task) {
            self.models.insert(task.to_owned(), model.clone());
        }
        self.model = model;
    }

    /// A control of a model gets a value, or its default back.
    pub fn set(&mut self, model: &str, control: String, value: Option<SettingRecord>) {
        if self.settings.len() >= MODELS_MAX && !self.settings.contains_key(model) {
            self.settings.pop_first();
        }
        let settings = self.settings.entry(model.to_owned()).or_default();
        match value {
            Some(value) if settings.len() < SETTINGS_MAX || settings.contains_key(&control) => {
                settings.insert(control, value);
            }
            Some(_) => {}
            None => drop(settings.remove(&control)),
        }
        self.settings.retain(|_, settings| !settings.is_empty());
    }

    /// What results shall be made like, once more; the oldest makes room.
    pub fn add_reference(&mut self, reference: ReferenceRecord, max: usize) {
        self.references.retain(|known| known.clip != reference.clip);
        self.references.push(reference);
        let over = self.references.len().saturating_sub(max.clamp(1, REFERENCES_MAX));
        self.references.drain(..over);
    }

    fn is_reasonable(&self) -> bool {
        let is_word = |word: &String| word.chars().count() <= WORD_CHARS_MAX;
        let are_settings =
            |settings: &SettingRecords| settings.len() <= SETTINGS_MAX && settings.keys().all(is_word);
        is_word(&self.task)
            && is_word(&self.model)
            && self.unwanted.len() <= STEMS_MAX
            && self.unwanted.iter().all(is_word)
            && self.models.len() <= MODELS_MAX
            && self.models.iter().all(|(task, model)| is_word(task) && is_word(model))
            && self.settings.len() <= MODELS_MAX
            && self.settings.iter().all(|(model, settings)| is_word(model) && are_settings(settings))
            && self.references.len() <= REFERENCES_MAX
            && self.references.iter().all(ReferenceRecord::is_reasonable)
    }
}

/// A saved state while it is read, field by field.
struct Reading {
    value: Value,
    is_damaged: bool,
}

impl Reading {
    fn take(&mut self, name: &str) -> Option<Value> {
        let Some(fields) = self.value.as_object_mut() else {
            self.is_damaged = true;
            return None;
        };
        fields.remove(name).filter(|value| !value.is_null())
    }

    /// The field, where it is there and makes sense.
    fn field<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.take(name)?;
        let read = serde_json::from_value(value).ok();
        self.is_damaged |= read.is_none();
        read
    }

    /// The newest of a list's names that make sense.
    fn names<T: DeserializeOwned + PartialEq>(&mut self, name: &str) -> Vec<T> {
        let mut names = Vec::new();
        match self.take(name) {
            None => {}
            Some(Value::Array(mut values)) => {
                let over = values.len().saturating_sub(NAMES_MAX);
                self.is_damaged |= over > 0;
                values.drain(..over);
                for value in values {
                    match serde_json::from_value(value) {
                        Ok(name) => add(&mut names, name),
                        Err(_) => self.is_damaged = true,
                    }
                }
            }
            Some(_) => self.is_damaged = true,
        }
        names
    }
}

impl From<Monitor> for MonitorWord {
    fn from(monitor: Monitor) -> Self {
        match monitor {
            Monitor::Input => Self::Input,
            Monitor::Original => Self::Original,
            Monitor::Stems => Self::Stems,
        }
    }
}

impl From<MonitorWord> for Monitor {
    fn from(word: MonitorWord) -> Self {
        match word {
            MonitorWord::Input => Self::Input,
            MonitorWord::Original => Self::Original,
            MonitorWord::Stems => Self::Stems,
        }
    }
}

/// The state, shared by the host's calls and the session. Threads: any but audio.
#[derive(Debug, Default)]
pub struct Project {
    state: Mutex<ProjectState>,
    loaded: Notify,
}

impl Project {
    /// An empty project's.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// What it is now.
    #[must_use]
    pub fn state(&self) -> ProjectState {
        self.lock().clone()
    }

    /// Changes what the next save of the host writes.
    pub fn update(&self, change: impl FnOnce(&mut ProjectState)) {
        change(&mut self.lock());
    }

    /// Returns when the host has loaded another state than the one last seen; remembers one that came before.
    pub(crate) async fn loaded(&self) {
        self.loaded.notified().await;
    }

    /// Never poisoned in effect: every change leaves a state that can be saved.
    fn lock(&self) -> MutexGuard<'_, ProjectState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a> PersistentField<'a, ProjectState> for Arc<Project> {
    fn set(&self, state: ProjectState) {
        *self.lock() = state;
        self.loaded.notify_one();
    }

    fn map<F, R>(&self, read: F) -> R
    where
        F: Fn(&ProjectState) -> R,
    {
        read(&self.lock())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> ProjectState {
        serde_json::from_str(text).unwrap()
    }

    fn full() -> ProjectState {
        let mut state = ProjectState { monitor: MonitorWord::Stems, ..ProjectState::default() };
        let (take, job) = (TakeId::generate(), JobKey(Uuid::now_v7()));
        state.add_take(take);
        state.add_job(job);
        (state.take, state.shown) = (Some(take), Some(job));
        let unwanted = vec!["drums".into()];
        state.choice =
            ChosenModel { task: "separate".into(), model: "mini".into(), unwanted, ..ChosenModel::default() };
        state.choice.choose_model("separate", "mini".into());
        state.choice.set("mini", "overlap".into(), Some(SettingRecord::Number(4.0)));
        let clip = crate::library::ClipRecord { sha256: [7; 32], frames: 9, channels: 2, rate_hz: 48_000 };
        state.choice.add_reference(ReferenceRecord { name: "Like this.wav".into(), clip }, 8);
        state
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let (project, saved) = (Project::new(), full());
        project.set(saved.clone());
        let text = project.map(serde_json::to_string).unwrap();
        assert_eq!(read(&text), saved);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_understood_and_is_no_damage() {
        let mut value = serde_json::to_value(full()).unwrap();
        value["version"] = 7.into();
        value["colour"] = "green".into();
        value["monitor"] = "headphones".into();
        let state: ProjectState = serde_json::from_value(value).unwrap();
        assert_eq!((state.version, state.takes.len(), state.jobs.len()), (VERSION, 1, 1));
        assert_eq!((state.monitor, state.is_damaged), (MonitorWord::Input, false));
    }

    #[test]
    fn a_project_of_the_first_version_is_read_whole() {
        let text = r#"{"version":1,"instance":"0197f5f4-0000-7000-8000-000000000000","take":null,"takes":[],
            "jobs":[],"shown":null,"monitor":"stems","has_outputs":true,
            "choice":{"task":"separate","model":"mini","unwanted":["drums"]}}"#;
        let state = read(text);
        assert!(!state.is_damaged && state.has_outputs);
        assert_eq!(
            (state.choice.model.as_str(), &state.choice.unwanted[..]),
            ("mini", &["drums".to_owned()][..])
        );
        assert!(state.choice.settings.is_empty() && state.choice.references.is_empty());
    }

    #[test]
    fn each_task_and_each_model_keeps_what_was_chosen_for_it() {
        let mut choice = ChosenModel::default();
        choice.choose_model("separate", "large".into());
        choice.set("large", "overlap".into(), Some(SettingRecord::Number(8.0)));
        choice.choose_task("master".into());
        assert_eq!(choice.model, "");
        choice.set("master", "loud".into(), Some(SettingRecord::Switch(true)));
        choice.set("master", "loud".into(), None);
        choice.choose_task("separate".into());
        assert_eq!(choice.model, "large");
        assert_eq!(choice.settings.keys().collect::<Vec<_>>(), ["large"]);
        (0..100).for_each(|number| {
            choice.set(&format!("m{number}"), "a".into(), Some(SettingRecord::Switch(true)))
        });
        assert!(choice.is_reasonable());
    }

    #[test]
    fn damage_is_left_out_and_told() {
        let long = format!(r#"{{"choice":{{"task":"{}","model":"","unwanted":[]}}}}"#, "x".repeat(65));
        for text in [
            "7",
            "[]",
            "\"text\"",
            r#"{"take":"no id"}"#,
            r#"{"takes":{}}"#,
            r#"{"jobs":[1,2,3]}"#,
            r#"{"instance":-1}"#,
            r#"{"choice":{"task":7}}"#,
            &long,
        ] {
            let state = read(text);
            assert!(state.is_damaged, "{text}");
            assert_eq!((state.take, state.takes.len(), state.jobs.len()), (None, 0, 0), "{text}");
        }
        assert!(!read("{}").is_damaged);
    }

    #[test]
    fn a_million_names_become_the_newest_thousand() {
        let names: Vec<_> = (0..1_000_000_u128).map(|number| JobKey(Uuid::from_u128(number))).collect();
        let text = serde_json::to_string(&serde_json::json!({ "jobs": names })).unwrap();
        let state = read(&text);
        assert_eq!(state.jobs.len(), NAMES_MAX);
        assert_eq!(state.jobs.last(), names.last());
        assert!(state.is_damaged);
    }

    #[test]
    fn a_thousand_and_first_job_lets_the_oldest_go() {
        let mut state = ProjectState::default();
        (0..=NAMES_MAX as u128).for_each(|number| state.add_job(JobKey(Uuid::from_u128(number))));
        assert_eq!(state.jobs.len(), NAMES_MAX);
        assert_eq!(state.jobs[0], JobKey(Uuid::from_u128(1)));
    }

    proptest! {
        #[test]
        fn no_json_at_all_makes_it_panic(text in "\\PC{0,80}", key in "(take|takes|jobs|choice|version|monitor)") {
            let _ = serde_json::from_str::<ProjectState>(&text);
            let value = serde_json::json!({ key: text });
            let _ = serde_json::from_value::<ProjectState>(value);
        }
    }
}
