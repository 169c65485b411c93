//! An Ardour session as a file: one track with our plugin and the demo song on it. Written without a window; Ardour's
//! own Lua does what it can, the region and the open window are put into the file.

use super::RATE_HZ;
use crate::{install, run, workspace};
use anyhow::{Context, ensure};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Where Debian 12 has Ardour 7.
const PROGRAMS: &str = "/usr/lib/ardour7";
/// Finds what is in a VST3 bundle; without it, Ardour knows no plugin.
const SCANNER: &str = "/usr/lib/ardour7/ardour-vst3-scanner";
/// Ardour's Lua without a window.
const LUA: &str = "ardour7-lua";
const NAME: &str = "verse";
/// The demo song's.
const BEATS_A_MINUTE: &str = "104";
/// Ardour counts time in these.
const CLOCKS_A_SECOND: u64 = 508_032_000;
/// Ids of what is put into the file; Ardour's own are smaller.
const IDS_FROM: u64 = 10_000;

/// A session on disk.
pub(super) struct Session {
    /// Everybody's home.
    pub(super) home: PathBuf,
    folder: PathBuf,
}

impl Session {
    /// Makes it, with the plugin's window open at the screen's left top. `home` must not exist.
    pub(super) fn make(home: &Path, vst3: &Path, song: &Path, frames: u64) -> anyhow::Result<Self> {
        let session = Self { home: home.to_owned(), folder: home.join(NAME) };
        let config = home.join(".config/ardour7");
        fs::create_dir_all(&config).context("make Ardour's folder")?;
        // Its presence says that Ardour was here before and asks no first questions.
        fs::write(config.join(".a7"), "").context("write Ardour's folder")?;
        fs::write(config.join("config"), settings()).context("write Ardour's settings")?;
        let plugin = home.join(".vst3").join(vst3.file_name().context("a bundle has a name")?);
        install::copy(vst3, &plugin)?;
        age(&plugin)?;
        run::ask(session.command(SCANNER).arg("-f").arg(&plugin)).context("let Ardour look at the plugin")?;
        let mut lua = session.command(LUA);
        lua.arg(workspace::root().join("tests/daw/session.lua"))
            .env("TRIBUTARY_DAW_FOLDER", &session.folder)
            .env("TRIBUTARY_DAW_NAME", NAME)
            .env("TRIBUTARY_DAW_RATE_HZ", RATE_HZ.to_string());
        let said = run::ask(&mut lua).context("make the session")?;
        let id = |name: &str| -> anyhow::Result<u64> {
            let line = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.and_then(|id| id.trim().parse().ok()).with_context(|| format!("no {name} in: {said}"))
        };
        let (track, processor) = (id("track")?, id("plugin")?);
        fs::create_dir_all(session.sounds()).context("make the session's folder")?;
        fs::copy(song, session.sounds().join("song.wav")).context("copy the song")?;
        let text = fs::read_to_string(session.file()).context("read the session")?;
        let text = furnished(&text, frames, (track, processor))?;
        fs::write(session.file(), text).context("write the session")?;
        Ok(session)
    }

    /// The session's file.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.join(format!("{NAME}.ardour"))
    }

    /// Where imported files go.
    pub(super) fn sounds(&self) -> PathBuf {
        self.folder.join("interchange").join(NAME).join("audiofiles")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("LD_LIBRARY_PATH", PROGRAMS);
        command
    }
}

/// What Ardour knows of a plugin must be younger than the plugin, by whole seconds.
fn age(plugin: &Path) -> anyhow::Result<()> {
    let before = SystemTime::now() - Duration::from_secs(60);
    for entry in fs::read_dir(plugin.join("Contents/x86_64-linux")).context("look into the bundle")? {
        let file = File::options().append(true).open(entry?.path()).context("open the plugin")?;
        file.set_modified(before).context("date the plugin")?;
    }
    Ok(())
}

