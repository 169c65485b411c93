//! `tributary report`: measures stems against their mixture and draws them.

use super::{DONE, screen};
use crate::report::figures::{EXACT_DB, StemFigures};
use crate::report::{ReportRequest, ReportSummary, write_report};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The song the stems came from
    mixture: PathBuf,
    /// Its stems
    #[arg(required = true, value_name = "STEM")]
    stems: Vec<PathBuf>,
    /// Folder with the true stems, to measure against: `vocals.flac`, `drums.flac`, ...
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
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
    let request = ReportRequest {
        mixture: args.mixture,
        stems: args.stems,
        reference: args.reference,
        notes: args.note,
        out: args.out,
    };
    let summary = write_report(&request)?;
    if args.json {
        screen::line(serde_json::to_string(&summary)?);
    } else {
        print(&summary);
    }
    Ok(DONE)
}

fn print(summary: &ReportSummary) {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let row = |stem: &StemFigures| {
        let sound = &stem.sound;
        let (lufs, peak) = (number(sound.lufs), number(sound.true_peak_dbtp));
        [sound.name.clone(), lufs, peak, number(stem.sdr_db), number(stem.gain_db)]
    };
    let rows: Vec<_> = summary.stems.iter().map(row).collect();
    screen::table(["stem", "LUFS", "dBTP", "SDR dB", "gain dB"], &rows);
    if summary.sum_residual_db <= -EXACT_DB {
        screen::line("the stems sum to the mixture exactly");
    } else {
        screen::line(format!("the stems sum to the mixture to {:.1} dB", summary.sum_residual_db));
    }
    screen::line(summary.page.display());
}
