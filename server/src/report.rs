//! A page that shows what jobs gave: pictures, figures and players of each clip and its stems, and what its sheets say.
//!
//! Reads sound files and sheets, writes one HTML file that opens from the disk. Never talks to a server, never changes
//! the sound.

pub mod colour;
pub mod curve;
pub mod figures;
pub mod job;
pub mod link;
pub mod page;
pub mod picture;
pub mod roll;
pub mod sheet;
pub mod spectrogram;
pub mod waveform;

use anyhow::{Context, ensure};
use job::JobResults;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Most stems of one job: as many as any model gives, and the page stays readable.
pub const STEMS_MAX: usize = 16;
/// Most jobs of one report.
pub const JOBS_MAX: usize = 16;

/// What to report on and where to.
#[derive(Clone, Debug)]
pub struct ReportRequest {
    /// At the top of the page; none for the first clip's name.
    pub title: Option<String>,
    /// What each job was given and gave, 1 to [`JOBS_MAX`].
    pub jobs: Vec<JobResults>,
    /// Folders with true stems, `<stem>.flac` or `<stem>.wav`; a stem without one has no SDR.
    pub references: Vec<PathBuf>,
    /// Lines of text for the head of the page, for example the credits and the time it took.
    pub notes: Vec<String>,
    /// The HTML file to write. Its players refer to the sound files relative to this place.
    pub out: PathBuf,
}

/// The figures on the page, for printing and for other programs.
#[derive(Clone, Debug, Serialize)]
pub struct ReportSummary {
    /// At the top.
    pub title: String,
    /// In the order of the request.
    pub jobs: Vec<JobSummary>,
    /// The page.
    pub page: PathBuf,
}

/// The figures of one job.
#[derive(Clone, Debug, Serialize)]
pub struct JobSummary {
    /// What was done, in words.
    pub heading: String,
    /// The sound that went in.
    pub clip: figures::SoundFigures,
    /// One entry a stem, in the order of the request.
    pub stems: Vec<figures::StemFigures>,
    /// How far several stems are from summing to the clip, in dB of the clip; -[`figures::EXACT_DB`] where the sum is
    /// exact, none for a single stem.
    pub sum_residual_db: Option<f64>,
    /// What the sheets say.
    pub sheets: Vec<sheet::SheetFigures>,
}

/// Measures, draws and writes the page.
///
/// # Errors
/// No jobs, no results or too many, a file that cannot be read, stems of another shape than their clip, a page that
/// cannot be written.
pub fn write_report(request: &ReportRequest) -> anyhow::Result<ReportSummary> {
    let given = request.jobs.len();
    ensure!((1..=JOBS_MAX).contains(&given), "a report is on 1 to {JOBS_MAX} jobs, not {given}");
    let jobs = request.jobs.iter().map(|job| summary(job, &request.references));
    let jobs = jobs.collect::<anyhow::Result<Vec<_>>>()?;
    let title = request.title.clone().unwrap_or_else(|| jobs[0].clip.name.clone());
    let summary = ReportSummary { title, jobs, page: request.out.clone() };
    let drawings = request.jobs.iter().map(|job| drawings(job, &request.out));
    let drawings = drawings.collect::<anyhow::Result<Vec<_>>>()?;
    let html = page::html(&summary, &drawings, &request.notes)?;
    fs::write(&request.out, html).with_context(|| format!("write {}", request.out.display()))?;
    Ok(summary)
}

fn summary(job: &JobResults, references: &[PathBuf]) -> anyhow::Result<JobSummary> {
    let JobResults { heading, clip, stems, sheets } = job;
    ensure!(!stems.is_empty() || !sheets.is_empty(), "a report needs at least one stem or sheet");
    let given = stems.len();
    ensure!(given <= STEMS_MAX, "a report shows at most {STEMS_MAX} stems, not {given}");
    let measured = stems.iter().map(|path| figures::StemFigures::of(path, clip, references));
    let several = given > 1;
    let mut measured = measured.collect::<anyhow::Result<Vec<_>>>()?;
    figures::StemFigures::compare(&mut measured, references)?;
    Ok(JobSummary {
        heading: heading.clone(),
        clip: figures::SoundFigures::of(clip)?,
        stems: measured,
        sum_residual_db: several.then(|| figures::sum_residual_db(clip, stems)).transpose()?,
        sheets: sheets.iter().map(|path| sheet::SheetFigures::of(path)).collect::<anyhow::Result<_>>()?,
    })
}

/// The pictures of one sound and where its player finds it.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Outline as the path of an SVG of [`waveform::WIDTH`] by [`waveform::HEIGHT`].
    pub waveform: String,
    /// Spectrogram as a `data:` address of a PNG.
    pub spectrogram: String,
    /// Highest frequency of the spectrogram, Hz.
    pub top_hz: f64,
    /// Address of the sound file, relative to the page.
    pub sound: String,
}

/// Clip first, then the stems. All outlines share the clip's scale, so that they can be compared.
fn drawings(job: &JobResults, page: &Path) -> anyhow::Result<Vec<Drawing>> {
    let full_scale = waveform::highest(&waveform::peaks(&job.clip)?);
    std::iter::once(&job.clip).chain(&job.stems).map(|path| draw(path, full_scale, page)).collect()
}

