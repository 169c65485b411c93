//! Makes values inside an ONNX graph its inputs and outputs, on the file's bytes: so a network that was exported to
//! start from silence can go on from where it was. Knows the few fields of `onnx.proto` that it needs; all others pass
//! as they are.

use crate::weights::onnx_file::{
    DIMENSION_VALUE, Field, GRAPH_INPUT, GRAPH_OUTPUT, MODEL_GRAPH, SHAPE_DIMENSION, TENSOR_SHAPE,
    TYPE_TENSOR, Tag, VALUE_NAME, VALUE_TYPE, fields,
};

const GRAPH_NODE: Tag = 1;
const NODE_OUTPUT: Tag = 2;
const TENSOR_ELEMENT: Tag = 1;
const DIMENSION_NAME: Tag = 2;
const FLOAT: u64 = 1;

/// A value that shall come from outside.
pub(super) struct Fed {
    pub(super) name: &'static str,
    /// 0 for any.
    pub(super) shape: &'static [u64],
}

/// What the node that made a [`Fed`] value calls it from then on.
pub(super) fn made(name: &str) -> String {
    format!("{name}.made")
}

/// The graph with the values `fed` as inputs and the values `told` as outputs, all of 32-bit floats.
///
/// # Errors
/// Where the bytes are no such file, or no node makes one of `fed`.
pub(super) fn opened(onnx: &[u8], fed: &[Fed], told: &[String]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(onnx.len() + 1024);
    let mut found = vec![false; fed.len()];
    for field in fields(onnx) {
        match field? {
            Field { tag: MODEL_GRAPH, bytes: Some(graph), .. } => {
                put_bytes(&mut out, MODEL_GRAPH, &open_graph(graph, fed, told, &mut found)?);
            }
            field => out.extend_from_slice(field.whole),
        }
    }
    match found.iter().position(|found| !found) {
        Some(i) => Err(format!("no node makes `{}`", fed[i].name)),
        None => Ok(out),
    }
}

fn open_graph(graph: &[u8], fed: &[Fed], told: &[String], found: &mut [bool]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(graph.len() + 1024);
    for field in fields(graph) {
        match field? {
            Field { tag: GRAPH_NODE, bytes: Some(node), .. } => {
                put_bytes(&mut out, GRAPH_NODE, &rename_outputs(node, fed, found)?);
            }
            field => out.extend_from_slice(field.whole),
        }
    }
    fed.iter().for_each(|fed| put_bytes(&mut out, GRAPH_INPUT, &value(fed.name, Some(fed.shape))));
    told.iter().for_each(|name| put_bytes(&mut out, GRAPH_OUTPUT, &value(name, None)));
    Ok(out)
}

fn rename_outputs(node: &[u8], fed: &[Fed], found: &mut [bool]) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(node.len() + 16);
    for field in fields(node) {
        let field = field?;
        let name = field.bytes.filter(|_| field.tag == NODE_OUTPUT);
        match fed.iter().position(|fed| name == Some(fed.name.as_bytes())) {
            Some(i) => {
                found[i] = true;
                put_bytes(&mut out, NODE_OUTPUT, made(fed[i].name).as_bytes());
            }
            None => out.extend_from_slice(field.whole),
        }
    }
    Ok(out)
}

/// A `ValueInfoProto`; without a shape the engine finds out itself.
fn value(name: &str, shape: Option<&[u64]>) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, VALUE_NAME, name.as_bytes());
    let mut tensor = Vec::new();
    put_number(&mut tensor, TENSOR_ELEMENT, FLOAT);
    if let Some(shape) = shape {
        let mut dimensions = Vec::new();
        for size in shape {
            let mut dimension = Vec::new();
            match size {
                0 => put_bytes(&mut dimension, DIMENSION_NAME, format!("{name}.columns").as_bytes()),
                size => put_number(&mut dimension, DIMENSION_VALUE, *size),
            }
            put_bytes(&mut dimensions, SHAPE_DIMENSION, &dimension);
        }
        put_bytes(&mut tensor, TENSOR_SHAPE, &dimensions);
    }
    let mut kind = Vec::new();
    put_bytes(&mut kind, TYPE_TENSOR, &tensor);
    put_bytes(&mut out, VALUE_TYPE, &kind);
    out
}

fn put_raw(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_number(out: &mut Vec<u8>, tag: Tag, value: u64) {
    put_raw(out, tag << 3);
    put_raw(out, value);
}

fn put_bytes(out: &mut Vec<u8>, tag: Tag, bytes: &[u8]) {
    put_raw(out, tag << 3 | 2);
    put_raw(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINI: &[u8] = include_bytes!("../../../../weights/mini.onnx");

    #[test]
    fn nothing_opened_is_the_file_itself() {
        assert_eq!(opened(MINI, &[], &[]).unwrap(), MINI);
    }

    #[test]
    fn a_broken_file_and_a_value_that_nobody_makes_are_refused() {
        assert!(opened(&MINI[..MINI.len() - 9], &[], &[]).is_err());
        assert!(opened(&[0xff; 40], &[], &[]).is_err());
        let nowhere = [Fed { name: "nowhere", shape: &[1] }];
        assert!(opened(MINI, &nowhere, &[]).unwrap_err().contains("nowhere"));
    }
}
