//! What the cutter tells the assembler past the device: spectra, and how many chunks are on their way. Holds no more
//! spectra than chunks may be in flight; the cutter waits, the assembler never does.

use crate::ModelError;
use realfft::num_complex::Complex;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Spectra of one pair over one segment: for mid, and for side unless the pair is one channel, `[columns][bins]`.
pub(super) struct Spectra {
    pub(super) planes: Vec<Vec<Complex<f32>>>,
}

pub(super) struct Link {
    state: Mutex<State>,
    changed: Condvar,
    in_flight_max: usize,
}

struct State {
    spectra: VecDeque<Spectra>,
    in_flight: usize,
    /// One of the two ends is gone.
    closed: bool,
}

impl Link {
    pub(super) fn new(in_flight_max: usize) -> Self {
        let state = State { spectra: VecDeque::new(), in_flight: 0, closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), in_flight_max: in_flight_max.max(1) }
    }

    /// Thread: cutter. Waits until another chunk may be on its way.
    ///
    /// # Errors
    /// [`ModelError::Stopped`] where the assembler is gone.
    pub(super) fn wait_for_room(&self) -> Result<(), ModelError> {
        let full = |state: &mut State| state.in_flight >= self.in_flight_max && !state.closed;
        let state = self.changed.wait_while(self.state(), full).unwrap_or_else(PoisonError::into_inner);
        if state.closed { Err(ModelError::Stopped) } else { Ok(()) }
    }

    /// Thread: cutter. A chunk is on its way, and these are its spectra.
    pub(super) fn send(&self, spectra: Spectra) {
        let mut state = self.state();
        state.spectra.push_back(spectra);
        state.in_flight += 1;
    }

    /// Thread: assembler. The spectra of the next chunk; none where no chunk was cut.
    pub(super) fn receive(&self) -> Option<Spectra> {
        self.state().spectra.pop_front()
    }

    /// Thread: assembler. A chunk has arrived and its spectra are freed.
    pub(super) fn arrived(&self) {
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
        link.wait_for_room().unwrap();
        link.send(Spectra { planes: Vec::new() });
        let waiting = {
            let link = Arc::clone(&link);
            std::thread::spawn(move || (link.wait_for_room(), link.send(Spectra { planes: Vec::new() })))
        };
        assert!(link.receive().is_some());
        link.arrived();
        assert!(waiting.join().unwrap().0.is_ok());
        let waiting = {
            let link = Arc::clone(&link);
            std::thread::spawn(move || link.wait_for_room())
        };
        link.close();
        assert!(matches!(waiting.join().unwrap(), Err(ModelError::Stopped)));
    }
}
