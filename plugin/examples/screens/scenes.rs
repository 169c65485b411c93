//! Every state of the window, with views made by hand as the session would make them.

pub(crate) mod buying;
pub(crate) mod tasks;

use super::song::Song;
use super::window::Window;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tributary_plugin::library::{JobKey, Origin, Place, TakeId, TakeInfo};
use tributary_plugin::view::*;
use tributary_protocol::client::ModelView;
use tributary_protocol::vocab::Credits;
use uuid::Uuid;

/// A state: what the session says, and what the user and the sound did.
pub(crate) struct Scene {
    /// Of the picture.
    pub(crate) name: &'static str,
    /// What the session says.
    pub(crate) view: View,
    /// What happened in the window.
    pub(crate) play: fn(&mut Window),
    /// Words that stand in the window then.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests read them"))]
    pub(crate) words: &'static [&'static str],
}

fn scene(name: &'static str, view: View, play: fn(&mut Window), words: &'static [&'static str]) -> Scene {
    Scene { name, view, play, words }
}

const ADDRESS: &str = "https://studio.local:8443";

/// A take of the song's length and place.
pub(crate) fn take(song: &Song) -> TakeInfo {
    TakeInfo {
        id: TakeId(Uuid::from_u128(1)),
        name: "Verse 2".to_owned(),
        frames: song.mixture.outline.frames,
        channels: 2,
        rate_hz: song.rate_hz,
        place: Place {
            frames: Some(203_538),
            beats: Some(8.0),
            bar: Some(3),
            tempo: Some(104.0),
            meter: Some((4, 4)),
        },
        origin: Origin::Recorded,
        lost_frames: 0,
        trim: None,
        made_at_us: 1_785_707_940_000_000,
    }
}

/// A job of that take.
pub(crate) fn job(number: u128, stage: Stage) -> Job {
    Job {
        key: JobKey(Uuid::from_u128(number)),
        take: TakeId(Uuid::from_u128(1)),
        title: "Verse 2".to_owned(),
        task: "separate".to_owned(),
        model: "mini".to_owned(),
        version: "1".to_owned(),
        stems: ["vocals", "drums", "bass", "other"].map(str::to_owned).to_vec(),
        settings: Default::default(),
        references: Vec::new(),
        stage,
        begun_at_us: 1_785_707_940_000_000 + i64::try_from(number).unwrap_or(0) * 60_000_000,
        quoted: 4,
    }
}

fn model(name: &str, title: &str, task: &str, grade: &str, price: u64) -> ModelView {
    ModelView {
        name: name.to_owned(),
        title: title.to_owned(),
        task: task.to_owned(),
        grade: grade.to_owned(),
        stems: ["vocals", "drums", "bass", "other"].map(str::to_owned).to_vec(),
        description: "Four stems by a small network. Quick on any machine; expect bleed between stems."
            .to_owned(),
        licence: "CC0-1.0".to_owned(),
        version: "1".to_owned(),
        controls: Vec::new(),
        references_max: 0,
        sheets: Vec::new(),
        commercial_use: "yes".to_owned(),
        quality: "SDR 2.5 vocals, 3.0 drums, 3.4 bass, -0.2 other dB".to_owned(),
        credits_per_minute: Credits(price),
    }
}

/// No take and no server.
fn nothing() -> View {
    View::default()
}

/// A server that knows us; no take.
pub(crate) fn online(song: &Song) -> View {
    let _ = song;
    View {
        connection: Connection::Connected { address: ADDRESS.to_owned(), is_local: false },
        account: Some(Account {
            name: "studio".to_owned(),
            available: 412,
            held: 0,
            buy_url: Some("https://studio.local:8443/credits".to_owned()),
            ..Account::default()
        }),
        offer: vec![
            model("mini", "Tributary Mini", "separate", "preview", 1),
            model("large", "Tributary Large", "separate", "best", 4),
            model("clear", "Clear Voice", "enhance", "standard", 1),
            model("notes", "Notes", "transcribe", "preview", 1),
        ]
        .into(),
        choice: Choice {
            task: "separate".to_owned(),
            model: "mini".to_owned(),
            stems: ["vocals", "drums", "bass", "other"].map(|stem| (stem.to_owned(), true)).to_vec(),
            ..Choice::default()
        },
        ..View::default()
    }
}

/// A take, ready to be sent.
pub(crate) fn ready(song: &Song) -> View {
    let info = Arc::new(take(song));
    let mut view = online(song);
    view.choice.quote =
        Quote::Price { credits: 1, reason: "1 started minute at 1 credit".to_owned(), missing: 0 };
    view.takes =
        vec![info.as_ref().clone(), older(song, 2, "Chorus"), older(song, 3, "guitar-take-7.wav")].into();
    view.take = Some(Take {
        info,
        outline: Some(song.mixture.outline.clone()),
        spectrogram: Some(song.mixture.spectrogram.clone()),
        is_present: true,
    });
    view
}

fn older(song: &Song, number: u128, name: &str) -> TakeInfo {
    let made_at_us = 1_785_607_940_000_000 - i64::try_from(number).unwrap_or(0) * 3_600_000_000;
    let place = if number == 3 { Place::default() } else { take(song).place };
    TakeInfo { id: TakeId(Uuid::from_u128(number)), name: name.to_owned(), made_at_us, place, ..take(song) }
}

/// Stems of that take.
pub(crate) fn done(song: &Song) -> View {
    let mut view = ready(song);
    let stems = song.stems.iter().map(|(name, sound)| StemRow {
        name: (*name).to_owned(),
        file: Some(PathBuf::from(format!("/music/takes/Verse 2 - {name} - 104bpm - bar 3.wav"))),
        outline: Some(sound.outline.clone()),
        spectrogram: Some(sound.spectrogram.clone()),
        gain_db: 0.0,
        is_solo: false,
        is_muted: false,
    });
    view.result = Some(Outcome {
        job: JobKey(Uuid::from_u128(1)),
        task: "separate".to_owned(),
        model: "mini 1".to_owned(),
        range: (0, song.mixture.outline.frames),
        stems: stems.collect(),
        sheets: Vec::new(),
        music: None,
        picked: None,
        transcript: None,
        report: None,
        difference_db: Some(-94.2),
        folder: PathBuf::from("/music/takes"),
    });
    view.jobs = vec![job(1, Stage::Ready { cost: 1 })].into();
    view.player = Player { monitor: Monitor::Stems, match_db: -1.2, ..Player::default() };
    view
}

/// The transport runs, and everything sounds.
fn sounds(window: &mut Window) {
    let gauges = &window.gauges;
    gauges.is_host_playing.store(true, Relaxed);
    gauges.tempo_bits.store(104.0f64.to_bits(), Relaxed);
    gauges.meter.store(4 << 16 | 4, Relaxed);
    gauges.playhead.store(391_000, Relaxed);
    let levels = [0.5, 0.42];
    gauges.input.iter().zip(levels).for_each(|(peak, level)| peak.raise(level));
    gauges.output.iter().zip(levels).for_each(|(peak, level)| peak.raise(level));
    gauges.stems.iter().zip([0.4, 0.7, 0.3, 0.15]).for_each(|(peak, level)| peak.raise(level));
    window.frame(Vec::new());
}

fn stands(window: &mut Window) {
    window.gauges.tempo_bits.store(104.0f64.to_bits(), Relaxed);
    window.gauges.meter.store(4 << 16 | 4, Relaxed);
    window.rest();
}

fn running(song: &Song, stage: Stage) -> View {
    let mut view = ready(song);
    view.jobs = vec![job(1, stage)].into();
    view
}

fn connection(song: &Song, connection: Connection) -> View {
    View { connection, offer: Vec::new().into(), account: None, ..ready(song) }
}

/// All of them.
pub(crate) fn all(song: &Song) -> Vec<Scene> {
    let mut scenes = beginnings(song);
    scenes.extend(captures(song));
    scenes.extend(jobs(song));
    scenes.extend(results(song));
    scenes.extend(paths(song));
    scenes.extend(opened(song));
    scenes.extend(sheets(song));
    scenes.extend(buying::all(song));
    scenes.extend(tasks::all(song));
    scenes
}

fn beginnings(song: &Song) -> Vec<Scene> {
    let unknown = |accepted_before: Option<&str>| Connection::Unknown {
        address: ADDRESS.to_owned(),
        fingerprint: ["AB:CD:12:34:56:78:9A:BC"; 4].join(":"),
        accepted_before: accepted_before.map(str::to_owned),
    };
    let before = ["11:22:33:44:55:66:77:88"; 4].join(":");
    let lost = Connection::Lost {
        address: ADDRESS.to_owned(),
        reason:
            "studio.local does not answer. See that the server runs and that this machine is in its network."
                .to_owned(),
    };
    let signed_out = Connection::SignedOut {
        address: ADDRESS.to_owned(),
        reason: "The server does not know this key. Enter the one that the server printed.".to_owned(),
    };
    let mut poor = ready(song);
    poor.choice.quote =
        Quote::Price { credits: 4, reason: "1 started minute at 4 credits".to_owned(), missing: 3 };
    poor.account = poor.account.map(|account| Account { available: 1, ..account });
    vec![
        scene(
            "01-first-start",
            nothing(),
            stands,
            &[
                "No take yet",
                "Arm and play, or choose a file",
                "No server",
                "tributary serve",
                "Enter an address",
            ],
        ),
        scene("02-no-take", online(song), stands, &["No take yet", "412 credits", "studio.local:8443"]),
        scene(
            "03-signed-out",
            connection(song, signed_out),
            stands,
            &["Signed out", "does not know this key", "Enter the key"],
        ),
        scene(
            "04-certificate",
            connection(song, unknown(None)),
            |window| window.click("Certificate"),
            &["seen for the first time", "AB:CD:12:34", "They are the same: accept"],
        ),
        scene(
            "05-certificate-changed",
            connection(song, unknown(Some(&before))),
            |window| window.click("Certificate"),
            &["is not the one you accepted", "11:22:33", "Accept the new certificate"],
        ),
        scene("06-lost", connection(song, lost), stands, &["No answer", "does not answer", "Try again"]),
        scene("07-no-credits", poor, stands, &["4 credits", "3 credits missing", "Buy credits", "of 1"]),
    ]
}

fn captures(song: &Song) -> Vec<Scene> {
    let with = |recorder| View { recorder, ..online(song) };
    let recording = Recorder::Recording { trigger: Trigger::Transport, room: Duration::from_secs(11_520) };
    let mut lossy = ready(song);
    let info = TakeInfo { lost_frames: 512, trim: Some((88_200, 700_000)), ..take(song) };
    lossy.take = lossy.take.map(|take| Take { info: Arc::new(info), ..take });
    vec![
        scene(
            "10-armed",
            with(Recorder::Armed),
            stands,
            &["Armed", "Waiting for the transport", "Record at once"],
        ),
        scene(
            "11-recording",
            with(recording),
            |window| {
                window.gauges.recorded_frames.store(547_000, Relaxed);
                sounds(window);
            },
            &["0:12.4", "Recording until the DAW stops", "Room on the disk for 3 h 12 min", "Stop"],
        ),
        scene(
            "12-importing",
            with(Recorder::Importing { name: "guitar-take-7.wav".to_owned(), share: 0.4 }),
            stands,
            &["Reading guitar-take-7.wav"],
        ),
        scene(
            "13-take-ready",
            ready(song),
            stands,
            &[
                "Verse 2",
                "At most 1 credit",
                "of 412",
                "Separate",
                "Tributary Mini",
                "No stems yet",
                "CC0-1.0",
            ],
        ),
        scene("14-lost-frames", lossy, stands, &["512 frames of sound were lost: record it again", "0:13.8"]),
    ]
}

fn jobs(song: &Song) -> Vec<Scene> {
    let left = Some(Duration::from_secs(18));
    let mut several = running(song, Stage::Running { chunks_done: 13, chunks: 31, left });
    let other = Job {
        title: "Chorus".to_owned(),
        take: TakeId(Uuid::from_u128(2)),
        ..job(2, Stage::Queued { in_front: 2 })
    };
    let third = Job {
        title: "Bridge".to_owned(),
        take: TakeId(Uuid::from_u128(3)),
        ..job(3, Stage::Uploading { share: 0.3 })
    };
    several.jobs = several.jobs.iter().cloned().chain([other, third]).collect();
    let failed = Stage::Failed {
        reason: "The server's graphics card ran out of memory. Try a shorter part.".to_owned(),
        released: None,
    };
    let waiting =
        Stage::Waiting { reason: "studio.local does not answer; the upload goes on when it does".to_owned() };
    vec![
        scene(
            "20-uploading",
            running(song, Stage::Uploading { share: 0.42 }),
            stands,
            &["Uploading  42 %", "Cancel (4 credits back)"],
        ),
        scene("21-waiting", running(song, waiting), stands, &["Waiting", "the upload goes on"]),
        scene(
            "22-queued",
            running(song, Stage::Queued { in_front: 3 }),
            stands,
            &["Queued, 3 jobs in front"],
        ),
        scene(
            "23-running",
            running(song, Stage::Running { chunks_done: 13, chunks: 31, left }),
            stands,
            &["Separating, chunk 14 of 31", "18 s left", "Cancel (about 2 credits back)"],
        ),
        scene(
            "24-several",
            several,
            |window| window.click("3 jobs"),
            &["3 jobs", "Queued, 2 jobs in front", "Bridge: Uploading"],
        ),
        scene(
            "25-cancelled",
            running(song, Stage::Cancelled { released: 3, cost: 1 }),
            stands,
            &["Cancelled", "3 credits back, 1 spent", "Run again"],
        ),
        scene(
            "26-failed",
            running(song, failed),
            stands,
            &["This did not work", "ran out of memory", "Nothing was charged", "Try again"],
        ),
        scene(
            "27-missing",
            running(song, Stage::Missing { cost: 1 }),
            stands,
            &["not on this disk any more", "Fetch again"],
        ),
    ]
}

fn results(song: &Song) -> Vec<Scene> {
    let mut mixed = done(song);
    if let Some(result) = &mut mixed.result {
        result.stems[0].gain_db = 2.5;
        result.stems[1].is_muted = true;
        result.stems[2].gain_db = -6.0;
        result.stems[3].is_solo = true;
    }
    mixed.player.looped = Some((220_500, 441_000));
    let mut free = done(song);
    free.player =
        Player { monitor: Monitor::Original, is_playing: true, match_db: -1.2, ..Player::default() };
    let mut told = done(song);
    told.notices = vec![
        Notice {
            number: 1,
            weight: Weight::Note,
            text: "A new version of mini is there.".to_owned(),
            path: None,
        },
        Notice {
            number: 2,
            weight: Weight::Warning,
            text: "The disk is almost full: 300 MB are left for takes and stems.".to_owned(),
            path: Some(PathBuf::from("/music/takes")),
        },
    ];
    vec![
        scene(
            "30-ready",
            done(song),
            stands,
            &[
                "Vocals",
                "Drums",
                "Bass",
                "Other",
                "0.0 dB",
                "differs by -94 dB",
                "Drag all",
                "Export",
                "Stems by mini 1",
            ],
        ),
        scene("31-playing", done(song), sounds, &["DAW plays", "104.0 bpm", "0:08.8"]),
        scene("32-mixed", mixed, sounds, &["+2.5 dB", "-6.0 dB"]),
        scene(
            "33-free-play",
            free,
            |window| {
                window.gauges.playhead.store(391_000, Relaxed);
                stands(window);
            },
            &["Free play", "matched by -1.2 dB"],
        ),
        scene(
            "34-spectrogram",
            done(song),
            |window| {
                stands(window);
                window.click("Spectrogram");
            },
            &["Spectrogram"],
        ),
        scene("35-notices", told, stands, &["The disk is almost full", "A new version of mini"]),
    ]
}

/// A folder is asked for.
fn asked(song: &Song, has_no_chooser: bool) -> View {
    View { asking: Some(Asking { purpose: Purpose::Export, has_no_chooser }), ..done(song) }
}

fn paths(song: &Song) -> Vec<Scene> {
    vec![
        scene(
            "39-path",
            asked(song, true),
            |window| {
                stands(window);
                window.click_at(egui::pos2(620.0, 64.0));
                window.frame(vec![egui::Event::Text("/music/takes".to_owned())]);
                window.rest();
            },
            &["opens no chooser", "Export", "/music/takes"],
        ),
        scene("39-path-chooser", asked(song, false), stands, &["in the window that opens", "/music/stems"]),
    ]
}

fn opened(song: &Song) -> Vec<Scene> {
    vec![
        scene(
            "36-take-list",
            done(song),
            |window| {
                stands(window);
                window.click("Verse 2");
            },
            &["Chorus", "guitar-take-7.wav"],
        ),
        scene(
            "37-model-list",
            ready(song),
            |window| {
                if window.size.0 < 860.0 {
                    window.click("Side panel");
                }
                window.click("Tributary Mini");
            },
            &["Tributary Large", "4 credits/min"],
        ),
        scene(
            "38-side-panel",
            done(song),
            |window| {
                if window.size.0 < 860.0 {
                    window.click("Side panel");
                }
                window.hover("Drag all stems");
            },
            &["Place in DAW", "Stems wanted"],
        ),
    ]
}

fn sheets(song: &Song) -> Vec<Scene> {
    let mut past = done(song);
    let failed = Stage::Failed { reason: "The clip was silent.".to_owned(), released: Some(4) };
    past.jobs = vec![
        Job {
            title: "Chorus".to_owned(),
            ..job(9, Stage::Running { chunks_done: 4, chunks: 31, left: None })
        },
        job(1, Stage::Ready { cost: 1 }),
        job(3, Stage::Missing { cost: 4 }),
        job(4, Stage::Cancelled { released: 4, cost: 0 }),
        job(5, failed),
    ]
    .into();
    vec![
        scene(
            "40-history",
            past.clone(),
            |window| window.click("History"),
            &[
                "History",
                "Separate with mini 1",
                "Ready, 1 credit",
                "Cancelled, 4 credits back",
                "Failed: The clip was silent.",
            ],
        ),
        scene(
            "41-history-takes",
            past,
            |window| {
                window.click("History");
                window.click("Takes");
                window.click("Delete take");
            },
            &["Delete \u{201c}Verse 2\u{201d}", "Keep", "Chorus"],
        ),
        scene(
            "42-settings",
            done(song),
            |window| window.click("Settings"),
            &["Server", "Key", "Connect", "Sign out", "Zoom", "200 %"],
        ),
        scene(
            "43-settings-first",
            nothing(),
            |window| window.click("Settings"),
            &["tributary serve", "Connect"],
        ),
    ]
}
