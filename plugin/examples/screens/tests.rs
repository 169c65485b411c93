//! The window's behaviour, without a window.
