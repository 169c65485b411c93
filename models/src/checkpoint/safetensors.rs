//! The header of a safetensors file: its length, names and places as JSON, then all numbers without a gap. Never reads
//! numbers.

use super::CheckpointError;
use super::dtype::Dtype;
use super::layout::Named;
use super::tensor::{Outline, Storage, Tensor};
use super::zip::read_at;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::io::{Read, Seek};

/// The length of the header stands before it, in so many bytes.
const LENGTH_BYTES: u64 = 8;
/// The format allows 100 MB; 3,000 tensors take half a megabyte.
const HEADER_BYTES_MAX: usize = 16 << 20;
const TENSORS_MAX: usize = 65_536;

#[derive(Deserialize)]
struct Header {
    /// What its maker says about it; nothing is read from there.
    #[serde(rename = "__metadata__")]
    _metadata: Option<IgnoredAny>,
    #[serde(flatten)]
    tensors: Named<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    /// First byte and the one behind the last, from the header's end on.
    data_offsets: (u64, u64),
}

/// Reads the header of a file of `length` bytes.
pub(super) fn read(file: &mut (impl Read + Seek), length: u64) -> Result<Named<Tensor>, CheckpointError> {
    let mut header_bytes = [0; LENGTH_BYTES as usize];
    read_at(file, 0, &mut header_bytes)?;
    let header_bytes = u64::from_le_bytes(header_bytes);
    let limited = usize::try_from(header_bytes).unwrap_or(usize::MAX);
    CheckpointError::at_most("bytes of header", limited, HEADER_BYTES_MAX)?;
    let data_at = LENGTH_BYTES + header_bytes;
    let Some(data_bytes) = length.checked_sub(data_at) else {
        return Err(CheckpointError::damaged("its header is longer than the file"));
    };
    let mut header = vec![0; limited];
    read_at(file, LENGTH_BYTES, &mut header)?;
    let header: Header = serde_json::from_slice(&header).map_err(|cause| {
        CheckpointError::damaged(format!("its header is not what it should be ({cause})"))
    })?;
    CheckpointError::at_most("tensors", header.tensors.len(), TENSORS_MAX)?;
    without_gaps(&header.tensors, data_bytes)?;
    let place = |(name, entry): (String, Entry)| match tensor(entry, data_at) {
        Ok(tensor) => Ok((name, tensor)),
        Err(reason) => Err(CheckpointError::Tensor { name, reason }),
    };
    header.tensors.into_iter().map(place).collect()
}

/// One behind the other from the first byte to the last, as the format demands: nothing is hidden or used twice.
fn without_gaps(tensors: &Named<Entry>, data_bytes: u64) -> Result<(), CheckpointError> {
    let mut places: Vec<(u64, u64)> = tensors.values().map(|entry| entry.data_offsets).collect();
    places.sort_unstable();
    let mut end = 0;
    for (from, to) in places {
        if from != end || to < from {
            return Err(CheckpointError::damaged("its tensors do not lie one behind the other"));
        }
        end = to;
    }
    if end != data_bytes {
        return Err(CheckpointError::damaged(format!(
            "its header speaks of {end} bytes of numbers, it has {data_bytes}"
        )));
    }
    Ok(())
}

fn tensor(entry: Entry, data_at: u64) -> Result<Tensor, String> {
    let dtype = Dtype::of_safetensors(&entry.dtype).ok_or_else(|| {
        format!("holds numbers of the kind {}, which is not read", super::error::short(&entry.dtype))
    })?;
    let (from, to) = entry.data_offsets;
    let width = dtype.bytes() as u64;
    let bytes = to - from;
    let elements = entry.shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
    if elements.and_then(|elements| elements.checked_mul(width)) != Some(bytes) {
        return Err(format!("its shape of {} numbers does not take {bytes} bytes", dtype.name()));
    }
    let elements = usize::try_from(bytes / width).map_err(|_| "it is too large".to_owned())?;
    let outline = Outline { offset: 0, shape: entry.shape, strides: None };
    Tensor::new(Storage { dtype, at: data_at + from, elements }, outline)
}
