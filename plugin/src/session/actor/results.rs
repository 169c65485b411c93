//! The result in the window: its stems, how they are mixed, what is heard.

use super::Actor;
use crate::audio::Order;
use crate::library::{Fader, JobRecord, SheetRecord};
use crate::session::figures::{Desk, Figure, FigureNews};
use crate::session::player::{Subject, levels, stem_gains};
use crate::view::{Outcome, SheetRow, Stage, StemRow};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// Who drags a trim handle does not want a reel for every pixel.
const LOOK_PAUSE: Duration = Duration::from_millis(300);
/// Outlines that are kept for takes not in the window.
const OUTLINES_MAX: usize = 8;
/// Stems that leave more than this of their original were not all that the model makes.
const ALL_STEMS_DB: f32 = -30.0;

impl Actor {
    /// The result that the project names, where it is of the take in the window. Where the project names none, it was
    /// saved before there was one: then the take's newest.
    pub(super) fn show_result(&mut self) {
        let take = self.view.take.as_ref().map(|take| take.info.id);
        let newest = || self.jobs.newest_result_of(take?);
        let shown = self.project.state().shown.or_else(newest);
        let entry = shown.and_then(|key| self.jobs.get(key)).filter(|entry| {
            Some(entry.record.take) == take
                && matches!(entry.stage, Stage::Ready { .. } | Stage::Missing { .. })
        });
        let before = self.view.result.take();
        let Some(entry) = entry else { return };
        let record = &entry.record;
        let row = |name: &String| {
            let Fader { gain_db, is_solo, is_muted } = record.fader(name);
            StemRow {
                name: name.clone(),
                file: None,
                outline: None,
                spectrogram: None,
                gain_db,
                is_solo,
                is_muted,
            }
        };
        let sheet = |sheet: &SheetRecord| SheetRow { name: sheet.name.clone(), file: None };
        self.view.result = before.filter(|before| before.job == record.key).or_else(|| {
            Some(Outcome {
                job: record.key,
                task: record.task.clone(),
                model: format!("{} {}", record.model, record.model_version).trim().to_owned(),
                range: record.range,
                stems: record.rows().iter().map(row).collect(),
                sheets: record.sheets.iter().map(sheet).collect(),
                music: None,
                picked: None,
                transcript: None,
                report: None,
                difference_db: None,
                folder: PathBuf::new(),
            })
        });
        self.is_news = true;
    }

    /// A moment later, unless something else is to be looked at by then.
    pub(super) fn look_soon(&mut self) {
        self.look_at = Some(Instant::now() + LOOK_PAUSE);
    }

    pub(super) fn look_if_due(&mut self) {
        if self.look_at.is_some_and(|at| at <= Instant::now()) {
            self.look_at_subject();
        }
    }

    /// Everything about take and result that is not known yet is read and computed, elsewhere.
    pub(super) fn look_at_subject(&mut self) {
        self.look_at = None;
        let desk = self.desk();
        let subject = desk.as_ref().map(|(subject, ..)| *subject);
        if subject == self.player.subject {
            return;
        }
        let look = self.player.begin(subject);
        self.unload();
        let Some((subject, take, job)) = desk else { return };
        let Some(library) = self.shelf.library().cloned() else { return };
        let has_outline = self.view.take.as_ref().is_some_and(|take| take.outline.is_some());
        let (picked, mailbox) = (self.heard_notes(), self.mailbox.clone());
        let desk = Desk { library, subject, take, job, picked, look, mailbox };
        spawn_blocking(move || desk.study(has_outline));
    }

    /// A take may have got another name, here or in another instance, and its files with it.
    pub(super) fn look_for_files(&self) {
        let Some((subject, take, job)) =
            self.desk().filter(|(subject, ..)| self.player.subject == Some(*subject))
        else {
            return;
        };
        let Some(library) = self.shelf.library().cloned() else { return };
        let (look, mailbox) = (self.player.look.clone(), self.mailbox.clone());
        let desk = Desk { library, subject, take, job, picked: self.heard_notes(), look, mailbox };
        spawn_blocking(move || desk.look_for_files());
    }

