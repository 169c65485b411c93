//! What the audio thread shall do, in order; what its ring has no room for is kept and given later. Never waits.

use crate::audio::Order;
use std::collections::VecDeque;
use std::mem::discriminant;

/// Orders kept at most. A host that does not call us takes none, and then only the newest of each kind matter.
const BACKLOG_MAX: usize = 64;

pub(super) struct Orders {
    ring: rtrb::Producer<Order>,
    backlog: VecDeque<Order>,
}

impl Orders {
    pub(super) fn new(ring: rtrb::Producer<Order>) -> Self {
        Self { ring, backlog: VecDeque::new() }
    }

    /// Gives an order, or keeps it.
    pub(super) fn give(&mut self, order: Order) {
        if self.backlog.len() >= BACKLOG_MAX {
            let same = discriminant(&order);
            self.backlog.retain(|kept| discriminant(kept) != same);
        }
        self.backlog.push_back(order);
        self.flush();
    }

    /// Gives what was kept, as far as there is room.
    pub(super) fn flush(&mut self) {
        while let Some(order) = self.backlog.pop_front() {
            if let Err(rtrb::PushError::Full(order)) = self.ring.push(order) {
                self.backlog.push_front(order);
                return;
            }
        }
    }

    /// Some are kept.
    pub(super) fn are_kept(&self) -> bool {
        !self.backlog.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_find_no_room_come_later_and_in_order() {
        let (ring, mut taken) = rtrb::RingBuffer::new(2);
        let mut orders = Orders::new(ring);
        (0..5).for_each(|frame| orders.give(Order::Locate(frame)));
        let mut seen = Vec::new();
        while let Ok(order) = taken.pop() {
            let Order::Locate(frame) = order else { panic!("another order") };
            seen.push(frame);
            orders.flush();
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert!(!orders.are_kept());
    }

    #[test]
    fn a_host_that_never_calls_us_costs_no_memory() {
        let (ring, _taken) = rtrb::RingBuffer::new(1);
        let mut orders = Orders::new(ring);
        orders.give(Order::StopRecording);
        (0..100_000).for_each(|frame| orders.give(Order::Locate(frame)));
        assert!(orders.backlog.len() <= BACKLOG_MAX);
    }
}
