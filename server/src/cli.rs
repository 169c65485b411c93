//! The `tributary` command: parses, dispatches, and turns errors into words and exit codes. One file a command.

mod accounts;
mod balance;
mod batch;
mod cancel;
mod canonical;
mod connection;
mod db;
mod doctor;
mod enhance;
mod fetch;
mod jobs;
mod keyring;
mod log;
mod mail;
mod master;
mod models;
mod output;
mod people;
mod quote;
mod report;
mod screen;
mod separate;
mod serve;
mod shop;
mod sign_in;
mod transcribe;
mod worker;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use tributary_protocol::client::ClientError;

/// Separates, enhances, transcribes and masters sound: on this machine, or on a server you share.
///
/// First `tributary serve`, then `tributary separate song.wav`. Exit codes: 0 done, 1 a job failed or was
/// cancelled, 2 wrong usage or an unreadable file, 3 not enough credits, 4 the server cannot be reached.
#[derive(Parser)]
#[command(name = "tributary", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the data lies and which server is meant.
#[derive(clap::Args, Clone)]
struct Place {
    /// Data folder of the server on this machine [default: the user's data folder]
    #[arg(long, global = true, env = "TRIBUTARY_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// Configuration of the server on this machine [default: tributary.toml in the data folder]
    #[arg(long, global = true, env = "TRIBUTARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Server to use, like https://stems.example.org:7700 [default: the one on this machine]
    #[arg(long, global = true, env = "TRIBUTARY_SERVER", value_name = "URL")]
    server: Option<String>,
    /// API key for that server [default: the one that `tributary sign-in` kept, or the local account's]
    #[arg(long, global = true, env = "TRIBUTARY_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Trust only this certificate (PEM), as a server on a studio's network makes it
    #[arg(long, global = true, env = "TRIBUTARY_CERTIFICATE", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// ONNX Runtime's library, like libonnxruntime.so.1.31.1: runs networks two to six times faster than the engine
    /// that is built in
    #[arg(long, global = true, env = "TRIBUTARY_ONNXRUNTIME", value_name = "FILE")]
    onnx_runtime: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server; the first start makes the data folder, an account with credits and its key
    Serve(serve::Args),
    /// Run jobs only, for servers started with --no-worker on the same PostgreSQL database
    Worker(worker::Args),
    /// Separate songs into stems
    Separate(separate::Args),
    /// Take the noise out of speech
    Enhance(enhance::Args),
    /// Write down notes, beats, tempo and key: MIDI, MusicXML, CSV; or, with --model whisper-base, words: text, SRT and
    /// VTT subtitles, markers.txt (Audacity's labels) and markers.csv (REAPER's regions)
    Transcribe(transcribe::Args),
    /// Bring a mix to loudness and true peak, like a reference where one is given
    Master(master::Args),
    /// What a file would cost
    Quote(quote::Args),
    /// Your jobs, newest first; cancel one, fetch its results again, or erase them
    Jobs(jobs::Args),
    /// Get a key for a server by confirming a code in a browser; it is kept for this user and this server
    SignIn,
    /// Forget the key that sign-in kept for a server
    SignOut,
    /// What credits cost here
    Packs(shop::PacksArgs),
    /// Buy credits: prints the page where they are paid, and waits until they are
    Buy(shop::BuyArgs),
    /// Your credits
    Balance(balance::BalanceArgs),
    /// Every movement of your credits, newest first
    History(balance::HistoryArgs),
    /// Operator: credits of the accounts on this machine
    Credits(accounts::CreditsArgs),
    /// Operator: accounts on this machine
    Accounts(accounts::AccountsArgs),
    /// Operator: API keys of an account on this machine
    Keys(accounts::KeysArgs),
    /// Operator: people of this server
    People(people::PeopleArgs),
    /// Operator: send a letter as the server would, to see that it arrives
    Mail(mail::Args),
    /// Operator: the database; make, check, back up, restore, move to PostgreSQL
    Db(db::Args),
    /// Which models there are, what they can and what they cost
    Models(models::Args),
    /// Measure stems and draw them: an HTML page that opens from disk
    Report(report::Args),
    /// What is installed, what is missing, what to run
    Doctor(doctor::Args),
}

