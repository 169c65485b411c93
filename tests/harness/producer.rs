//! What a producer does with the plugin: records a take from the track, has it separated, looks at what came back.

use crate::files;
use crate::plugin_host::{Plugin, Transport};
use anyhow::Context;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tributary_audio::Audio;

/// The demo song, or its first frames.
///
/// # Errors
/// Where it cannot be read.
pub fn song(frames: usize) -> anyhow::Result<Audio> {
    let mut song = files::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("song/mixture.flac"))?;
    song.channels.iter_mut().for_each(|channel| channel.truncate(frames));
    Ok(song)
}

/// Waits until the plugin is connected to a server and knows the account; the credits that are free.
pub fn connected(plugin: &mut Plugin) -> u64 {
    plugin.until("the connection", |view| {
        let is_connected = view["connection"]["state"] == "connected";
        view["account"]["available"].as_u64().filter(|_| is_connected)
    })
}

/// Arms, plays `sound` from this frame of the song, stops; the take's record.
///
/// # Errors
/// Where the plugin fails.
pub fn record(plugin: &mut Plugin, sound: &[Vec<f32>], position: i64) -> anyhow::Result<Value> {
    let takes = plugin.until("a view", |view| Some(view["takes"].as_array()?.len()));
    plugin.door.send(&json!({ "Record": "Transport" }));
    plugin.until("the recorder to be armed", |view| (view["recorder"] == "armed").then_some(()));
    plugin.transport = Transport::playing_from(position);
    plugin.play(sound)?;
    plugin.transport.is_playing = false;
    Ok(plugin.until("the take", |view| {
        let is_there = view["recorder"] == "idle" && view["takes"].as_array()?.len() == takes + 1;
        Some(view["take"].clone()).filter(|take| is_there && !take.is_null())
    }))
}

/// The samples of a take as the library keeps them, interleaved.
///
/// # Errors
/// Where they cannot be read.
pub fn samples(library: &Path, take: &Value) -> anyhow::Result<Vec<f32>> {
    let id = take["id"].as_str().context("a take has an id")?;
    crate::signal::read_canonical(&library.join("takes").join(id).join("take.f32"))
}

/// Waits for the price of the take in the window.
pub fn priced(plugin: &mut Plugin) -> u64 {
    plugin.until("the quote", |view| {
        let quote = &view["choice"]["quote"];
        quote["credits"].as_u64().filter(|_| quote["state"] == "price")
    })
}

/// Waits for the price, runs; the job's key.
pub fn run(plugin: &mut Plugin) -> String {
    priced(plugin);
    let jobs = plugin.door.view()["jobs"].as_array().map_or(0, Vec::len);
    plugin.door.send(&json!("Run"));
    plugin.until("the job", |view| {
        let all = view["jobs"].as_array()?;
        (all.len() == jobs + 1).then(|| all[0]["key"].as_str().map(str::to_owned))?
    })
}

/// Chooses a model and waits for its price, not the one of the model before.
pub fn choose(plugin: &mut Plugin, task: &str, model: &str) {
    plugin.door.send(&json!({ "ChooseTask": task }));
    plugin.until("the task", |view| (view["choice"]["task"] == task).then_some(()));
    plugin.door.send(&json!({ "ChooseModel": model }));
    plugin.until("the model", |view| (view["choice"]["model"] == model).then_some(()));
    priced(plugin);
}

/// The job's line in the view.
#[must_use]
pub fn job<'a>(view: &'a Value, key: &str) -> Option<&'a Value> {
    view["jobs"].as_array()?.iter().find(|job| job["key"] == key)
}

/// Waits until the job's results are on this disk and in the window; its stems' names and files, and what it cost.
pub fn finished(plugin: &mut Plugin, key: &str) -> (Vec<(String, PathBuf)>, u64) {
    plugin.until("the result", |view| {
        let stage = &job(view, key)?["stage"];
        assert_ne!(stage["state"], "failed", "{stage}");
        let cost = stage["cost"].as_u64().filter(|_| stage["state"] == "ready")?;
        let result = Some(&view["result"]).filter(|result| result["job"] == key)?;
        let stems = result["stems"].as_array()?.iter();
        let files: Option<Vec<(String, PathBuf)>> = stems
            .map(|stem| Some((stem["name"].as_str()?.to_owned(), stem["file"].as_str()?.into())))
            .collect();
        files.map(|files| (files, cost))
    })
}

/// The files of the result in the window that are no sound, by name; waits until each is on this disk.
pub fn sheets(plugin: &mut Plugin) -> Vec<(String, PathBuf)> {
    plugin.until("the sheets", |view| {
        let sheets = view["result"]["sheets"].as_array()?.iter();
        sheets
            .map(|sheet| Some((sheet["name"].as_str()?.to_owned(), sheet["file"].as_str()?.into())))
            .collect()
    })
}

/// Where a WAV file says that it begins: frames since midnight, of its `bext` chunk.
///
/// # Errors
/// Where it has none.
pub fn time_reference(path: &Path) -> anyhow::Result<u64> {
    let bytes = std::fs::read(path)?;
    let mut rest = bytes.get(12..).context("a RIFF header")?;
    while let Some((head, after)) = rest.split_at_checked(8) {
        let size = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if &head[..4] == b"bext" {
            // Description, originator, its reference, date and time come before (EBU Tech 3285).
            let field = after.get(338..346).context("a whole bext chunk")?;
            return Ok(u64::from_le_bytes(field.try_into()?));
        }
        rest = after.get(size + size % 2..).unwrap_or_default();
    }
    anyhow::bail!("{} has no bext chunk", path.display())
}
