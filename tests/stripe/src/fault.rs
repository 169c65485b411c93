//! What can go wrong between an asker and Stripe, for the next few calls.

use std::collections::VecDeque;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status and Stripe's error object, as from an overloaded Stripe.
    Status(u16),
    /// An answer with this status and a page of HTML, as from what stands before Stripe.
    Page(u16),
    /// The connection ends in the middle of the answer.
    HangUp,
    /// No answer, and the connection stays.
    Silence,
    /// The answer lacks the fields that everybody relies on.
    Drifted,
    /// The answer has new fields, and known ones of no importance have another form.
    Grown,
    /// The answer goes on and on.
    Endless,
}

/// Whether the work is done although the asker does not hear of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It is not.
    Before,
    /// It is.
    After,
    /// It is not, and the failure is what this idempotency key will always be answered.
    Kept,
}

/// What goes wrong, call by call.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(Fault, When)>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, when: When, calls: usize) {
        self.0.extend(std::iter::repeat_n((fault, when), calls));
    }

    pub(crate) fn next(&mut self) -> Option<(Fault, When)> {
        self.0.pop_front()
    }
}
