//! What can go wrong for a caller: one variant for each thing there is to do about it.

use crate::vocab::Credits;
use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a call gave up. Trying again by itself has been done already.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No key, a wrong key or one that was revoked.
    #[error(
        "the server does not accept this API key: sign in again, or ask the server's operator for a new key"
    )]
    SignIn,
    /// The account cannot pay for the job; nothing was held.
    #[error(
        "{needed} needed but {available} available: add credits, cancel a job that is waiting, or send a shorter clip"
    )]
    NotEnoughCredits {
        /// The quote.
        needed: Credits,
        /// What could be spent now.
        available: Credits,
    },
    /// The job would pass what this member of the account may spend in a month; nothing was held.
    #[error(
        "the job would pass your limit of this month: ask an owner of the account to raise it, send a shorter clip, or \
         wait for the next month"
    )]
    OverLimit,
    /// The account starts no jobs any more.
    #[error(
        "the account is suspended and starts no new jobs: its owner settles that with the server's operator"
    )]
    Suspended,
    /// The server has too much to do, or the account too many open jobs.
    #[error("the server is busy ({reason}): try again {}", when(*.retry_after))]
    Busy {
        /// The server's words.
        reason: String,
        /// When the server asked to be tried again.
        retry_after: Option<Duration>,
    },
    /// No answer.
    #[error("cannot reach the server at {address}: check that it runs and that the address is right")]
    Unreachable {
        /// The address that was tried.
        address: String,
        /// What the network said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server's certificate is not the one expected; never to be clicked away.
    #[error(
        "the server at {address} cannot prove who it is: do not go on unless its operator confirms a new certificate"
    )]
    Untrusted {
        /// The address that was tried.
        address: String,
        /// What the check said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The request is one the server will never accept.
    #[error("the server refuses the request: {reason}")]
    Refused {
        /// The server's words; they say what to change.
        reason: String,
    },
    /// This account has no such job, or no job that waits for this clip.
    #[error("the server has no such job ({reason}): see `tributary jobs` for those it has")]
    UnknownJob {
        /// The server's words.
        reason: String,
    },
    /// The job's id belongs to another request of this account.
    #[error("this job id was already used for another clip or model: make a new id for a new request")]
    Conflict,
    /// Bytes are not those that were named by their hash.
    #[error("{what} is damaged: send or fetch it again")]
    Corrupt {
        /// Which bytes.
        what: String,
    },
    /// A file here cannot be read or written.
    #[error("cannot read or write `{}`: check free space and permissions, then try again", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The server failed at something that is not the request's fault.
    #[error("the server failed ({reason}): tell its operator, its log has the cause")]
    Server {
        /// The server's words.
        reason: String,
    },
    /// A key would have crossed a network in the clear.
    #[error("`{address}` would send the key unprotected: use https, plain http is for this machine only")]
    InsecureAddress {
        /// The address that was given.
        address: String,
    },
    /// The address cannot be understood.
    #[error("`{address}` is no server address: write it like https://stems.example.org:7700")]
    BadAddress {
        /// The address that was given.
        address: String,
    },
    /// The pinned certificate cannot be read.
    #[error("the certificate given for the server cannot be used: give it as PEM text")]
    BadCertificate {
        /// What the reader said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The server said something this version does not understand.
    #[error("client and server do not understand each other ({what}): update the older of the two")]
    Protocol {
        /// What was not understood.
        what: String,
    },
}

impl ClientError {
    /// For calls that name no job: what was not found there is a model or a stem, so the request is at fault.
    pub(super) fn not_about_a_job(self) -> Self {
        match self {
            Self::UnknownJob { reason } => Self::Refused { reason },
            other => other,
        }
    }

    pub(super) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol { what: what.into() }
    }

    pub(super) fn disk(path: impl Into<PathBuf>, cause: io::Error) -> Self {
        Self::Disk { path: path.into(), cause }
    }
}

fn when(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(
        || "later".to_owned(),
        |wait| format!("in {} s", wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
    )
}
