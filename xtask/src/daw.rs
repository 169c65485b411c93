//! The plugin in a DAW: Ardour on a screen of its own, our VST3 on a track with the demo song; a file asked for where
//! the desktop has no chooser, a take recorded and separated, one stem and then two dragged onto tracks, a file dropped
//! on the plugin. What happened is seen in pictures (target/daw) and checked in the files it left.

mod ardour;
mod screen;

use crate::bench::clip::Song;
use crate::stage::Stage;
use crate::test::PLUGIN_FEATURES;
use crate::workspace::{self, Profile};
use crate::{bundle, setup};
use anyhow::{Context, bail};
use ardour::Session;
use screen::{Place, Screen, Window};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The folder among the build products.
const OUT: &str = "daw";
/// The demo song's own rate, so that nothing is converted; and how much of it is on the track.
const RATE_HZ: u32 = 44_100;
const SONG_FRAMES: u64 = 20 * 44_100;
/// How much of it is recorded.
const TAKE_BYTES: u64 = 8 * 44_100 * 8;
/// Nothing in a DAW takes longer, with a software renderer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// A file that was dropped is a take within this, or never.
const DROP_PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Names of windows, as regular expressions.
const EDITOR: &str = "verse - Ardour";
const PLUGIN: &str = "Tributary";

/// Where things are in the plugin's window of 980 x 620 points, from its left top.
mod plugin_places {
    use super::Place;

    /// "Choose a file", while there is no take yet.
    pub(super) const CHOOSE: Place = (430, 213);
    /// The line for a path, while one is asked for.
    pub(super) const PATH: Place = (700, 64);
    /// "Rec".
    pub(super) const RECORD: Place = (45, 352);
    pub(super) const SEPARATE: Place = (853, 590);
    /// The handle of the row "Vocals".
    pub(super) const VOCALS: Place = (697, 411);
    /// The names of "Drums" and "Bass", and the handle of the latter.
    pub(super) const DRUMS_NAME: Place = (60, 459);
    pub(super) const BASS_NAME: Place = (60, 507);
    pub(super) const BASS: Place = (697, 507);
    /// The take.
    pub(super) const TAKE: Place = (360, 200);
}

/// The window from which a file is dragged, where nothing else is, and its middle.
const FILES: (&str, &str) = ("1480", "880");
const FILES_MIDDLE: Place = (1520, 920);

/// Where the track for stems is in Ardour's window.
const STEMS_TRACK: Place = (1060, 400);
/// A place below all tracks: what is dropped there gets tracks of its own.
const NO_TRACK: Place = (1060, 560);

/// Plays the whole scene.
///
/// # Errors
/// A program is missing, or a step has not happened in time; the message names it, and the last picture shows why.
pub(crate) fn run() -> anyhow::Result<()> {
    setup::run()?;
    setup::daw()?;
    let out = workspace::target()?.join(OUT);
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("empty {}", out.display()))?;
    }
    fs::create_dir_all(&out).with_context(|| format!("make {}", out.display()))?;
    println!("building (the first time takes some minutes)");
    let bundles = bundle::make(Profile::Dev, &PLUGIN_FEATURES.map(str::to_owned))?;
    let program = workspace::build(Profile::Dev)?;
    let server = Stage::start(&program, None)?;
    let whole = Song::decode(&program, &out)?;
    let song = whole.beginning(SONG_FRAMES as usize, &out.join("song.wav"))?;
    let short = whole.beginning(3 * RATE_HZ as usize, &out.join("short.wav"))?;
    let files = workspace::example("tributary-plugin", "drag", Profile::Dev)?;
    let session = Session::make(&out.join("home"), &bundles.vst3, &song, SONG_FRAMES)?;
    let screen = Screen::start(&out, &session.home, RATE_HZ)?;
    let mut scene = Scene { screen, out, session, server, short, files };
    let played = scene.play();
    if played.is_err() {
        scene.screen.picture("where it ended")?;
    }
    played
}

/// The DAW and all around it. The screen comes first, so that the DAW ends before the server does.
struct Scene {
    screen: Screen,
    out: PathBuf,
    session: Session,
    server: Stage,
    /// A sound file, and the program that drags files.
    short: PathBuf,
    files: PathBuf,
}

impl Scene {
    fn play(&mut self) -> anyhow::Result<()> {
        let (daw, plugin) = self.open()?;
        self.import(&plugin)?;
        self.record(&daw, &plugin)?;
        self.separate(&plugin)?;
        self.drag(&daw, &plugin)?;
        self.drag_two(&daw, &plugin)?;
        self.drop_file(&plugin)
    }

    fn library(&self) -> PathBuf {
        self.out.join("library")
    }

    /// The DAW with the plugin's window, which is open because the session says so.
    fn open(&mut self) -> anyhow::Result<(Window, Window)> {
        let mut ardour = self.screen.command("ardour");
        ardour
            .env("TRIBUTARY_DATA", self.server.folder())
            .env("TRIBUTARY_PLUGIN_DATA", self.library())
            .env("TRIBUTARY_PLUGIN_SETTINGS", self.out.join("plugin.toml"));
        let file = self.session.file();
        let options = ["--no-splash".as_ref(), "--no-announcements".as_ref(), file.as_os_str()];
        self.screen.stay("ardour", ardour, &options)?;
        let daw = self.screen.window(EDITOR)?;
        let plugin = self.screen.window(PLUGIN)?;
        self.screen.picture("opened")?;
        Ok((daw, plugin))
    }

