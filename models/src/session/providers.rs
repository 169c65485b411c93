//! What ONNX Runtime is told about devices: every option of every execution provider, from the options of a session and
//! the shapes of a graph, in one place. Loads nothing.

use super::{Attention, Device, Graph, Precision, Range, SessionOptions};
use ort::ep::cuda::{AttentionBackend, ConvAlgorithmSearch};
use ort::ep::{self, ArenaExtendStrategy, ExecutionProviderDispatch};

/// The providers of a session for `graph`, the one it shall use first.
pub(super) fn of(options: SessionOptions, graph: Option<&Graph<'_>>) -> Vec<ExecutionProviderDispatch> {
    let wanted = match options.device {
        Device::Cpu => Vec::new(),
        Device::Cuda => vec![cuda(options).build()],
        Device::TensorRt => vec![tensor_rt(options, graph).build(), cuda(options).build()],
    };
    // Without `error_on_failure` the binding goes on with the CPU and says nothing.
    wanted.into_iter().map(ExecutionProviderDispatch::error_on_failure).collect()
}

fn cuda(options: SessionOptions) -> ep::CUDA {
    let cuda = ep::CUDA::default()
        .with_device_id(i32::from(options.device_number))
        // Single precision is what the figures on the cards were measured with.
        .with_tf32(options.precision == Precision::Half)
        // Doubling, the default, reserves up to twice of what a model needs; other models want it.
        .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
        // The default times every algorithm for every new shape, and the last chunk of a clip has a shape of its own.
        .with_conv_algorithm_search(ConvAlgorithmSearch::Heuristic)
        .with_cuda_graph(options.cuda_graphs);
    let cuda = match options.attention {
        Attention::Auto => cuda,
        Attention::Flash => cuda.with_attention_backend(AttentionBackend::FLASH_ATTENTION),
        Attention::Efficient => cuda.with_attention_backend(AttentionBackend::EFFICIENT_ATTENTION),
        Attention::Math => cuda.with_attention_backend(AttentionBackend::MATH),
    };
    match memory_max(options) {
        Some(bytes) => cuda.with_memory_limit(bytes),
        None => cuda,
    }
}

fn tensor_rt(options: SessionOptions, graph: Option<&Graph<'_>>) -> ep::TensorRT {
    let mut tensor_rt = ep::TensorRT::default()
        .with_device_id(i32::from(options.device_number))
        .with_fp16(options.precision == Precision::Half)
        // Sums of squares overflow half precision first.
        .with_layer_norm_fp32_fallback(true)
        .with_cuda_graph(options.cuda_graphs);
    if let Some(bytes) = memory_max(options) {
        tensor_rt = tensor_rt.with_max_workspace_size(bytes);
    }
    if let Some(folder) = options.engine_cache {
        tensor_rt = tensor_rt
            .with_engine_cache(true)
            .with_engine_cache_path(folder.display())
            .with_timing_cache(true)
            .with_timing_cache_path(folder.display());
    }
    match graph.map(|graph| graph.ranges) {
        None | Some([]) => tensor_rt,
        Some(ranges) => tensor_rt
            .with_profile_min_shapes(shapes(ranges, |range| range.least))
            .with_profile_opt_shapes(shapes(ranges, |range| range.usual))
            .with_profile_max_shapes(shapes(ranges, |range| range.most)),
    }
}

fn memory_max(options: SessionOptions) -> Option<usize> {
    options.memory_bytes_max.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

/// As TensorRT's provider reads them: `bands:1x2x512x192,other:1x8`.
fn shapes<'a>(ranges: &[Range<'a>], which: impl Fn(&Range<'a>) -> &'a [usize]) -> String {
    let one = |range: &Range<'a>| {
        let sizes: Vec<String> = which(range).iter().map(usize::to_string).collect();
        format!("{}:{}", range.input, sizes.join("x"))
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Onnx;
    use std::path::Path;

    const RANGES: &[Range<'_>] = &[
        Range { input: "bands", least: &[1, 2, 1], usual: &[1, 2, 512], most: &[1, 2, 600] },
        Range { input: "state", least: &[1, 8], usual: &[1, 8], most: &[1, 8] },
    ];

    fn options(device: Device) -> SessionOptions {
        SessionOptions { device, ..SessionOptions::default() }
    }

    #[test]
    fn shapes_are_written_as_tensorrt_reads_them() {
        assert_eq!(shapes(RANGES, |range| range.most), "bands:1x2x600,state:1x8");
    }

    /// A switch is written as 1 or as true; ONNX Runtime reads both.
    fn says(text: &str, key: &str, value: &str) -> bool {
        let is = |value| text.contains(&format!("\"{key}\": \"{value}\""));
        is(value) || (value == "1" && is("true"))
    }

    #[test]
    fn every_choice_reaches_its_provider() {
        let plain = format!("{:?}", tensor_rt(options(Device::TensorRt), None));
        for absent in ["engine_cache_path", "timing_cache_path", "profile", "workspace"] {
            assert!(!plain.contains(absent), "{plain}");
        }
        let all = SessionOptions {
            device_number: 3,
            precision: Precision::Half,
            attention: Attention::Efficient,
            memory_bytes_max: Some(1 << 30),
            cuda_graphs: true,
            engine_cache: Some(Path::new("engines")),
            ..options(Device::TensorRt)
        };
        let graph = Graph { name: "net", onnx: Onnx::Bytes(&[]), ranges: RANGES };
        let text = format!("{:?}", tensor_rt(all, Some(&graph)));
        for (key, value) in [
            ("device_id", "3"),
            ("trt_fp16_enable", "1"),
            ("trt_cuda_graph_enable", "1"),
            ("trt_max_workspace_size", "1073741824"),
            ("trt_engine_cache_enable", "1"),
            ("trt_engine_cache_path", "engines"),
            ("trt_timing_cache_path", "engines"),
            ("trt_profile_min_shapes", "bands:1x2x1,state:1x8"),
            ("trt_profile_opt_shapes", "bands:1x2x512,state:1x8"),
            ("trt_profile_max_shapes", "bands:1x2x600,state:1x8"),
        ] {
            assert!(says(&text, key, value), "{key} = {value}: {text}");
        }
        let text = format!("{:?}", cuda(all));
        for (key, value) in [
            ("device_id", "3"),
            ("use_tf32", "1"),
            ("gpu_mem_limit", "1073741824"),
            ("arena_extend_strategy", "kSameAsRequested"),
            ("cudnn_conv_algo_search", "HEURISTIC"),
            ("enable_cuda_graph", "1"),
            ("sdpa_kernel", "2"),
        ] {
            assert!(says(&text, key, value), "{key} = {value}: {text}");
        }
        assert_eq!(
            [Device::Cpu, Device::Cuda, Device::TensorRt].map(|d| of(options(d), None).len()),
            [0, 1, 2]
        );
    }
}
