//! The examples that people read, run as they stand.

use super::world::World;
use std::path::Path;
use std::process::Command;

async fn check_example(program: &str) {
    let world = World::new().await;
    let song = world.song(2);
    let to = world.folder.path().join("vocals.wav");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(program);
    let mut command = Command::new(&script);
    command.arg(&song).args(["mini", "vocals"]).arg(&to);
    command
        .env("TRIBUTARY_API", format!("http://{}/api/v1", world.api))
        .env("TRIBUTARY_KEY", &world.server.key);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains("costs at most 1 of 600 credits") && said.contains("done: "), "{said}");
    let stem = tributary_audio::decode::open(&to).unwrap().shape();
    assert_eq!((stem.frames, stem.channels, stem.rate_hz), (88_200, 2, 44_100));
    assert_eq!(world.get("/account").await.json()["credits"]["posted"], 599);
    assert!(world.server.store.audit().await.unwrap().is_clean());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_for_the_shell_quotes_sends_waits_and_fetches() {
    check_example("api.sh").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_in_python_quotes_sends_waits_and_fetches() {
    check_example("api.py").await;
}
