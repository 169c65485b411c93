//! What holds for every clip.
