//! Some notes of a transcription: picked in the window, made a file of their own to be dragged, and heard alone. Knows
//! nothing of MIDI.

use super::Actor;
use crate::session::figures::Desk;
use crate::view::Picked;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::spawn_blocking;

impl Actor {
    /// Other notes than before are picked.
    pub(super) fn pick_notes(&mut self, mut notes: Vec<u32>) {
        let Some(result) = &mut self.view.result else { return };
        let Some(music) = result.music.clone() else { return };
        notes.retain(|number| usize::try_from(*number).is_ok_and(|number| number < music.notes.len()));
        notes.sort_unstable();
        notes.dedup();
        let were_heard = result.picked.take().is_some_and(|picked| picked.are_heard_alone);
        let notes: Arc<[u32]> = notes.into();
        if !notes.is_empty() {
            let picked = Picked { notes: Arc::clone(&notes), file: None, are_heard_alone: were_heard };
            result.picked = Some(picked);
        }
        self.player.picks += 1;
        if were_heard {
            // Who drags a selection does not want a new sound for every note it passes.
            self.look_soon();
        }
        self.write_pick();
    }

    /// Begins to write a file of the notes that are picked now; one at a time, so that the last one stays.
    fn write_pick(&mut self) {
        let Some(result) = self.view.result.as_ref().filter(|_| !self.player.is_picking) else { return };
        let (Some(music), Some(picked)) = (result.music.clone(), &result.picked) else { return };
        let notes = Arc::clone(&picked.notes);
        let (Some((subject, take, job)), Some(library)) = (self.desk(), self.shelf.library().cloned()) else {
            return;
        };
        self.player.is_picking = true;
        let (look, mailbox) = (self.player.look.clone(), self.mailbox.clone());
        let desk = Desk { library, subject, take, job, picked: None, look, mailbox };
        spawn_blocking(move || desk.pick_notes(&music, notes));
    }

    /// The file of these notes is there; where others are picked by now, theirs is next.
    pub(super) fn picked(&mut self, notes: &Arc<[u32]>, file: Result<PathBuf, String>) {
        self.player.is_picking = false;
        let picked = self.view.result.as_mut().and_then(|result| result.picked.as_mut());
        let Some(picked) = picked else { return };
        if picked.notes != *notes {
            return self.write_pick();
        }
        match file {
            Ok(file) => picked.file = Some(file),
            Err(reason) => {
                self.warn(format!("The notes that are picked cannot be dragged on their own: {reason}."));
            }
        }
    }

    /// The row of the notes sounds as the picked ones alone, or as all.
    pub(super) fn hear_picked(&mut self, alone: bool) {
        let picked = self.view.result.as_mut().and_then(|result| result.picked.as_mut());
        if let Some(picked) = picked.filter(|picked| picked.are_heard_alone != alone) {
            picked.are_heard_alone = alone;
            self.look_at_subject();
        }
    }

    /// Which pick is heard alone.
    pub(super) fn heard_pick(&self) -> Option<u64> {
        self.heard_notes().map(|_| self.player.picks)
    }

    /// The notes that are heard alone.
    pub(super) fn heard_notes(&self) -> Option<Arc<[u32]>> {
        let picked = self.view.result.as_ref()?.picked.as_ref()?;
        picked.are_heard_alone.then(|| Arc::clone(&picked.notes))
    }
}
