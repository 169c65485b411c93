//! Published separators of full size on an NVIDIA card, through our own sessions: seconds a chunk, memory of the card, share
//! of its peak in half precision, and what a song costs. Needs the library and the graphs; PyTorch only to make graphs that
//! are not there.

use super::super::Table;
use crate::published::{Bits, Converted, Network, Workshop};
use crate::run;
use crate::setup::onnxruntime;
use crate::stage::json_lines;
use anyhow::{Context, bail};
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Chunks after the first: one finds its places, one is recorded, the others are what counts.
const CHUNKS: &str = "8";
/// How often the card is asked for its memory.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Ways to run a graph.
const WAYS: [(&str, &[&str]); 3] =
    [("CUDA", &["--cuda"]), ("CUDA, recorded", &["--cuda", "--cuda-graphs"]), ("TensorRT", &["--tensorrt"])];
/// The song that is priced, and how often each of its seconds is computed: the publishers' overlap.
const SONG_SECONDS: f64 = 240.0;
const OVERLAP: f64 = 2.0;
/// The card whose price is known, USD a second.
const PRICED: &str = "A10G";
const USD_A_SECOND: f64 = 0.000_306;
/// Dense products in half precision, sums in single where the maker tells them apart, TFLOP/s, by words of the card's name.
/// The first line of which all words are there counts. From the makers' data sheets.
const PEAKS: [(&[&str], f64); 21] = [
    (&["B200"], 2250.0),
    (&["H200"], 989.0),
    (&["H100", "PCIe"], 756.0),
    (&["H100", "NVL"], 835.0),
    (&["H100"], 989.0),
    (&["A100"], 312.0),
    (&["A30"], 165.0),
    (&["A40"], 149.7),
    (&["A10G"], 70.0),
    (&["A10"], 125.0),
    (&["L40S"], 362.0),
    (&["L40"], 181.0),
    (&["L4"], 121.0),
    (&["T4"], 65.0),
    (&["V100", "PCIE"], 112.0),
    (&["V100"], 125.0),
    (&["RTX", "6000", "Ada"], 364.0),
    (&["RTX", "A6000"], 154.8),
    (&["RTX", "5090"], 209.5),
    (&["RTX", "4090"], 165.2),
    (&["RTX", "3090"], 71.0),
];

/// A card as its driver names it.
struct Card {
    name: String,
    used_mib: f64,
}

impl Card {
    /// The first one.
    fn look() -> anyhow::Result<Self> {
        let mut ask = Command::new("nvidia-smi");
        ask.args(["--query-gpu=name,memory.used", "--format=csv,noheader,nounits", "--id=0"]);
        let said = run::ask(&mut ask)
            .context("no CUDA device is here: the NVIDIA driver's `nvidia-smi` does not answer")?;
        Self::read(&said).with_context(|| format!("understand `{}` of nvidia-smi", said.trim()))
    }

    fn read(said: &str) -> Option<Self> {
        let (name, used) = said.lines().next()?.rsplit_once(',')?;
        Some(Self { name: name.trim().to_owned(), used_mib: used.trim().parse().ok()? })
    }
}

/// Dense products in half precision, operations a second; none for a card that is not known here.
fn peak(name: &str) -> Option<f64> {
    let words: Vec<&str> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is = |known: &&(&[&str], f64)| known.0.iter().all(|word| words.contains(word));
    PEAKS.iter().find(is).map(|(_, tera)| tera * 1e12)
}

/// What a 4-minute song costs on the priced card, USD, where one chunk takes `seconds` on this one. On another card it is
/// the same share of the priced one's peak; none where this one's is not known.
fn song_usd(seconds: f64, chunk_seconds: f64, card: &str) -> Option<f64> {
    let step = chunk_seconds / OVERLAP;
    let chunks = ((SONG_SECONDS + chunk_seconds - step) / step).ceil();
    let slower = peak(card)? / peak(PRICED)?;
    Some(chunks * seconds * slower * USD_A_SECOND)
}

/// Measures both networks on the first card, every way.
///
/// # Errors
/// No card, no library for it; a step that fails. A way that this card or library does not know is said.
pub(in super::super) fn measure(graphs: &Path, table: &mut Table) -> anyhow::Result<()> {
    println!("published separators on an NVIDIA card");
    let card = Card::look()?;
    let workshop =
        Workshop::open(graphs, onnxruntime::Kind::Gpu).context("have ONNX Runtime for NVIDIA cards")?;
    let usable = usable(&workshop)?;
    match peak(&card.name) {
        Some(peak) => println!("{}: {:.0} TFLOP/s in half precision", card.name, peak / 1e12),
        None => {
            println!("{}: its peak is not known here, so no share of it is given, and no price", card.name)
        }
    }
    for network in [Network::BsRoformer, Network::MelBandRoformer] {
        let converted = workshop.convert(&workshop.place(network, None), Bits::Half)?;
        for (way, options) in WAYS {
            let provider = way.split(',').next().unwrap_or(way);
            if let Some(reason) =
                usable.iter().find_map(|(known, reason)| (known == provider).then_some(reason.as_ref()?))
            {
                println!("left out: {way}: {reason}");
                continue;
            }
            let title = format!("{}, {way}", network.title());
            let seconds = chunk(&workshop, &converted, options, (&title, &card), table)?;
            rows(&title, seconds, &converted, &card.name, table);
        }
    }
    Ok(())
}