    /// Asks for a file: this desktop has no chooser, and the path is typed.
    fn import(&self, plugin: &Window) -> anyhow::Result<()> {
        self.screen.click(within(plugin, plugin_places::CHOOSE))?;
        self.screen.breathe();
        self.screen.picture("asked for a file")?;
        self.screen.click(within(plugin, plugin_places::PATH))?;
        self.screen.write(&self.short.display().to_string())?;
        self.screen.picture("path typed")?;
        self.screen.key("Return")?;
        self.until_takes(1)?;
        self.screen.breathe();
        self.screen.picture("imported")
    }

    /// Until the library has so many takes.
    fn until_takes(&self, count: usize) -> anyhow::Result<()> {
        until(&format!("{count} takes"), || self.has_takes(count).then_some(()))
    }

    fn has_takes(&self, count: usize) -> bool {
        files(&self.library(), &|name| name == "take.json").len() >= count
    }

    /// Arms, plays, stops.
    fn record(&self, daw: &Window, plugin: &Window) -> anyhow::Result<()> {
        self.screen.click(within(plugin, plugin_places::RECORD))?;
        self.screen.focus(daw)?;
        self.screen.key("space")?;
        until("the take to grow", || {
            let takes = files(&self.library(), &|name| name == "take.f32");
            takes
                .iter()
                .any(|take| take.metadata().is_ok_and(|found| found.len() >= TAKE_BYTES))
                .then_some(())
        })?;
        self.screen.picture("recording")?;
        self.screen.focus(daw)?;
        self.screen.key("space")?;
        self.until_takes(2)?;
        self.screen.breathe();
        self.screen.picture("recorded")
    }

    /// Has it separated.
    fn separate(&self, plugin: &Window) -> anyhow::Result<()> {
        self.screen.click(within(plugin, plugin_places::SEPARATE))?;
        until("the job", || find(&self.library(), &|name| name == "job.json"))?;
        self.screen.picture("separating")?;
        until("the stems", || {
            find(&self.library(), &|name| name.contains(" - other - ") && name.ends_with(".wav"))
        })?;
        self.screen.picture("separated")
    }

    /// Takes the first stem onto a track.
    fn drag(&self, daw: &Window, plugin: &Window) -> anyhow::Result<()> {
        self.screen.drag(within(plugin, plugin_places::VOCALS), within(daw, STEMS_TRACK))?;
        self.screen.picture("dragging")?;
        self.screen.drop_here()?;
        let sounds = self.session.sounds();
        let landed = until("the stem in the DAW", || find(&sounds, &|name| name.contains("vocals")))?;
        self.screen.picture("dropped")?;
        println!("landed in the DAW: {}", landed.display());
        Ok(())
    }

    /// Takes two stems at once to where no track is.
    fn drag_two(&self, daw: &Window, plugin: &Window) -> anyhow::Result<()> {
        self.screen.click(within(plugin, plugin_places::DRUMS_NAME))?;
        self.screen.click_with("ctrl", within(plugin, plugin_places::BASS_NAME))?;
        self.screen.drag(within(plugin, plugin_places::BASS), within(daw, NO_TRACK))?;
        self.screen.picture("dragging two")?;
        self.screen.drop_here()?;
        let sounds = self.session.sounds();
        for stem in ["drums", "bass"] {
            let landed = until(&format!("{stem} in the DAW"), || find(&sounds, &|name| name.contains(stem)))?;
            println!("landed in the DAW: {}", landed.display());
        }
        self.screen.breathe();
        self.screen.picture("dropped two")
    }

    /// Drops a file onto the plugin's window.
    fn drop_file(&mut self, plugin: &Window) -> anyhow::Result<()> {
        let program = self.screen.command(&self.files.display().to_string());
        let arguments = [FILES.0.as_ref(), FILES.1.as_ref(), self.short.as_os_str()];
        self.screen.stay("files", program, &arguments)?;
        self.screen.breathe();
        self.screen.drag(FILES_MIDDLE, within(plugin, plugin_places::TAKE))?;
        self.screen.picture("dragging a file onto the plugin")?;
        self.screen.drop_here()?;
        // Not every DAW hands a drop on to the windows inside its own: without a take it is said, and is no failure of ours.
        let taken = until_within(DROP_PATIENCE, "a take of the file", || self.has_takes(3).then_some(()));
        self.screen.breathe();
        self.screen.picture("a file dropped")?;
        println!(
            "{}",
            match taken {
                Ok(()) => "a file that was dropped on the plugin is a take",
                Err(_) => "left out: this DAW keeps files that are dropped on a plugin's window to itself",
            }
        );
        Ok(())
    }
}

fn within(window: &Window, (x, y): Place) -> Place {
    (window.place.0 + x, window.place.1 + y)
}

/// Until `look` answers something.
fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    until_within(PATIENCE, what, look)
}

fn until_within<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("waited {} s for {what}", patience.as_secs());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The first file of that name in a folder or below.
fn find(folder: &Path, is_it: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    files(folder, is_it).into_iter().next()
}

/// All files of that name in a folder and below.
fn files(folder: &Path, is_it: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let within = entries.flat_map(|path| {
        let is_it_this = path.file_name().is_some_and(|name| is_it(&name.to_string_lossy()));
        if path.is_dir() {
            files(&path, is_it)
        } else {
            Some(path).filter(|_| is_it_this).into_iter().collect()
        }
    });
    within.collect()
}
