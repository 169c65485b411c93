//! What shall be done with takes, as the window asks for it: the task, and what results shall be made like.

use super::Actor;
use crate::library::{ReferenceRecord, SettingRecord};
use crate::session::shelf;
use crate::view::Weight;
use std::path::PathBuf;

impl Actor {
    /// The project's task from now on, and of every fresh project of this user.
    pub(super) fn choose_task(&mut self, task: String) {
        self.shelf.usual_task = Some(task.clone());
        self.shelf.is_task_unsaved = true;
        self.project.update(|state| state.choice.choose_task(task));
    }

    /// The model of the task in the window from now on.
    pub(super) fn choose_model(&mut self, model: String) {
        let task = self.view.choice.task.clone();
        self.project.update(|state| state.choice.choose_model(&task, model));
    }

    /// A control of the model in the window has another value, or its default again.
    pub(super) fn set(&mut self, control: String, value: Option<SettingRecord>) {
        let model = self.view.choice.model.clone();
        self.project.update(|state| state.choice.set(&model, control, value));
    }

    /// Begins to read a file.
    pub(super) fn add_reference(&mut self, path: PathBuf) {
        let Some(library) = self.shelf.library().cloned() else {
            return self.warn("Nothing can be read: the library cannot be written.");
        };
        if std::mem::replace(&mut self.view.choice.is_reading, true) {
            return self.warn("One file at a time: wait until the other is read.");
        }
        shelf::refer(library, path, self.stop.clone(), self.mailbox.clone());
    }

    /// It was read, or could not be.
    pub(super) fn referenced(&mut self, read: Result<Option<ReferenceRecord>, String>) {
        self.view.choice.is_reading = false;
        match read {
            Ok(Some(reference)) => {
                let chosen = self.view.offer.iter().find(|model| model.name == self.view.choice.model);
                let max = chosen.and_then(|model| usize::try_from(model.references_max).ok()).unwrap_or(1);
                self.project.update(|state| state.choice.add_reference(reference, max));
            }
            Ok(None) => {}
            Err(reason) => {
                self.notice(Weight::Error, format!("The reference cannot be used: {reason}."), None);
            }
        }
        self.fit_choice();
    }

    pub(super) fn drop_reference(&mut self, number: usize) {
        let Some(dropped) = self.view.choice.references.get(number).cloned() else { return };
        self.project.update(|state| state.choice.references.retain(|known| *known != dropped));
    }
}
