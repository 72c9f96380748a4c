//! Variables: the dtypes and shapes that they accept, and where their values are stored.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{printable, Code, Error, Reason, Result};
use crate::tensor::{checked_elements, shape_text, Bounds, Buffer, DType, Element, Slice, Strings, MAX_RANK};

/// The error of a callback of the program.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Memory of the program that a variable is saved from and restored into, in place.
///
/// The library accesses the memory only during calls that reach the graph. When it will not access
/// the memory again, it drops it.
pub trait Memory: Send + Sync {
    /// The value: the elements in row-major order and native byte order.
    fn bytes(&self) -> &[u8];

    /// The value, for writing. Always of the same length as [`Memory::bytes`].
    fn bytes_mut(&mut self) -> &mut [u8];
}

impl Memory for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

/// Memory of the program that may move, grow and shrink between calls, such as a `Vec` that the
/// program keeps pushing to. A save takes the value as it is at that moment; a restore gives it the
/// shape of the value in the checkpoint, if the variable accepts that shape.
///
/// All methods are called during calls of the graph, with its lock held. They must not call the
/// graph: such calls fail.
pub trait Resizable: Memory + Any {
    /// The current shape of the value; `None` while there is no value.
    fn shape(&self) -> Option<Vec<i64>>;

    /// Makes memory of `size` bytes for a value of this shape, which the variable accepts. From
    /// here until [`Resizable::finish`], [`Memory::bytes_mut`] is that memory; the current value
    /// stays.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message; the value stays.
    fn prepare(&mut self, shape: &[i64], size: usize) -> std::result::Result<(), Failure>;

    /// Makes the prepared memory the value if `complete`: it was written as a whole, and its
    /// checksum matched. Otherwise drops it, and the value stays.
    fn finish(&mut self, complete: bool);
}

/// A value on a device or in another process, where the library cannot access its memory. The
/// library reads and writes the value in pieces. It needs memory for a few pieces, whatever the
/// size of the value.
///
/// All methods are called during calls of the graph, with its lock held. They must not call the
/// graph: such calls fail.
pub trait Device: Send + Sync {
    /// The dtype, and the current shape of the value; `None` while there is no value.
    fn describe(&self) -> (DType, Option<Vec<i64>>);

    /// Fills `buffer` with the bytes of the value from `offset` on. Bytes are row-major and in
    /// native byte order.
    ///
    /// # Errors
    /// An error ends the save with `ABORTED` (`Callback`) and its message.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), Failure>;

    /// Called when a restore begins, with the dtype and shape of the new value, which the variable
    /// accepts.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message; no byte of this value
    /// is written.
    fn prepare(&self, dtype: DType, shape: &[i64]) -> std::result::Result<(), Failure>;

    /// Writes bytes of the value at `offset`. Each byte is written once.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message; [`Device::finish`] is
    /// still called.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::result::Result<(), Failure>;

    /// Called when the restore that [`Device::prepare`] began is over. `complete` is true if all
    /// bytes were written and their checksum matched.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message.
    fn finish(&self, complete: bool) -> std::result::Result<(), Failure>;

    /// Whether [`Device::read_at`] may be called on several threads at once. If not, only one
    /// thread at a time calls it.
    fn is_concurrent(&self) -> bool {
        false
    }
}

/// The value of a variable, or where it is.
#[derive(Default)]
pub(crate) enum Data {
    /// No value yet. The variable takes its shape from its first value.
    #[default]
    None,
    Owned(Buffer),
    Borrowed(Box<dyn Memory>),
    Resizable(Box<dyn Resizable>),
    Strings(Box<Strings>),
    Device(Arc<dyn Device>),
}

/// The part of a larger tensor that a variable is.
pub(crate) struct Part {
    /// The shape of the whole tensor.
    pub whole: Box<[i64]>,
    pub slice: Slice,
    /// The region of the tensor that the slice selects.
    pub region: Bounds,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slice {}", shape_text(&self.whole), self.slice)
    }
}

/// A shape. Up to two dimensions are stored without an allocation.
pub(crate) type Dims = SmallVec<[i64; 2]>;

