//! A studio begins with a file and moves to PostgreSQL: the `tributary db` commands as an operator runs them.

use std::path::Path;
use tempfile::TempDir;
use tributary_tests::command::{Ran, Serve, tributary};
use tributary_tests::{database, signal};

/// A command on the data folder; its database is what the folder's own configuration says.
fn run(data: &Path, args: &[&str]) -> Ran {
    let mut command = tributary(data).unwrap();
    command.env_remove(database::CONFIGURED).args(args).output().unwrap().into()
}

fn done(data: &Path, args: &[&str]) -> String {
    let ran = run(data, args);
    assert_eq!(ran.code, Some(0), "{args:?}: {ran:?}");
    ran.out
}

fn refused(data: &Path, args: &[&str], words: &str) {
    let ran = run(data, args);
    assert_eq!(ran.code, Some(2), "{args:?}: {ran:?}");
    assert!(ran.err.contains(words), "{args:?}: {}", ran.err);
}

fn configure(data: &Path, database: &str) {
    std::fs::write(data.join("tributary.toml"), format!("database = \"{database}\"\n")).unwrap();
}

fn serve(data: &Path) -> Serve {
    // An empty value would count as set: the folder's file says it again.
    let text = std::fs::read_to_string(data.join("tributary.toml")).unwrap_or_default();
    let address = text.split('"').nth(1).unwrap_or_default().to_owned();
    Serve::start_with(data, &[], &[(database::CONFIGURED, &address)]).unwrap()
}

#[test]
fn a_studio_moves_from_its_file_to_postgres_and_back_into_a_backup() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let song = folder.path().join("song.wav");
    signal::write_wav(&song, &signal::song(1, 44_100, 2, 44_100), 2, 44_100).unwrap();
    let server = serve(&data);
    let path = |name: &str| folder.path().join(name).display().to_string();
    done(&data, &["separate", &song.display().to_string(), "--out", &path("before")]);
    assert_eq!(server.terminate().unwrap(), Some(0));
    let (balance, history) = (done(&data, &["credits", "audit"]), done(&data, &["accounts", "list"]));
    assert!(balance.contains("the books are right"));

    let [app, admin] = database::empty().unwrap();
    configure(&data, &app);
    refused(&data, &["db", "check"], "run `tributary db migrate --admin");
    refused(&data, &["db", "migrate"], "--admin postgres://");
    refused(&data, &["serve"], "run `tributary db migrate --admin");
    assert!(done(&data, &["db", "migrate", "--admin", &admin]).contains("the tables were made, version"));
    assert!(done(&data, &["db", "migrate", "--admin", &admin]).contains("up to date"));
    assert!(done(&data, &["db", "import-sqlite", "--admin", &admin]).contains("job"));
    refused(&data, &["db", "import-sqlite", "--admin", &admin], "has 1 accounts already");
    assert!(done(&data, &["db", "check"]).contains("accounts are kept apart"));
    assert_eq!(done(&data, &["accounts", "list"]), history);

    // The same key, the same jobs, the same stems: the data folder is the same.
    let server = serve(&data);
    let jobs = done(&data, &["jobs"]);
    assert!(jobs.contains("song"), "{jobs}");
    done(&data, &["separate", &song.display().to_string(), "--out", &path("after")]);
    let backup = path("backup.db");
    done(&data, &["db", "backup", &backup]);
    refused(&data, &["db", "backup", &backup], "is there already");
    refused(&data, &["db", "import-sqlite", "--admin", &admin], "another server uses the data folder");
    assert_eq!(server.terminate().unwrap(), Some(0));
    done(&data, &["credits", "audit"]);
    let accounts = done(&data, &["accounts", "list"]);

    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    done(&other, &["db", "restore", &backup]);
    assert_eq!(done(&other, &["accounts", "list"]), accounts);
    refused(&other, &["db", "restore", &backup], "is there already");
    assert!(done(&other, &["db", "check"]).contains("1 accounts, 0 open jobs; the books are right"));
}

#[test]
fn a_server_refuses_a_superuser_and_never_shows_a_password() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let [app, admin] = database::empty().unwrap();
    configure(&data, &app);
    done(&data, &["db", "migrate", "--admin", &admin]);
    configure(&data, &admin);
    refused(
        &data,
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--listen-http",
            "127.0.0.1:0",
            "--listen-pages",
            "127.0.0.1:0",
        ],
        "serve as tributary_app",
    );
    configure(&data, "postgres://tributary_app:s3cret@127.0.0.1:1/nowhere");
    let shown = done(&data, &["serve", "--print-config"]);
    assert!(shown.contains("tributary_app:***@") && !shown.contains("s3cret"), "{shown}");
    refused(&data, &["db", "check"], "cannot connect to the database nowhere on 127.0.0.1, as tributary_app");
    configure(&data, "mysql://s3cret");
    let ran = run(&data, &["db", "check"]);
    assert!(ran.err.contains("`database` is no address") && !ran.err.contains("s3cret"), "{ran:?}");
}
