//! The plugin in a DAW: Ardour on a screen of its own, our VST3 on a track with the demo song; recorded, separated, a
//! stem dragged onto a track. What happened is seen in pictures (target/daw) and checked in the files it left.

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
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Names of windows, as regular expressions.
const EDITOR: &str = "verse - Ardour";
const PLUGIN: &str = "Tributary";

/// Where things are in the plugin's window of 980 x 620 points, from its left top.
mod plugin_places {
    use super::Place;

    /// "Arm", while there is no take yet.
    pub(super) const ARM: Place = (290, 213);
    pub(super) const SEPARATE: Place = (853, 590);
    /// The handle of the row "Vocals".
    pub(super) const VOCALS: Place = (697, 411);
}

/// Where the track for stems is in Ardour's window.
const STEMS_TRACK: Place = (1060, 400);

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
    let song = Song::decode(&program, &out)?.beginning(SONG_FRAMES as usize, &out.join("song.wav"))?;
    let session = Session::make(&out.join("home"), &bundles.vst3, &song, SONG_FRAMES)?;
    let mut scene = Scene { screen: Screen::start(&out, &session.home, RATE_HZ)?, out, session, server };
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
}

impl Scene {
    fn play(&mut self) -> anyhow::Result<()> {
        let (daw, plugin) = self.open()?;
        self.record(&daw, &plugin)?;
        self.separate(&plugin)?;
        self.drag(&daw, &plugin)
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

    /// Arms, plays, stops.
    fn record(&self, daw: &Window, plugin: &Window) -> anyhow::Result<()> {
        self.screen.click(within(plugin, plugin_places::ARM))?;
        self.screen.focus(daw)?;
        self.screen.key("space")?;
        until("the take to grow", || {
            let take = find(&self.library(), &|name| name.ends_with("take.f32"))?;
            (take.metadata().ok()?.len() >= TAKE_BYTES).then_some(())
        })?;
        self.screen.picture("recording")?;
        self.screen.focus(daw)?;
        self.screen.key("space")?;
        until("the take", || find(&self.library(), &|name| name == "take.json"))?;
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
}

fn within(window: &Window, (x, y): Place) -> Place {
    (window.place.0 + x, window.place.1 + y)
}

/// Until `look` answers something.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> anyhow::Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("waited {} s for {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// The first file of that name in a folder or below.
fn find(folder: &Path, is_it: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path()).find_map(|path| {
        let is_file = path.is_file() && is_it(&path.file_name()?.to_string_lossy());
        if is_file { Some(path) } else { find(&path, is_it) }
    })
}
