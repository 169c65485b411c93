//! Which button matters now: there is one accent in the window, and this says who has it. Pure.

use crate::view::{Connection, Quote, Recorder, View};

/// What brings the user further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing; something is under way.
    None,
    /// Record something or choose a file.
    Capture,
    /// Name a server, sign in or accept its certificate.
    Connect,
    /// Buy credits.
    Buy,
    /// Run the model.
    Run,
    /// Take the stems into the DAW.
    Place,
}

/// What brings the user further from here.
pub(crate) fn next(view: &View) -> Step {
    if view.recorder != Recorder::Idle {
        return Step::None;
    }
    let Some(take) = &view.take else { return Step::Capture };
    let is_done = view.result.as_ref().is_some_and(|result| {
        result.stems.iter().any(|stem| stem.file.is_some())
            || result.sheets.iter().any(|sheet| sheet.file.is_some())
    });
    if is_done {
        return Step::Place;
    }
    let is_under_way = view.jobs.iter().any(|job| job.take == take.info.id && !job.stage.is_over());
    match (&view.connection, &view.choice.quote) {
        (Connection::NoServer | Connection::SignedOut { .. } | Connection::Unknown { .. }, _) => {
            Step::Connect
        }
        _ if is_under_way => Step::None,
        (Connection::Connected { .. }, Quote::Price { missing: 0, .. }) => Step::Run,
        (Connection::Connected { .. }, Quote::Price { .. }) => Step::Buy,
        _ => Step::None,
    }
}
