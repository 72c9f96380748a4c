//! Objects with state of their own: several named tensors whose number and shapes are known only when they are saved.

use super::variable::{Failure, Memory};
use crate::allocate::copy;
use crate::error::{Error, Result};
use crate::tensor::{DType, Strings};

/// State of the program's that is saved as named tensors: a hash table, an iterator, a random number generator.
/// (`_serialize_to_tensors` and `_restore_from_tensors` of TensorFlow's `Trackable`.)
///
/// Both functions are called on the thread that saves or restores, with the graph's lock held: calling the graph from them fails.
pub trait State: Send {
    /// Puts the tensors into `sink`, in the order in which they are to be stored.
    ///
    /// # Errors
    /// Ends the save with `ABORTED` and the message, before anything is written.
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure>;

    /// Takes the tensors from `source`. It is called once, after all of them were read and checked.
    ///
    /// # Errors
    /// Ends the restore with `ABORTED` and the message; what it comes to after this object is not assigned.
    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure>;
}

/// What kind of state an object has, beside the callbacks.
#[derive(Clone, Debug, Default)]
pub struct StateOptions {
    pub(crate) names: Option<Vec<Box<str>>>,
    pub(crate) legacy_name: Option<Box<str>>,
}

impl StateOptions {
    /// The defaults.
    pub fn new() -> StateOptions {
        StateOptions::default()
    }

    /// The names of the tensors that it needs to be restored: a checkpoint that lacks one is refused before anything is assigned. By default what
    /// there is is given to [`State::restore`], which may refuse it.
    pub fn names<S: AsRef<str>>(mut self, names: &[S]) -> StateOptions {
        self.names = Some(names.iter().map(|name| name.as_ref().into()).collect());
        self
    }

    /// Saves one attribute of this name, of which the names of the tensors are suffixes: `table` with the tensors `-keys` and `-values`, as
    /// TensorFlow's hash tables have it; `ITERATOR` with `_STATE`, as its dataset iterators do.
    pub fn legacy_name(mut self, name: &str) -> StateOptions {
        self.legacy_name = Some(name.into());
        self
    }
}

/// The bytes of a tensor that was put into a [`Sink`].
pub(crate) enum Content {
    Memory(Box<dyn Memory>),
    Strings(Strings),
    Read(Box<crate::bundle::ReadAt<'static>>),
}

/// A tensor that was put into a [`Sink`].
pub(crate) struct Put {
    pub name: Box<str>,
    pub dtype: DType,
    pub shape: Vec<i64>,
    pub content: Content,
}

/// Takes the tensors of an object that is being saved.
#[derive(Default)]
pub struct Sink {
    pub(crate) tensors: Vec<Put>,
}

impl Sink {
    fn put_content(&mut self, name: &str, dtype: DType, shape: &[i64], content: Content) -> Result<()> {
        if self.tensors.iter().any(|t| &*t.name == name) {
            return Err(Error::argument(format!("the object saves two tensors named \"{name}\"")));
        }
        self.tensors.push(Put { name: name.into(), dtype, shape: shape.to_vec(), content });
        Ok(())
    }

    /// Puts a tensor of a fixed-size dtype, row-major and in the byte order of the machine, which is copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is one of this name. That type, shape and bytes fit each other is found out when the call returns.
    pub fn put(&mut self, name: &str, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Memory(Box::new(copy(bytes)?)))
    }

    /// The same of memory that is lent until the save is over, and then dropped.
    ///
    /// # Errors
    /// As for [`Sink::put`].
    pub fn put_memory(&mut self, name: &str, dtype: DType, shape: &[i64], memory: Box<dyn Memory>) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Memory(memory))
    }

    /// The same of bytes that are asked for while they are written, from any of the writing threads.
    ///
    /// # Errors
    /// As for [`Sink::put`].
    pub fn put_read(&mut self, name: &str, dtype: DType, shape: &[i64], read: Box<crate::bundle::ReadAt<'static>>) -> Result<()> {
        self.put_content(name, dtype, shape, Content::Read(read))
    }

    /// Puts a string tensor; the elements are copied.
    ///
    /// # Errors
    /// As for [`Sink::put`].
    pub fn put_strings<S: AsRef<[u8]>>(&mut self, name: &str, shape: &[i64], elements: &[S]) -> Result<()> {
        let strings = Strings::copy_of(elements)?;
        self.put_content(name, DType::String, shape, Content::Strings(strings))
    }

    /// Puts a variant tensor, as TensorFlow's dataset iterators have it, by its serialized elements, which are copied: what [`SourceTensor::strings`] gives of one.
    ///
    /// # Errors
    /// As for [`Sink::put`].
    pub fn put_variants<S: AsRef<[u8]>>(&mut self, name: &str, shape: &[i64], elements: &[S]) -> Result<()> {
        let elements = Strings::copy_of(elements)?;
        self.put_content(name, DType::Variant, shape, Content::Strings(elements))
    }
}

/// A tensor of an object that is being restored.
#[derive(Debug)]
pub struct SourceTensor {
    pub(crate) name: Box<str>,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<i64>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) strings: Option<Strings>,
}

impl SourceTensor {
    /// The name that the object gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions; none of a scalar.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// The value, row-major and in the byte order of the machine; nothing of a string tensor.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The elements of a string or variant tensor; none of others.
    pub fn strings(&self) -> Option<&Strings> {
        self.strings.as_ref()
    }
}

/// The tensors that a checkpoint has for an object.
#[derive(Debug, Default)]
pub struct Source {
    pub(crate) tensors: Vec<SourceTensor>,
}

impl Source {
    /// The tensors in the order in which the object saved them; a registered saver's in the order of their keys.
    pub fn tensors(&self) -> &[SourceTensor] {
        &self.tensors
    }

    /// The tensor of this name, if the checkpoint has it.
    pub fn find(&self, name: &str) -> Option<&SourceTensor> {
        self.tensors.iter().find(|t| &*t.name == name)
    }
}
