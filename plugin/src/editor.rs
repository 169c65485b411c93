//! MAIN THREAD. The window: draws one [`crate::view::View`] a frame and answers the commands that the user gave. Knows
//! no network, no disk and no audio thread.
