//! Objects with custom state: several named tensors whose number and shapes are known only when
//! they are saved.

use std::any::Any;

use super::variable::{Failure, Memory};
use crate::allocate::copy;
use crate::error::{Code, Error, Reason, Result};
use crate::tensor::{copy_values, shape_text, DType, Element, Strings};

/// An object's state that is saved as named tensors: a hash table, an iterator, a random number
/// generator. The number and the shapes of the tensors may differ from one save to the next.
/// (`_serialize_to_tensors` and `_restore_from_tensors` of TensorFlow's `Trackable`)
///
/// Both methods are called on the thread that saves or restores, with the graph's lock held. They
/// must not call the graph: such calls fail.
pub trait State: Any + Send {
    /// Puts the tensors of the object into `sink`, in the order in which they are to be stored.
    ///
    /// # Errors
    /// An error ends the save with `ABORTED` (`Callback`) and its message, before anything is
    /// written.
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure>;

    /// Takes the tensors of the object from `source`. Called once, after all of these tensors were
    /// read and checked.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message; the objects that come
    /// after this one are not assigned.
    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure>;
}

/// Options of an object with custom state, beside its methods.
#[derive(Clone, Debug, Default)]
pub struct StateOptions {
    /// The names of the tensors that a checkpoint must have; `None` for no requirement.
    pub(crate) names: Option<Vec<Box<str>>>,
    /// The name of the one attribute whose tensors' names are suffixes; `None` for one attribute
    /// per tensor.
    pub(crate) legacy_name: Option<Box<str>>,
}

impl StateOptions {
    /// Creates options with the defaults.
    pub fn new() -> StateOptions {
        StateOptions::default()
    }

    /// Sets the names of the tensors that restoring needs: a checkpoint that lacks one is refused
    /// before anything is assigned. By default, all existing tensors are given to
    /// [`State::restore`], which may refuse them.
    pub fn names<S: AsRef<str>>(mut self, names: &[S]) -> StateOptions {
        self.names = Some(names.iter().map(|name| name.as_ref().into()).collect());
        self
    }

    /// Saves one attribute of this name, to which the names of the tensors are suffixes: `table`
    /// with the tensors `-keys` and `-values`, as TensorFlow's hash tables do; `ITERATOR` with
    /// `_STATE`, as its dataset iterators do.
    pub fn legacy_name(mut self, name: &str) -> StateOptions {
        self.legacy_name = Some(name.into());
        self
    }
}

/// The value of a tensor in a [`Sink`].
pub(crate) enum Content {
    Memory(Box<dyn Memory>),
    Strings(Strings),
    Read(Box<crate::bundle::ReadAt<'static>>),
}

/// A tensor in a [`Sink`].
pub(crate) struct Put {
    pub name: Box<str>,
    pub dtype: DType,
    pub shape: Vec<i64>,
    pub content: Content,
}

/// Collects the tensors of an object that is being saved.
#[derive(Default)]
pub struct Sink {
    pub(crate) tensors: Vec<Put>,
}

impl Sink {
    fn put_content(&mut self, name: &str, dtype: DType, shape: &[i64], content: Content) -> Result<()> {
        if self.tensors.iter().any(|t| &*t.name == name) {
            return Err(Error::argument(format!("the object saves two tensors with the name \"{name}\"")));
        }
        self.tensors.push(Put { name: name.into(), dtype, shape: shape.to_vec(), content });
        Ok(())
    }

    /// Puts a tensor of a fixed-size dtype. `bytes` are row-major and in native byte order; they
    /// are copied. `name` identifies the tensor among those of the object; in a registered saver,
    /// it is the tensor's key.
    ///
    /// Whether dtype, shape and size fit each other is checked after [`State::save`] has returned.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the sink already has a tensor of this name.
    pub fn put(&mut self, name: &str, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Memory(Box::new(copy(bytes)?)))
    }

