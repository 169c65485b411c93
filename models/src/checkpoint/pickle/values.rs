//! What a pickle says, as plain nodes that point to each other by number: sharing and cycles cost nothing, and nothing
//! here can act. Strings stay where they are in the pickle's bytes.

use std::fmt;

/// The number of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::checkpoint) struct Id(pub(super) u32);

/// A piece of the pickle's bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::checkpoint) struct Span {
    pub(super) at: u32,
    pub(super) bytes: u32,
}

/// One value.
#[derive(Debug)]
pub(in crate::checkpoint) enum Node {
    None,
    Flag(bool),
    Integer(i64),
    /// An integer of more than 64 bits: nothing here needs one.
    WideInteger,
    Number(f64),
    Ratio(i64, i64),
    Text(Span),
    Bytes,
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// A class or function by module and name, which is never looked up.
    Global(Span, Span),
    Storage(super::StorageNode),
    Tensor(super::TensorNode),
    /// What a class that is known to be harmless would have been made of; the class is a [`Node::Global`].
    Object(Id),
}

/// A pickle that was read.
pub(in crate::checkpoint) struct Pickle {
    pub(super) bytes: Vec<u8>,
    pub(super) nodes: Vec<Node>,
    pub(super) root: Id,
}

impl Pickle {
    /// The value it is about.
    pub(in crate::checkpoint) fn root(&self) -> View<'_> {
        View { pickle: Source { bytes: &self.bytes, nodes: &self.nodes }, id: self.root }
    }
}

/// Bytes and nodes, while they grow and afterwards.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) nodes: &'a [Node],
}

/// One value with the pickle it is in.
#[derive(Clone, Copy)]
pub(in crate::checkpoint) struct View<'a> {
    pub(super) pickle: Source<'a>,
    pub(super) id: Id,
}

impl<'a> View<'a> {
    pub(in crate::checkpoint) fn node(self) -> &'a Node {
        &self.pickle.nodes[self.id.0 as usize]
    }

    /// Another value of the same pickle.
    pub(in crate::checkpoint) fn at(self, id: Id) -> View<'a> {
        View { id, ..self }
    }

    /// The words at a span; the machine has checked that they are UTF-8.
    pub(in crate::checkpoint) fn words(self, span: Span) -> &'a str {
        let (at, bytes) = (span.at as usize, span.bytes as usize);
        self.pickle.bytes.get(at..at + bytes).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or("")
    }

    pub(in crate::checkpoint) fn text(self) -> Option<&'a str> {
        match self.node() {
            Node::Text(span) => Some(self.words(*span)),
            _ => None,
        }
    }

    /// An integer that is no less than zero.
    pub(in crate::checkpoint) fn count(self) -> Option<u64> {
        match self.node() {
            Node::Integer(integer) => u64::try_from(*integer).ok(),
            _ => None,
        }
    }

    /// The items of a list or tuple.
    pub(in crate::checkpoint) fn items(self) -> Option<impl ExactSizeIterator<Item = View<'a>>> {
        match self.node() {
            Node::List(items) | Node::Tuple(items) => Some(items.iter().map(move |id| self.at(*id))),
            _ => None,
        }
    }

    /// The pairs of a dict.
    pub(in crate::checkpoint) fn pairs(self) -> Option<impl ExactSizeIterator<Item = (View<'a>, View<'a>)>> {
        match self.node() {
            Node::Dict(pairs) => Some(pairs.iter().map(move |(key, value)| (self.at(*key), self.at(*value)))),
            _ => None,
        }
    }

    /// The value of a key that is text; the last one where there are several.
    pub(in crate::checkpoint) fn get(self, key: &str) -> Option<View<'a>> {
        self.pairs()?.filter(|(found, _)| found.text() == Some(key)).last().map(|(_, value)| value)
    }
}

/// What it is, in words for a message.
impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::super::error::short;
        match self.node() {
            Node::None => f.write_str("None"),
            Node::Flag(_) => f.write_str("a truth value"),
            Node::Integer(_) | Node::WideInteger => f.write_str("an integer"),
            Node::Number(_) => f.write_str("a number"),
            Node::Ratio(..) => f.write_str("a fraction"),
            Node::Text(_) => f.write_str("text"),
            Node::Bytes => f.write_str("bytes"),
            Node::List(_) => f.write_str("a list"),
            Node::Tuple(_) => f.write_str("a tuple"),
            Node::Dict(_) => f.write_str("a dict"),
            Node::Global(module, name) => {
                write!(f, "`{}.{}`", short(self.words(*module)), short(self.words(*name)))
            }
            Node::Storage(_) => f.write_str("a storage"),
            Node::Tensor(_) => f.write_str("a tensor"),
            Node::Object(class) => write!(f, "an object of {}", self.at(*class)),
        }
    }
}