/// Says that the sound card is JACK's, so that Ardour does not ask.
fn settings() -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Ardour>\n  <Config><Option name=\"try-autostart-engine\" value=\"1\"/></Config>\n  <Extra>\n    <AudioMIDISetup>\n      \
         <EngineStates>\n        <State backend=\"JACK\" driver=\"\" device=\"\" input-device=\"\" output-device=\"\" \
         sample-rate=\"{RATE_HZ}\" buffer-size=\"4096\" n-periods=\"2\" input-latency=\"0\" output-latency=\"0\" \
         lm-input=\"\" lm-output=\"\" active=\"1\" use-buffered-io=\"0\" midi-option=\"\" lru=\"1\">\n          \
         <MIDIDevices/>\n        </State>\n      </EngineStates>\n    </AudioMIDISetup>\n  </Extra>\n</Ardour>\n"
    )
}

/// The session with the song on the track, its tempo, and the plugin's window open. `ids`: of track and plugin.
fn furnished(text: &str, frames: u64, (track, plugin): (u64, u64)) -> anyhow::Result<String> {
    let (left, right, whole, part) = (IDS_FROM, IDS_FROM + 1, IDS_FROM + 2, IDS_FROM + 3);
    let source = |id: u64, channel: u32| {
        format!(
            "<Source name=\"song.wav\" take-id=\"\" type=\"audio\" flags=\"\" id=\"{id}\" channel=\"{channel}\" origin=\"\" gain=\"1\"/>"
        )
    };
    let length = frames * CLOCKS_A_SECOND / u64::from(RATE_HZ);
    let region = |id: u64, is_whole: bool| {
        format!(
            "<Region name=\"song\" muted=\"0\" opaque=\"1\" locked=\"0\" automatic=\"0\" whole-file=\"{}\" \
             import=\"0\" external=\"0\" hidden=\"0\" start=\"a0\" length=\"a{length}@a0\" stretch=\"1\" shift=\"1\" \
             layering-index=\"0\" envelope-active=\"0\" default-fade-in=\"0\" default-fade-out=\"0\" \
             fade-in-active=\"1\" fade-out-active=\"1\" scale-amplitude=\"1\" id=\"{id}\" type=\"audio\" \
             first-edit=\"nothing\" source-0=\"{left}\" source-1=\"{right}\" master-source-0=\"{left}\" \
             master-source-1=\"{right}\" channels=\"2\"/>",
            u8::from(is_whole)
        )
    };
    let playlist = format!("orig-track-id=\"{track}\"");
    let window = format!(
        "<UI><Window name=\"P-{track}-{plugin}\" visible=\"1\" x-off=\"20\" y-off=\"40\" x-size=\"-1\" y-size=\"-1\" \
         custom-ui=\"1\"/></UI>"
    );
    let mut out = String::new();
    let mut done = 0;
    for line in text.lines() {
        let (indent, word) = line.split_at(line.len() - line.trim_start().len());
        let line = match word {
            "<Sources/>" => format!("<Sources>{}{}</Sources>", source(left, 0), source(right, 1)),
            "<Regions/>" => format!("<Regions>{}</Regions>", region(whole, true)),
            _ if word.starts_with("<Playlist ") && word.contains(&playlist) => {
                let open = word.strip_suffix("/>").context("an empty playlist")?;
                format!("{open}>{}</Playlist>", region(part, false))
            }
            _ if word.starts_with("<Tempo ") => {
                word.replace("pm=\"120\"", &format!("pm=\"{BEATS_A_MINUTE}\""))
            }
            // The session was made without a sound card, and must not notice that it has one now.
            _ if word.starts_with("<EngineHints ") => String::new(),
            "</Session>" => format!("<Extra>{window}</Extra></Session>"),
            _ => {
                out += indent;
                out += word;
                out.push('\n');
                continue;
            }
        };
        done += 1;
        out += &format!("{indent}{line}\n");
    }
    ensure!(done >= 5, "Ardour writes its sessions in another way than this knows");
    let counter = text.split("id-counter=\"").nth(1).and_then(|rest| rest.split('"').next());
    let counter = counter.context("a session counts its ids")?;
    Ok(out.replacen(&format!("id-counter=\"{counter}\""), &format!("id-counter=\"{}\"", IDS_FROM + 100), 1))
}
