//! The stand-in of Stripe on a developer's desk, until it is stopped.

use crate::run;

const DOUBLE: &str = "tributary-stripe-double";

/// Serves until it is stopped.
///
/// # Errors
/// A program that does not build or start.
pub(crate) fn run(events: Option<String>) -> anyhow::Result<()> {
    let mut command = run::cargo(["run", "--quiet", "--package", DOUBLE]);
    run::run(command.arg("--").args(events))
}
