//! What the window may ask of the session. Each is a wish, not a fact: the answer is the next [`crate::view::View`].

use crate::library::{JobKey, SettingRecord, TakeId};
use crate::view::{Monitor, Trigger, WindowSize};
use std::path::PathBuf;

/// Commands waiting at most; beyond that the window says that the plugin is busy.
pub const COMMANDS_MAX: usize = 64;

/// One wish.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "door", derive(serde::Deserialize))]
pub enum Command {
    // Capture
    /// Arm (wait for the transport) or record at once.
    Record(Trigger),
    /// End the recording and keep the take; or disarm.
    StopRecording,
    /// Let the user choose a file, then import it.
    ChooseFile,
    /// Make a take of this file.
    Import(PathBuf),

    // Takes
    /// Put a take in the window.
    SelectTake(TakeId),
    /// Give it another name.
    RenameTake(TakeId, String),
    /// Take it out of the library with all its results. Asked twice by the window.
    DeleteTake(TakeId),
    /// Send and play only these frames of the take in the window; `None` for all.
    Trim(Option<(u64, u64)>),
    /// Compute spectrograms of the take and stems in the window.
    WantSpectrograms,

    // Jobs
    /// Choose a task of the offer.
    ChooseTask(String),
    /// Choose a model of the offer.
    ChooseModel(String),
    /// Want a stem, or not.
    WantStem(String, bool),
    /// Give a control of the chosen model a value; `None` for its default.
    Set(String, Option<SettingRecord>),
    /// Let the user choose a file that the result shall be made like.
    ChooseReference,
    /// Use this file so.
    AddReference(PathBuf),
    /// Leave out the reference with this number, counted from 0.
    DropReference(usize),
    /// Send the take in the window through the chosen model. The window offers it only with a quote.
    Run,
    /// End a job.
    Cancel(JobKey),
    /// The same again, as a new job.
    Again(JobKey),
    /// Put a job's result (and its take) in the window.
    ShowJob(JobKey),
    /// Fetch a result whose files are gone.
    FetchAgain(JobKey),
    /// Take an ended job out of the history with its files.
    ForgetJob(JobKey),

    // Mix
    /// Gain of a stem, dB, -60 to +12.
    SetGain(String, f32),
    /// Solo on or off.
    SetSolo(String, bool),
    /// Mute on or off.
    SetMute(String, bool),
    /// What is heard.
    SetMonitor(Monitor),
    /// Whether the stems sound on their own outputs, too.
    SetOutputs(bool),

    // Notes
    /// These notes of the transcription in the window are picked, by their numbers; none for none.
    PickNotes(Vec<u32>),
    /// The row of the notes sounds as the picked ones alone, or as all of them.
    HearPicked(bool),

    // Free play
    /// Play or stop, while the host stands still.
    Play(bool),
    /// Go to this frame of the take.
    Locate(u64),
    /// Repeat these frames of the take.
    Loop(Option<(u64, u64)>),

    // Files
    /// Write all stems and MIDI of the result into a folder that the user chooses.
    Export,
    /// The same into this folder.
    ExportTo(PathBuf),
    /// The path that is asked for, as it was typed; nothing where it shall not be asked any more.
    GivePath(Option<PathBuf>),
    /// Show this file in the system's file browser.
    Reveal(PathBuf),

    // Server and account
    /// Use this server from now on.
    Connect {
        /// `https://..`, or `http://` for this machine.
        address: String,
        /// The API key.
        key: String,
    },
    /// Trust the certificate with this fingerprint, and it alone, for this server.
    Accept {
        /// As shown.
        fingerprint: String,
    },
    /// Forget server and key; a local server is looked for again.
    SignOut,
    /// Be let in at this server by the browser; what was waited for before is not any more.
    SignIn {
        /// As for [`Command::Connect`].
        address: String,
    },
    /// Wait no longer to be let in.
    CancelSignIn,
    /// Buy the pack with this name.
    Buy(String),
    /// The purchase in the window needs no more attention. What was paid is booked all the same.
    LeavePurchase,
    /// Ask the server again now.
    Refresh,

    // Window
    /// A notice was read.
    Dismiss(u64),
    /// The window has another size.
    Resize(WindowSize),
}
