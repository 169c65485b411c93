//! A pickle machine that can build plain values and tensors' outlines and nothing else. It imports nothing, calls
//! nothing and keeps no object that could act: a global is a pair of names, and only those in [`globals`] have a meaning,
//! which is written there. Reads what `torch.save` writes: protocol 2, and the bytes of protocol 3.

mod globals;
mod opcode;
mod values;

use super::CheckpointError;
use super::dtype::Dtype;
use super::tensor::DIMENSIONS_MAX;
use std::collections::HashMap;

pub(super) use values::{Id, Node, Pickle, Span, View};

/// Pickles of published checkpoints have some 100 kB, with an optimiser's state a few megabytes.
pub(super) const PICKLE_BYTES_MAX: usize = 32 << 20;
/// A tensor takes some 20 values. Memo and stack have the same limit.
const NODES_MAX: usize = 1 << 20;
const STRING_BYTES_MAX: usize = 1 << 20;
const GLOBAL_BYTES_MAX: usize = 256;
/// Collections inside collections while they are read.
const MARKS_MAX: usize = 256;

/// A tensor's numbers, as the pickle names them.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageNode {
    pub(super) dtype: Dtype,
    pub(super) key: Span,
    pub(super) elements: u64,
}

/// A tensor's outline; nothing of it has been compared with its storage yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct TensorNode {
    pub(super) storage: StorageId,
    pub(super) offset: u64,
    pub(super) shape: Id,
    pub(super) strides: Id,
}

/// A node that is a storage.
#[derive(Clone, Copy, Debug)]
pub(super) struct StorageId(Id);

impl<'a> View<'a> {
    /// The storage of a tensor.
    pub(super) fn storage(self, id: StorageId) -> StorageNode {
        match self.at(id.0).node() {
            Node::Storage(storage) => *storage,
            _ => unreachable!("only the number of a storage becomes a `StorageId`"),
        }
    }
}

