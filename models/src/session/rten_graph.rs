//! A graph on rten, the pure-Rust engine that is always built in. Errors are the engine's words.

use super::{Input, Output, SessionOptions};
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::TensorView;
use rten_tensor::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A loaded graph with its threads: one pool of as many as allowed, and lanes that share as many among them.
pub(super) struct RtenGraph {
    model: Model,
    all: Arc<ThreadPool>,
    lanes: Vec<Arc<ThreadPool>>,
}

impl RtenGraph {
    pub(super) fn load(onnx: &[u8], options: SessionOptions) -> Result<Self, String> {
        let threads = options.threads.get().min(SessionOptions::THREADS_MAX);
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(onnx.to_vec())
            .map_err(|cause| cause.to_string())?;
        let lanes = threads.min(SessionOptions::LANES_MAX);
        let lanes =
            (0..lanes).map(|i| Arc::new(ThreadPool::with_num_threads((threads + i) / lanes))).collect();
        Ok(Self { model, all: Arc::new(ThreadPool::with_num_threads(threads)), lanes })
    }

    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn run(&self, inputs: &[Input<'_>], outputs: &[&str]) -> Result<Vec<Output>, String> {
        self.run_on(&self.all, inputs, outputs)
    }

    pub(super) fn run_each(&self, items: &[Input<'_>], output: &str) -> Result<Vec<Output>, String> {
        if let [item] = items {
            return self.run(&[*item], &[output]);
        }
        let next = AtomicUsize::new(0);
        let lane = |pool: &Arc<ThreadPool>| {
            let mut done = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(i) else { return Ok(done) };
                done.push((i, self.run_on(pool, &[*item], &[output])?));
            }
        };
        let mut done: Vec<(usize, Vec<Output>)> = std::thread::scope(|scope| {
            let lanes: Vec<_> =
                self.lanes.iter().take(items.len()).map(|pool| scope.spawn(|| lane(pool))).collect();
            let ended = lanes.into_iter().map(|l| l.join().unwrap_or_else(|_| Err("it panicked".to_owned())));
            // All lanes are joined before the first error is looked at: a panic must not pass the scope's end.
            let ended: Vec<Result<Vec<_>, String>> = ended.collect();
            ended
                .into_iter()
                .collect::<Result<Vec<_>, _>>()
                .map(|lanes| lanes.into_iter().flatten().collect())
        })?;
        done.sort_by_key(|(i, _)| *i);
        Ok(done.into_iter().flat_map(|(_, outputs)| outputs).collect())
    }

    fn run_on(
        &self,
        pool: &Arc<ThreadPool>,
        inputs: &[Input<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Output>, String> {
        let inputs = inputs.iter().map(|input| self.bind(*input)).collect::<Result<Vec<_>, _>>()?;
        let outputs = outputs.iter().map(|name| self.node(name)).collect::<Result<Vec<_>, _>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
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
