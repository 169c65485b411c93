//! Kills a server again and again under mixed load, on both databases, and prints what came of it.

use crate::{run, setup};

/// The test that does it.
const TEST: &str = "chaos::";
/// Tells it how often.
const KILLS: &str = "TRIBUTARY_CHAOS_KILLS";
/// Chooses the database of the servers that tests start.
const STORE: &str = "TRIBUTARY_TEST_STORE";

/// `kills` times on SQLite, and as often on PostgreSQL.
///
/// # Errors
/// Where the books are wrong afterwards, or PostgreSQL is missing.
pub(crate) fn run(kills: u32) -> anyhow::Result<()> {
    setup::database()?;
    for store in ["sqlite", "postgres"] {
        println!("{store}: {kills} kills");
        let mut test = run::cargo(["test", "--quiet", "--package", "tributary-tests", "--test", "e2e", "--"]);
        test.args([TEST, "--nocapture"]).env(KILLS, kills.to_string()).env(STORE, store);
        run::run(&mut test)?;
    }
    Ok(())
}