    /// Puts a tensor of values, row-major, which are copied.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_values<T: Element>(&mut self, name: &str, shape: &[i64], values: &[T]) -> Result<()> {
        self.put(name, T::DTYPE, shape, bytemuck::cast_slice(values))
    }

    /// Puts a scalar.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_value<T: Element>(&mut self, name: &str, value: T) -> Result<()> {
        self.put_values(name, &[], &[value])
    }

    /// Like [`Sink::put`], but takes the memory without copying it. The memory is dropped when the
    /// save is over.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_memory(&mut self, name: &str, dtype: DType, shape: &[i64], memory: Box<dyn Memory>) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Memory(memory))
    }

    /// Like [`Sink::put`], but requests the bytes while they are written: `read` is called on the
    /// threads that write, possibly on several at once.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_read(&mut self, name: &str, dtype: DType, shape: &[i64], read: Box<crate::bundle::ReadAt<'static>>) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Read(read))
    }

    /// Puts a string tensor. The elements, row-major, are copied.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_strings<S: AsRef<[u8]>>(&mut self, name: &str, shape: &[i64], elements: &[S]) -> Result<()> {
        let strings = Strings::copy_of(elements)?;
        self.put_content(name, DType::String, shape, Content::Strings(strings))
    }

    /// Puts a variant tensor, for example the state of a TensorFlow dataset iterator. `elements`
    /// are serialized elements, row-major, as [`SourceTensor::strings`] returns them; they are
    /// copied.
    ///
    /// # Errors
    /// The errors of [`Sink::put`].
    pub fn put_variants<S: AsRef<[u8]>>(&mut self, name: &str, shape: &[i64], elements: &[S]) -> Result<()> {
        let elements = Strings::copy_of(elements)?;
        self.put_content(name, DType::Variant, shape, Content::Strings(elements))
    }
}

/// A tensor that a checkpoint has for an object that is being restored.
#[derive(Debug)]
pub struct SourceTensor {
    pub(crate) name: Box<str>,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<i64>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) strings: Option<Strings>,
}

impl SourceTensor {
    /// The name that the object gave the tensor; for a registered saver, the tensor's key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The dtype of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions; empty for a scalar.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// The value, row-major and in native byte order; empty for string and variant tensors.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A copy of the elements, row-major.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`DType`): the tensor has another dtype, and not one whose bits `T`
    ///   [stands for](DType::fits).
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory.
    pub fn values<T: Element>(&self) -> Result<Vec<T>> {
        self.dtype.check_fits(T::DTYPE).map_err(|e| e.for_tensor(self.name.as_bytes()))?;
        copy_values(&self.bytes)
    }

    /// The value of a scalar.
    ///
    /// # Errors
    /// The errors of [`SourceTensor::values`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the tensor is not a scalar.
    pub fn value<T: Element>(&self) -> Result<T> {
        let not_scalar = || {
            let what = Error::argument("the tensor is not a scalar").because(Reason::Shape);
            what.expecting("[]", shape_text(&self.shape)).for_tensor(self.name.as_bytes())
        };
        if !self.shape.is_empty() {
            return Err(not_scalar());
        }
        self.values()?.first().copied().ok_or_else(not_scalar)
    }

    /// The elements of a string or variant tensor, row-major; `None` for other dtypes.
    pub fn strings(&self) -> Option<&Strings> {
        self.strings.as_ref()
    }
}

impl<'a> IntoIterator for &'a Source {
    type Item = &'a SourceTensor;
    type IntoIter = std::slice::Iter<'a, SourceTensor>;

    fn into_iter(self) -> std::slice::Iter<'a, SourceTensor> {
        self.tensors.iter()
    }
}

/// The tensors that a checkpoint has for an object.
#[derive(Debug, Default)]
pub struct Source {
    pub(crate) tensors: Vec<SourceTensor>,
}

impl Source {
    /// The tensors in the order in which the object saved them; for a registered saver, in the
    /// order of their keys.
    pub fn tensors(&self) -> &[SourceTensor] {
        &self.tensors
    }

    /// The tensor with this name; `None` if the checkpoint does not have it.
    pub fn find(&self, name: &str) -> Option<&SourceTensor> {
        self.tensors.iter().find(|t| &*t.name == name)
    }

    /// The tensor with this name.
    ///
    /// # Errors
    /// `NOT_FOUND` (`NoTensor`): the checkpoint does not have it.
    pub fn get(&self, name: &str) -> Result<&SourceTensor> {
        let lacks = || Error::new(Code::NotFound, Reason::NoTensor, "the checkpoint has no such tensor for the object");
        self.find(name).ok_or_else(|| lacks().for_tensor(name.as_bytes()))
    }
}
