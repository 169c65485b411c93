//! Coming, going and being many: what a DAW does with instances, whatever the server does.

use serde_json::json;
use std::net::TcpListener;
use std::time::Instant;
use tributary_tests::command::Serve;
use tributary_tests::plugin_host::{Host, Plugin, Setup, Transport};
use tributary_tests::{World, alone, alone_with, measured, producer};

const RATE_HZ: u32 = 8_000;

fn host(world: &World) -> Host {
    Host::open(&world.folder.join("door")).unwrap()
}

/// What this process holds: threads, open files, resident KiB.
#[derive(Clone, Copy, Debug)]
struct Held {
    threads: usize,
    files: usize,
    resident_kib: u64,
}

/// Threads of this process that still run. A joined one is listed a little longer, marked as ending: `PF_EXITING`, in
/// the ninth field of proc_pid_stat(5).
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    let flags =
        stats.filter_map(|stat| stat.rsplit_once(')')?.1.split_whitespace().nth(6)?.parse::<u64>().ok());
    flags.filter(|flags| flags & 0x4 == 0).count()
}

fn held() -> Held {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    Held {
        threads: threads(),
        files: std::fs::read_dir("/proc/self/fd").unwrap().count(),
        resident_kib: resident.trim().trim_end_matches("kB").trim().parse().unwrap(),
    }
}

/// One life: made, given its project, played a little, dropped.
fn live(host: &Host, project: &[u8], sound: &[Vec<f32>]) {
    let mut plugin = host.plugin().unwrap();
    assert!(plugin.load(project).unwrap());
    plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
    plugin.transport = Transport::playing_from(0);
    assert_eq!(plugin.play(sound).unwrap().main, sound);
}

#[test]
fn two_hundred_lives_with_a_job_in_flight_leave_nothing_behind_and_the_job_arrives_once() {
    // With one arena, the allocator keeps nothing of its own for each thread there was: that differs by tens of megabytes from
    // run to run, ends some time, and hides what is left behind.
    alone_with(&[("MALLOC_ARENA_MAX", "1")], |world| {
        // In a process of its own, so that what is counted here is the plugin's.
        let server = Serve::start(&world.data()).unwrap();
        let host = host(world);
        let mut plugin = host.plugin().unwrap();
        plugin.activate(Setup { rate_hz: RATE_HZ, is_offline: true, ..Setup::default() }).unwrap();
        producer::connected(&mut plugin);
        let long = tributary_tests::signal::song(1, 600 * u64::from(RATE_HZ), 2, RATE_HZ);
        producer::record(&mut plugin, &tributary_tests::files::planar(&long, 2), 0).unwrap();
        let key = producer::run(&mut plugin);
        let project = plugin.save().unwrap();
        drop(plugin);

        let sound = vec![vec![0.25; 2_000]; 2];
        // The allocator and the system's libraries keep what the first lives taught them.
        for _ in 0..100 {
            live(&host, &project, &sound);
        }
        let before = held();
        let began = Instant::now();
        for _ in 0..200 {
            live(&host, &project, &sound);
        }
        let each = began.elapsed().as_secs_f64() * 1e3 / 200.0;
        let after = held();
        measured(&format!("a life took {each:.1} ms; before {before:?}, after 200 more {after:?}"));
        assert_eq!((after.threads, after.files), (before.threads, before.files), "threads and files");
        let grown = after.resident_kib.saturating_sub(before.resident_kib);
        assert!(grown < 32 * 1024, "200 lives left {grown} KiB behind");

        let mut plugin = host.plugin().unwrap();
        assert!(plugin.load(&project).unwrap());
        plugin.activate(Setup { rate_hz: RATE_HZ, ..Setup::default() }).unwrap();
        let (_, cost) = producer::finished(&mut plugin, &key);
        plugin.until("the balance, paid once", |view| {
            view["account"]["available"].as_u64().filter(|available| available + cost == 600)
        });
        drop(plugin);
        assert_eq!(server.terminate().unwrap(), Some(0));
    });
}

#[test]
fn twenty_instances_record_at_once_each_its_own_take() {
    alone(|world| {
        let host = host(world);
        let mut plugins: Vec<Plugin> = (0..20).map(|_| host.plugin().unwrap()).collect();
        for plugin in &mut plugins {
            plugin.activate(Setup::default()).unwrap();
            plugin.door.send(&json!({ "Record": "Transport" }));
        }
        for plugin in &mut plugins {
            plugin.until("armed", |view| (view["recorder"] == "armed").then_some(()));
            plugin.transport = Transport::playing_from(0);
        }
        let sound = |number: usize| vec![vec![number as f32 / 32.0; 512]; 2];
        for _ in 0..100 {
            for (number, plugin) in plugins.iter_mut().enumerate() {
                assert_eq!(plugin.play(&sound(number)).unwrap().main, sound(number));
            }
        }
        for (number, plugin) in plugins.iter_mut().enumerate() {
            plugin.transport.is_playing = false;
            let take = plugin.until("the take", |view| {
                Some(view["take"].clone()).filter(|take| view["recorder"] == "idle" && take.is_object())
            });
            assert_eq!((&take["frames"], &take["lost_frames"]), (&json!(51_200), &json!(0)));
            let kept = producer::samples(&world.folder.join("library"), &take).unwrap();
            assert!(kept.iter().all(|sample| *sample == number as f32 / 32.0), "take {number} is another's");
        }
    });
}

/// A life with this server configured; prints how long the host's calls took.
fn check_server(host: &Host, name: &str, address: &str) {
    let mut plugin = host.plugin().unwrap();
    plugin.connect(address);
    plugin.until("the address", |view| {
        view["connection"]["address"].as_str().filter(|shown| *shown == address).map(|_| ())
    });
    let project = plugin.save().unwrap();
    drop(plugin);
    let sound = vec![vec![0.25; 2_000]; 2];
    let timed = |name: &str, began: Instant| format!("{name} {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
    let began = Instant::now();
    let mut plugin = host.plugin().unwrap();
    let made = timed("made in", began);
    let began = Instant::now();
    assert!(plugin.load(&project).unwrap());
    let loaded = timed("loaded in", began);
    let began = Instant::now();
    plugin.activate(Setup::default()).unwrap();
    let activated = timed("activated in", began);
    assert_eq!(plugin.play(&sound).unwrap().main, sound);
    let began = Instant::now();
    drop(plugin);
    measured(&format!("{name}: {made}, {loaded}, {activated}, {}", timed("gone in", began)));
}

#[test]
fn no_server_of_any_kind_keeps_a_project_from_opening() {
    alone(|world| {
        let host = host(world);
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let closed = address(&TcpListener::bind("127.0.0.1:0").unwrap());
        check_server(&host, "a closed port", &closed);
        check_server(&host, "a server that never answers", &address(&silent));
    });
}

#[test]
fn a_project_of_any_bytes_is_refused_or_taken_and_never_ends_the_host() {
    alone(|world| {
        let host = host(world);
        let mut plugin = host.plugin().unwrap();
        let whole = plugin.save().unwrap();
        let mut damaged: Vec<Vec<u8>> = vec![vec![], vec![0; 8], vec![0xFF; 64], b"{}".to_vec()];
        for at in 0..whole.len() {
            damaged.push(whole[..at].to_vec());
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            damaged.push(flipped);
        }
        for bytes in damaged {
            plugin.load(&bytes).unwrap();
        }
        assert!(plugin.load(&whole).unwrap());
        plugin.activate(Setup::default()).unwrap();
        let sound = vec![vec![0.25; 600]; 2];
        assert_eq!(plugin.play(&sound).unwrap().main, sound);
    });
}