/// A variable, to be added to a graph with [`Graph::add_variable`](super::Graph::add_variable).
///
/// Its value is owned by the graph, borrowed from the program, or on a device. An owned variable
/// may be without a value until it is restored or assigned; it then takes its shape from that value
/// (restore on create).
pub struct Variable {
    /// The dtype; `None` accepts the dtype of the checkpoint.
    pub(crate) dtype: Option<DType>,
    /// The accepted shape, with -1 for a dimension of any size; `None` accepts any shape.
    pub(crate) accepts: Option<Dims>,
    /// The current shape of the value.
    pub(crate) shape: Option<Dims>,
    pub(crate) data: Data,
    /// Whether restoring the variable is an error.
    pub(crate) read_only: bool,
    /// The name in name-based checkpoints.
    pub(crate) name: Option<Box<str>>,
    /// The part of a larger tensor that this variable is. Shared with the code that reads it while
    /// the variable's memory is lent.
    pub(crate) part: Option<Arc<Part>>,
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

impl Variable {
    fn new(dtype: Option<DType>, accepts: Option<&[i64]>, shape: Option<&[i64]>, data: Data) -> Variable {
        let (accepts, shape) = (accepts.map(Dims::from_slice), shape.map(Dims::from_slice));
        Variable { dtype, accepts, shape, data, read_only: false, name: None, part: None }
    }

