//! The promises of the science, checked from outside: identities, reference outputs, invariants, measured quality.

#[cfg(test)]
mod chain;
#[cfg(test)]
mod enhance;
#[cfg(test)]
mod every_model;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod master;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod running;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod speech;
#[cfg(test)]
mod stft;
#[cfg(test)]
mod transcribe;
