//! Whether our converted graphs of published separators, of full size and with random weights, are what their publishers'
//! code is on PyTorch: a roformer's graph alone, and one chunk through the whole pipeline.

use crate::published::{Bits, Network, Workshop};
use crate::run;
use crate::setup::{self, onnxruntime};
use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// How far numbers may be from the publishers', dB: what sums in another order leave, and what 16 bits leave.
const FULL_DB_MAX: f64 = -90.0;
const HALF_DB_MAX: f64 = -55.0;
/// Layers where time is short.
const SHORT_LAYERS: u32 = 2;

/// What is compared.
pub(crate) struct Wish {
    /// All where there is none.
    pub(crate) networks: Vec<Network>,
    /// Graphs in half precision.
    pub(crate) half: bool,
    /// Roformers with two layers.
    pub(crate) short: bool,
    /// Where checkpoints and graphs are kept.
    pub(crate) graphs: Option<PathBuf>,
}

/// Compares, prints a line each.
///
/// # Errors
/// A step that fails, or any difference beyond the limit.
pub(crate) fn run(wish: &Wish) -> anyhow::Result<()> {
    setup::run()?;
    let scratch = tempfile::tempdir().context("make a scratch folder")?;
    let folder = wish.graphs.as_deref().unwrap_or(scratch.path());
    let workshop = Workshop::open(folder, onnxruntime::Kind::Cpu)?;
    let (bits, most_db) = if wish.half { (Bits::Half, HALF_DB_MAX) } else { (Bits::Full, FULL_DB_MAX) };
    let networks = if wish.networks.is_empty() { Network::value_variants() } else { &wish.networks };
    let mut beyond = Vec::new();
    for &network in networks {
        for (what, db) in compare(&workshop, network, bits, wish.short)? {
            println!("{}", line(network.title(), what, db, most_db));
            if !is_within(db, most_db) {
                beyond.push(format!("{}, {what}", network.title()));
            }
        }
    }
    if beyond.is_empty() {
        return Ok(());
    }
    bail!("beyond {most_db} dB from the publishers' code: {}", beyond.join("; "))
}

fn line(title: &str, what: &str, db: f64, most_db: f64) -> String {
    let verdict = if is_within(db, most_db) { "ok, at most" } else { "BEYOND" };
    format!("{title:18} {what:24} {db:8.1} dB  {verdict} {most_db}")
}

/// Not a number is beyond.
fn is_within(db: f64, most_db: f64) -> bool {
    db <= most_db
}

/// What is compared, and the difference over what the publishers' code says, dB.
fn compare(
    workshop: &Workshop,
    network: Network,
    bits: Bits,
    short: bool,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let made = workshop.place(network, (short && network.has_masks()).then_some(SHORT_LAYERS));
    workshop.make(&made)?;
    let converted = workshop.convert(&made, bits)?;
    let at = |name: &str| made.folder.join(name);
    if !at("stems.raw").exists() {
        println!("{}: what its publisher's code says", network.title());
        run::ask(workshop.theirs("answer")?.arg(&made.folder))?;
    }
    println!("{}: what our graph says", network.title());
    let mut differences = Vec::new();
    if network.has_masks() {
        let ours = converted.folder.join("masks.raw");
        run::ask(workshop.ours("masks").arg(&converted.folder).arg(at("spectrum.raw")).arg(&ours))?;
        differences.push(("graph alone, masks", difference_db(&ours, &at("masks.raw"))?));
    }
    let ours = converted.folder.join("stems.raw");
    run::ask(workshop.ours("stems").arg(&converted.folder).arg(at("sound.raw")).arg(&ours))?;
    differences.push(("whole pipeline, stems", difference_db(&ours, &at("stems.raw"))?));
    Ok(differences)
}

fn difference_db(ours: &Path, theirs: &Path) -> anyhow::Result<f64> {
    let read = |path: &Path| -> anyhow::Result<Vec<f32>> {
        let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        Ok(bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
    };
    let (ours, theirs) = (read(ours)?, read(theirs)?);
    ensure!(ours.len() == theirs.len(), "{} numbers came, theirs are {}", ours.len(), theirs.len());
    Ok(ratio_db(&ours, &theirs))
}

fn ratio_db(ours: &[f32], theirs: &[f32]) -> f64 {
    let power = |number: f64| number * number;
    let off: f64 = ours.iter().zip(theirs).map(|(a, b)| power(f64::from(*a) - f64::from(*b))).sum();
    let all: f64 = theirs.iter().map(|x| power(f64::from(*x))).sum();
    10.0 * (off / all).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousandth_off_is_60_db() {
        let theirs = [1.0_f32, -2.0, 3.0];
        let ours = theirs.map(|x| x * 1.001);
        assert!((ratio_db(&ours, &theirs) + 60.0).abs() < 0.01);
    }

    #[test]
    fn silence_or_nothing_to_compare_is_beyond() {
        assert!(!is_within(ratio_db(&[0.0], &[0.0]), -90.0));
        assert!(!is_within(ratio_db(&[f32::NAN], &[1.0]), -90.0));
        assert!(line("X", "masks", -89.9, -90.0).contains("BEYOND"));
        assert!(line("X", "masks", -90.1, -90.0).contains("ok, at most"));
    }
}
