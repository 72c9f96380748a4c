//! Variables: what type and shape they may have, and where their values live.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{printable, Code, Error, Reason, Result};
use crate::tensor::{checked_elements, shape_text, Bounds, Buffer, DType, Slice, Strings, MAX_RANK};

/// What a callback of the program reports when it fails.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Memory of the program's that a variable is saved from and restored into, in place.
///
/// The graph uses it during calls that reach the variable and never in between. When nothing can touch it any more, it is dropped.
pub trait Memory: Send + Sync {
    /// The value: its elements in row-major order, in the byte order of the machine.
    fn bytes(&self) -> &[u8];

    /// The same, to be written; always of the same length.
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

/// A value that lives where the processor cannot reach it: on a device, or in another process. The library asks for it, and gives it,
/// in pieces, and needs memory for a few of these whatever the size of the value.
///
/// All functions are called during the graph's calls, with its lock held: calling the graph from them fails.
pub trait Device: Send + Sync {
    /// The type of the elements and the shape that the value has now; no shape while it has none.
    fn describe(&self) -> (DType, Option<Vec<i64>>);

    /// Fills `buffer` with the bytes of the value from `offset` on.
    ///
    /// # Errors
    /// Ends the save with `ABORTED` and the message.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::result::Result<(), Failure>;

    /// A restore begins, of a value of this type and shape. It was checked against what the variable says it accepts.
    ///
    /// # Errors
    /// Ends the restore with `ABORTED` and the message; then no byte of this value is written.
    fn prepare(&self, dtype: DType, shape: &[i64]) -> std::result::Result<(), Failure>;

    /// Takes bytes of the value from `offset` on. Each byte comes once.
    ///
    /// # Errors
    /// Ends the restore with `ABORTED` and the message; [`Device::finish`] is still called.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> std::result::Result<(), Failure>;

    /// The restore that [`Device::prepare`] began is over; `complete` if all bytes came and their checksum was right.
    ///
    /// # Errors
    /// Ends the restore with `ABORTED` and the message.
    fn finish(&self, complete: bool) -> std::result::Result<(), Failure>;

    /// Whether [`Device::read_at`] may be called on several threads at once. If not, it is called on one at a time.
    fn is_concurrent(&self) -> bool {
        false
    }
}

/// Where a variable's value is.
#[derive(Default)]
pub(crate) enum Data {
    /// Nowhere yet: the variable takes its shape from the first value that it is given.
    #[default]
    None,
    Owned(Buffer),
    Borrowed(Box<dyn Memory>),
    Strings(Box<Strings>),
    Device(Arc<dyn Device>),
}

/// The tensor that a variable is a part of, and which part.
pub(crate) struct Part {
    /// The shape of the whole tensor.
    pub whole: Box<[i64]>,
    pub slice: Slice,
    /// The same, resolved.
    pub region: Bounds,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} slice {}", shape_text(&self.whole), self.slice)
    }
}

/// A shape; one of two dimensions or fewer has no memory of its own.
pub(crate) type Dims = SmallVec<[i64; 2]>;

/// A variable to be added to a graph ([`Graph::add_variable`](super::Graph::add_variable)).
///
/// Its value is owned by the graph, borrowed from the program, or on a device. One that is owned may be without a shape, or with dimensions that
/// are not known (-1): then it has no value before it is restored or assigned, and takes its shape from that (restore-on-create).
pub struct Variable {
    /// None: whatever the checkpoint has.
    pub(crate) dtype: Option<DType>,
    /// The shape that values must have, -1 for any dimension; none for any shape at all.
    pub(crate) accepts: Option<Dims>,
    /// The shape of the value.
    pub(crate) shape: Option<Dims>,
    pub(crate) data: Data,
    pub(crate) read_only: bool,
    pub(crate) name: Option<Box<str>>,
    /// Shared with who reads it while the variable's memory is lent.
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

