//! Every lint, in the order of how fast it answers. Changes nothing.

use crate::{codegen, run, tidy};

/// Format, tidy, generated code, clippy, documentation.
///
/// # Errors
/// The first that fails.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("format");
    run::run(&mut run::cargo(["fmt", "--all", "--check"]))?;
    println!("tidy");
    tidy::run()?;
    println!("generated code");
    codegen::run(true)?;
    println!("clippy");
    run::run(&mut run::cargo([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "--deny",
        "warnings",
    ]))?;
    println!("documentation");
    let mut doc = run::cargo(["doc", "--quiet", "--workspace", "--no-deps"]);
    run::run(doc.env("RUSTDOCFLAGS", "--deny warnings"))?;
    println!("all checks passed");
    Ok(())
}
