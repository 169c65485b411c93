//! Our numbers in the types that a graph of ONNX Runtime wants, and back: 32-bit floats as they are, half precision and
//! whole numbers converted at this edge.

use super::{Input, Output};
use half::f16;
use half::slice::HalfFloatSliceExt;
use ort::session::SessionInputValue;
use ort::value::{DynTensor, Tensor, TensorElementType, TensorRef, TensorValueTypeMarker, Value};

/// Names and types of what a graph takes.
pub(super) type Types = [(String, TensorElementType)];

/// The type that the graph wants for an input.
pub(super) fn type_of(types: &Types, name: &str) -> Result<TensorElementType, String> {
    let found = types.iter().find(|(known, _)| known == name);
    found.map(|(_, kind)| *kind).ok_or_else(|| format!("the graph has no input `{name}`"))
}

/// A tensor for one run; 32-bit floats are not copied.
pub(super) fn lent<'a>(
    input: Input<'a>,
    kind: TensorElementType,
) -> Result<SessionInputValue<'a>, ort::Error> {
    let shape: Vec<i64> = input.shape.iter().map(|&size| size as i64).collect();
    Ok(match kind {
        TensorElementType::Int64 => Tensor::from_array((shape, whole(input.data)))?.into(),
        TensorElementType::Float16 => Tensor::from_array((shape, halves(input.data)))?.into(),
        _ => TensorRef::from_array_view((shape, input.data))?.into(),
    })
}

/// Puts numbers into a tensor of the host that has as many.
pub(super) fn fill(tensor: &mut DynTensor, data: &[f32]) -> Result<(), ort::Error> {
    match *tensor.data_type() {
        TensorElementType::Int64 => tensor.try_extract_tensor_mut()?.1.copy_from_slice(&whole(data)),
        TensorElementType::Float16 => {
            tensor.try_extract_tensor_mut::<f16>()?.1.convert_from_f32_slice(data);
        }
        _ => tensor.try_extract_tensor_mut()?.1.copy_from_slice(data),
    }
    Ok(())
}

/// What came out, on the host.
pub(super) fn output<T: TensorValueTypeMarker + ?Sized>(value: &Value<T>) -> Result<Output, ort::Error> {
    let (shape, data) = match value.dtype().tensor_type() {
        Some(TensorElementType::Float16) => {
            let (shape, data) = value.try_extract_tensor::<f16>()?;
            (shape, data.to_f32_vec())
        }
        _ => {
            let (shape, data) = value.try_extract_tensor::<f32>()?;
            (shape, data.to_vec())
        }
    };
    Ok(Output { shape: shape.iter().map(|&size| size as usize).collect(), data })
}

fn whole(data: &[f32]) -> Vec<i64> {
    data.iter().map(|number| number.round() as i64).collect()
}

/// Rounded to the nearest; above 65,504 they are infinite.
fn halves(data: &[f32]) -> Vec<f16> {
    data.iter().map(|number| f16::from_f32(*number)).collect()
}
