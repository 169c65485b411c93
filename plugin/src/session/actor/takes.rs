//! Takes: recorded, imported, chosen, named, trimmed, deleted.

use super::Actor;
use crate::audio::{Order, Report};
use crate::library::{Outline, TakeId, TakeInfo};
use crate::session::capture::{self, Begun, CaptureNews, Tape};
use crate::session::shelf;
use crate::view::{Recorder, Take, Trigger};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

impl Actor {
    pub(super) fn record(&mut self, trigger: Trigger) {
        if self.shelf.library().is_none() {
            return self
                .warn("Nothing can be recorded: the library cannot be written. See the notice above.");
        }
        if self.view.recorder == Recorder::Idle {
            self.view.recorder = Recorder::Armed;
            self.orders.give(Order::Record(trigger));
        }
    }

    pub(super) fn stop_recording(&mut self) {
        self.orders.give(Order::StopRecording);
        // A take that began meanwhile is told by its report.
        if self.view.recorder == Recorder::Armed {
            self.view.recorder = Recorder::Idle;
        }
    }

    /// What the audio thread has done, while no take is being written.
    pub(super) fn read_reports(&mut self) {
        while let Some(mut tape) = self.tape.take() {
            match tape.reports.pop() {
                Err(_) => {
                    self.tape = Some(tape);
                    return;
                }
                Ok(Report::Activated { rate_hz, .. }) => {
                    self.tape = Some(tape);
                    self.rate_changed(rate_hz);
                }
                Ok(Report::Begun { trigger, place, rate_hz, channels }) => {
                    let id = TakeId::generate();
                    let (name, made_at_us) = (self.next_name(), now_us());
                    let begun = Begun { id, name, trigger, place, rate_hz, channels, made_at_us };
                    self.begin_take(begun, tape);
                }
                // Of a take whose begin was not heard.
                Ok(Report::Ended { .. }) => self.tape = Some(tape),
            }
        }
    }

    pub(super) fn rate_changed(&mut self, rate_hz: u32) {
        if self.rate_hz != rate_hz {
            self.rate_hz = rate_hz;
            self.look_at_subject();
        }
    }

    fn begin_take(&mut self, begun: Begun, tape: Tape) {
        self.is_news = true;
        self.view.recorder = Recorder::Recording { trigger: begun.trigger, room: Default::default() };
        let info = TakeInfo {
            id: begun.id,
            name: begun.name.clone(),
            frames: 0,
            channels: begun.channels,
            rate_hz: begun.rate_hz,
            place: begun.place,
            origin: crate::library::Origin::Recorded,
            lost_frames: 0,
            trim: None,
            made_at_us: begun.made_at_us,
        };
        self.view.take =
            Some(Take { info: Arc::new(info), outline: None, spectrogram: None, is_present: false });
        self.view.result = None;
        let Some(library) = self.shelf.library().cloned() else {
            self.tape = Some(tape);
            return;
        };
        let (stop, mailbox) = (self.stop.clone(), self.mailbox.clone());
        let writing = move || capture::record(&library, begun, tape, &stop, &mailbox);
        self.recording = Some(tokio::task::spawn_blocking(writing));
    }

    pub(super) fn hear_capture(&mut self, news: CaptureNews) {
        self.is_news = true;
        match news {
            CaptureNews::Growing { room, outline } => self.take_grows(room, outline),
            CaptureNews::Stuck(reason) => {
                self.orders.give(Order::StopRecording);
                self.warn(format!(
                    "The recording was stopped: {reason}. What was recorded until then is kept."
                ));
            }
            CaptureNews::Activated { rate_hz } => self.rate_changed(rate_hz),
            CaptureNews::Ended { tape, kept, lost_frames } => {
                self.tape = Some(*tape);
                self.recording = None;
                self.view.recorder = Recorder::Idle;
                match kept {
                    Ok(take) => self.take_is_here(take, lost_frames),
                    Err(reason) => {
                        self.warn(format!("Nothing was kept of the recording: {reason}."));
                        self.show_project_take();
                    }
                }
                self.read_reports();
            }
        }
    }

    fn take_grows(&mut self, room_left: std::time::Duration, grown: Arc<Outline>) {
        if let Recorder::Recording { room, .. } = &mut self.view.recorder {
            *room = room_left;
            if let Some(take) = &mut self.view.take {
                let frames = grown.frames;
                Arc::make_mut(&mut take.info).frames = frames;
                take.outline = Some(grown);
            }
        }
    }

    /// A new take: it is shown, and this project's.
    pub(super) fn take_is_here(&mut self, take: TakeInfo, lost_frames: u64) {
        if lost_frames > 0 {
            let seconds = lost_frames as f64 / f64::from(take.rate_hz.max(1));
            self.warn(format!(
                "`{}` lost {lost_frames} frames ({seconds:.2} s): the disk was too slow. Record it again, or use a \
                 faster disk.",
                take.name
            ));
        } else if take.lost_frames > 0 {
            self.warn(format!(
                "{} frames of `{}` came as no numbers and are silent: a plugin before this one is broken.",
                take.lost_frames, take.name
            ));
        }
        let id = take.id;
        self.project.update(|state| {
            state.add_take(id);
            (state.take, state.shown) = (Some(id), None);
        });
        self.takes.insert(0, take);
        self.present.insert(id);
        self.show_takes();
        self.show_project_take();
        crate::session::neighbours::tell();
    }

