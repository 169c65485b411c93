//! Behaviour of the whole crate, seen from outside: files in, files out, rates, measures. One binary, one link.

#![expect(clippy::unwrap_used, reason = "all of it is tests; clippy sees only the functions marked so")]

mod damage;
mod decode;
mod flac;
mod loudness;
mod measure;
mod pcm;
mod resample;
mod scores;
mod signal;
mod wav;
