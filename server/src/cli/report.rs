//! `tributary report`: measures what jobs gave against what they were given, and draws it.

use super::{DONE, screen};
use crate::report::figures::{EXACT_DB, StemFigures};
use crate::report::job::JobResults;
use crate::report::{JobSummary, ReportRequest, write_report};
use anyhow::ensure;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The song the stems came from
    #[arg(requires = "stems")]
    mixture: Option<PathBuf>,
    /// Its stems
    #[arg(value_name = "STEM")]
    stems: Vec<PathBuf>,
    /// What `separate`, `enhance`, `transcribe` or `master` printed with --json: every job becomes a part of the page;
    /// may be given several times
    #[arg(long, value_name = "FILE")]
    jobs: Vec<PathBuf>,
    /// Folder with the true stems, to measure against: `vocals.flac`, `drums.flac`, ...; may be given several times
    #[arg(long, value_name = "DIR")]
    reference: Vec<PathBuf>,
    /// At the top of the page [default: the first sound's name]
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A line for the head of the page; may be given several times
    #[arg(long, value_name = "TEXT")]
    note: Vec<String>,
    /// The page
    #[arg(long, default_value = "report.html", value_name = "FILE")]
    out: PathBuf,
    /// The figures as one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args) -> anyhow::Result<u8> {
    let mut jobs: Vec<_> =
        args.mixture.into_iter().map(|mixture| JobResults::separation(mixture, args.stems.clone())).collect();
    for file in &args.jobs {
        jobs.extend(JobResults::read(file)?);
    }
    ensure!(!jobs.is_empty(), "nothing to report on: name a song and its stems, or --jobs FILE");
    let request = ReportRequest {
        title: args.title,
        jobs,
        references: args.reference,
        notes: args.note,
        out: args.out,
    };
    let summary = write_report(&request)?;
    if args.json {
        screen::line(serde_json::to_string(&summary)?);
        return Ok(DONE);
    }
    summary.jobs.iter().for_each(print);
    screen::line(summary.page.display());
    Ok(DONE)
}

fn print(job: &JobSummary) {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let row = |stem: &StemFigures| {
        let sound = &stem.sound;
        let (lufs, peak) = (number(sound.lufs), number(sound.true_peak_dbtp));
        [sound.name.clone(), lufs, peak, number(stem.sdr_db), number(stem.gain_db)]
    };
    if !job.stems.is_empty() {
        let rows: Vec<_> = job.stems.iter().map(row).collect();
        screen::table(["stem", "LUFS", "dBTP", "SDR dB", "gain dB"], &rows);
    }
    match job.sum_residual_db {
        Some(exact) if exact <= -EXACT_DB => screen::line("the stems sum to the mixture exactly"),
        Some(residual) => screen::line(format!("the stems sum to the mixture to {residual:.1} dB")),
        None => {}
    }
    for (name, fact) in job.sheets.iter().flat_map(|sheet| &sheet.facts) {
        screen::line(format!("{name}: {fact}"));
    }
}
