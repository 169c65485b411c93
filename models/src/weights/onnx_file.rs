//! What an ONNX file says of itself, read off its bytes: the fields of a message, and the ports of its graph. Knows the
//! few fields of `onnx.proto` that it needs, and no engine.

/// A field number of the protocol buffer encoding.
pub(crate) type Tag = u64;

pub(crate) const MODEL_GRAPH: Tag = 7;
const GRAPH_INITIALIZER: Tag = 5;
pub(crate) const GRAPH_INPUT: Tag = 11;
pub(crate) const GRAPH_OUTPUT: Tag = 12;
const INITIALIZER_NAME: Tag = 8;
pub(crate) const VALUE_NAME: Tag = 1;
pub(crate) const VALUE_TYPE: Tag = 2;
pub(crate) const TYPE_TENSOR: Tag = 1;
pub(crate) const TENSOR_SHAPE: Tag = 2;
pub(crate) const SHAPE_DIMENSION: Tag = 1;
pub(crate) const DIMENSION_VALUE: Tag = 1;

/// A named tensor that goes into a graph or comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tensor {
    pub(super) name: String,
    /// None where the file does not say; within, none for a dimension that varies.
    pub(super) shape: Option<Vec<Option<u64>>>,
}

/// What goes in, and what comes out.
///
/// # Errors
/// Where the bytes are no such file.
pub(super) fn ports(onnx: &[u8]) -> Result<(Vec<Tensor>, Vec<Tensor>), String> {
    let (mut inputs, mut outputs, mut own) = (Vec::new(), Vec::new(), Vec::new());
    let mut graphs = 0;
    for field in fields(onnx) {
        let Field { tag: MODEL_GRAPH, bytes: Some(graph), .. } = field? else { continue };
        graphs += 1;
        for field in fields(graph) {
            match field? {
                Field { tag: GRAPH_INPUT, bytes: Some(value), .. } => inputs.push(tensor(value)?),
                Field { tag: GRAPH_OUTPUT, bytes: Some(value), .. } => outputs.push(tensor(value)?),
                Field { tag: GRAPH_INITIALIZER, bytes: Some(weights), .. } => {
                    own.push(name(weights, INITIALIZER_NAME)?)
                }
                _ => {}
            }
        }
    }
    if graphs == 0 {
        return Err("it holds no graph".to_owned());
    }
    // Old files list their weights among the inputs, too.
    inputs.retain(|input: &Tensor| !own.contains(&input.name));
    Ok((inputs, outputs))
}

fn tensor(value: &[u8]) -> Result<Tensor, String> {
    let inside = |message: Option<&'_ [u8]>, tag: Tag| -> Result<Option<Vec<u8>>, String> {
        let Some(message) = message else { return Ok(None) };
        let found = fields(message).find(|field| field.as_ref().map_or(true, |field| field.tag == tag));
        Ok(found.transpose()?.and_then(|field| field.bytes.map(<[u8]>::to_vec)))
    };
    let kind = inside(Some(value), VALUE_TYPE)?;
    let tensor = inside(kind.as_deref(), TYPE_TENSOR)?;
    let shape = inside(tensor.as_deref(), TENSOR_SHAPE)?;
    let dimension = |field: Result<Field<'_>, String>| -> Result<Option<u64>, String> {
        let of = fields(field?.bytes.unwrap_or_default()).collect::<Result<Vec<_>, _>>()?;
        Ok(of.iter().find(|field| field.tag == DIMENSION_VALUE).and_then(|field| field.number))
    };
    let shape = shape.map(|shape| {
        let all =
            fields(&shape).filter(|field| field.as_ref().map_or(true, |field| field.tag == SHAPE_DIMENSION));
        all.map(dimension).collect::<Result<Vec<_>, String>>()
    });
    Ok(Tensor { name: name(value, VALUE_NAME)?, shape: shape.transpose()? })
}

fn name(message: &[u8], tag: Tag) -> Result<String, String> {
    let mut name = String::new();
    for field in fields(message) {
        let field = field?;
        if let Some(bytes) = field.bytes.filter(|_| field.tag == tag) {
            name = String::from_utf8_lossy(bytes).into_owned();
        }
    }
    Ok(name)
}

/// One field of a message.
pub(crate) struct Field<'a> {
    pub(crate) tag: Tag,
    /// With tag and length.
    pub(crate) whole: &'a [u8],
    /// The contents, where it is a string or a message.
    pub(crate) bytes: Option<&'a [u8]>,
    /// The number, where it is one.
    pub(crate) number: Option<u64>,
}

/// The fields of a message, ending with the first that is broken.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>, String>> {
    let mut rest = message;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = next_field(rest);
        rest = field.as_ref().map_or(&[], |field| &rest[field.whole.len()..]);
        Some(field.ok_or_else(|| "the file is broken".to_owned()))
    })
}

fn next_field(message: &[u8]) -> Option<Field<'_>> {
    let (key, mut at) = number(message)?;
    let (mut bytes, mut whole_number) = (None, None);
    match key & 7 {
        0 => {
            let (value, size) = number(&message[at..])?;
            (whole_number, at) = (Some(value), at + size);
        }
        1 => at += 8,
        2 => {
            let (length, size) = number(&message[at..])?;
            let (start, length) = (at + size, usize::try_from(length).ok()?);
            at = start.checked_add(length)?;
            bytes = Some(message.get(start..at)?);
        }
        5 => at += 4,
        _ => return None,
    }
    Some(Field { tag: key >> 3, whole: message.get(..at)?, bytes, number: whole_number })
}

/// A number and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}
