//! Domain errors -> gRPC status. The only place. What went wrong inside is logged, not sent.

use crate::admission::Refusal;
use crate::artifacts::ArtifactError;
use crate::auth::AuthError;
use crate::desk::DeskError;
use crate::store::StoreError;
use crate::tenant::Forbidden;
use crate::throttle::TooOften;
use crate::upload::UploadError;
use std::collections::HashMap;
use std::time::Duration;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tributary_protocol::packet::PacketError;
use tributary_protocol::reason;

/// When a busy server asks a client to come again.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// When one does whose queue is full: a job takes longer than a moment.
const QUEUE_FULL_AGAIN: Duration = Duration::from_secs(10);

pub(super) fn of_auth(error: &AuthError) -> Status {
    match error {
        AuthError::Store(error) => of_store(error),
        AuthError::NoKey | AuthError::WrongKey => Status::unauthenticated(error.to_string()),
    }
}

pub(super) fn of_forbidden(error: &Forbidden) -> Status {
    Status::permission_denied(error.to_string())
}

pub(super) fn of_desk(error: &DeskError) -> Status {
    let text = error.to_string();
    match error {
        DeskError::Refused(refusal) => of_refusal(refusal),
        DeskError::Store(error) => of_store(error),
        DeskError::Artifact(error) => of_artifact(error),
        DeskError::Upload(error) => of_upload(error),
        DeskError::NoJob | DeskError::NoClip | DeskError::NoResult { .. } => Status::not_found(text),
        DeskError::NotDone { .. } | DeskError::NotEnded => Status::failed_precondition(text),
        DeskError::Audio(_) => Status::invalid_argument(text),
        DeskError::TooMuchStaged { .. } | DeskError::TooLarge { .. } => Status::resource_exhausted(text),
        DeskError::Key(error) => of_auth(error),
        DeskError::Forbidden(error) => of_forbidden(error),
        DeskError::Busy | DeskError::Draining => Status::unavailable(text),
        DeskError::Lost(_) | DeskError::Io { .. } => internal(error),
    }
}

pub(super) fn of_store(error: &StoreError) -> Status {
    match error {
        StoreError::DiskFull => busy("the server's disk is full; nothing was changed"),
        StoreError::Away(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "the database does not answer");
            Status::unavailable("the server's database does not answer now; try again in a moment")
        }
        _ => internal(error),
    }
}

pub(super) fn of_refusal(refusal: &Refusal) -> Status {
    let text = refusal.to_string();
    match refusal {
        Refusal::Limit { .. } | Refusal::Text { .. } | Refusal::Model(_) => Status::invalid_argument(text),
        Refusal::Conflict => Status::already_exists(text),
        Refusal::NotEnoughCredits { needed, available } => {
            let numbers = HashMap::from([
                (reason::NEEDED.to_owned(), needed.0.to_string()),
                (reason::AVAILABLE.to_owned(), available.0.to_string()),
            ]);
            let details = ErrorDetails::with_error_info(reason::NOT_ENOUGH_CREDITS, reason::DOMAIN, numbers);
            Status::with_error_details(Code::FailedPrecondition, text, details)
        }
        // Without a time to come again, so that people hear of it at once.
        Refusal::TooMany { .. } => Status::resource_exhausted(text),
        Refusal::OverLimit { .. } => {
            let details = ErrorDetails::with_error_info(reason::OVER_LIMIT, reason::DOMAIN, HashMap::new());
            Status::with_error_details(Code::FailedPrecondition, text, details)
        }
        Refusal::Suspended => {
            let details = ErrorDetails::with_error_info(reason::SUSPENDED, reason::DOMAIN, HashMap::new());
            Status::with_error_details(Code::FailedPrecondition, text, details)
        }
        Refusal::OverStorage { .. } | Refusal::Dearer { .. } => Status::failed_precondition(text),
        Refusal::DiskFull => busy(&text),
        Refusal::QueueFull { .. } => later(&text, QUEUE_FULL_AGAIN),
        Refusal::Draining => Status::unavailable(text),
        Refusal::Store(error) => of_store(error),
        Refusal::Artifact(error) => of_artifact(error),
    }
}

pub(super) fn of_artifact(error: &ArtifactError) -> Status {
    match error {
        ArtifactError::Missing => Status::not_found("it is no longer stored; send the clip again"),
        ArtifactError::DiskFull => busy(&error.to_string()),
        _ => internal(error),
    }
}

pub(super) fn of_packet(error: &PacketError) -> Status {
    Status::invalid_argument(error.to_string())
}

pub(super) fn of_upload(error: &UploadError) -> Status {
    let text = error.to_string();
    match error {
        UploadError::Busy | UploadError::Offset { .. } => Status::aborted(text),
        UploadError::Artifact(error) => of_artifact(error),
        _ => Status::invalid_argument(text),
    }
}

pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Status {
    tracing::error!(error, "a call failed inside");
    Status::internal(
        "the server failed; nothing was charged. It was logged: tell its operator if it happens again",
    )
}

/// Before anything was done.
pub(super) fn of_too_often(refused: &TooOften) -> Status {
    later(&refused.to_string(), refused.retry_after)
}

fn busy(text: &str) -> Status {
    later(text, RETRY_AFTER)
}

fn later(text: &str, again: Duration) -> Status {
    let details = ErrorDetails::with_retry_info(Some(again));
    Status::with_error_details(Code::ResourceExhausted, text.to_owned(), details)
}
