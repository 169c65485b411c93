//! A loaded graph on a device: the only place that names a neural engine.

/// A model loaded, warmed up and ready to run batches. Belongs to one thread at a time.
pub struct Session {}
