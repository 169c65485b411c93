//! A screen that nobody sees, with a window manager and a sound card that nobody hears; hands, and a camera.

use super::until;
use crate::run;
use anyhow::Context;
use std::cell::Cell;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SIZE: &str = "1600x1000x24";
/// Steps that a hand takes from one place to another: programs see a drag only while it moves.
const STEPS: i32 = 20;
/// The time a hand takes for one of them.
const STEP: Duration = Duration::from_millis(60);
/// Some toolkits do nothing before they have heard of a theme.
const SETTINGS: &str = "Net/ThemeName \"Adwaita\"\n";

/// A place on the screen, in pixels.
pub(super) type Place = (i32, i32);

/// A window on the screen.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) id: String,
    /// Its corner.
    pub(super) place: Place,
}

/// Everything goes when this does, the last started first.
pub(super) struct Screen {
    processes: Vec<Child>,
    display: String,
    home: PathBuf,
    out: PathBuf,
    pictures: Cell<usize>,
}

impl Screen {
    /// Starts it all; logs and pictures go to `out`, `home` is everybody's home.
    pub(super) fn start(out: &Path, home: &Path, rate_hz: u32) -> anyhow::Result<Self> {
        let mut server = Command::new("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", SIZE, "-nolisten", "tcp", "+extension", "GLX"]);
        let server = server.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = server.spawn().context("start Xvfb")?;
        let said = server.stdout.take().context("Xvfb has an output")?;
        let mut number = String::new();
        BufReader::new(said).read_line(&mut number).context("ask Xvfb for its number")?;
        let mut screen = Self {
            processes: vec![server],
            display: format!(":{}", number.trim()),
            home: home.to_owned(),
            out: out.to_owned(),
            pictures: Cell::new(0),
        };
        let settings = out.join("xsettings");
        fs::write(&settings, SETTINGS).context("write the theme's name")?;
        screen.run("openbox", &[])?;
        screen.run("xsettingsd", &["-c".as_ref(), settings.as_os_str()])?;
        let rate = rate_hz.to_string();
        // Patient with clients: the machine may be busy, and a client that was thrown out is silent for good.
        let jack = ["--no-realtime", "-t", "20000", "-d", "dummy", "-r", &rate, "-p", "4096"].map(OsStr::new);
        screen.run("jackd", &jack)?;
        Ok(screen)
    }

    /// A program that would speak to this screen, with a home of its own.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("DISPLAY", &self.display)
            .env("HOME", &self.home)
            .env("XDG_CONFIG_HOME", self.home.join(".config"))
            .env("XDG_DATA_HOME", self.home.join(".local/share"))
            .env("JACK_DEFAULT_SERVER", format!("tributary-{}", std::process::id()))
            .env("JACK_NO_AUDIO_RESERVATION", "1")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Starts a program that stays; what it says goes to `<program>.log`.
    pub(super) fn run(&mut self, program: &str, arguments: &[&OsStr]) -> anyhow::Result<()> {
        let command = self.command(program);
        self.stay(program, command, arguments)
    }

    /// The same with an environment of its own.
    pub(super) fn stay(
        &mut self,
        name: &str,
        mut command: Command,
        arguments: &[&OsStr],
    ) -> anyhow::Result<()> {
        let log = File::create(self.out.join(format!("{name}.log"))).context("make a log")?;
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(log.try_clone().context("make a log")?)
            .stdout(log);
        self.processes.push(command.spawn().with_context(|| format!("start {name}"))?);
        Ok(())
    }

    /// Waits for a window whose name matches; the last opened where there are several.
    pub(super) fn window(&self, name: &str) -> anyhow::Result<Window> {
        until(&format!("a window named {name}"), || {
            let found = self.hands(&["search", "--onlyvisible", "--name", name]).unwrap_or_default();
            found.lines().last().and_then(|id| self.geometry(id))
        })
    }

    fn geometry(&self, id: &str) -> Option<Window> {
        let said = self.hands(&["getwindowgeometry", "--shell", id]).ok()?;
        let number = |name: &str| -> Option<i32> {
            said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        Some(Window { id: id.to_owned(), place: (number("X")?, number("Y")?) })
    }

    /// Gives a window the keyboard.
    pub(super) fn focus(&self, window: &Window) -> anyhow::Result<()> {
        self.hands(&["windowactivate", "--sync", &window.id]).map(drop)
    }

    /// Presses a key.
    pub(super) fn key(&self, key: &str) -> anyhow::Result<()> {
        self.hands(&["key", key]).map(drop)
    }

    /// Types.
    pub(super) fn write(&self, text: &str) -> anyhow::Result<()> {
        self.hands(&["type", "--delay", "30", text]).map(drop)
    }

    /// Clicks while a key is held.
    pub(super) fn click_with(&self, key: &str, place: Place) -> anyhow::Result<()> {
        self.hands(&["keydown", key])?;
        let clicked = self.click(place);
        self.hands(&["keyup", key])?;
        clicked
    }

    /// Lets what was begun come to rest before a picture.
    pub(super) fn breathe(&self) {
        std::thread::sleep(STEP * 20);
    }

    /// Goes there and clicks.
    pub(super) fn click(&self, place: Place) -> anyhow::Result<()> {
        self.point(place)?;
        std::thread::sleep(STEP);
        self.hands(&["mousedown", "1"])?;
        std::thread::sleep(STEP);
        self.hands(&["mouseup", "1"]).map(drop)
    }

    /// Presses at one place, and goes to another with the button down.
    pub(super) fn drag(&self, from: Place, to: Place) -> anyhow::Result<()> {
        self.point(from)?;
        // A window that was somewhere else first sees the pointer come, then the button.
        std::thread::sleep(STEP * 20);
        self.hands(&["mousedown", "1"])?;
        std::thread::sleep(STEP * 10);
        for step in 1..=STEPS {
            let between = |from: i32, to: i32| from + (to - from) * step / STEPS;
            self.point((between(from.0, to.0), between(from.1, to.1)))?;
            std::thread::sleep(STEP);
        }
        Ok(())
    }

    /// Lets the button go.
    pub(super) fn drop_here(&self) -> anyhow::Result<()> {
        self.hands(&["mouseup", "1"]).map(drop)
    }

    /// Goes there.
    pub(super) fn point(&self, (x, y): Place) -> anyhow::Result<()> {
        self.hands(&["mousemove", &x.to_string(), &y.to_string()]).map(drop)
    }

    fn hands(&self, arguments: &[&str]) -> anyhow::Result<String> {
        run::ask(self.command("xdotool").args(arguments))
    }

    /// Takes a picture of all that is to be seen.
    pub(super) fn picture(&self, name: &str) -> anyhow::Result<()> {
        let number = self.pictures.replace(self.pictures.get() + 1) + 1;
        let path = self.out.join(format!("{number} {name}.png"));
        run::ask(self.command("import").args(["-window", "root"]).arg(&path))?;
        println!("{}", path.display());
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The DAW ends before its sound card and its screen do.
        while let Some(mut process) = self.processes.pop() {
            let _ = Command::new("kill").arg(process.id().to_string()).stderr(Stdio::null()).status();
            let ended = until("an end", || process.try_wait().ok().flatten());
            if ended.is_err() {
                let _ = process.kill();
                let _ = process.wait();
            }
        }
    }
}
