//! Values of variables and texts, from the program and for it.

use super::node_id::NodeId;
use super::nodes::{wrong_kind, Kind};
use super::variable::{not_shaped, Data, Memory};
use super::Graph;
use crate::allocate::allocate;
use crate::error::{Code, Error, Reason, Result};
use crate::tensor::{elements, shape_text, DType, Strings};

impl Graph {
    /// The value of a variable of a fixed-size dtype.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it has none yet, `INVALID_ARGUMENT` for strings, `ABORTED` when a callback fails.
    pub fn read(&self, variable: NodeId) -> Result<Vec<u8>> {
        self.with(|nodes| {
            let what = nodes.describe(variable);
            let found = nodes.variable(variable)?;
            let (dtype, shape) = found.spec().ok_or_else(|| not_shaped(&what))?;
            match &found.data {
                Data::Owned(buffer) => Ok(buffer.bytes().to_vec()),
                Data::Borrowed(memory) => Ok(memory.bytes().to_vec()),
                Data::Device(device) => {
                    let size = elements(&shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
                    let mut bytes = allocate(size)?;
                    device.read_at(0, &mut bytes).map_err(|e| Error::callback(format!("{what}: the callback failed: {e}")))?;
                    Ok(bytes)
                }
                Data::Strings(_) | Data::None => Err(strings_instead(&what)),
            }
        })
    }

    /// Hands the memory of a variable of a fixed-size dtype to `use_it`, to look at or to change, with the graph's lock held.
    ///
    /// # Errors
    /// As for [`Graph::read`]; `FAILED_PRECONDITION` for variables on devices.
    pub fn with_memory<R>(&self, variable: NodeId, use_it: impl FnOnce(&mut [u8]) -> R) -> Result<R> {
        self.with(|nodes| {
            let what = nodes.describe(variable);
            match &mut nodes.variable_mut(variable)?.data {
                Data::Owned(buffer) => Ok(use_it(buffer.bytes_mut())),
                Data::Borrowed(memory) => Ok(use_it(memory.bytes_mut())),
                Data::None => Err(not_shaped(&what)),
                Data::Strings(_) => Err(strings_instead(&what)),
                Data::Device(_) => {
                    Err(Error::new(Code::FailedPrecondition, Reason::Unsupported, format!("{what}: its value is on a device")))
                }
            }
        })
    }

    /// The elements of a string variable; of a text, the one.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when it has no value yet, `INVALID_ARGUMENT` for other dtypes.
    pub fn read_strings(&self, node: NodeId) -> Result<Strings> {
        self.with(|nodes| match &nodes.need(node)?.kind {
            Kind::Text(text) => Strings::copy_of(&[text]),
            Kind::Variable(variable) => match &variable.data {
                Data::Strings(strings) => Ok((**strings).clone()),
                Data::None => Err(not_shaped(&nodes.describe(node))),
                _ => Err(Error::argument("the variable does not hold strings").because(Reason::DType)),
            },
            other => Err(wrong_kind("variable or text", other)),
        })
    }

    /// Gives a variable a value: row-major, in the byte order of the machine. One without a value takes its type and shape from it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it has another type or shape, or the bytes are not as many; `ABORTED` when a callback fails.
    pub fn assign(&self, variable: NodeId, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        self.with(|nodes| nodes.variable_mut(variable)?.assign(dtype, shape, bytes))
    }

    /// Gives a string variable, or a text, a value.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is of another type or shape, or the elements are not as many.
    pub fn assign_strings<S: AsRef<[u8]>>(&self, node: NodeId, shape: &[i64], elements: &[S]) -> Result<()> {
        self.with(|nodes| match &mut nodes.need_mut(node)?.kind {
            Kind::Variable(variable) => variable.assign_strings(shape, elements),
            Kind::Text(text) => match (shape, elements) {
                ([], [element]) => {
                    *text = element.as_ref().to_vec();
                    Ok(())
                }
                _ => Err(Error::argument("a text is one string").because(Reason::Shape).expecting("[]", shape_text(shape))),
            },
            other => Err(wrong_kind("variable or text", other)),
        })
    }

    /// Replaces the memory that a borrowed variable is saved from and restored into. The old memory is dropped before this returns.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the variable is not borrowed, or the memory has another size; it is then dropped.
    pub fn set_memory(&self, variable: NodeId, memory: Box<dyn Memory>) -> Result<()> {
        self.with(|nodes| match &mut nodes.variable_mut(variable)?.data {
            Data::Borrowed(old) if old.bytes().len() == memory.bytes().len() => Ok(std::mem::replace(old, memory)),
            Data::Borrowed(old) => Err(Error::argument("the memory has another size than the variable")
                .because(Reason::Shape)
                .expecting(format_args!("{} bytes", old.bytes().len()), format_args!("{} bytes", memory.bytes().len()))),
            _ => Err(Error::argument("the variable's memory is not borrowed").because(Reason::Node)),
        })
        .map(drop)
    }

    /// The value of an integer scalar: a step, a counter.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is none, `FAILED_PRECONDITION` when it has no value yet.
    pub fn read_integer(&self, variable: NodeId) -> Result<i64> {
        self.with(|nodes| nodes.read_integer(variable))
    }
}

fn strings_instead(what: &str) -> Error {
    Error::argument(format!("{what}: the elements have lengths of their own: read them as strings")).because(Reason::DType)
}
