//! A tensor of a checkpoint: its shape and where its numbers lie in the file, checked before anything of it is read.
//! Never holds numbers itself.

use super::CheckpointError;
use super::dtype::Dtype;
use super::zip::read_at;
use std::io::{Read, Seek};

/// PyTorch allows 64; no published model has more than 5.
pub(super) const DIMENSIONS_MAX: usize = 8;
/// So many numbers are read at once.
const BLOCK_ELEMENTS: usize = 1 << 16;

/// Shape, kind and place of one tensor.
#[derive(Clone, Debug)]
pub struct Tensor {
    shape: Vec<usize>,
    dtype: Dtype,
    elements: usize,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// In the order of its shape, from this byte of the file on.
    InOrder(u64),
    /// Steps in numbers for each dimension; the span has all of them.
    Strided { at: u64, strides: Vec<usize>, span: usize },
}

/// Numbers of one kind that lie one after the other in the file.
#[derive(Clone, Copy)]
pub(super) struct Storage {
    pub(super) dtype: Dtype,
    /// Its first byte in the file.
    pub(super) at: u64,
    pub(super) elements: usize,
}

/// Where in its storage a tensor lies, in numbers, as the file says.
pub(super) struct Outline {
    pub(super) offset: u64,
    pub(super) shape: Vec<u64>,
    /// None where it lies in the order of its shape.
    pub(super) strides: Option<Vec<u64>>,
}

impl Tensor {
    /// Its sizes, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The kind of its numbers in the file.
    #[must_use]
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// How many numbers it has.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// Compares an outline with its storage; the error is what is wrong, in words.
    pub(super) fn new(storage: Storage, outline: Outline) -> Result<Self, String> {
        let Outline { offset, shape, strides } = outline;
        if shape.len() > DIMENSIONS_MAX {
            return Err(format!("has {} dimensions, at most {DIMENSIONS_MAX} are read", shape.len()));
        }
        let (shape, offset) = (sizes(&shape)?, sizes(&[offset])?[0]);
        let elements = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let elements = elements.ok_or_else(|| format!("the shape {shape:?} is too large"))?;
        let ordered = steps_in_order(&shape, elements);
        let strides = strides.map(|strides| sizes(&strides)).transpose()?;
        // Steps of dimensions that have one place say nothing, and PyTorch writes anything there.
        let strides = strides.filter(|strides| {
            elements > 0 && (0..shape.len()).any(|axis| shape[axis] > 1 && strides[axis] != ordered[axis])
        });
        let span = match &strides {
            Some(strides) => span(&shape, strides)?,
            None => elements,
        };
        let end = offset.checked_add(span).filter(|end| *end <= storage.elements);
        if end.is_none() {
            let has = storage.elements;
            return Err(format!(
                "the shape {shape:?} at {offset} reaches beyond its storage of {has} numbers"
            ));
        }
        // An offset inside a storage that lies in a file cannot overflow.
        let at = storage.at + (offset * storage.dtype.bytes()) as u64;
        let place = match strides {
            Some(strides) => Place::Strided { at, strides, span },
            None => Place::InOrder(at),
        };
        Ok(Self { shape, dtype: storage.dtype, elements, place })
    }

    /// Its numbers as f32 in the order of its shape. The error is what is wrong with it, or why reading failed.
    pub(super) fn read(
        &self,
        name: &str,
        file: &mut (impl Read + Seek),
    ) -> Result<Vec<f32>, CheckpointError> {
        let wrong = |reason: String| CheckpointError::Tensor { name: name.to_owned(), reason };
        let convert = self.dtype.to_f32();
        let convert =
            convert.ok_or_else(|| wrong(format!("holds {}, and weights are floats", self.dtype.name())))?;
        let mut numbers = Vec::new();
        let no_room = |_| wrong(format!("there is no memory for its {} numbers", self.elements));
        match &self.place {
            Place::InOrder(at) => {
                numbers.try_reserve_exact(self.elements).map_err(no_room)?;
                self.read_blocks(file, *at, self.elements, |bytes| numbers.push(convert(bytes)))?;
            }
            Place::Strided { at, strides, span } => {
                let mut spanned = Vec::new();
                spanned.try_reserve_exact(*span).map_err(no_room)?;
                self.read_blocks(file, *at, *span, |bytes| spanned.push(convert(bytes)))?;
                numbers.try_reserve_exact(self.elements).map_err(no_room)?;
                gather(&self.shape, strides, |from| numbers.push(spanned[from]));
            }
        }
        match numbers.iter().position(|number| !number.is_finite()) {
            Some(place) => {
                let (found, of) = (numbers[place], self.elements);
                Err(wrong(format!("number {place} of {of} is {found} as float32, and weights are finite")))
            }
            None => Ok(numbers),
        }
    }

