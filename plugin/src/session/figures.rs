//! All that is read and computed about the take and the result in the window: files, reel, outlines, loudness,
//! difference, spectrograms. Blocking; each step looks whether anybody still wants it.

use super::mailbox::{Event, Mailbox};
use super::player::{Look, Subject, at_rate};
use super::shelf::ShelfNews;
use crate::audio::gauges::STEMS_MAX;
use crate::audio::{Reel, ReelShape};
use crate::library::midi::Wanted;
use crate::library::{
    BEATS, BEATS_SHEET, Feeder, JobRecord, Library, LibraryError, MixLoudness, Music, NOTES, NOTES_SHEET,
    Outline, Report, Spectrogram, TakeInfo, Timbre, TrackFile, Transcript, difference_db, music, report,
    transcript,
};
use crate::view::SheetRow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The task whose stems sum to their original.
const SUMMING_TASK: &str = "separate";

/// What became known of a subject.
#[derive(Debug)]
pub(super) struct FigureNews {
    /// Of which look; old ones are not wanted any more.
    pub(super) number: u64,
    pub(super) figure: Figure,
}

#[derive(Debug)]
pub(super) enum Figure {
    /// The stems' files, and the folder they are in.
    Files {
        stems: Vec<(String, Option<PathBuf>)>,
        sheets: Vec<SheetRow>,
        folder: PathBuf,
    },
    /// What a transcription heard.
    Music(Arc<Music>),
    /// What was said.
    Transcript(Arc<Transcript>),
    /// A file with these notes alone.
    Picked {
        notes: Arc<[u32]>,
        file: Result<PathBuf, String>,
    },
    /// What was measured before and after.
    Report(Arc<Report>),
    /// Ready to be played; the feeder fills it.
    Reel {
        reel: Arc<Reel>,
        feeder: Arc<Feeder>,
        first: u64,
    },
    TakeOutline(Arc<Outline>),
    StemOutline(String, Arc<Outline>),
    Loudness(Box<MixLoudness>),
    Difference(Option<f32>),
    TakeSpectrogram(Arc<Spectrogram>),
    StemSpectrogram(String, Arc<Spectrogram>),
    /// For people: why there is no sound or picture.
    Trouble(String),
}

/// What is looked at, and with what.
pub(super) struct Desk {
    pub(super) library: Library,
    pub(super) subject: Subject,
    pub(super) take: TakeInfo,
    pub(super) job: Option<JobRecord>,
    /// Notes that are heard instead of all.
    pub(super) picked: Option<Arc<[u32]>>,
    pub(super) look: Look,
    pub(super) mailbox: Mailbox,
}

/// Tracks of what is played.
struct Tracks {
    original: TrackFile,
    stems: Vec<(String, TrackFile)>,
}

impl Desk {
    /// Files and sound first, pictures then, what takes longest last.
    pub(super) fn study(&self, has_take_outline: bool) {
        let done = self.tracks().and_then(|tracks| {
            self.load(&tracks)?;
            if !has_take_outline {
                let whole = self.library.track_of_take(&self.take, (0, self.take.frames));
                let outline = whole.analyse(&self.look.stop, Outline::of)?;
                self.post(Figure::TakeOutline(Arc::new(outline)));
            }
            for (stem, track) in &tracks.stems {
                let outline = track.analyse(&self.look.stop, Outline::of)?;
                self.post(Figure::StemOutline(stem.clone(), Arc::new(outline)));
            }
            self.measure(&tracks)
        });
        self.tell_trouble(done);
    }

    /// Pictures of energy, for who asks for them.
    pub(super) fn draw_spectrograms(&self) {
        let done = self.tracks().and_then(|tracks| {
            let whole = self.library.track_of_take(&self.take, (0, self.take.frames));
            let picture = whole.analyse(&self.look.stop, Spectrogram::of)?;
            self.post(Figure::TakeSpectrogram(Arc::new(picture)));
            for (stem, track) in &tracks.stems {
                let picture = track.analyse(&self.look.stop, Spectrogram::of)?;
                self.post(Figure::StemSpectrogram(stem.clone(), Arc::new(picture)));
            }
            Ok(())
        });
        self.tell_trouble(done);
    }

    fn tracks(&self) -> Result<Tracks, LibraryError> {
        let mut stems = Vec::new();
        if let Some(job) = &self.job {
            let files = self.tell_files(job);
            for (stem, file) in files {
                if let Some(file) = file {
                    stems.push((stem, TrackFile::wav(&file)?));
                }
            }
            self.read_report(job)?;
            self.read_transcript(job)?;
            stems.extend(self.heard(job)?);
        }
        Ok(Tracks { original: self.library.track_of_take(&self.take, self.subject.range), stems })
    }

    /// Where the result's files are; those of its stems.
    fn tell_files(&self, job: &JobRecord) -> Vec<(String, Option<PathBuf>)> {
        let files = self.library.stems(job);
        let sheets = self.library.sheets(job);
        let rows = sheets.into_iter().map(|(sheet, file)| SheetRow { name: sheet.name, file });
        let rows: Vec<SheetRow> = rows.collect();
        let folder = self.library.job_folder(job);
        // What is dragged of the notes is not their sound but the notes.
        let midi = |name: &str| rows.iter().find(|sheet| sheet.name == name)?.file.clone();
        let heard = [(NOTES, midi(NOTES_SHEET)), (BEATS, midi(BEATS_SHEET))];
        let heard = heard.map(|(row, file)| (row.to_owned(), file));
        let shown = files.iter().cloned().chain(heard).collect();
        self.post(Figure::Files { stems: shown, sheets: rows, folder });
        files
    }

