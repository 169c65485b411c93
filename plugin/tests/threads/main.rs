//! Threads of all sessions of a process; a test of its own, so that nothing else runs in it. The host may unload the
//! library once the last instance is gone, so by then no thread of ours may be left.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::time::{Duration, Instant};
use tributary_plugin::audio::pair;
use tributary_plugin::command::Command;
use tributary_plugin::project::Project;
use tributary_plugin::session::{Places, Session};
use tributary_plugin::view::Connection;

/// `PF_EXITING` of Linux: such a thread never runs the program's code again. A joined one is listed a little longer,
/// for its end is told before it is taken from the list.
const EXITING: u64 = 0x4;

/// Names of this process's threads that are ours and still run.
fn ours() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    // proc_pid_stat(5): the name stands in brackets and is the second field, the flags are the ninth.
    let running = stats.filter_map(|stat| {
        let (before, after) = stat.rsplit_once(')')?;
        let flags: u64 = after.split_whitespace().nth(6)?.parse().unwrap();
        (flags & EXITING == 0).then(|| before.split_once('(').unwrap().1.to_owned())
    });
    running.filter(|name| name.starts_with("tributary")).collect()
}

fn open(root: &std::path::Path) -> Session {
    let (_, desk) = pair();
    let places = Places {
        library: root.join("library"),
        settings: root.join("plugin.toml"),
        server: root.join("server"),
    };
    Session::open(desk, Project::new(), places, Arc::new(|| {}))
}

fn until(session: &Session, is_so: impl Fn(&Connection) -> bool) {
    let began = Instant::now();
    while !is_so(&session.view().connection) {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {:?}", session.view());
        std::thread::yield_now();
    }
}

#[test]
fn the_last_instance_leaves_no_thread() {
    let folder = tempfile::tempdir().unwrap();
    // Takes connections and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    for _ in 0..20 {
        let sessions: Vec<_> = (0..4).map(|_| open(folder.path())).collect();
        sessions[0].send(Command::Connect { address: address.clone(), key: "tk".into() }).unwrap();
        until(&sessions[0], |connection| *connection != Connection::NoServer);
        assert!(!ours().is_empty());
        drop(sessions);
        assert_eq!(ours(), Vec::<String>::new());
    }
}
