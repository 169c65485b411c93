//! Questions for a path: the system's chooser is opened, and the window takes a path that is typed, whichever comes first.
//! Some desktops have no chooser, and some take half a minute to say so.

use super::Actor;
use crate::session::dialog;
use crate::session::mailbox::Answer;
use crate::view::{Asking, Purpose};
use std::path::PathBuf;

impl Actor {
    pub(super) fn choose(&mut self, purpose: Purpose) {
        if purpose == Purpose::Export && self.view.result.is_none() {
            return self.warn("There is no result to export yet.");
        }
        self.questions += 1;
        self.view.asking = Some(Asking { purpose, has_no_chooser: false });
        self.tasks.spawn(dialog::choose(self.questions, purpose, self.mailbox.clone()));
    }

    /// A chooser is gone. One that was asked before is not heard any more.
    pub(super) fn chosen(&mut self, number: u64, answer: Answer) {
        let Some(asking) = self.view.asking.filter(|_| number == self.questions) else { return };
        self.is_news = true;
        match answer {
            Answer::Path(path) => self.use_path(asking.purpose, path),
            Answer::Nothing => self.view.asking = None,
            Answer::NoChooser => self.view.asking = Some(Asking { has_no_chooser: true, ..asking }),
        }
    }

    /// A path was typed, or shall not be asked for any more.
    pub(super) fn give_path(&mut self, path: Option<PathBuf>) {
        match (self.view.asking, path) {
            (Some(_), Some(path)) if !path.is_absolute() => {
                self.warn(format!(
                    "`{}` is no whole path: it begins at the root of the disk.",
                    path.display()
                ));
            }
            (Some(asking), Some(path)) => self.use_path(asking.purpose, path),
            (_, None) => self.view.asking = None,
            (None, Some(_)) => {}
        }
    }

    fn use_path(&mut self, purpose: Purpose, path: PathBuf) {
        self.view.asking = None;
        match purpose {
            Purpose::Import => self.import(path),
            Purpose::Export => self.export(path),
            Purpose::Reference => self.add_reference(path),
        }
        self.fit_choice();
    }
}