    /// Creates a variable whose memory the graph owns, and whose value is all zeros, or empty
    /// strings.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the shape is invalid (`Shape`), or a variable cannot have the dtype
    ///   (`DType`).
    /// * `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory.
    pub fn zeros(dtype: DType, shape: &[i64]) -> Result<Variable> {
        let elements = elements_of(shape)?;
        let data = match dtype.size() {
            Some(size) => Data::Owned(Buffer::zeroed(byte_count(elements, size)?)?),
            None if dtype == DType::String => Data::Strings(Strings::with_lengths(vec![0; in_memory(elements)?])?.into()),
            None => return Err(no_variable(dtype)),
        };
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), data))
    }

    /// Creates a variable that has no value until it is restored or assigned, and takes its shape
    /// from that value (restore on create).
    ///
    /// With `dtype` `None`, it accepts the dtype of the checkpoint. `accepts` gives the accepted
    /// shape, with -1 for a dimension of any size; `None` accepts any shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: a dimension is below -1 (`Shape`), or a variable cannot have the dtype
    /// (`DType`).
    pub fn without_value(dtype: Option<DType>, accepts: Option<&[i64]>) -> Result<Variable> {
        if let Some(dtype) = dtype.filter(|d| d.size().is_none() && *d != DType::String) {
            return Err(no_variable(dtype));
        }
        check_accepts(accepts)?;
        Ok(Variable::new(dtype, accepts, None, Data::None))
    }

    /// Creates a variable of a fixed-size dtype whose memory the graph owns. `bytes` is its initial
    /// value, row-major and in native byte order, which is copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the shape is invalid or does not match the size of `bytes` (`Shape`), or
    /// the dtype is not fixed-size (`DType`).
    pub fn owned(dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<Variable> {
        check_bytes(dtype, shape, bytes.len())?;
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), Data::Owned(Buffer::copy_of(bytes)?)))
    }

    /// Creates a variable whose memory the graph owns, with these elements, row-major, which are
    /// copied.
    ///
    /// ```
    /// use checkpoint::{Graph, Variable};
    ///
    /// let graph = Graph::new();
    /// let values = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let kernel = graph.add_variable(Variable::values(&[2, 3], &values)?)?;
    /// let step = graph.add_variable(Variable::value(7i64)?)?;
    /// assert_eq!(graph.read_values::<f32>(kernel)?[5], 6.0);
    /// assert_eq!(graph.read_value::<i64>(step)?, 7);
    /// # Ok::<(), checkpoint::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (`Shape`): the shape is invalid or does not match the number of elements.
    pub fn values<T: Element>(shape: &[i64], elements: &[T]) -> Result<Variable> {
        Variable::owned(T::DTYPE, shape, bytemuck::cast_slice(elements))
    }

    /// Creates a scalar whose memory the graph owns.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` (`Limit`): there is not enough memory.
    pub fn value<T: Element>(value: T) -> Result<Variable> {
        Variable::values(&[], &[value])
    }

    /// Creates a string variable with these elements, row-major, which are copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` (`Shape`): the shape is invalid or does not match the number of elements.
    pub fn strings<S: AsRef<[u8]>>(shape: &[i64], elements: &[S]) -> Result<Variable> {
        let strings = strings_of(shape, elements)?;
        Ok(Variable::new(Some(DType::String), Some(shape), Some(shape), Data::Strings(strings.into())))
    }

    /// Creates a variable of a fixed-size dtype whose value is in the program's memory. It is saved
    /// from there and restored in place, without copying.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the shape is invalid or does not match the size of the memory (`Shape`),
    /// or the dtype is not fixed-size (`DType`). The memory is then dropped.
    pub fn borrowed(dtype: DType, shape: &[i64], memory: Box<dyn Memory>) -> Result<Variable> {
        check_bytes(dtype, shape, memory.bytes().len())?;
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), Data::Borrowed(memory)))
    }

    /// Creates a variable of a fixed-size dtype whose value is in memory of the program that may
    /// change its size. It is saved from there, and restored in place if it has the shape of the
    /// stored value. `accepts` gives the accepted shape, as for [`Variable::without_value`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: a dimension is below -1, or the memory has a value of another shape or
    /// size (`Shape`), or the dtype is not fixed-size (`DType`). The memory is then dropped.
    pub fn resizable(dtype: DType, accepts: Option<&[i64]>, memory: Box<dyn Resizable>) -> Result<Variable> {
        check_accepts(accepts)?;
        if dtype.size().is_none() {
            return Err(no_variable(dtype).expecting("a fixed-size dtype", dtype));
        }
        let own = memory.shape();
        if let Some(own) = &own {
            check_bytes(dtype, own, memory.bytes().len())?;
        }
        let variable = Variable::new(Some(dtype), accepts, None, Data::Resizable(memory));
        own.map_or(Ok(()), |own| variable.check(dtype, &own))?;
        Ok(variable)
    }

    /// Creates a variable whose value is on a device. `accepts` gives the accepted shape, as for
    /// [`Variable::without_value`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: a dimension is below -1 or the device's shape is invalid (`Shape`), or
    /// the device's dtype is not fixed-size (`DType`).
    pub fn device(accepts: Option<&[i64]>, device: Arc<dyn Device>) -> Result<Variable> {
        check_accepts(accepts)?;
        let (dtype, shape) = device.describe();
        if dtype.size().is_none() {
            return Err(no_variable(dtype));
        }
        if let Some(shape) = &shape {
            elements_of(shape)?;
        }
        Ok(Variable::new(Some(dtype), accepts, None, Data::Device(device)))
    }

    /// Makes the variable read-only: it is saved, but restoring it is an error.
    pub fn read_only(mut self) -> Variable {
        self.read_only = true;
        self
    }

    /// Sets the name of the variable in name-based checkpoints (`full_name`, in TensorFlow the
    /// variable's global name without `:0`).
    pub fn name(mut self, name: &str) -> Variable {
        self.name = Some(name.into());
        self
    }

    /// Makes the variable a part of a larger tensor, whose parts are several variables, usually one
    /// in each process.
    ///
    /// `whole` is the shape of the tensor. `slice` selects the part, and has the shape of the
    /// variable's value. The variable is saved as this slice of the tensor. It is restored from a
    /// tensor that was saved whole or in any other slices. If the slice selects the whole tensor,
    /// the variable is an ordinary one. A part without elements is restored as any other, but
    /// nothing of it is saved.
    ///
    /// If a part includes a whole stored slice, the checksum of that slice is verified. Of any
    /// other stored slice, only the bytes of the part are read.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: the slice does not lie within the shape, or the variable's value or
    /// accepted shape differs from the slice's (`Shape`), or the variable holds strings (`DType`).
    pub fn part(mut self, whole: &[i64], slice: &Slice) -> Result<Variable> {
        elements_of(whole)?;
        let region = slice.within(whole)?;
        if let Some(dtype) = self.dtype.filter(|dtype| dtype.size().is_none()) {
            return Err(no_variable(dtype).expecting("a fixed-size dtype", dtype));
        }
        let own = self.spec().map(|(_, shape)| shape);
        if !self.accepts_shape(&region.length) || own.as_ref().is_some_and(|own| *own != region.length) {
            let own = own.as_deref().or(self.accepts()).map_or_else(String::new, shape_text);
            return Err(Error::argument("the shape of the variable differs from that of its slice")
                .because(Reason::Shape)
                .expecting(shape_text(&region.length), own));
        }
        self.accepts = Some(Dims::from_slice(&region.length));
        self.part = (region.length != whole).then(|| Arc::new(Part { whole: whole.into(), slice: slice.clone(), region }));
        Ok(self)
    }

    /// The dtype and current shape of the value; `None` while there is no value.
    pub(crate) fn spec(&self) -> Option<(DType, Vec<i64>)> {
        match &self.data {
            Data::Device(device) => {
                let (dtype, shape) = device.describe();
                Some((dtype, shape?))
            }
            Data::Resizable(memory) => Some((self.dtype?, memory.shape()?)),
            Data::None => None,
            _ => Some((self.dtype?, self.shape.as_ref()?.to_vec())),
        }
    }

    /// The accepted shape, with -1 for a dimension of any size; `None` accepts any shape.
    pub(crate) fn accepts(&self) -> Option<&[i64]> {
        self.accepts.as_deref()
    }

    /// Whether the variable accepts a value of this shape.
    pub(crate) fn accepts_shape(&self, shape: &[i64]) -> bool {
        self.accepts
            .as_ref()
            .is_none_or(|accepts| accepts.len() == shape.len() && accepts.iter().zip(shape).all(|(&a, &s)| a == s || a == -1))
    }

    /// Whether the variable can be restored from a tensor of this shape.
    pub(crate) fn fits(&self, shape: &[i64]) -> bool {
        match &self.part {
            None => self.accepts_shape(shape),
            Some(part) => *part.whole == *shape,
        }
    }

    /// Whether the variable has as many elements as a tensor of this shape, in memory.
    pub(crate) fn fits_reshaped(&self, shape: &[i64]) -> bool {
        let is_plain = self.part.is_none() && !matches!(self.data, Data::Device(_));
        is_plain
            && self
                .accepts
                .as_ref()
                .is_some_and(|own| own.iter().all(|&n| n >= 0) && crate::tensor::elements(own) == crate::tensor::elements(shape))
    }

    /// The shape of the variable's part of a tensor of this shape; for an ordinary variable, the
    /// tensor's shape.
    pub(crate) fn shape_within<'s>(&'s self, shape: &'s [i64]) -> &'s [i64] {
        self.part.as_ref().map_or(shape, |part| &part.region.length)
    }

    /// The shape that the variable's value has once it is restored from a tensor of this shape.
    pub(crate) fn restored_shape<'s>(&'s self, shape: &'s [i64]) -> &'s [i64] {
        match (&self.part, &self.accepts) {
            (Some(part), _) => &part.region.length,
            // A value that was reshaped.
            (None, Some(own)) if !self.accepts_shape(shape) => own,
            _ => shape,
        }
    }

    /// The shape of the tensors that the variable can be restored from, for messages.
    pub(crate) fn restored_from(&self) -> String {
        match &self.part {
            None => self.accepts().map_or_else(String::new, shape_text),
            Some(part) => part.to_string(),
        }
    }

    /// Whether memory must be allocated before the value of a tensor of this shape can be read.
    pub(crate) fn needs_memory(&self, shape: &[i64]) -> bool {
        let shape = self.shape_within(shape);
        match &self.data {
            Data::None => true,
            Data::Owned(_) | Data::Strings(_) => self.shape.as_deref() != Some(shape),
            Data::Borrowed(_) | Data::Resizable(_) | Data::Device(_) => false,
        }
    }

    /// Assigns a value.
    pub(crate) fn assign(&mut self, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        check_bytes(dtype, shape, bytes.len())?;
        self.check(dtype, shape)?;
        match &mut self.data {
            Data::Borrowed(memory) => memory.bytes_mut().copy_from_slice(bytes),
            Data::Resizable(memory) => {
                let is_new = prepare(&mut **memory, shape, bytes.len())?;
                memory.bytes_mut().copy_from_slice(bytes);
                if is_new {
                    memory.finish(true);
                }
            }
            Data::Device(device) => {
                let failed = |e: Failure| Error::callback("the variable's device callback", e);
                device.prepare(dtype, shape).map_err(failed)?;
                let written = device.write_at(0, bytes);
                device.finish(written.is_ok()).map_err(failed)?;
                written.map_err(failed)?;
            }
            Data::Owned(buffer) if self.shape.as_deref() == Some(shape) => buffer.bytes_mut().copy_from_slice(bytes),
            data => *data = Data::Owned(Buffer::copy_of(bytes)?),
        }
        self.set_spec(dtype, shape);
        Ok(())
    }

    /// Assigns a value to a string variable.
    pub(crate) fn assign_strings<S: AsRef<[u8]>>(&mut self, shape: &[i64], elements: &[S]) -> Result<()> {
        let strings = strings_of(shape, elements)?;
        self.check(DType::String, shape)?;
        self.data = Data::Strings(strings.into());
        self.set_spec(DType::String, shape);
        Ok(())
    }

    /// Sets the dtype and shape of the value. For a part, the shape of the whole tensor may be
    /// given.
    pub(crate) fn set_spec(&mut self, dtype: DType, shape: &[i64]) {
        self.dtype = Some(dtype);
        let shape = self.restored_shape(shape);
        if !matches!(self.data, Data::Resizable(_)) && self.shape.as_deref() != Some(shape) {
            self.shape = Some(Dims::from_slice(shape));
        }
    }

    /// Fails unless the variable accepts the dtype and shape.
    fn check(&self, dtype: DType, shape: &[i64]) -> Result<()> {
        match self.dtype {
            Some(own) if own != dtype => {
                Err(Error::argument("the value's dtype does not match the variable").because(Reason::DType).expecting(own, dtype))
            }
            _ if !self.accepts_shape(shape) => Err(Error::argument("the value's shape does not match the variable")
                .because(Reason::Shape)
                .expecting(shape_text(self.accepts.as_deref().unwrap_or_default()), shape_text(shape))),
            _ => Ok(()),
        }
    }

    /// A description for messages: kind, name, dtype and shape.
    pub(crate) fn describe(&self) -> String {
        let shape = match self.spec() {
            Some((_, shape)) => shape_text(&shape),
            None => self.accepts.as_deref().map_or("of any shape".to_owned(), shape_text),
        };
        let name = self.name.as_deref().map(|name| format!(" \"{}\"", printable(name.as_bytes()))).unwrap_or_default();
        let shape = self.part.as_ref().map_or(shape, |part| part.to_string());
        format!("variable{name} {} {shape}", self.dtype.map_or("of any dtype", DType::name))
    }
}

