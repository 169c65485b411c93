//! Windows of the system's own: the chooser of files and folders, and the file browser. A chooser runs on a thread of
//! its own that nobody waits for; when the instance goes, its answer goes nowhere.

use super::mailbox::{Answer, Event, Mailbox};
use crate::view::Purpose;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// What can be imported, as choosers filter it.
const SOUND_FILES: [&str; 11] =
    ["wav", "flac", "mp3", "aif", "aiff", "ogg", "oga", "m4a", "aac", "wave", "caf"];

/// Nobody closes a chooser so soon after it was asked for: there was none.
const SOONEST: Duration = Duration::from_millis(600);

/// Asks the user, and posts what became of it.
pub(super) async fn choose(number: u64, purpose: Purpose, mailbox: Mailbox) {
    let asked_at = Instant::now();
    let dialog = rfd::AsyncFileDialog::new();
    let chosen = match purpose {
        Purpose::Import | Purpose::Reference => {
            let title = if purpose == Purpose::Import { "A file to work on" } else { "A file to sound like" };
            dialog
                .set_title(title)
                .add_filter("Sound", &SOUND_FILES)
                .add_filter("All files", &["*"])
                .pick_file()
                .await
        }
        Purpose::Export => dialog.set_title("A folder for the result").pick_folder().await,
    };
    let answer = match chosen {
        Some(file) => Answer::Path(file.path().to_owned()),
        None if asked_at.elapsed() < SOONEST => Answer::NoChooser,
        None => Answer::Nothing,
    };
    mailbox.post(Event::Chosen { number, answer }).await;
}

/// Shows a file (or folder) in the system's file browser. What is started ends by itself, sooner or later.
///
/// # Errors
/// Where there is none to be started.
pub(super) fn reveal(path: &Path) -> io::Result<Child> {
    if !path.exists() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is not there any more"));
    }
    let mut command = browser(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()
}

fn browser(path: &Path) -> Command {
    if cfg!(windows) {
        let mut command = Command::new("explorer");
        let mut select = std::ffi::OsString::from("/select,");
        select.push(path);
        command.arg(select);
        command
    } else if cfg!(target_os = "macos") {
        let mut command = Command::new("open");
        command.arg("-R").arg(path);
        command
    } else {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let mut command = Command::new("xdg-open");
        command.arg(folder);
        command
    }
}
