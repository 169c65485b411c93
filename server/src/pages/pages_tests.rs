//! What every page promises.