    /// `Take 3`, or `Drums 3` on a track of that name.
    fn next_name(&self) -> String {
        let track = self.around.track_name.trim();
        let word = if track.is_empty() { "Take" } else { track };
        let number = |take: &TakeInfo| take.name.strip_prefix(word)?.trim_start().parse::<u32>().ok();
        let last = self.takes.iter().filter_map(number).max().unwrap_or(0);
        format!("{word} {}", last.saturating_add(1))
    }

    pub(super) fn import(&mut self, path: PathBuf) {
        let Some(library) = self.shelf.library().cloned() else {
            return self.warn("Nothing can be imported: the library cannot be written.");
        };
        if self.view.recorder != Recorder::Idle {
            return self.warn("One thing at a time: wait for the import or stop the recording first.");
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.view.recorder = Recorder::Importing { name, share: 0.0 };
        shelf::import(library, path, self.stop.clone(), self.mailbox.clone());
    }

    pub(super) fn select_take(&mut self, take: TakeId) {
        if matches!(self.view.recorder, Recorder::Recording { .. }) {
            return self.warn("A take is being recorded: stop it first.");
        }
        let shown = self.jobs.newest_result_of(take);
        self.project.update(|state| {
            state.add_take(take);
            (state.take, state.shown) = (Some(take), shown);
        });
        self.show_takes();
        self.show_project_take();
    }

    pub(super) fn rename_take(&mut self, id: TakeId, name: &str) {
        let name = name.trim();
        let Some(library) = self.shelf.library().cloned() else { return };
        let Some(take) = self.takes.iter_mut().find(|take| take.id == id).filter(|_| !name.is_empty()) else {
            return;
        };
        name.clone_into(&mut take.name);
        let take = take.clone();
        self.refresh_take(&take);
        self.show_takes();
        // Files that wait to be dragged get the new name, too, so what lands is what is seen.
        self.shelf.forget_take(id);
        shelf::change(library, self.mailbox.clone(), move |library| {
            library.save_take(&take)?;
            let jobs = library.jobs();
            jobs.iter().filter(|job| job.take == id).try_for_each(|job| library.rename_files(&take, job))
        });
    }

    pub(super) fn delete_take(&mut self, id: TakeId) {
        let Some(library) = self.shelf.library().cloned() else { return };
        if self.jobs.is_take_in_use(id) {
            return self.warn("This take has jobs that have not ended: cancel them first.");
        }
        self.shelf.forget_take(id);
        if self.view.take.as_ref().is_some_and(|take| take.info.id == id) {
            self.unload();
        }
        self.project.update(|state| {
            state.takes.retain(|take| *take != id);
            if state.take == Some(id) {
                (state.take, state.shown) = (None, None);
            }
        });
        shelf::change(library, self.mailbox.clone(), move |library| library.delete_take(id));
    }

    pub(super) fn trim(&mut self, trim: Option<(u64, u64)>) {
        let Some(id) = self.view.take.as_ref().filter(|take| take.is_present).map(|take| take.info.id) else {
            return;
        };
        let Some(take) = self.takes.iter_mut().find(|take| take.id == id) else { return };
        let frames = take.frames;
        take.trim = trim
            .map(|(first, end)| (first.min(frames), end.min(frames)))
            .filter(|&(first, end)| first < end && (first, end) != (0, frames));
        let take = take.clone();
        self.shelf.keep_take(take.clone());
        self.refresh_take(&take);
        self.show_takes();
        self.look_soon();
    }

    /// The take in the window says what its record says.
    fn refresh_take(&mut self, take: &TakeInfo) {
        if let Some(shown) = self.view.take.as_mut().filter(|shown| shown.info.id == take.id) {
            shown.info = Arc::new(take.clone());
            self.is_news = true;
        }
    }

    /// All takes, those of this project first.
    pub(super) fn show_takes(&mut self) {
        let ours = self.project.state().takes;
        let (first, others): (Vec<_>, Vec<_>) =
            self.takes.iter().cloned().partition(|take| ours.contains(&take.id));
        self.view.takes = first.into_iter().chain(others).collect();
        self.is_news = true;
    }

    /// The take that the project names is in the window; without one its newest.
    pub(super) fn show_project_take(&mut self) {
        if matches!(self.view.recorder, Recorder::Recording { .. }) {
            return;
        }
        let state = self.project.state();
        let find = |id: TakeId| self.takes.iter().find(|take| take.id == id);
        let named = state.take.and_then(find);
        let newest = || self.takes.iter().find(|take| state.takes.contains(&take.id));
        let take = named.or_else(newest).cloned();
        let before = self.view.take.take();
        self.view.take = take.map(|take| {
            let same = before.filter(|before| before.info.id == take.id && before.is_present);
            let outline = same.as_ref().and_then(|before| before.outline.clone());
            let outline = outline
                .or_else(|| self.outlines.iter().find(|(id, _)| *id == take.id).map(|(_, o)| o.clone()));
            let spectrogram = same.and_then(|before| before.spectrogram);
            let is_present = self.present.contains(&take.id);
            Take { info: Arc::new(take), outline, spectrogram, is_present }
        });
        self.is_news = true;
        self.show_result();
        self.look_at_subject();
    }
}

/// Microseconds since 1970, UTC.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