/// Makes room for a value of this shape and size in resizable memory, unless it has that already.
/// Returns whether the memory must be finished.
pub(crate) fn prepare(memory: &mut dyn Resizable, shape: &[i64], size: usize) -> Result<bool> {
    if memory.bytes().len() == size && memory.shape().as_deref() == Some(shape) {
        return Ok(false);
    }
    memory
        .prepare(shape, size)
        .map_err(|e| Error::callback(format_args!("making the variable's memory {}", shape_text(shape)), e))?;
    match memory.bytes_mut().len() {
        made if made == size => Ok(true),
        made => {
            memory.finish(false);
            let what = "the memory that the variable made does not have the size of the value";
            Err(Error::new(Code::Aborted, Reason::Shape, what)
                .expecting(format_args!("{size} bytes"), format_args!("{made} bytes")))
        }
    }
}

fn no_variable(dtype: DType) -> Error {
    Error::argument("a variable cannot have this dtype").because(Reason::DType).expecting("a fixed-size dtype or string", dtype)
}

fn check_accepts(accepts: Option<&[i64]>) -> Result<()> {
    let accepts = accepts.unwrap_or_default();
    if accepts.len() > MAX_RANK || accepts.iter().any(|&n| n < -1) {
        Err(Error::argument("the shape is invalid")
            .because(Reason::Shape)
            .expecting("dimensions of -1 or more", shape_text(accepts)))
    } else {
        Ok(())
    }
}

