//! The `tributary` command as a user types it: what it prints, where the stems are, and the exit code.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tributary_audio::ClipShape;
use tributary_tests::command::{Ran, Serve, run};
use tributary_tests::files;

const STEMS: [&str; 4] = ["vocals", "drums", "bass", "other"];

/// A server, its data folder, and a folder of the user's.
struct Studio {
    _server: Serve,
    data: TempDir,
    home: TempDir,
}

impl Studio {
    fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let server = Serve::start(data.path()).unwrap();
        Self { _server: server, data, home: tempfile::tempdir().unwrap() }
    }

    fn run(&self, args: &[&str]) -> Ran {
        run(self.data.path(), args).unwrap()
    }

    /// Runs what must end well.
    fn done(&self, args: &[&str]) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
        ran.out
    }

    /// Runs what must not, and answers its one line of complaint.
    fn refused(&self, args: &[&str], code: i32) -> String {
        let ran = self.run(args);
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
        complaint(&ran)
    }

    fn song(&self, name: &str, seed: u32, channels: u16, frames: u64, rate_hz: u32) -> String {
        let path = self.home.path().join(name);
        text(&files::wav(&path, seed, ClipShape { channels, frames, rate_hz }).unwrap())
    }

    fn out(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn available(&self) -> u64 {
        let balance: Value = serde_json::from_str(&self.done(&["balance", "--json"])).unwrap();
        assert_eq!(
            balance["posted"].as_u64().unwrap() - balance["held"].as_u64().unwrap(),
            balance["available"]
        );
        balance["available"].as_u64().unwrap()
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn names(folder: &Path) -> BTreeSet<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    fs::read_dir(folder).map(|entries| entries.map(name).collect()).unwrap_or_default()
}

/// The last line of standard error: an error, and nothing of the program's inside.
fn complaint(ran: &Ran) -> String {
    let line = ran.err.lines().last().unwrap_or_default().to_owned();
    for inside in ["panicked", "RUST_BACKTRACE", "Status", "exit code", "Some(", "Error {"] {
        assert!(!ran.err.contains(inside), "{inside}: {ran:?}");
    }
    line
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

#[test]
fn a_file_that_is_no_song_ends_with_code_2_and_one_line_that_names_it() {
    let studio = Studio::new();
    for broken in files::broken(studio.home.path()).unwrap() {
        let path = text(&broken.path);
        let name = broken.path.file_name().unwrap().to_str().unwrap();
        for more in [&[][..], &["--local"]] {
            let out = text(&studio.out("out"));
            let args = [&["separate", &path, "--out", &out], more].concat();
            let line = studio.refused(&args, 2);
            assert!(line.contains(name), "{args:?}: {line}");
            for word in broken.says {
                assert!(line.contains(word), "{args:?}: {word:?} is not in {line:?}");
            }
            assert_eq!(names(Path::new(&out)), BTreeSet::new(), "{args:?} leaves nothing behind");
        }
    }
    assert_eq!(studio.available(), 600, "nothing was charged and nothing is held");
    assert_eq!(studio.done(&["jobs"]).trim(), "no jobs yet: try `tributary separate song.wav`");
}

#[test]
fn every_shape_of_clip_becomes_stems_of_the_same_shape() {
    let studio = Studio::new();
    let shapes = [
        ("one frame.wav", 2, 1, 44_100),
        ("eight.wav", 8, 30_000, 48_000),
        ("high.wav", 2, 60_000, 192_000),
        ("telephone.wav", 1, 8_000, 8_000),
    ];
    for (seed, (name, channels, frames, rate_hz)) in shapes.into_iter().enumerate() {
        let song = studio.song(name, seed as u32, channels, frames, rate_hz);
        let out = studio.out(&format!("{name} out"));
        let printed = studio.done(&["separate", &song, "--out", &text(&out)]);
        let stem = name.trim_end_matches(".wav");
        let expected: Vec<_> = STEMS.iter().map(|name| out.join(format!("{stem} - {name}.wav"))).collect();
        assert_eq!(printed.lines().map(PathBuf::from).collect::<Vec<_>>(), expected);
        let mixture = files::read(Path::new(&song)).unwrap();
        let mut sum = tributary_audio::Audio::silence(mixture.shape());
        for path in &expected {
            let read = files::read(path).unwrap();
            assert_eq!(read.shape(), ClipShape { channels, frames, rate_hz }, "{}", path.display());
            for (sum, channel) in sum.channels.iter_mut().zip(&read.channels) {
                sum.iter_mut().zip(channel).for_each(|(sum, sample)| *sum += sample);
            }
        }
        let (mut whole, mut sum) = (mixture.into_frames(), sum.into_frames());
        let residual = tributary_audio::measure::residual_db(&mut whole, &mut [&mut sum]).unwrap();
        assert!(residual < -90.0, "{name}: stems sum to the clip to {residual:.1} dB");
        assert_eq!(names(&out).len(), 4, "nothing but the stems");
    }
    assert_eq!(studio.available(), 596);
}

#[test]
fn one_bad_file_of_a_batch_leaves_the_others_done_and_gives_the_batch_its_code() {
    let studio = Studio::new();
    let good = [1, 2, 3].map(|seed| studio.song(&format!("song {seed}.wav"), seed, 2, 30_000, 44_100));
    let bad = text(&studio.out("letter.wav"));
    fs::write(&bad, "Dear mixing engineer").unwrap();
    let out = text(&studio.out("out"));
    let ran = studio.run(&["separate", &good[0], &bad, &good[1], &good[2], "--out", &out, "--stems", "bass"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let expected = [1, 2, 3].map(|seed| format!("song {seed} - bass.wav"));
    assert_eq!(names(Path::new(&out)), BTreeSet::from(expected));
    for seed in [1, 2, 3] {
        let begins = format!("song {seed}.wav: ");
        let lines: Vec<_> = ran.err.lines().filter(|line| line.starts_with(&begins)).collect();
        assert!(lines.len() >= 3, "{lines:?}");
        assert!(lines.last().unwrap().contains("done: 0.7 s of audio"), "{lines:?}");
        assert!(lines.last().unwrap().contains("1 credit spent"), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("44100 Hz, stereo; 1 credit of ")), "{lines:?}");
    }
    assert!(ran.err.contains("letter.wav: failed: "), "{ran:?}");
    assert_eq!(studio.available(), 597);
}

#[test]
fn only_the_stems_and_the_format_asked_for_are_written() {
    let studio = Studio::new();
    let song = studio.song("song.wav", 4, 2, 50_000, 44_100);
    studio.done(&["separate", &song, "--stems", "drums,vocals", "--format", "flac"]);
    let beside = studio.out("song stems");
    assert_eq!(names(&beside), BTreeSet::from(["song - drums.flac", "song - vocals.flac"].map(String::from)));
    let flac = fs::read(beside.join("song - drums.flac")).unwrap();
    assert_eq!(&flac[..4], b"fLaC");
    let read = files::read(&beside.join("song - drums.flac")).unwrap();
    assert_eq!(read.shape(), ClipShape { channels: 2, frames: 50_000, rate_hz: 44_100 });
    let unknown = studio.refused(&["separate", &song, "--stems", "vocals,guitar"], 2);
    assert!(unknown.contains("guitar") && unknown.contains("vocals, drums, bass, other"), "{unknown}");
    let unknown = studio.refused(&["separate", &song, "--local", "--stems", "guitar"], 2);
    assert!(unknown.contains("guitar") && unknown.contains("vocals, drums, bass, other"), "{unknown}");
    for more in [&[][..], &["--local"]] {
        let unknown = studio.refused(&[&["separate", &song, "--model", "maxi"], more].concat(), 2);
        assert!(unknown.contains("maxi") && unknown.contains("tributary models list"), "{unknown}");
    }
}

#[test]
fn the_same_stems_come_from_a_server_and_from_this_process_and_both_say_so_in_json() {
    let studio = Studio::new();
    // Three chunks, so that what the server puts into one batch is not what the process does.
    let song = studio.song("song.wav", 5, 2, 44_100 * 26, 44_100);
    let mut told = Vec::new();
    for (more, out) in [(&[][..], "server"), (&["--local"], "local")] {
        let out = text(&studio.out(out));
        let lines = json_lines(&studio.done(&[&["separate", &song, "--json", "--out", &out], more].concat()));
        assert_eq!(lines.len(), 1);
        assert_eq!((&lines[0]["file"], &lines[0]["model"]), (&song.as_str().into(), &"mini".into()));
        assert_eq!(lines[0]["seconds_audio"], 26.0);
        told.extend(lines);
    }
    assert_eq!((&told[0]["credits_quoted"], &told[0]["credits_captured"]), (&1.into(), &1.into()));
    assert_eq!((&told[1]["credits_captured"], &told[1]["job"]), (&0.into(), &Value::Null));
    for (ours, theirs) in
        told[0]["stems"].as_array().unwrap().iter().zip(told[1]["stems"].as_array().unwrap())
    {
        assert_eq!(ours["name"], theirs["name"]);
        let read = |stem: &Value| files::read(Path::new(stem["path"].as_str().unwrap())).unwrap();
        assert!(read(ours) == read(theirs), "{} differs between server and process", ours["name"]);
    }
}

#[test]
fn credits_are_quoted_spent_shown_and_gone() {
    let studio = Studio::new();
    let song = studio.song("song.wav", 6, 1, 8_000 * 61, 8_000);
    let quote = json_lines(&studio.done(&["quote", &song, "--json"])).remove(0);
    assert_eq!((&quote["credits"], &quote["available"]), (&2.into(), &600.into()));
    let words = studio.done(&["quote", &song]);
    assert!(words.contains("2 credits") && words.contains("1:01.0") && words.contains("2 of 600"), "{words}");
    assert_eq!(studio.available(), 600, "a quote holds nothing");
    studio.done(&["separate", &song, "--stems", "bass"]);
    assert!(studio.done(&["balance"]).contains("598 credits available to account local"));
    let lines = json_lines(&studio.done(&["history", "--json"]));
    let credits: Vec<_> = lines.iter().map(|line| (line["kind"].clone(), line["credits"].clone())).collect();
    assert_eq!(credits, [("capture".into(), (-2).into()), ("grant".into(), 600.into())]);
    assert_eq!(lines[0]["note"], "song");
    assert_eq!(json_lines(&studio.done(&["history", "--json", "--limit", "1"])).len(), 1);
    assert!(studio.done(&["history"]).contains("-2"));

    let key = studio.done(&["accounts", "add", "poor"]).trim().to_owned();
    let poor = studio.refused(&["separate", &song, "--key", &key], 3);
    assert!(poor.contains("2 credits needed but 0 credits available"), "{poor}");
    studio.done(&["credits", "grant", "1", "--account", "poor", "--payment", "p-1"]);
    let again = studio.done(&["credits", "grant", "1", "--account", "poor", "--payment", "p-1"]);
    assert!(again.contains("0 credits granted") && again.contains("1 credit available"), "{again}");
    let poor = studio.refused(&["separate", &song, "--key", &key], 3);
    assert!(poor.contains("2 credits needed but 1 credit available"), "{poor}");
    studio.done(&["credits", "grant", "1", "--account", "poor"]);
    studio.done(&["separate", &song, "--key", &key, "--stems", "bass"]);
    assert!(
        studio
            .done(&["accounts", "list"])
            .lines()
            .any(|line| line.starts_with("poor") && line.contains(" 0 "))
    );
    assert!(studio.done(&["credits", "audit"]).contains("the books are right"));
    assert!(studio.refused(&["credits", "grant", "1", "--account", "nobody"], 2).contains("local, poor"));
    assert_eq!(studio.run(&["credits", "grant", "0"]).code, Some(2));
}

#[test]
fn keys_are_made_listed_and_killed() {
    let studio = Studio::new();
    let key = studio.done(&["keys", "add", "--label", "second studio"]).trim().to_owned();
    assert!(studio.done(&["balance", "--key", &key]).contains("600 credits"));
    let list = studio.done(&["keys", "list"]);
    assert!(list.contains("second studio") && !list.contains(&key), "the secret is stored nowhere: {list}");
    let prefix = key.trim_start_matches("trb_").split('_').next().unwrap();
    assert!(list.contains(prefix));
    assert_eq!(studio.done(&["keys", "revoke", prefix]).trim(), format!("key {prefix} is dead"));
    for dead in [key.as_str(), "trb_nobody", "x"] {
        let line = studio.refused(&["balance", "--key", dead], 2);
        assert!(line.contains("does not accept this API key") && line.contains("new key"), "{line}");
    }
    assert!(studio.done(&["keys", "list"]).contains("dead since"));
    assert!(studio.refused(&["keys", "revoke", prefix], 2).contains("keys list"));
    assert!(studio.done(&["balance"]).contains("600 credits"), "the first key lives");
    let added = studio.run(&["accounts", "add", "local"]);
    assert_eq!(added.code, Some(2), "{added:?}");
    assert!(complaint(&added).contains("`local` exists already"), "{added:?}");
}

#[test]
fn jobs_are_listed_fetched_again_and_cancelled() {
    let studio = Studio::new();
    let song = studio.song("my song.wav", 7, 2, 40_000, 44_100);
    let out = text(&studio.out("out"));
    studio.done(&["separate", &song, "--out", &out, "--stems", "vocals,bass"]);
    let job = json_lines(&studio.done(&["jobs", "--json"])).remove(0);
    assert_eq!((&job["state"], &job["title"]), (&"done".into(), &"my song".into()));
    assert_eq!(job["stems"], serde_json::json!(["vocals", "bass"]));
    let id = job["job"].as_str().unwrap();
    assert!(studio.done(&["jobs"]).lines().any(|line| line.contains(id) && line.contains("done")));
    let again = studio.out("again");
    studio.done(&["jobs", "fetch", id, "--out", &text(&again), "--format", "wav"]);
    assert_eq!(names(&again), names(Path::new(&out)));
    for name in names(&again) {
        assert_eq!(
            fs::read(again.join(&name)).unwrap(),
            fs::read(Path::new(&out).join(&name)).unwrap(),
            "{name}"
        );
    }
    let late = studio.run(&["jobs", "cancel", id]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.out.contains("had ended before (done); 1 credit spent"), "{late:?}");
    let stranger = "01890000-0000-7000-8000-000000000000";
    for what in ["cancel", "fetch"] {
        let line = studio.refused(&["jobs", what, stranger], 2);
        assert!(line.contains("no such job") && line.contains("tributary jobs"), "{line}");
        assert!(studio.run(&["jobs", what, "rubbish"]).err.contains("not an id"));
    }
    assert_eq!(studio.available(), 599);
}

#[test]
fn models_and_the_doctor_say_what_there_is() {
    let studio = Studio::new();
    let words = studio.done(&["models", "list"]);
    for word in
        ["mini", "preview", "vocals, drums, bass, other", "1 credit a started minute", "sodium", "CC0"]
    {
        assert!(words.to_lowercase().contains(&word.to_lowercase()), "{word:?} is not in {words}");
    }
    let models = json_lines(&studio.done(&["models", "list", "--json"]));
    let model = models.iter().find(|model| model["name"] == "mini").unwrap();
    assert_eq!((&model["task"], &model["grade"]), (&"separate".into(), &"preview".into()));
    let told = studio.done(&["models", "show", "rnnoise"]);
    assert!(told.contains("--set strength_db=100") && told.contains("0 to 100 dB"), "{told}");
    assert_eq!(model["stems"], serde_json::json!(STEMS));
    let doctor = studio.done(&["doctor"]);
    assert!(doctor.contains("answers; account local, 600 credits"), "{doctor}");
    assert!(doctor.contains("weights are whole") && !doctor.contains("WRONG"), "{doctor}");
    assert!(doctor.lines().any(|line| line.contains("database") && line.ends_with("answers")), "{doctor}");
    let nowhere = studio.out("nowhere");
    let ran = run(&nowhere, &["doctor"]).unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("does not exist yet; `tributary serve` makes it"), "{ran:?}");
    assert!(!nowhere.exists(), "looking makes nothing");
}

#[test]
fn a_server_that_is_not_there_ends_with_code_4_and_says_what_to_check() {
    let home = tempfile::tempdir().unwrap();
    let unknown = run(home.path(), &["balance"]).unwrap();
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(complaint(&unknown).contains("`tributary serve`"), "{unknown:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let away = run(home.path(), &["balance", "--server", &address, "--key", "trb_x"]).unwrap();
    assert_eq!(away.code, Some(4), "{away:?}");
    let line = complaint(&away);
    assert!(line.contains(&address) && line.contains("check that it runs"), "{line}");
}

#[test]
fn every_command_explains_itself() {
    let home = tempfile::tempdir().unwrap();
    let commands: [(&[&str], &[&str]); 25] = [
        (&[], &["serve", "separate", "doctor", "--server", "--data", "3 not enough credits"]),
        (
            &["serve"],
            &["--listen", "--listen-http", "--listen-pages", "--config", "--announce", "--print-config"],
        ),
        (&["separate"], &["FILE", "--model", "--stems", "--out", "--local", "--format", "--json"]),
        (&["quote"], &["FILE", "--model", "--json"]),
        (&["jobs"], &["cancel", "fetch", "--limit", "--json"]),
        (&["jobs", "cancel"], &["ID"]),
        (&["jobs", "fetch"], &["ID", "--out", "--format"]),
        (&["balance"], &["--json"]),
        (&["history"], &["--limit", "--before", "--json"]),
        (&["credits"], &["grant", "audit"]),
        (&["credits", "grant"], &["CREDITS", "--account", "--note", "--payment"]),
        (&["credits", "audit"], &["books"]),
        (&["accounts"], &["list", "add"]),
        (&["accounts", "add"], &["NAME", "--weight"]),
        (&["keys"], &["list", "add", "revoke", "--account"]),
        (&["keys", "revoke"], &["PREFIX"]),
        (&["db"], &["migrate", "check", "backup", "restore", "import-sqlite"]),
        (&["db", "migrate"], &["--admin", "tributary_app"]),
        (&["db", "check"], &["accounts apart", "books"]),
        (&["db", "backup"], &["FILE", "artifacts"]),
        (&["db", "restore"], &["FILE", "--admin"]),
        (&["db", "import-sqlite"], &["FILE", "--admin", "Stop the server"]),
        (&["models", "list"], &["--json"]),
        (&["report"], &["MIXTURE", "STEM", "--jobs", "--reference", "--out"]),
        (&["doctor"], &["what to run"]),
    ];
    for (command, words) in commands {
        let ran = run(home.path(), &[command, &["--help"]].concat()).unwrap();
        assert_eq!(ran.code, Some(0), "{command:?}: {ran:?}");
        // Words stand at the ends of lines, wherever those are.
        let help = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
        for word in words {
            assert!(help.contains(word), "`{command:?} --help` lacks {word:?}: {help}");
        }
        let wrong = run(home.path(), &[command, &["--no-such-thing"]].concat()).unwrap();
        assert_eq!(wrong.code, Some(2), "{command:?}: {wrong:?}");
        assert!(wrong.err.contains("--no-such-thing"), "{wrong:?}");
    }
}
