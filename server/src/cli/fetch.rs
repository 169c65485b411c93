//! Finished stems from the server to files of the wanted format.

use super::output::StemPaths;
use anyhow::Context;
use std::path::{Path, PathBuf};
use tributary_audio::ClipShape;
use tributary_audio::pcm::PcmReader;
use tributary_protocol::client::{Client, JobView};

/// Fetches every stem and sheet of a job that is done. `progress` is told what, how many bytes, of how many. Answers names
/// with paths, and how many samples were beyond full scale and clipped.
pub(super) async fn results(
    client: &Client,
    job: &JobView,
    paths: &StemPaths,
    mut progress: impl FnMut(&str, u64, u64) + Send,
) -> anyhow::Result<(Vec<(String, PathBuf)>, u64)> {
    paths.make_folder()?;
    let total =
        job.stems.iter().map(|stem| stem.bytes).chain(job.sheets.iter().map(|sheet| sheet.bytes)).sum();
    let shape = ClipShape { channels: job.clip.channels, frames: job.clip.frames, rate_hz: job.clip.rate_hz };
    let (mut conversions, mut before) = (Vec::new(), 0);
    for stem in &job.stems {
        let draft = paths.draft(&stem.name, "f32");
        client.download(job, &stem.name, &draft, |bytes| progress("fetching", before + bytes, total)).await?;
        before += stem.bytes;
        // One stem is converted while the next is on its way.
        let (to, name) = (paths.clone(), stem.name.clone());
        conversions.push(tokio::task::spawn_blocking(move || convert(&draft, &name, shape, &to)));
    }
    let (mut fetched, mut clipped) = (Vec::new(), 0);
    let mut sheets = Vec::new();
    for sheet in &job.sheets {
        let path = paths.sheet(&sheet.name);
        client.download_sheet(job, &sheet.name, &path).await?;
        before += sheet.bytes;
        progress("fetching", before, total);
        sheets.push((sheet.name.clone(), path));
    }
    for (stem, conversion) in job.stems.iter().zip(conversions) {
        let (path, beyond) = conversion.await.context("write a stem")??;
        clipped += beyond;
        fetched.push((stem.name.clone(), path));
    }
    fetched.append(&mut sheets);
    Ok((fetched, clipped))
}

fn convert(draft: &Path, stem: &str, shape: ClipShape, paths: &StemPaths) -> anyhow::Result<(PathBuf, u64)> {
    let mut source = PcmReader::open(draft, shape)?;
    let written = paths.write(stem, &mut source)?;
    std::fs::remove_file(draft).with_context(|| format!("remove {}", draft.display()))?;
    Ok(written)
}
