//! ONNX graphs of our own making: a typed builder, and a writer that never holds more than one tensor of the weights.
//!
//! Shapes are static: a graph is built for one chunk length and one batch size, which is what engines run fastest. The
//! builder follows every shape, so that a wrong graph is an error here and not in an engine. Opset 23: attention,
//! rotary embedding and RMS normalisation are single operators.

mod convolution;
mod graph;
mod norms;
mod operators;
mod recurrent;
mod schema;
mod write;

pub use convolution::Steps;
pub use graph::{Element, Graph, GraphError, Value};
pub use write::{Written, write};
