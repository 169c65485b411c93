//! Shapes that come again: their inputs and outputs have places on the device that stay, so that nothing is allocated
//! for them anew, and a CUDA graph finds them where it was recorded. Knows one session of ONNX Runtime at a time.

use super::tensors::{self, Types};
use super::{Device, Input, Output};
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, RunOptions, Session};
use ort::value::{DynTensor, TensorElementType};
use std::collections::VecDeque;

/// Sets of shapes that have places of their own at once.
const BOUND_MAX: usize = 4;
/// Sets of shapes that are remembered in case they come again.
const SEEN_MAX: usize = 8;
/// ONNX Runtime's name for which recorded CUDA graph a run replays; -1 is none.
const GRAPH_ID: &str = "gpu_graph_id";

/// What a run is, but for its numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Names and shapes of what goes in.
    inputs: Vec<(String, Vec<usize>)>,
    /// Names of what shall come out.
    outputs: Vec<String>,
}

/// Type and shape of a tensor.
pub(super) type Kind = (TensorElementType, Vec<i64>);

/// The places of one session.
pub(super) struct Bindings {
    device: Device,
    number: i32,
    /// Recorded graphs cannot be forgotten, so the places they use are never given up.
    graphs: bool,
    seen: VecDeque<(Key, Vec<Kind>)>,
    bound: VecDeque<Bound>,
    /// Never the same twice, since a recorded graph remembers places.
    next_graph: u32,
}

struct Bound {
    key: Key,
    binding: IoBinding,
    inputs: Vec<Place>,
    outputs: Vec<Place>,
    options: RunOptions,
}

/// A tensor twice: where the host has it, and where the device has it. Both own their memory; what is lent must not be
/// copied by the binding, which would wait for itself.
struct Place {
    here: DynTensor,
    there: DynTensor,
}

impl Key {
    pub(super) fn of(inputs: &[Input<'_>], outputs: &[&str]) -> Self {
        Self {
            inputs: inputs.iter().map(|input| (input.name.to_owned(), input.shape.to_vec())).collect(),
            outputs: outputs.iter().map(|name| (*name).to_owned()).collect(),
        }
    }
}

impl Bindings {
    pub(super) fn new(device: Device, number: u8, cuda_graphs: bool) -> Self {
        let graphs = cuda_graphs && device.is_accelerator();
        let (seen, bound) = (VecDeque::new(), VecDeque::new());
        Self { device, number: i32::from(number), graphs, seen, bound, next_graph: 1 }
    }

    /// Sets of shapes that have places.
    pub(super) fn len(&self) -> usize {
        self.bound.len()
    }

    /// Runs with places of its own where these shapes came before; none where they have none, or where that failed.
    pub(super) fn run(
        &mut self,
        session: &mut Session,
        key: &Key,
        types: &Types,
        inputs: &[Input<'_>],
    ) -> Option<Vec<Output>> {
        let mut bound = match self.bound.iter().position(|bound| bound.key == *key) {
            Some(at) => self.bound.remove(at)?,
            None => self.bind(session, key, types)?,
        };
        // What does not work so goes the other way, and says there what is wrong.
        let came = bound.run(session, inputs).ok()?;
        self.bound.push_back(bound);
        Some(came)
    }

    /// What came out of a run without places of its own.
    pub(super) fn saw(&mut self, key: Key, outputs: Vec<Kind>) {
        if self.seen.iter().any(|(seen, _)| *seen == key) {
            return;
        }
        if self.seen.len() == SEEN_MAX {
            self.seen.pop_front();
        }
        self.seen.push_back((key, outputs));
    }

    /// Options for runs without places of their own.
    pub(super) fn loose(&self) -> Result<RunOptions, ort::Error> {
        let mut options = RunOptions::new()?;
        if self.graphs {
            options.set(GRAPH_ID, "-1")?;
        }
        Ok(options)
    }

    fn bind(&mut self, session: &Session, key: &Key, types: &Types) -> Option<Bound> {
        let at = self.seen.iter().position(|(seen, _)| seen == key)?;
        if self.bound.len() == BOUND_MAX {
            if self.graphs {
                return None;
            }
            self.bound.pop_front();
        }
        // If it fails it is not tried at every run: it must be seen again first.
        let (key, outputs) = self.seen.remove(at)?;
        self.make(session, key, types, &outputs).ok()
    }

    fn make(
        &mut self,
        session: &Session,
        key: Key,
        types: &Types,
        kinds: &[Kind],
    ) -> Result<Bound, ort::Error> {
        let device =
            if self.device.is_accelerator() { AllocationDevice::CUDA } else { AllocationDevice::CPU };
        let there = MemoryInfo::new(device, self.number, AllocatorType::Device, MemoryType::Default)?;
        let (here, there) = (Allocator::default(), Allocator::new(session, there)?);
        let place = |(kind, shape): &Kind| {
            let tensor = |allocator| DynTensor::new(allocator, *kind, shape.as_slice());
            Ok::<_, ort::Error>(Place { here: tensor(&here)?, there: tensor(&there)? })
        };
        let mut binding = session.create_binding()?;
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for (name, shape) in &key.inputs {
            let kind = tensors::type_of(types, name).map_err(ort::Error::new)?;
            let input = place(&(kind, shape.iter().map(|&size| size as i64).collect()))?;
            binding.bind_input(name, &input.there)?;
            inputs.push(input);
        }
        for (name, kind) in key.outputs.iter().zip(kinds) {
            let mut output = place(kind)?;
            binding.bind_output(name, &mut output.there)?;
            outputs.push(output);
        }
        let mut options = RunOptions::new()?;
        if self.graphs {
            options.set(GRAPH_ID, self.next_graph.to_string())?;
            self.next_graph += 1;
        }
        Ok(Bound { key, binding, inputs, outputs, options })
    }
}

impl Bound {
    fn run(&mut self, session: &mut Session, inputs: &[Input<'_>]) -> Result<Vec<Output>, ort::Error> {
        for (place, input) in self.inputs.iter_mut().zip(inputs) {
            tensors::fill(&mut place.here, input.data)?;
            place.here.copy_into(&mut place.there)?;
        }
        drop(session.run_binding_with_options(&self.binding, &self.options)?);
        let read = |place: &mut Place| {
            place.there.copy_into(&mut place.here)?;
            tensors::output(&place.here)
        };
        self.outputs.iter_mut().map(read).collect()
    }
}