    fn read_blocks(
        &self,
        file: &mut (impl Read + Seek),
        at: u64,
        elements: usize,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), CheckpointError> {
        let width = self.dtype.bytes();
        let mut block = vec![0; width * elements.min(BLOCK_ELEMENTS)];
        let mut done = 0;
        while done < elements {
            let bytes = &mut block[..width * (elements - done).min(BLOCK_ELEMENTS)];
            read_at(file, at + (done * width) as u64, bytes)?;
            bytes.chunks_exact(width).for_each(&mut take);
            done += bytes.len() / width;
        }
        Ok(())
    }
}

fn sizes(numbers: &[u64]) -> Result<Vec<usize>, String> {
    let narrow = |number: &u64| usize::try_from(*number).map_err(|_| format!("{number} is too large a size"));
    numbers.iter().map(narrow).collect()
}

/// The steps of a tensor that lies in the order of its shape.
fn steps_in_order(shape: &[usize], elements: usize) -> Vec<usize> {
    let mut inner = elements;
    let step = |size: &usize| {
        inner = inner.checked_div(*size).unwrap_or(0);
        inner
    };
    shape.iter().map(step).collect()
}

/// How many numbers lie from the first to the last, for sizes and steps of which no two places may be one. With that no
/// shape has more numbers than its storage.
fn span(shape: &[usize], strides: &[usize]) -> Result<usize, String> {
    let mut axes: Vec<(usize, usize)> =
        strides.iter().copied().zip(shape.iter().copied()).filter(|(_, size)| *size > 1).collect();
    axes.sort_unstable();
    let mut last = 0usize;
    for (step, size) in axes {
        if step <= last {
            return Err(format!("steps of {strides:?} for the shape {shape:?} use a number twice"));
        }
        let reached = (size - 1).checked_mul(step).and_then(|reach| last.checked_add(reach));
        last = reached.ok_or_else(|| format!("steps of {strides:?} are too large"))?;
    }
    last.checked_add(1).ok_or_else(|| format!("steps of {strides:?} are too large"))
}

/// Visits the places of a strided tensor in the order of its shape; no size is zero.
fn gather(shape: &[usize], strides: &[usize], mut visit: impl FnMut(usize)) {
    let mut index = vec![0; shape.len()];
    let mut from = 0;
    loop {
        visit(from);
        let mut axis = shape.len();
        loop {
            let Some(outer) = axis.checked_sub(1) else { return };
            axis = outer;
            index[axis] += 1;
            if index[axis] < shape[axis] {
                from += strides[axis];
                break;
            }
            // Back to the axis' first place; the next axis outside goes on. Steps of an axis of one are never taken.
            index[axis] = 0;
            from -= strides[axis].saturating_mul(shape[axis] - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn storage(elements: usize) -> Storage {
        Storage { dtype: Dtype::F32, at: 0, elements }
    }

    fn outline(offset: u64, shape: &[u64], strides: &[u64]) -> Outline {
        Outline { offset, shape: shape.to_vec(), strides: Some(strides.to_vec()) }
    }

    fn check(offset: u64, shape: &[u64], strides: &[u64], expected: &[f32]) {
        let bytes: Vec<u8> = (0..24u8).flat_map(|number| f32::from(number).to_le_bytes()).collect();
        let tensor = Tensor::new(storage(24), outline(offset, shape, strides)).unwrap();
        assert_eq!(tensor.read("x", &mut Cursor::new(bytes)).unwrap(), expected);
    }

    #[test]
    fn views_are_read_in_the_order_of_their_shape() {
        check(2, &[2, 3], &[3, 1], &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        check(0, &[3, 2], &[1, 3], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        check(1, &[2, 2, 2], &[12, 2, 5], &[1.0, 6.0, 3.0, 8.0, 13.0, 18.0, 15.0, 20.0]);
        check(5, &[], &[], &[5.0]);
        check(24, &[0, 7], &[7, 1], &[]);
        // An axis of one may have any step.
        check(0, &[2, 1, 2], &[2, u64::MAX >> 1, 1], &[0.0, 1.0, 2.0, 3.0]);
        check(0, &[2, 1, 2], &[1, u64::MAX >> 1, 2], &[0.0, 2.0, 1.0, 3.0]);
    }

    #[test]
    fn views_that_overlap_or_leave_their_storage_are_refused() {
        for (offset, shape, strides) in [
            (0, vec![1 << 40], vec![0]),
            (0, vec![4, 4], vec![1, 1]),
            (0, vec![3, 3], vec![2, 1]),
            (0, vec![5, 5], vec![5, 1]),
            (24, vec![1], vec![1]),
            (0, vec![2, 2], vec![u64::MAX, 1]),
            (u64::MAX, vec![1], vec![1]),
            (0, vec![1 << 33, 1 << 33], vec![1 << 33, 1]),
            (0, vec![2, 2], vec![1 << 62, 1 << 63]),
        ] {
            let refused = Tensor::new(storage(24), outline(offset, &shape, &strides));
            assert!(refused.is_err(), "{offset} {shape:?} {strides:?}");
        }
    }
}