    /// What is to be looked at now.
    pub(super) fn desk(&self) -> Option<(Subject, crate::library::TakeInfo, Option<JobRecord>)> {
        let take = self.view.take.as_ref().filter(|take| take.is_present)?;
        let key = self.view.result.as_ref().map(|result| result.job);
        let entry = key.and_then(|key| self.jobs.get(key));
        let job = entry
            .filter(|entry| matches!(entry.stage, Stage::Ready { .. }))
            .map(|entry| entry.record.clone());
        let range = job.as_ref().map_or_else(|| take.info.range(), |job| job.range);
        let key = job.as_ref().map(|job| job.key);
        let subject =
            Subject { take: take.info.id, job: key, range, host_hz: self.rate_hz, pick: self.heard_pick() };
        Some((subject, (*take.info).clone(), job))
    }

    /// Nothing is played any more. Files of the reel before are closed.
    pub(super) fn unload(&mut self) {
        if let (Some(feeder), Some(reel)) = (&self.player.feeder, self.player.reel.take()) {
            feeder.stop(&reel);
            self.orders.give(Order::Unload);
        }
    }

    pub(super) fn want_spectrograms(&mut self) {
        let Some((subject, take, job)) = self.desk() else { return };
        let (Some(library), Some(shown)) = (self.shelf.library().cloned(), &self.view.take) else { return };
        let stems = self.view.result.as_ref().map_or(&[][..], |result| &result.stems);
        if shown.spectrogram.is_some() && stems.iter().all(|stem| stem.spectrogram.is_some()) {
            return;
        }
        let (look, mailbox) = (self.player.look.clone(), self.mailbox.clone());
        let desk = Desk { library, subject, take, job, picked: self.heard_notes(), look, mailbox };
        spawn_blocking(move || desk.draw_spectrograms());
    }

    pub(super) fn hear_figure(&mut self, news: FigureNews) {
        let FigureNews { number, figure } = news;
        let figure = match figure {
            // Whatever is looked at by now.
            Figure::Picked { notes, file } => return self.picked(&notes, file),
            figure => figure,
        };
        if number != self.player.look.number {
            return;
        }
        match figure {
            Figure::Music(music) => self.with_result(|result| result.music = Some(music)),
            Figure::Transcript(said) => self.with_result(|result| result.transcript = Some(said)),
            Figure::Picked { .. } => {}
            Figure::Report(report) => self.with_result(|result| result.report = Some(report)),
            Figure::Files { stems, sheets, folder } => {
                if let Some(result) = &mut self.view.result {
                    result.folder = folder;
                    result.sheets = sheets;
                    for (name, file) in stems {
                        result
                            .stems
                            .iter_mut()
                            .filter(|row| row.name == name)
                            .for_each(|row| row.file = file.clone());
                    }
                }
            }
            Figure::Reel { reel, feeder, first } => {
                self.player.feeder = Some(feeder);
                self.player.reel = Some(Arc::clone(&reel));
                self.gauges.set_reel_first(first);
                self.orders.give(Order::Load(reel));
                self.give_levels();
                self.give_loop();
            }
            Figure::TakeOutline(outline) => {
                if let Some(take) = &mut self.view.take {
                    take.outline = Some(Arc::clone(&outline));
                    self.outlines.retain(|(id, _)| *id != take.info.id);
                    self.outlines.push_back((take.info.id, outline));
                    let over = self.outlines.len().saturating_sub(OUTLINES_MAX);
                    self.outlines.drain(..over);
                }
            }
            Figure::StemOutline(stem, outline) => self.with_row(&stem, |row| row.outline = Some(outline)),
            Figure::TakeSpectrogram(picture) => {
                if let Some(take) = &mut self.view.take {
                    take.spectrogram = Some(picture);
                }
            }
            Figure::StemSpectrogram(stem, picture) => {
                self.with_row(&stem, |row| row.spectrogram = Some(picture))
            }
            Figure::Loudness(loudness) => {
                self.player.loudness = Some(*loudness);
                self.give_levels();
            }
            Figure::Difference(difference_db) => {
                let difference_db = difference_db.filter(|db| self.are_all_stems_there(*db));
                if let Some(result) = &mut self.view.result {
                    result.difference_db = difference_db;
                }
            }
            Figure::Trouble(reason) => self.warn(format!("This cannot be shown or played: {reason}.")),
        }
    }

