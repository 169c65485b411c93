//! Kills the server at every step of a job's way: everything ends settled, once.

use tributary_tests::child;

/// Not a test by itself: the process that the others kill.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_that_is_killed() {
    child::serve_if_child().await.unwrap();
}
