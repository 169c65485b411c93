//! What a call in a pickle means here: the list of globals that have a meaning, and that meaning. All others are refused
//! by name. Nothing is called: a tensor becomes an outline, a harmless class becomes its name.

use super::{DIMENSIONS_MAX, Id, Machine, Node, StorageId, TensorNode, View};
use crate::checkpoint::CheckpointError;

/// What is made of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A dict that is empty at first.
    Mapping,
    /// What its first argument is: the rest is how Python wraps it.
    First,
    /// `(storage, offset, shape, strides, ..)`.
    Tensor,
    /// An exact number, `("39/5",)` or `(39, 5)`.
    Fraction,
    /// Bytes that protocol 2 writes as text.
    Bytes,
    /// The name of the class; its arguments and its state say nothing about tensors.
    Named,
    /// `(class, object, None)`: as if the class had been called.
    Reconstructed,
}

fn meaning(module: &str, name: &str) -> Option<Meaning> {
    Some(match (module, name) {
        ("collections", "OrderedDict" | "defaultdict") => Meaning::Mapping,
        (
            "pytorch_lightning.utilities.parsing"
            | "lightning.pytorch.utilities.parsing"
            | "lightning_fabric.utilities.data"
            | "lightning.fabric.utilities.data",
            "AttributeDict",
        ) => Meaning::Mapping,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Meaning::Tensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => Meaning::First,
        ("torch", "Size" | "device") | ("torch.torch_version", "TorchVersion") => Meaning::First,
        ("collections", "Counter") | ("builtins" | "__builtin__", "set" | "frozenset") => Meaning::First,
        ("fractions", "Fraction") => Meaning::Fraction,
        ("_codecs", "encode") => Meaning::Bytes,
        ("copyreg" | "copy_reg", "_reconstructor") => Meaning::Reconstructed,
        ("numpy", "dtype" | "ndarray")
        | ("numpy.core.multiarray" | "numpy._core.multiarray", "scalar" | "_reconstruct")
        | ("pathlib", "PosixPath" | "WindowsPath" | "PurePosixPath" | "PureWindowsPath")
        | ("argparse", "Namespace")
        | ("datetime", "datetime" | "timedelta")
        | ("omegaconf.dictconfig", "DictConfig")
        | ("omegaconf.listconfig", "ListConfig")
        | ("omegaconf.base", "ContainerMetadata" | "Metadata")
        | (
            "omegaconf.nodes",
            "AnyNode" | "BooleanNode" | "EnumNode" | "FloatNode" | "IntegerNode" | "StringNode",
        )
        | ("ml_collections.config_dict.config_dict", "ConfigDict" | "FrozenConfigDict") => Meaning::Named,
        _ => return None,
    })
}

impl Machine<'_> {
    /// What a call in the pickle at byte `at` stands for; `as_class` where Python would make an object of the callee.
    pub(super) fn call(
        &mut self,
        callee: Id,
        arguments: Id,
        as_class: bool,
        at: usize,
    ) -> Result<Id, CheckpointError> {
        let refused = |callee: View<'_>| {
            let what = if as_class { "an object of" } else { "a call of" };
            CheckpointError::Refused { what: format!("{what} {callee}"), at }
        };
        let meant = self.meaning_of(callee).ok_or_else(|| refused(self.view(callee)))?;
        let Node::Tuple(given) = self.view(arguments).node() else {
            return Err(self.damage("calls something without a tuple of arguments"));
        };
        let first = given.first().copied();
        let first_of =
            |machine: &Self| first.ok_or_else(|| machine.damage("calls something without arguments"));
        let node = match meant {
            Meaning::First => return first_of(self),
            Meaning::Mapping => {
                // Python writes what is in it afterwards; a first argument is what makes missing values.
                let filled = given.iter().any(|id| !matches!(self.view(*id).node(), Node::Global(..)));
                if filled {
                    return Err(refused(self.view(callee)));
                }
                Node::Dict(Vec::new())
            }
            Meaning::Tensor => Node::Tensor(self.tensor(given)?),
            Meaning::Fraction => self.fraction(given)?,
            Meaning::Bytes => Node::Bytes,
            Meaning::Named => Node::Object(callee),
            Meaning::Reconstructed => {
                let class = first_of(self)?;
                if self.meaning_of(class) != Some(Meaning::Named) {
                    return Err(refused(self.view(class)));
                }
                Node::Object(class)
            }
        };
        self.push_new(node)?;
        self.pop()
    }

    fn meaning_of(&self, callee: Id) -> Option<Meaning> {
        let callee = self.view(callee);
        match callee.node() {
            Node::Global(module, name) => meaning(callee.words(*module), callee.words(*name)),
            _ => None,
        }
    }

    fn tensor(&self, given: &[Id]) -> Result<TensorNode, CheckpointError> {
        let [storage, offset, shape, strides, ..] = given else {
            return Err(self.damage("has a tensor without storage, offset, shape and strides"));
        };
        let offset = self.view(*offset).count();
        let (Node::Storage(_), Some(offset)) = (self.view(*storage).node(), offset) else {
            return Err(self.damage("has a tensor without a storage"));
        };
        let dimensions = |id: &Id| {
            let sizes = self.view(*id).items()?;
            let count = sizes.len();
            (count <= DIMENSIONS_MAX && { sizes }.all(|size| size.count().is_some())).then_some(count)
        };
        match (dimensions(shape), dimensions(strides)) {
            (Some(sizes), Some(steps)) if sizes == steps => {}
            _ => return Err(self.damage("has a tensor whose shape is none")),
        }
        Ok(TensorNode { storage: StorageId(*storage), offset, shape: *shape, strides: *strides })
    }

    fn fraction(&self, given: &[Id]) -> Result<Node, CheckpointError> {
        let integer = |id: &Id| match self.view(*id).node() {
            Node::Integer(integer) => Some(*integer),
            _ => None,
        };
        let parts = match given {
            [text] => self.view(*text).text().and_then(|text| {
                let (over, under) = text.split_once('/').unwrap_or((text, "1"));
                Some((over.parse().ok()?, under.parse().ok()?))
            }),
            [over, under] => integer(over).zip(integer(under)),
            _ => None,
        };
        match parts {
            Some((over, under)) if under > 0 => Ok(Node::Ratio(over, under)),
            _ => Err(self.damage("has a fraction that is none")),
        }
    }
}
