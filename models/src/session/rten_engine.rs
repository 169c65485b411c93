//! Graphs on rten, the pure-Rust engine that is always built in. Errors are the engine's words. It computes in single
//! precision always: what a graph holds in half precision it widens when it loads it.

use super::engine::Loaded;
use super::threads::{Share, Threads};
use super::{Graph, Input, Onnx, Output};
use rten::{DataType, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView, ValueType};
use rten_tensor::prelude::*;
use rten_tensor::{Tensor, TensorView};
use std::sync::Arc;

/// Loaded graphs and the threads they run on.
pub(super) struct Rten {
    graphs: Vec<(String, Model)>,
    all: Arc<ThreadPool>,
    lanes: Vec<Arc<ThreadPool>>,
}

impl Rten {
    pub(super) fn load(graphs: &[Graph<'_>], threads: &Threads) -> Result<Self, String> {
        let load = |Graph { name, onnx, .. }: &Graph<'_>| {
            let mut options = ModelOptions::with_all_ops();
            let options = options.prepack_weights(true);
            let model = match onnx {
                Onnx::Bytes(onnx) => options.load(onnx.to_vec()),
                Onnx::File(path) => options.load_file(path),
            };
            model.map(|model| ((*name).to_owned(), model)).map_err(|cause| cause.to_string())
        };
        let pool = |threads| Arc::new(ThreadPool::with_num_threads(threads));
        Ok(Self {
            graphs: graphs.iter().map(load).collect::<Result<_, _>>()?,
            all: pool(threads.all()),
            lanes: threads.lanes().iter().map(|threads| pool(*threads)).collect(),
        })
    }
}

impl Loaded for Rten {
    fn run(
        &self,
        share: Share,
        graph: &str,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String> {
        let model = self.graphs.iter().find(|(name, _)| name == graph).map(|(_, model)| model);
        let model = model.ok_or_else(|| format!("it has no graph `{graph}`"))?;
        let pool = match share {
            Share::All => &self.all,
            Share::Lane(lane) => &self.lanes[lane],
        };
        let inputs = inputs.iter().map(|input| bind(model, *input)).collect::<Result<Vec<_>, _>>()?;
        let outputs = outputs.iter().map(|name| node(model, name)).collect::<Result<Vec<_>, _>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
        let values = model.run(inputs, &outputs, Some(options)).map_err(|cause| cause.to_string())?;
        values.into_iter().map(floats).collect()
    }
}

fn node(model: &Model, name: &str) -> Result<NodeId, String> {
    model.node_id(name).map_err(|_| format!("the graph has no `{name}`"))
}

fn bind<'a>(model: &Model, input: Input<'a>) -> Result<(NodeId, ValueOrView<'a>), String> {
    let id = node(model, input.name)?;
    match model.node_info(id).and_then(|info| info.dtype()) {
        // rten holds the 64-bit integers of a graph as 32-bit ones.
        Some(ValueType::Tensor(DataType::Int32)) => {
            let whole: Vec<i32> = input.data.iter().map(|number| number.round() as i32).collect();
            Ok((id, Value::from(Tensor::from_data(input.shape, whole)).into()))
        }
        _ => {
            let view: TensorView<'a, f32> = TensorView::from_data(input.shape, input.data);
            Ok((id, view.into()))
        }
    }
}

fn floats(value: Value) -> Result<Output, String> {
    let tensor = value.into_tensor::<f32>().ok_or("an output is not of 32-bit floats")?;
    Ok(Output { shape: tensor.shape().to_vec(), data: tensor.into_data() })
}
