//! Trackable objects in memory: named edges, variables, containers, slots, custom state. Nothing here knows files.

mod containers;
mod nodes;
mod object;
mod registered_savers;
mod slots;
mod variable;
mod waiting;
mod walk;

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::ReentrantMutex;

use crate::error::{Code, Error, Reason, Result};
use crate::tensor::{DType, Strings};

pub use nodes::NodeId;
pub use object::{Sink, Source, SourceTensor, State, StateOptions};
pub use registered_savers::ObjectSaver;
pub use slots::CreateSlot;
pub use variable::{Device, Failure, Memory, Variable};

pub(crate) use nodes::{Kind, Node, Nodes};
pub(crate) use object::{Content, Put};
pub(crate) use slots::SlotOwner;
pub(crate) use variable::{not_shaped, Data, Part};
pub(crate) use waiting::{Position, Waiting};
pub(crate) use walk::{Root, Walk};

/// A graph of trackable objects: what a program saves and restores.
///
/// Objects are values of [`NodeId`]; edges between them have names, unique for each parent. A graph can be used from several threads: every call, and
/// every call of a checkpoint, status or manager of the graph, takes the graph's one lock for its whole length, callbacks included. A call from inside
/// a callback returns `FAILED_PRECONDITION`. Clones are the same graph.
///
/// Every function fails with `INVALID_ARGUMENT` for a node that was removed, is of another graph, or of another kind than the function is for.
#[derive(Clone)]
pub struct Graph(Arc<ReentrantMutex<RefCell<Nodes>>>);

impl Default for Graph {
    fn default() -> Graph {
        Graph::new()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Graph({:p})", Arc::as_ptr(&self.0))
    }
}

/// Maps and sets of objects and nodes: their keys are numbers of ours, and there are millions of them.
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, foldhash::fast::RandomState>;
pub(crate) type Set<T> = indexmap::IndexSet<T, foldhash::fast::RandomState>;

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// What it is: `object`, `variable`, `state`, `text`, `list`, `dict`, `tuple` or `slot owner`.
    pub kind: &'static str,
    /// The type of a variable's elements; none where the checkpoint decides.
    pub dtype: Option<DType>,
    /// The shape of a variable's value; none while it has no value.
    pub shape: Option<Vec<i64>>,
}

impl Graph {
    /// A graph without objects.
    pub fn new() -> Graph {
        Graph(Arc::new(ReentrantMutex::new(RefCell::new(Nodes::new()))))
    }

    /// Runs `body` with the graph's lock.
    pub(crate) fn with<R>(&self, body: impl FnOnce(&mut Nodes) -> Result<R>) -> Result<R> {
        let guard = self.0.lock();
        let mut nodes = guard.try_borrow_mut().map_err(|_| {
            Error::new(Code::FailedPrecondition, Reason::Reentrant, "a callback must not call the graph that called it")
        })?;
        body(&mut nodes)
    }