fn draw(path: &Path, full_scale: f32, page: &Path) -> anyhow::Result<Drawing> {
    let image = spectrogram::draw(path)?;
    Ok(Drawing {
        waveform: waveform::outline(&waveform::peaks(path)?, full_scale),
        spectrogram: picture::data_address(&image)?,
        top_hz: image.top_hz,
        sound: link::relative(path, page)?,
    })
}

/// Opens a sound file; the error names it.
fn open(path: &Path) -> anyhow::Result<Box<dyn tributary_audio::Frames>> {
    tributary_audio::open(path).with_context(|| format!("read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tributary_audio::{ClipShape, FrameSink, WavWriter};

    const RATE_HZ: u32 = 44_100;

    #[expect(clippy::cast_possible_truncation, reason = "samples are single precision")]
    fn write_tone(path: &Path, hertz: f64, gain: f64) {
        let shape = ClipShape { channels: 2, frames: u64::from(RATE_HZ), rate_hz: RATE_HZ };
        let mut wav = WavWriter::create(path, shape).unwrap();
        let step = hertz * std::f64::consts::TAU / f64::from(RATE_HZ);
        let tone: Vec<f32> = (0..RATE_HZ).map(|i| (gain * (f64::from(i) * step).sin()) as f32).collect();
        wav.write(&[&tone, &tone]).unwrap();
        wav.finish().unwrap();
    }

    fn request(folder: &Path) -> ReportRequest {
        for (name, hertz) in [("song", 440.0), ("song - low", 440.0)] {
            write_tone(&folder.join(format!("{name}.wav")), hertz, 0.5);
        }
        let truth = folder.join("truth");
        fs::create_dir(&truth).unwrap();
        write_tone(&truth.join("low.wav"), 440.0, 0.45);
        ReportRequest {
            title: None,
            jobs: vec![JobResults::separation(folder.join("song.wav"), vec![folder.join("song - low.wav")])],
            references: vec![truth],
            notes: vec!["credits <600> to 599".to_owned()],
            out: folder.join("report.html"),
        }
    }

    #[test]
    fn the_page_holds_every_picture_and_names_the_files_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let summary = write_report(&request(folder.path())).unwrap();
        let page = fs::read_to_string(&summary.page).unwrap();
        assert_eq!(page.matches("data:image/png;base64,").count(), 2);
        assert!(page.contains("src=\"song%20-%20low.wav\""), "the player finds the stem beside the page");
        assert!(page.contains("credits &lt;600&gt; to 599"), "notes are text, not markup");
        assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
    }

    #[test]
    fn figures_say_how_exact_the_sum_is_and_how_near_the_truth() {
        let folder = tempfile::tempdir().unwrap();
        let summary = write_report(&request(folder.path())).unwrap();
        let job = &summary.jobs[0];
        assert_eq!(job.sum_residual_db, None, "one stem is no sum");
        let stem = &job.stems[0];
        assert_eq!(stem.sound.name, "low");
        // The truth is 0.9 of the estimate: 20 log10(0.9 / 0.1) dB.
        assert!((stem.sdr_db.unwrap() - 19.085).abs() < 0.01, "{:?}", stem.sdr_db);
        assert!(stem.gain_db.unwrap().abs() < 1e-6, "the stem is the mixture, so it gains nothing");
    }

    #[test]
    fn stems_that_sum_to_the_clip_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path());
        let silent = folder.path().join("song - high.wav");
        write_tone(&silent, 440.0, 0.0);
        request.jobs[0].stems.push(silent);
        let summary = write_report(&request).unwrap();
        assert_eq!(summary.jobs[0].sum_residual_db, Some(-figures::EXACT_DB));
    }

    #[test]
    fn a_stem_of_another_length_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path());
        let short = folder.path().join("short.wav");
        let shape = ClipShape { channels: 2, frames: 1, rate_hz: RATE_HZ };
        let mut wav = WavWriter::create(&short, shape).unwrap();
        wav.write(&[&[0.5], &[0.5]]).unwrap();
        wav.finish().unwrap();
        request.jobs[0].stems.push(short);
        let error = write_report(&request).unwrap_err();
        assert!(format!("{error:#}").contains("short.wav"), "{error:#}");
    }

    #[test]
    fn no_stems_and_too_many_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path());
        let stem = request.jobs[0].stems.pop().unwrap();
        assert!(write_report(&request).is_err());
        request.jobs[0].stems = vec![stem; STEMS_MAX + 1];
        assert!(write_report(&request).is_err());
        request.jobs.clear();
        assert!(write_report(&request).is_err());
    }

    #[test]
    fn silence_has_no_loudness_and_is_drawn_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path());
        write_tone(&request.jobs[0].stems[0], 440.0, 0.0);
        let summary = write_report(&request).unwrap();
        assert_eq!(summary.jobs[0].stems[0].sound.lufs, None);
        assert!(fs::read_to_string(summary.page).unwrap().contains("silent"));
    }
}
