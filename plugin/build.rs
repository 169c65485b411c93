//! Tells the linker that hosts must keep the library once it is loaded.

/// The system's file dialog runs on a thread that nobody can join: an open one would run on in unloaded code.
fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo::rerun-if-changed=build.rs");
}