    /// Only all stems of a model sum to their original. Which a model has is known while the server offers it; else the
    /// sum itself tells.
    fn are_all_stems_there(&self, difference_db: f32) -> bool {
        let key = self.view.result.as_ref().map(|result| result.job);
        let Some(entry) = key.and_then(|key| self.jobs.get(key)) else { return false };
        let model = self.view.offer.iter().find(|model| model.name == entry.record.model);
        match model {
            Some(model) => model.stems.iter().all(|stem| entry.record.stems.contains(stem)),
            None => difference_db < ALL_STEMS_DB,
        }
    }

    fn with_result(&mut self, change: impl FnOnce(&mut Outcome)) {
        if let Some(result) = &mut self.view.result {
            change(result);
        }
    }

    fn with_row(&mut self, stem: &str, change: impl FnOnce(&mut StemRow)) {
        let rows = self.view.result.as_mut().map(|result| &mut result.stems);
        if let Some(row) = rows.and_then(|rows| rows.iter_mut().find(|row| row.name == stem)) {
            change(row);
        }
    }

    /// Another gain, solo or mute of a stem of the result in the window.
    pub(super) fn mix(&mut self, stem: &str, change: impl FnOnce(&mut Fader)) {
        let Some(key) = self.view.result.as_ref().map(|result| result.job) else { return };
        let Some(record) =
            self.jobs.record_mut(key).filter(|record| record.rows().iter().any(|name| name == stem))
        else {
            return;
        };
        let mut fader = record.fader(stem);
        change(&mut fader);
        record.mix.insert(stem.to_owned(), fader);
        let Fader { gain_db, is_solo, is_muted } = fader;
        let record = record.clone();
        self.shelf.keep_mix(record);
        self.with_row(stem, |row| (row.gain_db, row.is_solo, row.is_muted) = (gain_db, is_solo, is_muted));
        self.give_levels();
    }

    /// The audio thread plays the tracks as they are mixed; the original as loud as the stems together.
    fn give_levels(&mut self) {
        let entry = self.player.subject.and_then(|subject| subject.job).and_then(|key| self.jobs.get(key));
        let faders =
            |record: &JobRecord| record.rows().iter().map(|row| record.fader(row)).collect::<Vec<_>>();
        let gains = entry.map(|entry| stem_gains(&faders(&entry.record))).unwrap_or_default();
        // Without stems there is nothing to be as loud as; a plain synth is not.
        let has_stems = entry.is_some_and(|entry| !entry.record.stems.is_empty());
        let loudness = self.player.loudness.as_ref().filter(|_| has_stems);
        let match_db = loudness.map_or(0.0, |loudness| loudness.match_db(&gains));
        self.view.player.match_db = match_db;
        self.orders.give(Order::Levels(levels(&gains, match_db)));
    }

    pub(super) fn locate(&mut self, frame: u64) {
        if let Some(take) = &self.view.take {
            self.orders.give(Order::Locate(self.player.reel_frame(frame, take.info.rate_hz)));
        }
    }

    pub(super) fn set_loop(&mut self, range: Option<(u64, u64)>) {
        self.player.looped = range.filter(|(first, end)| first < end);
        self.view.player.looped = self.player.looped;
        self.give_loop();
    }

    fn give_loop(&mut self) {
        let Some(take) = &self.view.take else { return };
        let frame = |frame| self.player.reel_frame(frame, take.info.rate_hz);
        let looped = self.player.looped.map(|(first, end)| (frame(first), frame(end)));
        self.orders.give(Order::Loop(looped.filter(|(first, end)| first < end)));
    }
}
