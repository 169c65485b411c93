//! A graph while it is built: nodes, constants, and values that know their shapes. Operators stand in `operators.rs`.

use super::schema::{Attribute, Dimension, Node, Shape, TensorType, Type, ValueInfo};
use std::rc::Rc;

/// What a tensor is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// 32-bit float.
    Float,
    /// 16-bit float.
    Half,
    /// 64-bit integer: shapes and indices.
    Int,
}

impl Element {
    /// As `onnx.proto` counts them.
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Float => 1,
            Self::Int => 7,
            Self::Half => 10,
        }
    }

    /// Of one number.
    pub(super) fn bytes(self) -> u64 {
        match self {
            Self::Half => 2,
            Self::Float => 4,
            Self::Int => 8,
        }
    }
}

/// A tensor somewhere in the graph.
#[derive(Clone, Debug)]
pub struct Value {
    pub(super) name: Rc<str>,
    pub(super) element: Element,
    pub(super) shape: Vec<usize>,
}

impl Value {
    /// Its dimensions.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many numbers it holds.
    pub(super) fn numbers(&self) -> u64 {
        self.shape.iter().fold(1, |all, &size| all.saturating_mul(size as u64))
    }
}

/// A graph that makes no sense: a bug of whoever builds it, or settings that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operator} cannot take {shapes}")]
pub struct GraphError {
    /// Which operator.
    pub operator: String,
    /// What it was given.
    pub shapes: String,
}

/// Numbers of one constant, made when it is written: row-major, as many as its shape says.
pub(super) type Numbers<'w, E> = Box<dyn FnMut() -> Result<Vec<f32>, E> + 'w>;

/// What a constant holds.
pub(super) enum Content<'w, E> {
    /// Weights.
    Floats(Numbers<'w, E>),
    /// Shapes and indices.
    Ints(Vec<i64>),
}

/// A constant of the graph.
pub(super) struct Constant<'w, E> {
    pub(super) value: Value,
    pub(super) content: Content<'w, E>,
}

/// A graph while it is built. `'w` is how long the weights live, `E` why they cannot be read.
pub struct Graph<'w, E> {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    pub(super) constants: Vec<Constant<'w, E>>,
    /// What weights and activations are computed in.
    float: Element,
    /// Products of one run.
    multiplications: u64,
}

impl<'w, E> Graph<'w, E> {
    /// An empty graph that computes in 32 bits, or in 16 where `half`; its inputs and outputs have 32 either way.
    #[must_use]
    pub fn new(name: &str, half: bool) -> Self {
        Self {
            name: name.to_owned(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            constants: Vec::new(),
            float: if half { Element::Half } else { Element::Float },
            multiplications: 0,
        }
    }

    /// How many numbers are multiplied by one another in one run: of matrices, convolutions, attention and recurrent
    /// layers, which are nearly all of the work. Each is added to another.
    #[must_use]
    pub fn multiplications(&self) -> u64 {
        self.multiplications
    }

    /// How many weights it has.
    #[must_use]
    pub fn numbers(&self) -> u64 {
        let floats = self.constants.iter().filter(|constant| constant.value.element != Element::Int);
        floats.map(|constant| constant.value.numbers()).sum()
    }

    /// Counts a node's products: so many for each number of `value`.
    pub(super) fn count(&mut self, value: &Value, each: usize) {
        self.multiplications =
            self.multiplications.saturating_add(value.numbers().saturating_mul(each as u64));
    }

    /// A tensor of 32-bit floats that comes from outside.
    #[must_use]
    pub fn input(&mut self, name: &str, shape: &[usize]) -> Value {
        let outside = Value { name: name.into(), element: Element::Float, shape: shape.to_vec() };
        self.inputs.push(info(&outside));
        self.cast(outside, self.float)
    }

    /// Names a value that goes outside, as 32-bit floats.
    ///
    /// # Errors
    /// Where integers would go outside.
    pub fn output(&mut self, name: &str, value: Value) -> Result<(), GraphError> {
        if value.element == Element::Int {
            return Err(self.refused("output", &[&value]));
        }
        let outside = Value { name: name.into(), element: Element::Float, shape: value.shape.clone() };
        let attributes = vec![Attribute::int("to", Element::Float.code().into())];
        let (operator, attributes) =
            if value.element == Element::Float { ("Identity", Vec::new()) } else { ("Cast", attributes) };
        self.push(operator, &[&value], &[&outside], attributes);
        self.outputs.push(info(&outside));
        Ok(())
    }

    /// Weights of that shape, made by `numbers` when the graph is written: row-major.
    #[must_use]
    pub fn weights(&mut self, shape: &[usize], numbers: impl FnMut() -> Result<Vec<f32>, E> + 'w) -> Value {
        self.constant(self.float, shape, Content::Floats(Box::new(numbers)))
    }

    /// One small number.
    #[must_use]
    pub fn number(&mut self, number: f32) -> Value {
        self.weights(&[], move || Ok(vec![number]))
    }

    /// A list of integers.
    #[must_use]
    pub fn ints(&mut self, ints: &[i64]) -> Value {
        self.constant(Element::Int, &[ints.len()], Content::Ints(ints.to_vec()))
    }

    fn constant(&mut self, element: Element, shape: &[usize], content: Content<'w, E>) -> Value {
        let name = format!("c{}", self.constants.len());
        let value = Value { name: name.into(), element, shape: shape.to_vec() };
        self.constants.push(Constant { value: value.clone(), content });
        value
    }

    fn cast(&mut self, value: Value, element: Element) -> Value {
        if value.element == element {
            return value;
        }
        let shape = value.shape.clone();
        self.node("Cast", &[&value], element, shape, vec![Attribute::int("to", element.code().into())])
    }

    /// Adds a node with one output of that element and shape, which the caller has worked out.
    pub(super) fn node(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        element: Element,
        shape: Vec<usize>,
        attributes: Vec<Attribute>,
    ) -> Value {
        let made = self.fresh(element, shape);
        self.push(operator, inputs, &[&made], attributes);
        made
    }

    /// A value that the next node will make.
    pub(super) fn fresh(&self, element: Element, shape: Vec<usize>) -> Value {
        Value { name: format!("v{}", self.nodes.len()).into(), element, shape }
    }

    pub(super) fn push(
        &mut self,
        operator: &str,
        inputs: &[&Value],
        outputs: &[&Value],
        attribute: Vec<Attribute>,
    ) {
        let names = |values: &[&Value]| values.iter().map(|value| value.name.to_string()).collect();
        self.nodes.push(Node {
            input: names(inputs),
            output: names(outputs),
            name: format!("n{}", self.nodes.len()),
            op_type: operator.to_owned(),
            attribute,
        });
    }

    pub(super) fn refused(&self, operator: &str, inputs: &[&Value]) -> GraphError {
        let shapes: Vec<_> = inputs.iter().map(|value| format!("{:?}", value.shape)).collect();
        GraphError { operator: operator.to_owned(), shapes: shapes.join(" and ") }
    }
}

fn info(value: &Value) -> ValueInfo {
    let dim = value.shape.iter().map(|&size| Dimension { size: i64::try_from(size).ok() }).collect();
    let tensor = TensorType { element: value.element.code(), shape: Some(Shape { dim }) };
    ValueInfo { name: value.name.to_string(), kind: Some(Type { tensor: Some(tensor) }) }
}
