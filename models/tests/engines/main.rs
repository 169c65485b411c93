//! Two engines, one answer. A process of its own, since a process holds one ONNX Runtime and keeps it.
//!
//! `TRIBUTARY_ONNXRUNTIME` names its library (`cargo xtask setup` brings it); without it these tests are left out.

#[cfg(test)]
mod chunk;
#[cfg(test)]
mod ensemble;
#[cfg(test)]
mod families;
#[cfg(test)]
mod graphs;
#[cfg(test)]
mod held;
#[cfg(test)]
mod htdemucs;
#[cfg(test)]
mod library;
#[cfg(test)]
mod norms;
#[cfg(test)]
mod options;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod roformer;
#[cfg(test)]
mod scnet;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod unmix;
#[cfg(test)]
mod unmix_laws;
#[cfg(test)]
mod whole_clip;