/// Every job is done.
const DONE: u8 = 0;
/// A job failed or was cancelled.
const JOB_FAILED: u8 = 1;
/// Wrong usage, or a file that cannot be used.
const USAGE: u8 = 2;
/// Not enough credits.
const NO_CREDITS: u8 = 3;
/// The server cannot be reached, or cannot prove that it is the one.
const UNREACHABLE: u8 = 4;

/// A command that ended before it could do anything useful, and the exit code that says why.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
struct Ended(u8);

/// Runs the command named on the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen::error(&anyhow::Error::new(error).context("start the runtime"));
            return ExitCode::from(USAGE);
        }
    };
    let code = match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => {
            let code = exit_code(&error);
            if !error.is::<Ended>() {
                screen::error(&error);
            }
            code
        }
    };
    // Blocking work of a cancelled command must not keep the terminal.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn run(cli: Cli) -> anyhow::Result<u8> {
    let place = cli.place;
    if let Some(library) = &place.onnx_runtime
        && let Err(error) = tributary_models::session::use_onnx_runtime(library)
    {
        screen::note(format!("{}; going on with the engine that is built in", screen::chain(&error.into())));
    }
    match cli.command {
        Command::Serve(args) => serve::run(place, args).await,
        Command::Worker(args) => worker::run(place, args).await,
        Command::Separate(args) => separate::run(place, args).await,
        Command::Enhance(args) => enhance::run(place, args).await,
        Command::Transcribe(args) => transcribe::run(place, args).await,
        Command::Master(args) => master::run(place, args).await,
        Command::Quote(args) => quote::run(place, args).await,
        Command::Jobs(args) => jobs::run(place, args).await,
        Command::SignIn => sign_in::sign_in(place).await,
        Command::SignOut => sign_in::sign_out(place).await,
        Command::Packs(args) => shop::packs(place, args).await,
        Command::Buy(args) => shop::buy(place, args).await,
        Command::Balance(args) => balance::balance(place, args).await,
        Command::History(args) => balance::history(place, args).await,
        Command::Credits(args) => accounts::credits(place, args).await,
        Command::Accounts(args) => accounts::accounts(place, args).await,
        Command::Keys(args) => accounts::keys(place, args).await,
        Command::People(args) => people::run(place, args).await,
        Command::Mail(args) => mail::run(place, args).await,
        Command::Db(args) => db::run(place, args).await,
        Command::Models(args) => models::run(place, args).await,
        Command::Report(args) => report::run(args),
        Command::Doctor(args) => doctor::run(place, args).await,
    }
}

/// The exit code an error stands for.
fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(Ended(code)) = error.downcast_ref::<Ended>() {
        return *code;
    }
    match error.chain().find_map(|cause| cause.downcast_ref::<ClientError>()) {
        Some(ClientError::NotEnoughCredits { .. } | ClientError::OverLimit | ClientError::Suspended) => {
            NO_CREDITS
        }
        Some(ClientError::Unreachable { .. } | ClientError::Untrusted { .. }) => UNREACHABLE,
        Some(ClientError::Refused { .. } | ClientError::SignIn | ClientError::Conflict) => USAGE,
        Some(ClientError::UnknownJob { .. } | ClientError::BadAddress { .. }) => USAGE,
        Some(ClientError::InsecureAddress { .. } | ClientError::BadCertificate { .. }) => USAGE,
        Some(_) => JOB_FAILED,
        None => USAGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use tributary_protocol::vocab::Credits;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        let no_credits = ClientError::NotEnoughCredits { needed: Credits(2), available: Credits(1) };
        assert_eq!(exit_code(&anyhow::Error::new(no_credits).context("create the job")), NO_CREDITS);
        let refused = ClientError::Refused { reason: "no".to_owned() };
        assert_eq!(exit_code(&anyhow::Error::new(refused)), USAGE);
        assert_eq!(exit_code(&anyhow::anyhow!("not an audio file")), USAGE);
        assert_eq!(exit_code(&anyhow::Error::new(Ended(JOB_FAILED))), JOB_FAILED);
    }
}
