//! The demo's DAW, without a window: loads the built `.clap`, plays our song through it, has it recorded and separated,
//! and listens to the stems in the song's place. Prints what happened as one line of JSON; `cargo xtask demo` tells it
//! to people. The folders of the plugin come with the environment.

#![expect(clippy::print_stdout, reason = "a command line program speaks on standard output")]

use anyhow::{Context, ensure};
use serde_json::json;
use std::path::PathBuf;
use std::time::Instant;
use tributary_tests::plugin_host::{Heard, Host, Setup, Transport};
use tributary_tests::{files, producer, signal};

const RATE_HZ: u32 = 44_100;
/// The take begins here: bar 3 at the host's 124 beats a minute, to the nearest frame.
const POSITION: i64 = 170_710;

fn main() -> anyhow::Result<()> {
    let doors: PathBuf = std::env::var_os("TRIBUTARY_PLUGIN_DOOR").context("no folder for the door")?.into();
    let host = Host::open(&doors)?;
    let mut plugin = host.plugin()?;
    plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() })?;
    let before = producer::connected(&mut plugin);
    let song = producer::song(usize::MAX)?.channels;
    let take = producer::record(&mut plugin, &song, POSITION)?;
    ensure!(take["lost_frames"] == 0, "the take lost frames: {take}");
    let quote = producer::priced(&mut plugin);
    let begun = Instant::now();
    let key = producer::run(&mut plugin);
    let (stems, cost) = producer::finished(&mut plugin, &key);
    let seconds = begun.elapsed().as_secs_f64();
    let after = plugin.until("the balance", |view| {
        view["account"]["available"].as_u64().filter(|available| available + cost == before)
    });

    let mut sounds = Vec::new();
    for (_, path) in &stems {
        ensure!(producer::time_reference(path)? == POSITION.unsigned_abs(), "a stem lies elsewhere");
        sounds.push(files::read(path)?.channels.concat());
    }
    let original = song.concat();
    // In the song's place, the stems stand in for the track.
    plugin.door.send(&json!({ "SetMonitor": "Stems" }));
    plugin.transport = Transport::playing_from(POSITION);
    let mut heard_db = f64::INFINITY;
    plugin.until_heard("the stems", &song, |input, heard: &Heard| {
        heard_db = signal::residual_db(&input.concat(), &[heard.main.concat()]);
        heard.main != input && heard_db < -90.0
    });
    let files: Vec<_> = stems.iter().map(|(_, path)| path).collect();
    let sum_db = signal::residual_db(&original, &sounds);
    println!(
        "{}",
        json!({
            "frames": take["frames"], "bar": take["place"]["bar"], "quote": quote, "cost": cost, "before": before,
            "after": after, "seconds": seconds, "files": files, "sum_db": sum_db, "heard_db": heard_db,
        })
    );
    Ok(())
}