    /// Adds an object without values.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` when the graph is full, as all functions that add objects.
    pub fn add_object(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Object))
    }

    /// Adds a variable.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_variable(&self, variable: Variable) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Variable(variable)))
    }

    /// Adds an object with tensors of its own.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_state(&self, state: Box<dyn State>, options: &StateOptions) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::State(Some(state), Box::new(options.clone()))))
    }

    /// Adds an object that is saved as one string (TensorFlow's `PythonState`: `py_state`).
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_text(&self, text: &[u8]) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Text(text.to_vec())))
    }

    /// Adds an empty list, whose elements are tracked under their indices.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_list(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::List(Box::default())))
    }

    /// Adds an empty dict, whose elements are tracked under their keys.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_dict(&self) -> Result<NodeId> {
        self.with(|nodes| nodes.add(Kind::Dict))
    }

    /// Adds a tuple of these elements; none for one that is not tracked.
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_tuple(&self, elements: &[Option<NodeId>]) -> Result<NodeId> {
        self.with(|nodes| nodes.add_tuple(&[], elements))
    }

    /// Adds a named tuple: each element is tracked under its field's name and its index.
    ///
    /// # Errors
    /// As for [`Graph::add_object`]; `INVALID_ARGUMENT` when two fields have one name, or one is a number.
    pub fn add_named_tuple(&self, fields: &[(&str, Option<NodeId>)]) -> Result<NodeId> {
        let (names, elements): (Vec<&str>, Vec<Option<NodeId>>) = fields.iter().copied().unzip();
        self.with(|nodes| nodes.add_tuple(&names, &elements))
    }

    /// Adds an object that may have slot variables, as an optimizer does. `create` makes slots for which a checkpoint has values; without it
    /// the values wait for the program's [`Graph::set_slot`].
    ///
    /// # Errors
    /// As for [`Graph::add_object`].
    pub fn add_slot_owner(&self, create: Option<CreateSlot>) -> Result<NodeId> {
        let mut owner = SlotOwner::default();
        owner.create = create;
        self.with(|nodes| nodes.add(Kind::SlotOwner(Box::new(owner))))
    }

    /// Removes an object, with all edges and slots from and to it. Its children stay. In restores it is unresolved again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not there.
    pub fn remove(&self, node: NodeId) -> Result<()> {
        // Dropped after the lock is let go: memory of the program's may be released with it.
        self.with(|nodes| nodes.remove(node)).map(drop)
    }

    /// Whether the object is there.
    pub fn contains(&self, node: NodeId) -> bool {
        self.with(|nodes| Ok(nodes.get(node).is_some())).unwrap_or(false)
    }

    /// What the object is.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn describe(&self, node: NodeId) -> Result<Description> {
        self.with(|nodes| {
            let kind = &nodes.need(node)?.kind;
            let (dtype, shape) = match kind {
                Kind::Variable(variable) => (variable.dtype, variable.spec().map(|(_, shape)| shape)),
                Kind::Text(_) => (Some(DType::String), Some(Vec::new())),
                _ => (None, None),
            };
            Ok(Description { kind: kind.name(), dtype, shape })
        })
    }

    /// Gives the object a name for messages.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn set_debug_name(&self, node: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.need_mut(node)?.debug_name = Some(name.into());
            Ok(())
        })
    }

    /// Sets the name that a variable has in name-based checkpoints.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn set_name(&self, variable: NodeId, name: &str) -> Result<()> {
        self.with(|nodes| {
            nodes.variable_mut(variable)?.name = Some(name.into());
            Ok(())
        })
    }

    /// Makes the edge `name` from `parent` to `child`. If a restore has values for this edge, `child` and what it leads to are restored here and now, and
    /// errors of that come from here: the edge stands all the same. Tracking the same child again is nothing.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when the name leads to another object.
    /// * What restoring reports.
    pub fn track(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, false))
    }

    /// The same, but a name that leads to another object is made to lead to this one, which is then not restored. (Assignment to an attribute in TensorFlow.)
    ///
    /// # Errors
    /// What restoring reports, where the name is new.
    pub fn track_overwrite(&self, parent: NodeId, name: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.track(parent, name, child, true))
    }

    /// Removes an edge; the object that it led to stays, and is given back.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such edge.
    pub fn untrack(&self, parent: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.untrack(parent, name))
    }

    /// The object that an edge leads to, if there is one.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn lookup(&self, parent: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.need(parent)?.edges().get(name).copied()))
    }

    /// The edges of an object, in the order in which they were made. (`TrackableView.children`)
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` for a list that cannot be saved.
    pub fn children(&self, node: NodeId) -> Result<Vec<(String, NodeId)>> {
        self.with(|nodes| Ok(nodes.children(node)?.iter().map(|(name, child)| (name.to_string(), *child)).collect()))
    }

    /// The objects that edges lead to from `root`, breadth first, `root` the first of them. Slot variables are not among them.
    /// (`TrackableView.descendants`)
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` when a list that cannot be saved is among them.
    pub fn descendants(&self, root: NodeId) -> Result<Vec<NodeId>> {
        self.with(|nodes| Ok(Walk::new(nodes, Root { node: root, attached: &[] }, false)?.order))
    }

    /// How many restores wait for the edge `name` of an object.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn waiting(&self, node: NodeId, name: &str) -> Result<usize> {
        self.with(|nodes| {
            nodes.need(node)?;
            let waiting = nodes.deferred(node).find(|(edge, _)| *edge == name).map_or(0, |(_, waiting)| waiting.len());
            Ok(waiting)
        })
    }

    /// Appends an element to a list; none for one that is not tracked but takes a place.
    ///
    /// # Errors
    /// What restoring reports, as for [`Graph::track`].
    pub fn list_append(&self, list: NodeId, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_extend(list, &[element]))
    }

    /// Repeats a list in place: `list *= times`. Less than 1 empties it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it would have more than 2^32 elements.
    pub fn list_repeat(&self, list: NodeId, times: i64) -> Result<()> {
        self.with(|nodes| nodes.list_repeat(list, times))
    }

    /// Replaces an element: `list[index] = element`. If that was an object, the list cannot be saved any more. A negative index counts from the end.
    ///
    /// # Errors
    /// `OUT_OF_RANGE` when there is no such element.
    pub fn list_set(&self, list: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_set(list, index, element))
    }

    /// Inserts an element before `index`. If there is any object in the list then, it cannot be saved any more.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn list_insert(&self, list: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_insert(list, index, element))
    }

    /// Removes the element at `index`, and gives back the object that it was. If there was any object in the list, it cannot be saved any more.
    ///
    /// # Errors
    /// `OUT_OF_RANGE` when there is no such element.
    pub fn list_remove(&self, list: NodeId, index: i64) -> Result<Option<NodeId>> {
        self.with(|nodes| nodes.list_remove(list, index))
    }

    /// Replaces a range of elements by others: `list[range] = elements`; without elements, `del list[range]` and `list.clear()`. If there was any
    /// object in the list, it cannot be saved any more.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn list_splice(&self, list: NodeId, range: Range<usize>, elements: &[Option<NodeId>]) -> Result<()> {
        let how = match elements.is_empty() {
            true => "elements were deleted (__delslice__)",
            false => "elements were replaced (__setslice__)",
        };
        self.with(|nodes| nodes.list_splice(list, range, elements, how))
    }

    /// Puts the elements of a list into another order, that of their old indices. If there is any object in the list, it cannot be saved any more, even if the
    /// order is the old one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when `order` does not name each element once.
    pub fn list_reorder(&self, list: NodeId, order: &[usize]) -> Result<()> {
        self.with(|nodes| nodes.list_reorder(list, order))
    }

    /// The elements of a list; none for those that are not tracked.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn list_elements(&self, list: NodeId) -> Result<Vec<Option<NodeId>>> {
        self.with(|nodes| nodes.list_elements(list).map(<[_]>::to_vec))
    }

    /// Sets what a key of a dict leads to. An object that takes the place of another is not restored from what waited for the key.
    ///
    /// # Errors
    /// What restoring reports, where the key is new.
    pub fn dict_set(&self, dict: NodeId, key: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.dict_set(dict, key, child))
    }

    /// Removes a key of a dict, and gives back the object that it led to.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such key.
    pub fn dict_remove(&self, dict: NodeId, key: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.dict_remove(dict, key))
    }

    /// Makes `slot` the slot `name` that `owner` keeps for `variable`. If a restore has a value for it, it is restored here and now.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` when there is another.
    /// * What restoring reports; the slot stands all the same.
    pub fn set_slot(&self, owner: NodeId, variable: NodeId, name: &str, slot: NodeId) -> Result<()> {
        self.with(|nodes| nodes.set_slot(owner, variable, name, slot))
    }

    /// The slot `name` that `owner` keeps for `variable`, if there is one.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<Option<NodeId>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.slot(variable, name)))
    }

    /// Takes a slot from its owner, and gives back the slot variable, which stays.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no such slot.
    pub fn remove_slot(&self, owner: NodeId, variable: NodeId, name: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.remove_slot(owner, variable, name))
    }

    /// The names of an owner's slots, in the order in which the first of each was made.
    ///
    /// # Errors
    /// None but those of every function.
    pub fn slot_names(&self, owner: NodeId) -> Result<Vec<String>> {
        self.with(|nodes| Ok(nodes.slot_owner(owner)?.names().iter().map(|name| name.to_string()).collect()))
    }

    /// Registers a saver for the objects that it accepts, `package.name` in checkpoints; no package means `Custom`. If it is not `strict`, an object that it
    /// saved and does not accept any more is left as it is. Of several that accept an object, the one registered last has it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a name with other characters than letters, digits and `._-`, `ALREADY_EXISTS` for one that is taken.
    pub fn register_saver(&self, package: &str, name: &str, strict: bool, saver: Box<dyn ObjectSaver>) -> Result<()> {
        self.with(|nodes| nodes.register_saver(package, name, strict, saver))
    }

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
                    let size = crate::tensor::elements(&shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
                    let mut bytes = crate::allocate::allocate(size)?;
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
            other => Err(nodes::wrong_kind("variable or text", other)),
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
                _ => Err(Error::argument("a text is one string")
                    .because(Reason::Shape)
                    .expecting("[]", crate::tensor::shape_text(shape))),
            },
            other => Err(nodes::wrong_kind("variable or text", other)),
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