    /// Where the result's files are now: a take that got another name has files of other names.
    pub(super) fn look_for_files(&self) {
        if let Some(job) = &self.job {
            self.tell_files(job);
        }
    }

    /// The report of a job that has one.
    fn read_report(&self, job: &JobRecord) -> Result<(), LibraryError> {
        if job.sheets.iter().any(|sheet| sheet.name == report::REPORT) {
            let bytes = self.library.read_sheet(job, report::REPORT, report::REPORT_BYTES_MAX)?;
            self.post(Figure::Report(Arc::new(Report::read(&bytes))));
        }
        Ok(())
    }

    /// What was said, of a job that listened for words.
    fn read_transcript(&self, job: &JobRecord) -> Result<(), LibraryError> {
        if job.sheets.iter().any(|sheet| sheet.name == transcript::TRANSCRIPT) {
            let bytes =
                self.library.read_sheet(job, transcript::TRANSCRIPT, transcript::TRANSCRIPT_BYTES_MAX)?;
            self.post(Figure::Transcript(Arc::new(Transcript::read(&bytes))));
        }
        Ok(())
    }

    /// A file with some notes alone, for who drags them out.
    pub(super) fn pick_notes(&self, music: &Music, notes: Arc<[u32]>) {
        let Some(job) = &self.job else { return };
        let known = notes.iter().filter_map(|number| music.notes.get(usize::try_from(*number).ok()?));
        let wanted: Vec<_> = known
            .map(|note| Wanted { track: music.track(note), pitch: note.pitch, start: note.start })
            .collect();
        let file = self.library.pick_notes(&self.take, job, &wanted).map_err(|error| error.told());
        self.post(Figure::Picked { notes, file });
    }

    /// What a transcription heard, shown, and as sound.
    fn heard(&self, job: &JobRecord) -> Result<Option<(String, TrackFile)>, LibraryError> {
        let rows = job.rows();
        let Some(row) = rows.get(job.stems.len()) else { return Ok(None) };
        let bytes = self.library.read_sheet(job, music::ANALYSIS, music::ANALYSIS_BYTES_MAX)?;
        let music = Arc::new(Music::read(&bytes));
        self.post(Figure::Music(Arc::clone(&music)));
        let timbre = match row.as_str() {
            BEATS => Timbre::Clicks,
            _ if job.model.contains("drum") => Timbre::Drums,
            _ => Timbre::Tone,
        };
        let sounding = self.picked.as_ref().map_or_else(|| (*music).clone(), |picked| music.only(picked));
        let sound = self.library.audition(&sounding, timbre, job.clip, &mut || !self.is_over())?;
        Ok(Some((row.clone(), sound)))
    }

    /// A reel of all tracks at the host's rate, on its way into memory.
    fn load(&self, tracks: &Tracks) -> Result<(), LibraryError> {
        let host_hz = self.subject.host_hz;
        if host_hz == 0 || !self.library.is_present(&self.take) {
            return Ok(());
        }
        let played = tracks.stems.iter().take(STEMS_MAX).map(|(_, stem)| stem).chain([&tracks.original]);
        let mut converted = Vec::new();
        for track in played {
            converted.push(self.library.at_rate(track, host_hz, &mut |_| !self.is_over())?);
        }
        let (take_hz, first) = (self.take.rate_hz, self.subject.range.0);
        let reel = Arc::new(Reel::new(ReelShape {
            tracks: converted.len(),
            channels: self.take.channels,
            frames: converted.last().map_or(0, |original| original.frames),
            rate_hz: host_hz,
            start: self.start(host_hz),
        }));
        let feeder = Feeder::shared()?;
        feeder.play(&reel, converted)?;
        self.post(Figure::Reel { reel, feeder, first: at_rate(first, take_hz, host_hz) });
        Ok(())
    }

    /// Where in the song the part that is played begins, in frames of the host. Hosts at another rate than the take
    /// count their frames at theirs.
    fn start(&self, host_hz: u32) -> Option<i64> {
        let place = self.take.place.later(self.subject.range.0, self.take.rate_hz);
        let frames = place.frames?;
        let converted = i64::try_from(at_rate(frames.unsigned_abs(), self.take.rate_hz, host_hz)).ok()?;
        Some(if frames < 0 { -converted } else { converted })
    }

    fn measure(&self, tracks: &Tracks) -> Result<(), LibraryError> {
        if tracks.stems.is_empty() {
            return Ok(());
        }
        let stop = &self.look.stop;
        let mut stems =
            tracks.stems.iter().map(|(_, stem)| stem.frames_until(stop)).collect::<Result<Vec<_>, _>>()?;
        let loudness = tracks.original.analyse(stop, |original| MixLoudness::of(original, &mut stems))?;
        self.post(Figure::Loudness(Box::new(loudness)));
        if self.job.as_ref().is_none_or(|job| job.task != SUMMING_TASK) {
            return Ok(());
        }
        let files: Vec<_> = tracks.stems.iter().map(|(_, stem)| stem.clone()).collect();
        self.post(Figure::Difference(difference_db(&tracks.original, &files, stop)?));
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.look.stop.load(Ordering::Relaxed)
    }

    fn tell_trouble(&self, done: Result<(), LibraryError>) {
        match done {
            Ok(()) | Err(LibraryError::Stopped) => {}
            Err(_) if self.is_over() => {}
            Err(error) => self.post(Figure::Trouble(error.told())),
        }
    }

    fn post(&self, figure: Figure) {
        let news = FigureNews { number: self.look.number, figure };
        self.mailbox.post_blocking(Event::Shelf(ShelfNews::Figure(news)));
    }
}
