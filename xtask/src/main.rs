//! Everything one does to the project, one command each. Runs tools and the built program; links none of our crates.

#![expect(clippy::print_stdout, reason = "a command line program speaks on standard output")]

mod bench;
mod bundle;
mod chaos;
mod check;
mod codegen;
mod daw;
mod demo;
mod eval;
mod install;
mod parity;
mod published;
mod run;
mod screens;
mod setup;
mod stage;
mod stripe;
mod studio;
mod test;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use workspace::Profile;

#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", about = "Everything one does to the project")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every service on a song and a voice clip, through a server and in a DAW; results, figures and a page go to ./demo-out
    Demo {
        /// The song; without one, ours (tests/song)
        file: Option<PathBuf>,
    },
    /// Draw every state of the plugin's window, without a window; pictures go to DIR or ./screens-out
    Screens {
        /// The folder
        dir: Option<PathBuf>,
    },
    /// Run every test
    Test,
    /// Kill a server under mixed load, on both databases, and prove its books afterwards
    Chaos {
        /// How often on each
        #[arg(long, default_value_t = 200)]
        kills: u32,
    },
    /// Run every lint: format, clippy, documentation, tidy, generated code
    Check,
    /// Measure speed and memory, and print them as ratios
    Bench {
        /// Only these
        parts: Vec<bench::Part>,
        /// Leave out the 60-minute clip, which takes several minutes; measure published separators with 2 layers
        #[arg(long)]
        short: bool,
        /// As the part `separation`; TRIBUTARY_TORCH_PYTHON may name a Python that has tests/hosts/separation.txt
        #[arg(long)]
        separation: bool,
        /// Separation on an NVIDIA card instead, as the part `separation-gpu`
        #[arg(long)]
        gpu: bool,
        /// Keep networks of full size here and take those that are [default: make them anew]
        #[arg(long, value_name = "DIR")]
        graphs: Option<PathBuf>,
    },
    /// Compare converted separators of full size with their publishers' code on PyTorch; TRIBUTARY_TORCH_PYTHON may name a
    /// Python that has tests/hosts/separation.txt, else 5 GB are fetched
    Parity {
        /// Only these
        networks: Vec<published::Network>,
        /// Graphs in half precision, as accelerators have them
        #[arg(long)]
        half: bool,
        /// Roformers with 2 layers
        #[arg(long)]
        short: bool,
        /// Keep networks here and take those that are [default: make them anew]
        #[arg(long, value_name = "DIR")]
        graphs: Option<PathBuf>,
    },
    /// Separate songs whose stems are known by every installed model, and print how good the stems are
    Eval {
        /// A folder with a folder a song: mixture.flac (or .wav), vocals.flac, drums.flac, .. [default: our song]
        songs: Option<PathBuf>,
        /// Data folder with the models [default: the user's own]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
        /// Only these models [default: all that are installed]
        #[arg(long = "model", value_name = "NAME")]
        models: Vec<String>,
        /// A control of the models, as `tributary separate --set` takes it
        #[arg(long = "set", value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
    /// Make the plugin: target/bundled/Tributary.clap and Tributary.vst3
    Bundle {
        /// Without optimisation, for tests; goes to target/bundled-debug
        #[arg(long)]
        debug: bool,
        /// Features of the plugin's crate, with commas
        #[arg(long, value_delimiter = ',')]
        features: Vec<String>,
    },
    /// Put the plugin where this user's hosts look
    Install,
    /// Start a local server, unless one runs, and the plugin as a program of its own
    Studio,
    /// Answer as Stripe does, to try a shop without an account there; prints what the server must be told
    Stripe {
        /// Where the server takes events [default: http://127.0.0.1:7703/stripe/events]
        events: Option<String>,
    },
    /// Play the plugin in Ardour, on a screen that nobody sees; pictures go to target/daw
    Daw,
    /// See that the tools are there, install what is missing where that is possible, and fetch ONNX Runtime
    Setup {
        /// The library for NVIDIA cards (256 MB to fetch)
        #[arg(long)]
        gpu: bool,
    },
    /// Hold the rules of CONVENTIONS.md that no lint knows
    Tidy,
    /// Write the wire types from protocol/proto
    Codegen {
        /// Write nothing; fail if the committed file is stale
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo { file } => demo::run(file),
        Task::Screens { dir } => screens::run(dir),
        Task::Chaos { kills } => chaos::run(kills),
        Task::Test => test::run(),
        Task::Check => check::run(),
        Task::Bench { parts, short, separation, gpu, graphs } => {
            bench::run(&bench::Wish { parts: bench::Part::chosen(parts, separation, gpu), short, graphs })
        }
        Task::Parity { networks, half, short, graphs } => {
            parity::run(&parity::Wish { networks, half, short, graphs })
        }
        Task::Eval { songs, data, models, settings } => {
            eval::run(&eval::Wish { songs, data, models, settings })
        }
        Task::Bundle { debug, features } => {
            bundle::run(if debug { Profile::Dev } else { Profile::Release }, &features)
        }
        Task::Install => install::run(),
        Task::Studio => studio::run(),
        Task::Stripe { events } => stripe::run(events),
        Task::Daw => daw::run(),
        Task::Setup { gpu } => setup::run().and_then(|()| setup::database()).map(|()| {
            setup::tests();
            setup::engine(gpu);
        }),
        Task::Tidy => tidy::run(),
        Task::Codegen { check } => codegen::run(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
