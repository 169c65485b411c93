//! A graph into bytes, constant after constant, so that no more than one of them is in memory. Knows no files.

use super::graph::{Constant, Content, Element, Graph};
use super::schema::{GraphProto, IR_VERSION, ModelProto, OPSET, OperatorSet, StringEntry, TensorHead};
use half::f16;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};
use std::io::{self, Write};

/// Weights above this lie in a file of their own: a message of this encoding holds less than 2 GiB, and engines want
/// room for the rest of it.
pub const INSIDE_BYTES_MAX: u64 = 1_900 << 20;
/// A constant below this stays in the graph: shapes must, or engines do not find them.
const BESIDE_BYTES_MIN: u64 = 1 << 10;
/// Where a constant may begin in the file beside the graph, so that engines can map it.
const ALIGNMENT: u64 = 4_096;

/// Fields of `onnx.proto` that are written by hand.
const MODEL_GRAPH: u32 = 7;
const GRAPH_INITIALIZER: u32 = 5;
const TENSOR_RAW_DATA: u32 = 9;

/// How a graph was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the graph.
    pub graph_bytes: u64,
    /// Bytes of the file beside it; 0 where there is none.
    pub weights_bytes: u64,
}

/// Writes `graph` with `metadata` to `out`. Where its weights are too many for one message, they go to what `beside`
/// opens, which must lie beside the graph under the name `weights_name`.
///
/// # Errors
/// Those of the weights, and those of writing; a constant of another length than its shape is a bug and refused.
pub fn write<E: From<io::Error>, W: Write>(
    graph: Graph<'_, E>,
    metadata: &[(&str, &str)],
    weights_name: &str,
    out: &mut impl Write,
    beside: impl FnOnce() -> io::Result<W>,
) -> Result<Written, E> {
    write_within(INSIDE_BYTES_MAX, graph, metadata, weights_name, out, beside)
}

/// As [`write()`], with the weights in a file of their own from so many bytes on.
///
/// # Errors
/// As [`write()`].
pub fn write_within<E: From<io::Error>, W: Write>(
    inside_bytes_max: u64,
    graph: Graph<'_, E>,
    metadata: &[(&str, &str)],
    weights_name: &str,
    out: &mut impl Write,
    beside: impl FnOnce() -> io::Result<W>,
) -> Result<Written, E> {
    let Graph { name, nodes, inputs, outputs, mut constants, .. } = graph;
    let all: u64 = constants.iter().map(|constant| bytes(constant)).sum();
    let mut beside = if all > inside_bytes_max { Some(Beside { to: beside()?, written: 0 }) } else { None };
    let heads = heads(&constants, beside.is_some().then_some(weights_name));

    let entry =
        |(key, value): &(&str, &str)| StringEntry { key: (*key).to_owned(), value: (*value).to_owned() };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "Tributary".to_owned(),
        opset_import: vec![OperatorSet { domain: String::new(), version: OPSET }],
        metadata: metadata.iter().map(entry).collect(),
    };
    let skeleton = GraphProto { node: nodes, name, input: inputs, output: outputs };
    let graph_bytes = skeleton.encoded_len() as u64 + heads.iter().map(Head::field_bytes).sum::<u64>();

    let mut buffer = Vec::with_capacity(1 << 16);
    model.encode(&mut buffer).map_err(io::Error::other)?;
    encode_key(MODEL_GRAPH, WireType::LengthDelimited, &mut buffer);
    encode_varint(graph_bytes, &mut buffer);
    let before = buffer.len() as u64;
    skeleton.encode(&mut buffer).map_err(io::Error::other)?;
    out.write_all(&buffer)?;
    for (constant, head) in constants.iter_mut().zip(&heads) {
        let raw = raw(constant)?;
        buffer.clear();
        head.begin(&mut buffer);
        out.write_all(&buffer)?;
        match (&mut beside, head.inside) {
            (Some(beside), false) => beside.write(&raw)?,
            _ => out.write_all(&raw)?,
        }
    }
    out.flush()?;
    if let Some(beside) = &mut beside {
        beside.to.flush()?;
    }
    Ok(Written {
        graph_bytes: before + graph_bytes,
        weights_bytes: beside.map_or(0, |beside| beside.written),
    })
}