fn elements_of(shape: &[i64]) -> Result<u64> {
    checked_elements(shape).filter(|_| shape.len() <= MAX_RANK).ok_or_else(|| {
        Error::argument("the shape is invalid").because(Reason::Shape).expecting("a valid shape", shape_text(shape))
    })
}

fn in_memory(count: u64) -> Result<usize> {
    usize::try_from(count).map_err(|_| Error::out_of_memory(count))
}

fn byte_count(elements: u64, size: usize) -> Result<usize> {
    let bytes = elements.checked_mul(size as u64).filter(|&n| n <= isize::MAX as u64);
    in_memory(bytes.ok_or_else(|| Error::out_of_memory(u64::MAX))?)
}

fn check_bytes(dtype: DType, shape: &[i64], found: usize) -> Result<()> {
    let size = dtype.size().ok_or_else(|| no_variable(dtype).expecting("a fixed-size dtype", dtype))?;
    let expected = byte_count(elements_of(shape)?, size)?;
    if expected == found {
        Ok(())
    } else {
        Err(Error::argument("the size of the value does not match its shape")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes")))
    }
}

fn strings_of<S: AsRef<[u8]>>(shape: &[i64], elements: &[S]) -> Result<Strings> {
    let expected = elements_of(shape)?;
    if expected != elements.len() as u64 {
        return Err(Error::argument("the number of elements does not match the shape")
            .because(Reason::Shape)
            .expecting(expected, elements.len()));
    }
    Strings::copy_of(elements)
}

/// The error for reading a variable that has no value yet.
pub(crate) fn not_shaped(what: &str) -> Error {
    Error::new(Code::FailedPrecondition, Reason::NotShaped, format!("{what} has no value yet: restore or assign it first"))
}