impl Nodes {
    /// The value of an integer scalar.
    pub fn read_integer(&self, variable: NodeId) -> Result<i64> {
        let found = self.variable(variable)?;
        let what = || self.describe(variable);
        let (dtype, shape) = found.spec().ok_or_else(|| not_shaped(&what()))?;
        let wrong = || {
            Error::argument(format!("{} is no integer scalar", what()))
                .because(Reason::DType)
                .expecting("an integer []", format_args!("{dtype} {}", crate::tensor::shape_text(&shape)))
        };
        let mut bytes = [0u8; 8];
        let size = dtype.size().filter(|&size| size <= 8 && shape.is_empty()).ok_or_else(wrong)?;
        let value = &mut bytes[..size];
        match &found.data {
            Data::Owned(buffer) => value.copy_from_slice(buffer.bytes()),
            Data::Borrowed(memory) => value.copy_from_slice(memory.bytes()),
            Data::Device(device) => {
                device.read_at(0, value).map_err(|e| Error::callback(format!("{}: the callback failed: {e}", what())))?
            }
            Data::None | Data::Strings(_) => return Err(wrong()),
        }
        integer_of(dtype, bytes).ok_or_else(wrong)
    }

    /// Sets an integer scalar, of whatever integer type it is.
    pub fn write_integer(&mut self, variable: NodeId, value: i64) -> Result<()> {
        let (dtype, shape) = self.variable(variable)?.spec().ok_or_else(|| not_shaped(&self.describe(variable)))?;
        let bytes = value.to_le_bytes();
        let size = dtype.size().unwrap_or(0).min(8);
        let mut padded = [0; 8];
        padded[..size].copy_from_slice(&bytes[..size]);
        if integer_of(dtype, padded) != Some(value) {
            return Err(Error::argument("the number does not fit the variable").because(Reason::DType).expecting(dtype, value));
        }
        self.variable_mut(variable)?.assign(dtype, &shape, &bytes[..size])
    }
}

/// Whether integer scalars of a type can be read and written as numbers.
pub(crate) fn is_integer(dtype: DType) -> bool {
    integer_of(dtype, [0; 8]).is_some()
}

/// An integer of a type, from its bytes in a machine of little-endian order.
fn integer_of(dtype: DType, bytes: [u8; 8]) -> Option<i64> {
    let wide = i64::from_le_bytes(bytes);
    Some(match dtype {
        DType::Int64 => wide,
        DType::Int32 => i64::from(wide as i32),
        DType::Int16 => i64::from(wide as i16),
        DType::Int8 => i64::from(wide as i8),
        DType::Uint8 | DType::Uint16 | DType::Uint32 => wide,
        DType::Uint64 => i64::try_from(wide as u64).ok()?,
        _ => return None,
    })
}

fn strings_instead(what: &str) -> Error {
    Error::argument(format!("{what}: the elements have lengths of their own: read them as strings")).because(Reason::DType)
}