/// A constant without its numbers.
struct Head {
    tensor: TensorHead,
    raw_bytes: u64,
    /// Whether the numbers follow in the graph.
    inside: bool,
}

impl Head {
    /// The numbers' field, if they are here.
    fn raw_field_bytes(&self) -> u64 {
        let key = key_len(TENSOR_RAW_DATA) + encoded_len_varint(self.raw_bytes);
        if self.inside { key as u64 + self.raw_bytes } else { 0 }
    }

    fn tensor_bytes(&self) -> u64 {
        self.tensor.encoded_len() as u64 + self.raw_field_bytes()
    }

    /// As a field of the graph, all in all.
    fn field_bytes(&self) -> u64 {
        let key = key_len(GRAPH_INITIALIZER) + encoded_len_varint(self.tensor_bytes());
        key as u64 + self.tensor_bytes()
    }

    /// All up to the numbers.
    fn begin(&self, buffer: &mut Vec<u8>) {
        encode_key(GRAPH_INITIALIZER, WireType::LengthDelimited, buffer);
        encode_varint(self.tensor_bytes(), buffer);
        self.tensor.encode(buffer).expect("a vector takes any number of bytes");
        if self.inside {
            encode_key(TENSOR_RAW_DATA, WireType::LengthDelimited, buffer);
            encode_varint(self.raw_bytes, buffer);
        }
    }
}

/// The file beside the graph.
struct Beside<W> {
    to: W,
    written: u64,
}

impl<W: Write> Beside<W> {
    fn write(&mut self, raw: &[u8]) -> io::Result<()> {
        let gap = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.to.write_all(&[0; ALIGNMENT as usize][..gap as usize])?;
        self.to.write_all(raw)?;
        self.written += gap + raw.len() as u64;
        Ok(())
    }
}

fn heads<E>(constants: &[Constant<'_, E>], beside: Option<&str>) -> Vec<Head> {
    let mut offset = 0_u64;
    let head = |constant: &Constant<'_, E>| {
        let raw_bytes = bytes(constant);
        let value = &constant.value;
        let mut tensor = TensorHead {
            dims: value.shape.iter().map(|&size| size as i64).collect(),
            data_type: value.element.code(),
            name: value.name.to_string(),
            ..TensorHead::default()
        };
        let beside = beside.filter(|_| raw_bytes >= BESIDE_BYTES_MIN && value.element != Element::Int);
        if let Some(location) = beside {
            offset = offset.next_multiple_of(ALIGNMENT);
            let entries = [
                ("location", location.to_owned()),
                ("offset", offset.to_string()),
                ("length", raw_bytes.to_string()),
            ];
            let entry = |(key, value): (&str, String)| StringEntry { key: key.to_owned(), value };
            tensor.external_data = entries.into_iter().map(entry).collect();
            tensor.data_location = 1;
            offset += raw_bytes;
        }
        Head { tensor, raw_bytes, inside: beside.is_none() }
    };
    constants.iter().map(head).collect()
}

fn bytes<E>(constant: &Constant<'_, E>) -> u64 {
    constant.value.bytes()
}

/// The numbers of a constant, little-endian.
fn raw<E: From<io::Error>>(constant: &mut Constant<'_, E>) -> Result<Vec<u8>, E> {
    let expected = bytes(constant);
    let raw: Vec<u8> = match &mut constant.content {
        Content::Ints(ints) => ints.iter().flat_map(|int| int.to_le_bytes()).collect(),
        Content::Floats(numbers) => {
            let numbers = numbers()?;
            match constant.value.element {
                Element::Half => numbers.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect(),
                _ => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
            }
        }
    };
    if raw.len() as u64 != expected {
        let shape = &constant.value.shape;
        return Err(io::Error::other(format!("{} bytes of weights came for {shape:?}", raw.len())).into());
    }
    Ok(raw)
}
