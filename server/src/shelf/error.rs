//! Why something did not get onto the shelf; one variant for each thing its owner can do about it.

use std::io;
use std::path::{Path, PathBuf};
use tributary_models::ModelError;
use tributary_models::convert::{ConvertError, TrialError};
use tributary_models::weights::Pin;

/// Why the shelf could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShelfError {
    /// The licence does not say that results may be used commercially, and nobody accepted that.
    #[error(
        "`{model}` by {publisher} comes under `{licence}`, which does not say that results may be used commercially; \
         read it, then add --accept-licence"
    )]
    Licence {
        /// Which model.
        model: String,
        /// Its licence.
        licence: String,
        /// Whom to ask.
        publisher: String,
    },
    /// Another command works on the folder.
    #[error("another command works on the models in {}; wait for it", folder.display())]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// No room.
    #[error("no room for {}; make some, what was fetched is kept and goes on from there", path.display())]
    DiskFull {
        /// What should have been written.
        path: PathBuf,
    },
    /// No room for what would be made.
    #[error(
        "making the graph takes {} MB, and {} MB are free in {}; nothing was written",
        needed_bytes.div_ceil(1_000_000), free_bytes / 1_000_000, folder.display()
    )]
    NoRoom {
        /// Where it would have been made.
        folder: PathBuf,
        /// As much as this.
        needed_bytes: u64,
        /// As much is free.
        free_bytes: u64,
    },
    /// A checkpoint that cannot be made into a graph.
    #[error("no graph can be made of {}", checkpoint.display())]
    Convert {
        /// Which file.
        checkpoint: PathBuf,
        /// Why not.
        #[source]
        cause: Box<ConvertError>,
    },
    /// A graph was made and does not do what a graph should.
    #[error("the graph made of {} is of no use, and was not kept", checkpoint.display())]
    Trial {
        /// Of which file.
        checkpoint: PathBuf,
        /// What was wrong.
        #[source]
        cause: Box<TrialError>,
    },
    /// Two engines make different things of a graph.
    #[error(
        "the graph made of {} was not kept: rten and ONNX Runtime differ on it, by {apart_db:.0} dB of what comes out",
        checkpoint.display()
    )]
    EnginesDiffer {
        /// Of which file.
        checkpoint: PathBuf,
        /// Power of the difference over that of what comes out.
        apart_db: f64,
    },
    /// The card is not of this checkpoint.
    #[error("the card of `{model}` says {said}, and its checkpoint is {found}")]
    NotTheCards {
        /// Which model.
        model: String,
        /// Architecture and stems of the card.
        said: String,
        /// Those of the checkpoint.
        found: String,
    },
    /// The settings of a checkpoint are nowhere.
    #[error(
        "the checkpoint of `{model}` needs its settings: put {file} beside it, or name it with --settings"
    )]
    NoSettings {
        /// Which model.
        model: String,
        /// What its publisher calls them.
        file: String,
    },
    /// Another checkpoint of a model that has several is not where it was looked for.
    #[error("`{model}` is made of several checkpoints: put {file} beside the one you named")]
    NotWhole {
        /// Which model.
        model: String,
        /// What its publisher calls the other.
        file: String,
    },
    /// A name that another model has.
    #[error(
        "there is another model `{name}`: choose another name, or `tributary models remove {name}` first"
    )]
    NameTaken {
        /// Which name.
        name: String,
    },
    /// A card that was to be written is not one.
    #[error("no card can be written")]
    Card(#[source] ModelError),
    /// None of the sources gave the file.
    #[error("`{file}` of `{model}` could not be had: {}", reasons(failed))]
    NoSource {
        /// Which model.
        model: String,
        /// Which of its files.
        file: String,
        /// Every source and what was wrong with it.
        failed: Vec<(String, ShelfError)>,
    },
    /// What came is another file.
    #[error(
        "{from} has SHA-256 {found}, the card says {expected}: it is another file, or was changed on its way"
    )]
    WrongHash {
        /// Where from.
        from: String,
        /// As the card says.
        expected: String,
        /// As it is.
        found: String,
    },
    /// What came is not what came first, and no checksum is published that would tell which is right.
    #[error(
        "{from} has SHA-256 {found}, but {} was pinned on {} when {} came from {}: it was changed there or on its way; if \
         its publisher says that there is a new version, `tributary models remove {model}` forgets the old one",
        pin.sha256, pin.date, pin.file, pin.source
    )]
    NotAsPinned {
        /// Which model.
        model: String,
        /// Where from.
        from: String,
        /// As it is.
        found: String,
        /// What came first.
        pin: Box<Pin>,
    },
    /// What came has another size, and there is no checksum that would say more.
    #[error("{from} has {found} bytes, the card says {expected}: it is another file, or was cut short")]
    WrongSize {
        /// Where from.
        from: String,
        /// As the card says.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// Several models need a file of that name, and none has its checksum.
    #[error(
        "{} may be a file of {cards}: put it in a folder that is called like its model, and import it from there",
        file.display()
    )]
    Ambiguous {
        /// Which file.
        file: PathBuf,
        /// The models.
        cards: String,
    },
    /// No card needs this file.
    #[error("no model needs {} (SHA-256 {found}); `tributary models list --local` shows the models", file.display())]
    Stranger {
        /// Which file.
        file: PathBuf,
        /// Its hash.
        found: String,
    },
    /// Nobody answers: no network, no such host, no trust.
    #[error("{url} cannot be reached ({reason})")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// In the network's words.
        reason: String,
    },
    /// The server has something against it.
    #[error("{url} answers with status {status}")]
    Refused {
        /// What was asked for.
        url: String,
        /// HTTP.
        status: u16,
    },
    /// The connection went away, more than once.
    #[error("{url} broke off after {done_bytes} bytes ({reason}); the same command goes on from there")]
    BrokenOff {
        /// What was asked for.
        url: String,
        /// On disk.
        done_bytes: u64,
        /// In the network's words.
        reason: String,
    },
    /// It does not end.
    #[error("{from} is larger than {} GB", super::FILE_BYTES_MAX >> 30)]
    TooLarge {
        /// What was asked for.
        from: String,
    },
    /// A card's source that nobody understands.
    #[error("it is no source: {reason}")]
    BadSource {
        /// What would be one.
        reason: String,
    },
    /// The index of packages has not got it.
    #[error("{index} has no wheel of {package} ({reason})")]
    NoWheel {
        /// Which index.
        index: String,
        /// Name and version.
        package: String,
        /// What was wrong.
        reason: String,
    },
    /// The package has no such member, or is damaged.
    #[error("{} has no usable `{member}` ({reason})", wheel.display())]
    NoMember {
        /// Which package.
        wheel: PathBuf,
        /// What should be in it.
        member: String,
        /// What was wrong.
        reason: String,
    },
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
}

impl ShelfError {
    /// A full disk has its own variant, wherever it shows.
    pub(super) fn io(action: &'static str, path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { path: path.to_owned() }
            }
            _ => Self::Io { action, path: path.to_owned(), cause },
        }
    }

    /// Whether the same question may have another answer soon.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::BrokenOff { .. } => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

/// All in one line, with what helps where the network is what is missing.
fn reasons(failed: &[(String, ShelfError)]) -> String {
    if failed.is_empty() {
        return "its card names no source; bring the file and run `tributary models import FILE`".to_owned();
    }
    let said = |error: &ShelfError| match error {
        ShelfError::Io { cause, .. } => format!("{error}: {cause}"),
        other => other.to_string(),
    };
    let mut text = String::new();
    for (source, error) in failed {
        let said = said(error);
        if !text.is_empty() {
            text.push_str("; ");
        }
        if !said.contains(source.as_str()) {
            text.push_str(&format!("{source}: "));
        }
        text.push_str(&said);
    }
    if failed.iter().all(|(_, error)| matches!(error, ShelfError::Unreachable { .. })) {
        text.push_str(
            ". Without a network: `--mirror DIR` takes all files from a folder, `tributary models import FILE` takes one",
        );
    }
    text
}
