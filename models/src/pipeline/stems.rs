//! What every separator does behind its network: which parts are computed, and how they become stems at the clip's rate.

pub(super) mod outlet;
pub(super) mod parts;
