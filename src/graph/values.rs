//! Reading and assigning the values of variables and text objects.

use super::node_id::NodeId;
use super::nodes::{wrong_kind, Kind};
use super::variable::{not_shaped, Data, Memory};
use super::Graph;
use crate::allocate::{allocate, copy};
use crate::error::{Code, Error, Reason, Result};
use crate::tensor::{copy_values, elements, shape_text, DType, Element, Strings};

impl Graph {
    /// Reads the value of a variable of a fixed-size dtype: a copy, row-major and in native byte
    /// order. Works for owned, borrowed and device variables.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION` (`NotShaped`): the variable has no value yet.
    /// * `INVALID_ARGUMENT` (`DType`): the variable holds strings.
    /// * `ABORTED` (`Callback`): a callback failed.
    pub fn read(&self, variable: NodeId) -> Result<Vec<u8>> {
        self.with(|nodes| {
            let what = nodes.describe(variable);
            let found = nodes.variable(variable)?;
            let (dtype, shape) = found.spec().ok_or_else(|| not_shaped(&what))?;
            match &found.data {
                Data::Owned(buffer) => copy(buffer.bytes()),
                Data::Borrowed(memory) => copy(memory.bytes()),
                Data::Resizable(memory) => copy(memory.bytes()),
                Data::Device(device) => {
                    let size = elements(&shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
                    let mut bytes = allocate(size)?;
                    device.read_at(0, &mut bytes).map_err(|e| Error::callback(format_args!("{what}: the device callback"), e))?;
                    Ok(bytes)
                }
                Data::Strings(_) | Data::None => Err(strings_instead(&what)),
            }
        })
    }

    /// Reads the elements of a variable: a copy, row-major.
    ///
    /// # Errors
    /// The errors of [`Graph::read`], and:
    /// * `INVALID_ARGUMENT` (`DType`): the variable has another dtype, and not one whose bits `T`
    ///   [stands for](DType::fits).
    pub fn read_values<T: Element>(&self, variable: NodeId) -> Result<Vec<T>> {
        self.check_elements(variable, T::DTYPE)?;
        copy_values(&self.read(variable)?)
    }

    /// Reads the value of a scalar.
    ///
    /// # Errors
    /// The errors of [`Graph::read_values`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the variable is not a scalar.
    pub fn read_value<T: Element>(&self, variable: NodeId) -> Result<T> {
        let values = self.read_values(variable)?;
        let shape = self.describe(variable)?.shape.unwrap_or_default();
        match values[..] {
            [value] if shape.is_empty() => Ok(value),
            _ => Err(Error::argument("the variable is not a scalar").because(Reason::Shape).expecting("[]", shape_text(&shape))),
        }
    }

    fn check_elements(&self, variable: NodeId, elements: DType) -> Result<()> {
        self.with(|nodes| match nodes.variable(variable)?.spec() {
            Some((dtype, _)) if dtype.size().is_some() => dtype.check_fits(elements),
            _ => Ok(()), // reading it says what is wrong
        })
    }

    /// Passes the memory of a variable of a fixed-size dtype, owned or borrowed, to `use_it`, which
    /// may read and modify it. The graph's lock is held during the call.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION`: the variable has no value yet (`NotShaped`), or its value is on a
    ///   device (`Unsupported`).
    /// * `INVALID_ARGUMENT` (`DType`): the variable holds strings.
    pub fn with_memory<R>(&self, variable: NodeId, use_it: impl FnOnce(&mut [u8]) -> R) -> Result<R> {
        self.with(|nodes| {
            let what = nodes.describe(variable);
            match &mut nodes.variable_mut(variable)?.data {
                Data::Owned(buffer) => Ok(use_it(buffer.bytes_mut())),
                Data::Borrowed(memory) => Ok(use_it(memory.bytes_mut())),
                Data::Resizable(memory) if memory.shape().is_none() => Err(not_shaped(&what)),
                Data::Resizable(memory) => Ok(use_it(memory.bytes_mut())),
                Data::None => Err(not_shaped(&what)),
                Data::Strings(_) => Err(strings_instead(&what)),
                Data::Device(_) => Err(Error::new(
                    Code::FailedPrecondition,
                    Reason::Unsupported,
                    format!("{what}: the value is on a device and has no memory to access"),
                )),
            }
        })
    }

    /// Reads the elements of a string variable, or the one string of a text object.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION` (`NotShaped`): the variable has no value yet.
    /// * `INVALID_ARGUMENT` (`DType`): the variable has another dtype.
    pub fn read_strings(&self, node: NodeId) -> Result<Strings> {
        self.with(|nodes| match &nodes.need(node)?.kind {
            Kind::Text(text) => Strings::copy_of(&[text]),
            Kind::Variable(variable) => match &variable.data {
                Data::Strings(strings) => Ok((**strings).clone()),
                Data::None => Err(not_shaped(&nodes.describe(node))),
                _ => Err(Error::argument("the variable does not hold strings: read its bytes").because(Reason::DType)),
            },
            other => Err(wrong_kind("variable or text", other)),
        })
    }

    /// Assigns a value, row-major and in native byte order, to a variable of a fixed-size dtype.
    /// Works for owned, borrowed and device variables. A variable without a value takes its dtype
    /// and shape from the value.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the variable has another dtype (`DType`) or shape (`Shape`), or the
    ///   size of `bytes` does not match the shape (`Shape`).
    /// * `ABORTED` (`Callback`): a callback failed.
    pub fn assign(&self, variable: NodeId, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        self.with(|nodes| nodes.variable_mut(variable)?.assign(dtype, shape, bytes))
    }

    /// Assigns elements, row-major, to a variable, as [`Graph::assign`] does.
    ///
    /// # Errors
    /// The errors of [`Graph::assign`].
    pub fn assign_values<T: Element>(&self, variable: NodeId, shape: &[i64], values: &[T]) -> Result<()> {
        self.assign(variable, T::DTYPE, shape, bytemuck::cast_slice(values))
    }

    /// Assigns elements, row-major, to a string variable, or one string to a text object (an empty
    /// shape and one element). The elements are copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the variable has another dtype (`DType`) or shape (`Shape`), or the
    /// number of elements does not match the shape (`Shape`).
    pub fn assign_strings<S: AsRef<[u8]>>(&self, node: NodeId, shape: &[i64], elements: &[S]) -> Result<()> {
        self.with(|nodes| match &mut nodes.need_mut(node)?.kind {
            Kind::Variable(variable) => variable.assign_strings(shape, elements),
            Kind::Text(text) => match (shape, elements) {
                ([], [element]) => {
                    *text = element.as_ref().to_vec();
                    Ok(())
                }
                _ => Err(Error::argument("the value of a text object is one string")
                    .because(Reason::Shape)
                    .expecting("[]", shape_text(shape))),
            },
            other => Err(wrong_kind("variable or text", other)),
        })
    }

    /// Replaces the memory of a borrowed variable. The old memory is dropped before the call
    /// returns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the variable's memory is not borrowed (`Node`), or the new memory has
    /// another size (`Shape`). The new memory is then dropped.
    pub fn set_memory(&self, variable: NodeId, memory: Box<dyn Memory>) -> Result<()> {
        self.with(|nodes| match &mut nodes.variable_mut(variable)?.data {
            Data::Borrowed(old) if old.bytes().len() == memory.bytes().len() => Ok(std::mem::replace(old, memory)),
            Data::Borrowed(old) => Err(Error::argument("the size of the memory differs from that of the variable")
                .because(Reason::Shape)
                .expecting(format_args!("{} bytes", old.bytes().len()), format_args!("{} bytes", memory.bytes().len()))),
            _ => Err(Error::argument("the variable's memory is not borrowed").because(Reason::Node)),
        })
        .map(drop)
    }

    /// Whether a restore has assigned a value to the object: a variable, state or text. False for
    /// an object without values of its own. A program that initializes what it makes after a
    /// restore asks this first, or it would overwrite what the checkpoint had for it.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn was_restored(&self, node: NodeId) -> Result<bool> {
        self.with(|nodes| Ok(nodes.need(node)?.was_assigned))
    }

    /// Reads a scalar variable of any integer dtype, such as a step counter.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`DType`): the variable is not an integer scalar, or its value does not
    ///   fit an `i64`.
    /// * `FAILED_PRECONDITION` (`NotShaped`): the variable has no value yet.
    /// * `ABORTED` (`Callback`): a callback failed.
    pub fn read_integer(&self, variable: NodeId) -> Result<i64> {
        self.with(|nodes| nodes.read_integer(variable))
    }
}

fn strings_instead(what: &str) -> Error {
    Error::argument(format!("{what}: the elements do not have a fixed size: read them as strings")).because(Reason::DType)
}
