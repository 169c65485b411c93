//! A graph on rten, the pure-Rust engine that is always built in. Errors are the engine's words.

use super::threads::Share;
use super::{Input, Output};
use rten::{Model, ModelOptions, NodeId, RunOptions, Value, ValueOrView};
use rten_tensor::TensorView;
use rten_tensor::prelude::*;
use std::sync::Arc;

/// A loaded graph.
pub(super) struct RtenGraph {
    model: Model,
}

impl RtenGraph {
    pub(super) fn load(onnx: &[u8]) -> Result<Self, String> {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load(onnx.to_vec());
        let model = model.map_err(|cause| cause.to_string())?;
        Ok(Self { model })
    }

    pub(super) fn run(
        &self,
        share: Share<'_>,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String> {
        let inputs = inputs.iter().map(|input| self.bind(*input)).collect::<Result<Vec<_>, _>>()?;
        let outputs = outputs.iter().map(|name| self.node(name)).collect::<Result<Vec<_>, _>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(share.0)));
        let values = self.model.run(inputs, &outputs, Some(options)).map_err(|cause| cause.to_string())?;
        values.into_iter().map(floats).collect()
    }

    fn node(&self, name: &str) -> Result<NodeId, String> {
        self.model.node_id(name).map_err(|_| format!("the graph has no `{name}`"))
    }

    fn bind<'a>(&self, input: Input<'a>) -> Result<(NodeId, ValueOrView<'a>), String> {
        let elements = input.shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d));
        if elements != Some(input.data.len()) {
            return Err(format!(
                "`{}` of shape {:?} cannot hold {} numbers",
                input.name,
                input.shape,
                input.data.len()
            ));
        }
        let view: TensorView<'a, f32> = TensorView::from_data(input.shape, input.data);
        Ok((self.node(input.name)?, view.into()))
    }
}

fn floats(value: Value) -> Result<Output, String> {
    let tensor = value.into_tensor::<f32>().ok_or("an output is not of 32-bit floats")?;
    Ok(Output { shape: tensor.shape().to_vec(), data: tensor.into_data() })
}