/// Which providers the library has, and why not.
fn usable(workshop: &Workshop) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let said = json_lines(&run::ask(&mut workshop.ours("devices"))?)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let usable: Vec<_> =
        said.iter().filter_map(|line| Some((text(&line["device"])?, text(&line["reason"])))).collect();
    match usable.iter().find(|(device, _)| device == "CUDA") {
        Some((_, None)) => Ok(usable),
        Some((_, Some(reason))) => bail!("ONNX Runtime cannot use the CUDA device: {reason}"),
        None => bail!("the program does not say whether ONNX Runtime can use a CUDA device"),
    }
}

/// The best chunk's seconds; the card's memory goes to the table.
fn chunk(
    workshop: &Workshop,
    converted: &Converted,
    options: &[&str],
    (title, before): (&str, &Card),
    table: &mut Table,
) -> anyhow::Result<f64> {
    let mut command = workshop.ours("time");
    command.arg(&converted.folder).arg(CHUNKS).args(options).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::inherit()).spawn().context("start our program")?;
    let most_mib = watch(&mut child)?;
    let output = child.wait_with_output().context("read what our program printed")?;
    if !output.status.success() {
        bail!("{title} failed ({})", output.status);
    }
    let lines = json_lines(&String::from_utf8(output.stdout)?)?;
    let chunks =
        lines.iter().filter(|line| line["what"] == "chunk").filter_map(|line| line["seconds"].as_f64());
    let seconds = chunks.reduce(f64::min).context("no chunk was measured")?;
    table.add(&format!("{title}, memory of the card"), most_mib - before.used_mib, "MiB", "");
    let host = lines.last().and_then(|line| line["most_mib"].as_f64());
    table.add(&format!("{title}, peak memory of the process"), host.unwrap_or(f64::NAN), "MiB", "");
    Ok(seconds)
}

/// The most memory that the card had in use until the child ended. Its few lines fit into the pipe.
fn watch(child: &mut Child) -> anyhow::Result<f64> {
    let mut most = 0.0_f64;
    while child.try_wait().context("wait for our program")?.is_none() {
        most = most.max(Card::look()?.used_mib);
        std::thread::sleep(LOOK_EVERY);
    }
    Ok(most)
}

fn rows(title: &str, seconds: f64, converted: &Converted, card: &str, table: &mut Table) {
    table.add(&format!("{title}, one chunk"), seconds, "s", "");
    table.add(&format!("{title}, times real time"), converted.chunk_seconds / OVERLAP / seconds, "x", "");
    if let Some(peak) = peak(card) {
        let share = 100.0 * converted.operations / seconds / peak;
        table.add(&format!("{title}, share of the card's peak"), share, "%", "");
    }
    if let Some(usd) = song_usd(seconds, converted.chunk_seconds, card) {
        let how = if card.contains(PRICED) { "" } else { "reckoned by the peaks of both cards" };
        table.add(&format!("{title}, a 4-minute song on an {PRICED}"), 100.0 * usd, "US cent", how);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_known_by_whole_words_of_its_name() {
        for (name, tera) in [
            ("NVIDIA A10G", Some(70.0)),
            ("NVIDIA A10", Some(125.0)),
            ("NVIDIA A100-SXM4-80GB", Some(312.0)),
            ("NVIDIA H100 80GB HBM3", Some(989.0)),
            ("NVIDIA H100 PCIe", Some(756.0)),
            ("NVIDIA L4", Some(121.0)),
            ("NVIDIA GeForce RTX 4090", Some(165.2)),
            ("Another 9000", None),
        ] {
            assert_eq!(peak(name).map(|peak| peak / 1e12), tera, "{name}");
        }
    }

    #[test]
    fn the_driver_says_name_and_memory() {
        let card = Card::read("NVIDIA A10G, 412\n").unwrap();
        assert_eq!((card.name.as_str(), card.used_mib), ("NVIDIA A10G", 412.0));
        assert!(Card::read("No devices were found").is_none());
    }

    #[test]
    fn a_song_is_priced_by_its_chunks_and_by_the_peaks_of_both_cards() {
        // Chunks of 8 s every 4 s, over 4 s more than the song: 61.
        let usd = song_usd(1.0, 8.0, "NVIDIA A10G").unwrap();
        assert!((usd - 61.0 * USD_A_SECOND).abs() < 1e-12, "{usd}");
        let faster = song_usd(1.0, 8.0, "NVIDIA L4").unwrap();
        assert!((faster / usd - 121.0 / 70.0).abs() < 1e-12, "{faster}");
        assert!(song_usd(1.0, 8.0, "Another 9000").is_none());
    }
}