    /// A variable of zeros (of empty strings), owned by the graph.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the shape is impossible or the dtype cannot be of a variable, `RESOURCE_EXHAUSTED` when there is no memory for it.
    pub fn zeros(dtype: DType, shape: &[i64]) -> Result<Variable> {
        let elements = elements_of(shape)?;
        let data = match dtype.size() {
            Some(size) => Data::Owned(Buffer::zeroed(byte_count(elements, size)?)?),
            None if dtype == DType::String => Data::Strings(Strings::with_lengths(vec![0; in_memory(elements)?])?.into()),
            None => return Err(no_variable(dtype)),
        };
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), data))
    }

    /// A variable that has no value before it is restored or assigned. `dtype`: none for whatever the checkpoint has. `accepts`: what shapes it
    /// takes, -1 for a dimension that may be anything; none for any shape.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a dimension is below -1 or the dtype cannot be of a variable.
    pub fn without_value(dtype: Option<DType>, accepts: Option<&[i64]>) -> Result<Variable> {
        if let Some(dtype) = dtype.filter(|d| d.size().is_none() && *d != DType::String) {
            return Err(no_variable(dtype));
        }
        check_accepts(accepts)?;
        Ok(Variable::new(dtype, accepts, None, Data::None))
    }

    /// A variable of a fixed-size dtype with this value, row-major and in the byte order of the machine, which is copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the shape is impossible or does not fit the bytes.
    pub fn owned(dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<Variable> {
        check_bytes(dtype, shape, bytes.len())?;
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), Data::Owned(Buffer::copy_of(bytes)?)))
    }

    /// A string variable with these elements, which are copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the shape is impossible or asks for another number of elements.
    pub fn strings<S: AsRef<[u8]>>(shape: &[i64], elements: &[S]) -> Result<Variable> {
        let strings = strings_of(shape, elements)?;
        Ok(Variable::new(Some(DType::String), Some(shape), Some(shape), Data::Strings(strings.into())))
    }

    /// A variable whose value is the program's memory: it is saved from there and restored into it, never copied.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the shape is impossible or does not fit the memory; the memory is then dropped.
    pub fn borrowed(dtype: DType, shape: &[i64], memory: Box<dyn Memory>) -> Result<Variable> {
        check_bytes(dtype, shape, memory.bytes().len())?;
        Ok(Variable::new(Some(dtype), Some(shape), Some(shape), Data::Borrowed(memory)))
    }

    /// A variable whose value is on a device. `accepts`: what shapes it takes, as for [`Variable::without_value`].
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when a dimension is below -1, the dtype is not of a fixed size, or the device's shape is impossible.
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

    /// Restoring it is an error: it is saved alone.
    pub fn read_only(mut self) -> Variable {
        self.read_only = true;
        self
    }

    /// The name under which a name-based checkpoint has it (`full_name`, in TensorFlow the variable's global name without `:0`).
    pub fn name(mut self, name: &str) -> Variable {
        self.name = Some(name.into());
        self
    }

    /// Makes it a part of a larger tensor, which several variables make up, mostly one in each process: `whole` is the shape of the tensor, `slice` says which part of it the
    /// variable is, and has the shape of the variable's value. It is saved as this slice of the tensor, and restored from it however that was cut, or whole, when it was saved. A slice that
    /// takes all of the tensor makes it no part. A part without elements is restored as any other, but there is nothing of it to save.
    ///
    /// Of a stored slice that a part takes whole the checksum is compared, of any other no more is read than the part takes.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the slice does not lie within the shape, the variable's value or what it accepts has another shape, or it is of strings.
    pub fn part(mut self, whole: &[i64], slice: &Slice) -> Result<Variable> {
        elements_of(whole)?;
        let region = slice.within(whole)?;
        if let Some(dtype) = self.dtype.filter(|dtype| dtype.size().is_none()) {
            return Err(no_variable(dtype).expecting("a fixed-size dtype", dtype));
        }
        let own = self.spec().map(|(_, shape)| shape);
        if !self.accepts_shape(&region.length) || own.as_ref().is_some_and(|own| *own != region.length) {
            let own = own.as_deref().or(self.accepts()).map_or_else(String::new, shape_text);
            return Err(Error::argument("the variable has another shape than its slice")
                .because(Reason::Shape)
                .expecting(shape_text(&region.length), own));
        }
        self.accepts = Some(Dims::from_slice(&region.length));
        self.part = (region.length != whole).then(|| Arc::new(Part { whole: whole.into(), slice: slice.clone(), region }));
        Ok(self)
    }

    /// The type and shape of the value as it is now; nothing while it has none.
    pub(crate) fn spec(&self) -> Option<(DType, Vec<i64>)> {
        match &self.data {
            Data::Device(device) => {
                let (dtype, shape) = device.describe();
                Some((dtype, shape?))
            }
            Data::None => None,
            _ => Some((self.dtype?, self.shape.as_ref()?.to_vec())),
        }
    }

    /// The shape that a value must have; -1 for any dimension, none for any shape.
    pub(crate) fn accepts(&self) -> Option<&[i64]> {
        self.accepts.as_deref()
    }

    /// Says whether a value of this shape may be given to it.
    pub(crate) fn accepts_shape(&self, shape: &[i64]) -> bool {
        self.accepts
            .as_ref()
            .is_none_or(|accepts| accepts.len() == shape.len() && accepts.iter().zip(shape).all(|(&a, &s)| a == s || a == -1))
    }

    /// Says whether it can be restored from a tensor of this shape.
    pub(crate) fn fits(&self, shape: &[i64]) -> bool {
        match &self.part {
            None => self.accepts_shape(shape),
            Some(part) => *part.whole == *shape,
        }
    }

    /// The shape of what it takes of a tensor of this shape.
    pub(crate) fn shape_within<'s>(&'s self, shape: &'s [i64]) -> &'s [i64] {
        self.part.as_ref().map_or(shape, |part| &part.region.length)
    }

    /// What tensors it can be restored from, for messages.
    pub(crate) fn restored_from(&self) -> String {
        match &self.part {
            None => self.accepts().map_or_else(String::new, shape_text),
            Some(part) => part.to_string(),
        }
    }

    /// Says whether the value's memory has to be made, or made anew, for a tensor of this shape.
    pub(crate) fn needs_memory(&self, shape: &[i64]) -> bool {
        let shape = self.shape_within(shape);
        match &self.data {
            Data::None => true,
            Data::Owned(_) | Data::Strings(_) => self.shape.as_deref() != Some(shape),
            Data::Borrowed(_) | Data::Device(_) => false,
        }
    }

    /// Gives it a value.
    pub(crate) fn assign(&mut self, dtype: DType, shape: &[i64], bytes: &[u8]) -> Result<()> {
        check_bytes(dtype, shape, bytes.len())?;
        self.check(dtype, shape)?;
        match &mut self.data {
            Data::Borrowed(memory) => memory.bytes_mut().copy_from_slice(bytes),
            Data::Device(device) => {
                let failed = |e: Failure| Error::callback(format!("the variable's callback failed: {e}"));
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

    /// Gives a string variable a value.
    pub(crate) fn assign_strings<S: AsRef<[u8]>>(&mut self, shape: &[i64], elements: &[S]) -> Result<()> {
        let strings = strings_of(shape, elements)?;
        self.check(DType::String, shape)?;
        self.data = Data::Strings(strings.into());
        self.set_spec(DType::String, shape);
        Ok(())
    }

    /// Notes the type and shape of a value; of a part, the whole tensor's shape will do.
    pub(crate) fn set_spec(&mut self, dtype: DType, shape: &[i64]) {
        self.dtype = Some(dtype);
        let shape = self.part.as_ref().map_or(shape, |part| &part.region.length);
        if self.shape.as_deref() != Some(shape) {
            self.shape = Some(Dims::from_slice(shape));
        }
    }

    fn check(&self, dtype: DType, shape: &[i64]) -> Result<()> {
        match self.dtype {
            Some(own) if own != dtype => {
                Err(Error::argument("the variable has another dtype").because(Reason::DType).expecting(own, dtype))
            }
            _ if !self.accepts_shape(shape) => Err(Error::argument("the variable has another shape")
                .because(Reason::Shape)
                .expecting(shape_text(self.accepts.as_deref().unwrap_or_default()), shape_text(shape))),
            _ => Ok(()),
        }
    }

    pub(crate) fn describe(&self) -> String {
        let shape = match &self.shape {
            Some(shape) => shape_text(shape),
            None => self.accepts.as_deref().map_or("of any shape".to_owned(), shape_text),
        };
        let name = self.name.as_deref().map(|name| format!(" \"{}\"", printable(name.as_bytes()))).unwrap_or_default();
        let shape = self.part.as_ref().map_or(shape, |part| part.to_string());
        format!("variable{name} {} {shape}", self.dtype.map_or("of any dtype", DType::name))
    }
}

fn no_variable(dtype: DType) -> Error {
    Error::argument("a variable cannot have this dtype").because(Reason::DType).expecting("a fixed-size dtype or string", dtype)
}

fn check_accepts(accepts: Option<&[i64]>) -> Result<()> {
    let accepts = accepts.unwrap_or_default();
    if accepts.len() > MAX_RANK || accepts.iter().any(|&n| n < -1) {
        Err(Error::argument("the shape is impossible")
            .because(Reason::Shape)
            .expecting("dimensions from -1 on", shape_text(accepts)))
    } else {
        Ok(())
    }
}

fn elements_of(shape: &[i64]) -> Result<u64> {
    checked_elements(shape).filter(|_| shape.len() <= MAX_RANK).ok_or_else(|| {
        Error::argument("the shape is impossible").because(Reason::Shape).expecting("a possible shape", shape_text(shape))
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
        Err(Error::argument("the value has the wrong size")
            .because(Reason::Shape)
            .expecting(format_args!("{expected} bytes"), format_args!("{found} bytes")))
    }
}

fn strings_of<S: AsRef<[u8]>>(shape: &[i64], elements: &[S]) -> Result<Strings> {
    let expected = elements_of(shape)?;
    if expected != elements.len() as u64 {
        return Err(Error::argument("the shape asks for another number of elements")
            .because(Reason::Shape)
            .expecting(expected, elements.len()));
    }
    Strings::copy_of(elements)
}

/// The error for a variable whose value is asked for before it has one.
pub(crate) fn not_shaped(what: &str) -> Error {
    Error::new(
        Code::FailedPrecondition,
        Reason::NotShaped,
        format!("{what} has no value yet: it was added without one and has not been restored"),
    )
}
