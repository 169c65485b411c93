//! Memory does not grow with the clip: peak resident memory of server and command over clips of different length.

use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tributary_tests::command::{Serve, peak_memory_bytes, run, tributary};
use tributary_tests::{files, wait};

/// No clip may need more in either process.
const PEAK_BYTES_MAX: u64 = 400 << 20;
/// A clip four times as long may need this much more: what allocators keep, not what clips need.
const GROWTH_BYTES_MAX: u64 = 48 << 20;
/// The longest clip's time on a slow machine.
const LONGEST: Duration = Duration::from_secs(1_800);
/// Set to send an hour.
const LONG: &str = "TRIBUTARY_TEST_LONG";

/// Peak resident bytes of the server and of the command that used it.
#[derive(Debug)]
struct Peaks {
    server: u64,
    command: u64,
}

impl Peaks {
    fn most(self, other: Self) -> Self {
        Self { server: self.server.max(other.server), command: self.command.max(other.command) }
    }

    fn least(self, other: Self) -> Self {
        Self { server: self.server.min(other.server), command: self.command.min(other.command) }
    }

    /// What each process needed more.
    fn beyond(&self, other: &Self) -> [(&'static str, u64); 2] {
        let server = self.server.saturating_sub(other.server);
        [("server", server), ("command", self.command.saturating_sub(other.command))]
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what people ask for")]
async fn separate(folder: &Path, minutes: u64) -> Peaks {
    let scratch = tempfile::tempdir_in(folder).unwrap();
    let data = scratch.path().join("data");
    let server = Serve::start(&data).unwrap();
    let song = files::long_wav(&scratch.path().join("song.wav"), minutes).unwrap();
    let started = std::time::Instant::now();
    let mut command = tributary(&data).unwrap();
    command.arg("separate").arg(&song).args(["--stems", "vocals,other"]).env("TMPDIR", scratch.path());
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Read while it runs, so that it never waits for us.
    let mut errors = child.stderr.take().unwrap();
    let words = std::thread::spawn(move || {
        let mut words = String::new();
        let _ = errors.read_to_string(&mut words);
        words
    });
    let mut peak = 0;
    let ended = wait::until_within(LONGEST, "the song's end", async || {
        // Between its end and our notice a process has no memory to tell of.
        peak = peak.max(peak_memory_bytes(child.id()).unwrap_or(0));
        child.try_wait().unwrap()
    })
    .await;
    let words = words.join().unwrap();
    assert!(ended.success(), "{words}");
    let wall = started.elapsed().as_secs_f64();
    let audited = run(&data, &["credits", "audit"]).unwrap();
    assert_eq!(audited.code, Some(0), "{audited:?}");
    let peaks = Peaks { server: peak_memory_bytes(server.id()).unwrap(), command: peak };
    println!(
        "{minutes} minutes in {wall:.0} s ({:.0}x): server {} MiB, command {} MiB at most",
        minutes as f64 * 60.0 / wall,
        peaks.server >> 20,
        peaks.command >> 20
    );
    for (process, peak) in [("server", peaks.server), ("command", peaks.command)] {
        assert!(peak < PEAK_BYTES_MAX, "the {process} needed {} MiB for {minutes} minutes", peak >> 20);
    }
    peaks
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_long_clip_needs_no_more_memory_than_a_short_one() {
    let folder = tempfile::tempdir().unwrap();
    // What allocators keep differs by 60 MiB from one run of the same clip to the next; what a clip needs comes each time.
    let short = separate(folder.path(), 5).await.most(separate(folder.path(), 5).await);
    let minutes = if std::env::var_os(LONG).is_some() { 60 } else { 20 };
    if minutes == 20 {
        println!("left out: a clip of 60 minutes ({LONG} is not set); 20 minutes stand for it");
    }
    let mut long = separate(folder.path(), minutes).await;
    if long.beyond(&short).iter().any(|(_, grown)| *grown >= GROWTH_BYTES_MAX) {
        long = long.least(separate(folder.path(), minutes).await);
    }
    for (process, grown) in long.beyond(&short) {
        assert!(grown < GROWTH_BYTES_MAX, "the {process} needed {} MiB more", grown >> 20);
    }
}