/// Reads a pickle.
///
/// # Errors
/// Refuses opcodes and globals by name, damage by its place, and what is beyond a limit.
pub(super) fn read(bytes: Vec<u8>) -> Result<Pickle, CheckpointError> {
    CheckpointError::at_most("bytes of pickle", bytes.len(), PICKLE_BYTES_MAX)?;
    let mut machine = Machine {
        bytes: &bytes,
        at: 0,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    let nodes = machine.nodes;
    Ok(Pickle { bytes, nodes, root })
}

struct Machine<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine<'_> {
    fn run(&mut self) -> Result<Id, CheckpointError> {
        loop {
            let at = self.at;
            let op = self.take(1)?[0];
            if op == opcode::STOP {
                let root = self.pop()?;
                if !self.stack.is_empty() || !self.marks.is_empty() || self.at != self.bytes.len() {
                    return Err(self.damage("goes on where it should end"));
                }
                return Ok(root);
            }
            let known =
                self.scalar(op)? || self.collection(op)? || self.memory(op)? || self.object(op, at)?;
            if !known {
                let what = match opcode::name(op) {
                    Some(name) => format!("the opcode {name}"),
                    None => format!("an opcode 0x{op:02x} that no protocol has"),
                };
                return Err(CheckpointError::Refused { what, at });
            }
        }
    }

    /// Opcodes that bring one value.
    fn scalar(&mut self, op: u8) -> Result<bool, CheckpointError> {
        let node = match op {
            opcode::PROTO => {
                let protocol = self.take(1)?[0];
                if !(2..=3).contains(&protocol) {
                    let reason = format!(
                        "a pickle of protocol {protocol}, and PyTorch's own is 2; save it again with torch.save's defaults"
                    );
                    return Err(CheckpointError::Unsupported(reason));
                }
                return Ok(true);
            }
            opcode::NONE => Node::None,
            opcode::NEWTRUE => Node::Flag(true),
            opcode::NEWFALSE => Node::Flag(false),
            opcode::BININT => Node::Integer(i64::from(self.number(4)? as u32 as i32)),
            opcode::BININT1 => Node::Integer(self.number(1)? as i64),
            opcode::BININT2 => Node::Integer(self.number(2)? as i64),
            opcode::LONG1 => {
                let bytes = self.number(1)? as usize;
                self.long(bytes)?
            }
            opcode::LONG4 => {
                let bytes = self.length("bytes of one integer")?;
                self.long(bytes)?
            }
            opcode::BINFLOAT => {
                // The one number of a pickle that is big-endian.
                Node::Number(f64::from_bits(self.number(8)?.swap_bytes()))
            }
            opcode::BINUNICODE => {
                let bytes = self.length("bytes of text")?;
                Node::Text(self.words(bytes)?)
            }
            opcode::BINBYTES | opcode::SHORT_BINBYTES => {
                let bytes = match op {
                    opcode::BINBYTES => self.length("bytes in one value")?,
                    _ => self.number(1)? as usize,
                };
                self.take(bytes)?;
                Node::Bytes
            }
            opcode::GLOBAL => {
                let module = self.line()?;
                let name = self.line()?;
                Node::Global(module, name)
            }
            _ => return Ok(false),
        };
        self.push_new(node)?;
        Ok(true)
    }

    /// Opcodes that make collections or add to them.
    fn collection(&mut self, op: u8) -> Result<bool, CheckpointError> {
        let node = match op {
            opcode::MARK => {
                CheckpointError::at_most("open collections in its pickle", self.marks.len() + 1, MARKS_MAX)?;
                self.marks.push(self.stack.len());
                return Ok(true);
            }
            opcode::EMPTY_LIST => Node::List(Vec::new()),
            opcode::EMPTY_DICT => Node::Dict(Vec::new()),
            opcode::EMPTY_TUPLE => Node::Tuple(Vec::new()),
            opcode::TUPLE => Node::Tuple(self.pop_marked()?),
            opcode::TUPLE1 | opcode::TUPLE2 | opcode::TUPLE3 => {
                let count = usize::from(op - opcode::TUPLE1) + 1;
                Node::Tuple(self.pop_many(count)?)
            }
            opcode::APPEND | opcode::APPENDS => {
                let new = if op == opcode::APPEND { self.pop_many(1)? } else { self.pop_marked()? };
                let list = self.top()?;
                match &mut self.nodes[list.0 as usize] {
                    Node::List(items) => items.extend(new),
                    _ => return Err(self.damage("appends to what is no list")),
                }
                return Ok(true);
            }
            opcode::SETITEM | opcode::SETITEMS => {
                let new = if op == opcode::SETITEM { self.pop_many(2)? } else { self.pop_marked()? };
                let (new, rest) = new.as_chunks::<2>();
                let dict = self.top()?;
                match &mut self.nodes[dict.0 as usize] {
                    Node::Dict(pairs) if rest.is_empty() => {
                        pairs.extend(new.iter().map(|[key, value]| (*key, *value)));
                    }
                    _ => return Err(self.damage("sets items of what is no dict")),
                }
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.push_new(node)?;
        Ok(true)
    }

    /// Opcodes of the stack and the memo.
    fn memory(&mut self, op: u8) -> Result<bool, CheckpointError> {
        match op {
            opcode::POP => {
                self.pop()?;
            }
            opcode::POP_MARK => {
                self.pop_marked()?;
            }
            opcode::BINPUT | opcode::LONG_BINPUT => {
                let key = self.number(if op == opcode::BINPUT { 1 } else { 4 })? as u32;
                let value = self.top()?;
                self.memo.insert(key, value);
                CheckpointError::at_most("remembered values in its pickle", self.memo.len(), NODES_MAX)?;
            }
            opcode::BINGET | opcode::LONG_BINGET => {
                let key = self.number(if op == opcode::BINGET { 1 } else { 4 })? as u32;
                let Some(value) = self.memo.get(&key) else {
                    return Err(self.damage("asks for a value that it has not remembered"));
                };
                self.push(*value)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Opcodes that would call something in Python.
    fn object(&mut self, op: u8, at: usize) -> Result<bool, CheckpointError> {
        match op {
            opcode::REDUCE | opcode::NEWOBJ => {
                let arguments = self.pop()?;
                let callee = self.pop()?;
                let made = self.call(callee, arguments, op == opcode::NEWOBJ, at)?;
                self.push(made)?;
            }
            opcode::BUILD => {
                self.pop()?;
                let built = self.view(self.top()?);
                // The attributes of a dict's subclass and of a class that is kept by name say nothing here.
                if !matches!(built.node(), Node::Dict(_) | Node::Object(_)) {
                    return Err(CheckpointError::Refused {
                        what: format!("the state of {built} (BUILD)"),
                        at,
                    });
                }
            }
            opcode::BINPERSID => {
                let outline = self.pop()?;
                let storage = self.storage_of(outline)?;
                self.push_new(Node::Storage(storage))?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `("storage", class, key, place, elements)`, the only thing that PyTorch keeps beside the pickle.
    fn storage_of(&self, outline: Id) -> Result<StorageNode, CheckpointError> {
        let outline = self.view(outline);
        let fields: Vec<View<'_>> = outline.items().into_iter().flatten().take(6).collect();
        let [kind, class, key, _place, elements] = fields[..] else {
            return Err(self.damage("names a storage in an unknown way"));
        };
        let (Some("storage"), Node::Text(key), Some(elements)) = (kind.text(), key.node(), elements.count())
        else {
            return Err(self.damage("names a storage in an unknown way"));
        };
        let dtype = match class.node() {
            Node::Global(module, name) => match (class.words(*module), class.words(*name)) {
                ("torch", name) => Dtype::of_storage(name),
                ("torch.storage", "UntypedStorage") => Some(Dtype::U8),
                _ => None,
            },
            _ => None,
        };
        let dtype = dtype.ok_or_else(|| {
            CheckpointError::Unsupported(format!("numbers in {class}; plain floats can be read"))
        })?;
        Ok(StorageNode { dtype, key: *key, elements })
    }

    fn long(&mut self, bytes: usize) -> Result<Node, CheckpointError> {
        let digits = self.take(bytes)?;
        if bytes > 8 {
            return Ok(Node::WideInteger);
        }
        // Two's complement: the upper bytes are those of the sign.
        let fill = if digits.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut whole = [fill; 8];
        whole[..bytes].copy_from_slice(digits);
        Ok(Node::Integer(i64::from_le_bytes(whole)))
    }

    fn take(&mut self, bytes: usize) -> Result<&[u8], CheckpointError> {
        let end = self.at.saturating_add(bytes);
        let Some(taken) = self.bytes.get(self.at..end) else {
            return Err(self.damage("ends too soon"));
        };
        self.at = end;
        Ok(taken)
    }

    /// A little-endian number of at most eight bytes.
    fn number(&mut self, bytes: usize) -> Result<u64, CheckpointError> {
        Ok(self.take(bytes)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn length(&mut self, what: &'static str) -> Result<usize, CheckpointError> {
        let bytes = self.number(4)? as usize;
        CheckpointError::at_most(what, bytes, STRING_BYTES_MAX)?;
        Ok(bytes)
    }

    fn words(&mut self, bytes: usize) -> Result<Span, CheckpointError> {
        let at = self.at as u32;
        if std::str::from_utf8(self.take(bytes)?).is_err() {
            return Err(self.damage("has text that is not UTF-8"));
        }
        Ok(Span { at, bytes: bytes as u32 })
    }

    fn line(&mut self) -> Result<Span, CheckpointError> {
        let rest = &self.bytes[self.at..];
        let bytes = rest.iter().take(GLOBAL_BYTES_MAX).position(|byte| *byte == b'\n');
        let Some(bytes) = bytes else {
            return Err(self.damage("has a global without an end"));
        };
        let span = self.words(bytes)?;
        self.take(1)?;
        Ok(span)
    }

    fn view(&self, id: Id) -> View<'_> {
        View { pickle: values::Source { bytes: self.bytes, nodes: &self.nodes }, id }
    }

    fn push_new(&mut self, node: Node) -> Result<(), CheckpointError> {
        CheckpointError::at_most("values in its pickle", self.nodes.len() + 1, NODES_MAX)?;
        let id = Id(self.nodes.len() as u32);
        self.nodes.push(node);
        self.push(id)
    }

    fn push(&mut self, id: Id) -> Result<(), CheckpointError> {
        CheckpointError::at_most("values on its pickle's stack", self.stack.len() + 1, NODES_MAX)?;
        self.stack.push(id);
        Ok(())
    }

    /// The lowest place above the newest mark.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id, CheckpointError> {
        self.stack[self.floor()..]
            .last()
            .copied()
            .ok_or_else(|| self.damage("uses a value that is not there"))
    }

    fn pop(&mut self) -> Result<Id, CheckpointError> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, CheckpointError> {
        if self.stack.len() - self.floor() < count {
            return Err(self.damage("uses a value that is not there"));
        }
        Ok(self.stack.split_off(self.stack.len() - count))
    }

    fn pop_marked(&mut self) -> Result<Vec<Id>, CheckpointError> {
        let Some(mark) = self.marks.pop() else {
            return Err(self.damage("ends a collection that it has not begun"));
        };
        Ok(self.stack.split_off(mark))
    }

    fn damage(&self, what: &str) -> CheckpointError {
        CheckpointError::damaged(format!("its pickle {what}, near byte {}", self.at))
    }
}
