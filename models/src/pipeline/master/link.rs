//! What the cutter tells the assembler past the device: the verdict on the clip, and how many chunks are on their way.
//! The cutter waits for room, the assembler never waits.

use super::equaliser::Curves;
use super::figures::Figures;
use crate::ModelError;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// All that was decided before the first frame went out.
#[derive(Clone, Debug, Default)]
pub(super) struct Verdict {
    /// After the equaliser, before the limiter.
    pub(super) gain: f64,
    /// Full scale is 1.
    pub(super) ceiling: f64,
    pub(super) curves: Option<Curves>,
    pub(super) before: Figures,
    pub(super) references: Vec<Figures>,
    /// For people.
    pub(super) notes: Vec<String>,
}

#[derive(Default)]
pub(super) struct Link {
    state: Mutex<State>,
    changed: Condvar,
    in_flight_max: usize,
}

#[derive(Default)]
struct State {
    verdict: Option<Verdict>,
    in_flight: usize,
    /// The assembler is gone.
    closed: bool,
}

impl Link {
    pub(super) fn new(in_flight_max: usize) -> Self {
        Self { in_flight_max: in_flight_max.max(1), ..Self::default() }
    }

    /// Thread: cutter. Waits until another chunk may be on its way, and counts it.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn depart(&self) -> Result<(), ModelError> {
        let full = |state: &mut State| state.in_flight >= self.in_flight_max && !state.closed;
        let mut state = self.changed.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        state.in_flight += 1;
        if state.closed { Err(ModelError::Stopped) } else { Ok(()) }
    }

    /// Thread: cutter. Before the first chunk with sound.
    pub(super) fn decide(&self, verdict: Verdict) {
        self.state().verdict = Some(verdict);
    }

    /// Thread: assembler. What was decided; none before a chunk with sound was cut.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.state().verdict.take()
    }

    /// Thread: assembler. A chunk has arrived and is done with.
    pub(super) fn arrive(&self) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        self.changed.notify_all();
    }

    /// The assembler is gone: nobody will make room.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Nothing is ever half-changed under this lock, so a panic elsewhere leaves nothing to repair.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_waiting_cutter_goes_on_when_a_chunk_arrives_and_stops_when_the_assembler_is_gone() {
        let link = Arc::new(Link::new(1));
        link.depart().unwrap();
        let waiting = |link: &Arc<Link>| {
            let link = Arc::clone(link);
            std::thread::spawn(move || link.depart())
        };
        let first = waiting(&link);
        link.arrive();
        assert!(first.join().unwrap().is_ok());
        let second = waiting(&link);
        link.close();
        assert!(matches!(second.join().unwrap(), Err(ModelError::Stopped)));
    }
}
