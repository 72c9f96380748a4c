//! The objects of a graph as C sees them: node numbers, lists of nodes, descriptions, and options
//! for adding them.

use std::ffi::c_char;

use super::constants::{ckpt_code, ckpt_dtype, ckpt_kind, kind_number, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::options::set;
use super::writer::slice_at;
use super::{array, ask, changeable, ckpt_bytes, dimensions_at, handle, list_at, own, release, text_at, Exclusive};
use ::checkpoint::{Description, Error, NodeId, Reason, Result, Slice, StateOptions, Variable};

/// An object of a graph; 0 means no object.
///
/// A number identifies one object of one graph and is never reused. Once the object is removed, and
/// in any other graph, calls that get the number fail with `CKPT_CODE_INVALID_ARGUMENT`
/// (`CKPT_REASON_NODE`).
pub type ckpt_node = u64;

/// The object that a number identifies.
pub(super) fn node_at(number: ckpt_node) -> Result<NodeId> {
    NodeId::from_number(number)
        .ok_or_else(|| Error::argument("the node must not be 0").because(Reason::Node).expecting("a node of the graph", number))
}

pub(super) fn number_of(node: Option<NodeId>) -> ckpt_node {
    node.map_or(0, NodeId::number)
}

/// Elements of a container; 0 is an element that is not tracked.
pub(super) fn elements_at(elements: *const ckpt_node, count: usize) -> Result<Vec<Option<NodeId>>> {
    list_at(elements, count, "the elements", |&number| Ok(NodeId::from_number(number)))
}

/// A list of nodes returned by a call, with names where they were found by name. Immutable: several
/// threads may use it at once.
pub struct ckpt_nodes(Nodes);

enum Nodes {
    Named(Vec<(String, NodeId)>),
    Plain(Vec<Option<NodeId>>),
    /// Lent for the time of a callback.
    Lent(*const (String, NodeId), usize),
}

impl ckpt_nodes {
    pub(super) fn named(nodes: Vec<(String, NodeId)>) -> *mut ckpt_nodes {
        own(ckpt_nodes(Nodes::Named(nodes)))
    }

    pub(super) fn plain(nodes: Vec<Option<NodeId>>) -> *mut ckpt_nodes {
        own(ckpt_nodes(Nodes::Plain(nodes)))
    }

    /// For a callback that ends before `nodes` is dropped.
    pub(super) fn lent(nodes: &[(String, NodeId)]) -> ckpt_nodes {
        ckpt_nodes(Nodes::Lent(nodes.as_ptr(), nodes.len()))
    }

    fn named_nodes(&self) -> &[(String, NodeId)] {
        match &self.0 {
            Nodes::Named(nodes) => nodes,
            Nodes::Lent(nodes, count) => array(*nodes, *count, "").unwrap_or_default(),
            Nodes::Plain(_) => &[],
        }
    }

    fn count(&self) -> usize {
        match &self.0 {
            Nodes::Plain(nodes) => nodes.len(),
            _ => self.named_nodes().len(),
        }
    }

    fn get(&self, index: usize) -> Option<NodeId> {
        match &self.0 {
            Nodes::Plain(nodes) => *nodes.get(index)?,
            _ => Some(self.named_nodes().get(index)?.1),
        }
    }
}

/// Returns the number of nodes; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_nodes_count(nodes: *const ckpt_nodes) -> usize {
    ask(0, || handle(nodes).map_or(0, ckpt_nodes::count))
}

/// Returns the node at `index`; 0 if `index` is out of range, and for a list element that is not
/// tracked.
#[no_mangle]
pub extern "C" fn ckpt_nodes_get(nodes: *const ckpt_nodes, index: usize) -> ckpt_node {
    ask(0, || number_of(handle(nodes).and_then(|n| n.get(index))))
}

/// Returns the name of the node at `index`: for a child, the name of its edge; in callbacks of a
/// registered saver, the path of the object. Lent by `nodes`. No value (NULL, 0) for descendants
/// and list elements, and if `index` is out of range.
#[no_mangle]
pub extern "C" fn ckpt_nodes_name(nodes: *const ckpt_nodes, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(nodes).and_then(|n| n.named_nodes().get(index)).map(|(name, _)| name.as_bytes()).into())
}

/// Frees a list of nodes; the objects are not removed from the graph. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_nodes_free(nodes: *mut ckpt_nodes) {
    release(nodes);
}

/// A snapshot of the properties of an object. Immutable: several threads may use it at once.
pub struct ckpt_description(pub(super) Description);

/// Returns the kind of the object: one of the `CKPT_KIND_` constants; 0 for NULL.
#[no_mangle]
pub extern "C" fn ckpt_description_kind(description: *const ckpt_description) -> ckpt_kind {
    ask(0, || handle(description).map_or(0, |d| kind_number(d.0.kind)))
}

/// Returns the dtype of a variable; `CKPT_DTYPE_INVALID` for a variable that takes its dtype from
/// the checkpoint, for other objects and for NULL.
#[no_mangle]
pub extern "C" fn ckpt_description_dtype(description: *const ckpt_description) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || {
        handle(description).and_then(|d| d.0.dtype).map_or(CKPT_DTYPE_INVALID, |d| d.number() as ckpt_dtype)
    })
}

/// Returns the number of dimensions of a variable's value, at most `CKPT_MAX_RANK`; -1 if it has no
/// value yet, for other objects and for NULL.
#[no_mangle]
pub extern "C" fn ckpt_description_rank(description: *const ckpt_description) -> i32 {
    ask(-1, || handle(description).and_then(|d| d.0.shape.as_ref()).map_or(-1, |shape| shape.len() as i32))
}

/// Returns the dimensions of a variable's value, an array of `ckpt_description_rank` values. Lent
/// by the description; NULL if the rank is -1.
#[no_mangle]
pub extern "C" fn ckpt_description_shape(description: *const ckpt_description) -> *const i64 {
    ask(std::ptr::null(), || {
        handle(description).and_then(|d| d.0.shape.as_ref()).map_or(std::ptr::null(), |shape| shape.as_ptr())
    })
}

/// Frees a description. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_description_free(description: *mut ckpt_description) {
    release(description);
}

/// Options for adding an object to a graph. The same options can be used for several objects. Not
/// thread-safe while being changed.
///
/// Some options apply to one kind of object only; adding another kind with them fails with
/// `CKPT_CODE_INVALID_ARGUMENT`.
#[derive(Default)]
pub struct ckpt_node_options(Exclusive<NodeSettings>);

#[derive(Clone, Default)]
pub(super) struct NodeSettings {
    debug_name: Option<String>,
    name: Option<String>,
    read_only: bool,
    part: Option<(Vec<i64>, Slice)>,
    state: Option<StateOptions>,
}

changeable! {
    ckpt_node_options: NodeSettings,
}

impl NodeSettings {
    pub fn debug_name(&self) -> Option<&str> {
        self.debug_name.as_deref()
    }

    /// Refuses options that apply to variables or state only.
    pub fn check_plain(&self) -> Result<()> {
        self.refuse("a variable", self.are_of_variables())?;
        self.refuse("state", self.state.is_some())
    }

    fn are_of_variables(&self) -> bool {
        self.name.is_some() || self.read_only || self.part.is_some()
    }

    pub fn state(&self) -> Result<StateOptions> {
        self.refuse("a variable", self.are_of_variables())?;
        Ok(self.state.clone().unwrap_or_default())
    }

    pub fn apply(&self, mut variable: Variable) -> Result<Variable> {
        self.refuse("state", self.state.is_some())?;
        if let Some(name) = &self.name {
            variable = variable.name(name);
        }
        if let Some((whole, slice)) = &self.part {
            variable = variable.part(whole, slice)?;
        }
        Ok(if self.read_only { variable.read_only() } else { variable })
    }

    /// Lets an error name the variable that was to be made, if it has a name.
    pub fn named(&self, e: Error) -> Error {
        match self.name.as_ref().or(self.debug_name.as_ref()) {
            Some(name) => e.for_tensor(name.as_bytes()),
            None => e,
        }
    }

    fn refuse(&self, what: &str, given: bool) -> Result<()> {
        if given {
            Err(Error::argument(format!("an option is set that applies only to {what}")))
        } else {
            Ok(())
        }
    }
}

/// Creates options with the defaults. Free them with `ckpt_node_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_node_options_new() -> *mut ckpt_node_options {
    ask(std::ptr::null_mut(), || own(ckpt_node_options::default()))
}

/// Sets the name (UTF-8) of the object in messages. By default, messages name its kind.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_debug_name(
    options: *mut ckpt_node_options,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.debug_name = Some(text_at(name, name_len, "the name")?.to_owned());
        Ok(())
    })
}

/// Sets the name (UTF-8) of a variable in name-based checkpoints: in TensorFlow, the variable's
/// name without `:0`. Variables only.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_name(
    options: *mut ckpt_node_options,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.name = Some(text_at(name, name_len, "the name")?.to_owned());
        Ok(())
    })
}

/// Sets whether a variable is saved but never restored: restoring it fails with
/// `CKPT_CODE_FAILED_PRECONDITION` (`CKPT_REASON_READ_ONLY`). False by default. Variables only.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_read_only(
    options: *mut ckpt_node_options,
    read_only: bool,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        o.read_only = read_only;
        Ok(())
    })
}

/// Makes a variable a part of a larger tensor, which several variables make up, usually one per
/// process. Variables only.
///
/// `shape` is the shape of the whole tensor. `start` and `length` give the part in each of the
/// `rank` dimensions; start 0 with length -1 means the whole dimension. Add the variable with the
/// shape of the part. A part that covers all dimensions is the whole tensor.
///
/// The variable is saved as this slice of the tensor. It is restored from the tensor whether that
/// was saved whole or in any slices. A slot created for the variable during a restore is the same
/// part of its own tensor. The checksum of a stored slice is verified if the part includes all of
/// it; of other slices, only the bytes that the part needs are read.
///
/// Fails with `CKPT_CODE_INVALID_ARGUMENT` if the part does not lie within the shape. Adding the
/// variable fails with the same code if its shape is not that of the part, or it is a string
/// variable.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_part(
    options: *mut ckpt_node_options,
    shape: *const i64,
    start: *const i64,
    length: *const i64,
    rank: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let (shape, slice) = (dimensions_at(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        slice.check(shape)?;
        o.part = Some((shape.to_vec(), slice));
        Ok(())
    })
}

/// Sets the names of the `count` tensors that a state object needs to be restored. A checkpoint
/// that lacks one of them is refused before anything is assigned. By default, the restore callback
/// gets the tensors that exist. State only.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_tensor_names(
    options: *mut ckpt_node_options,
    names: *const ckpt_bytes,
    count: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let names = texts_at(names, count)?;
        o.state = Some(o.state.take().unwrap_or_default().names(&names));
        Ok(())
    })
}

/// Saves a state object as one attribute of this name, with the tensors' names as suffixes: `table`
/// with the tensors `-keys` and `-values`, as TensorFlow's hash tables do; `ITERATOR` with
/// `_STATE`, as its dataset iterators do. State only.
#[no_mangle]
pub extern "C" fn ckpt_node_options_set_legacy_name(
    options: *mut ckpt_node_options,
    name: *const c_char,
    name_len: usize,
    error: *mut *mut ckpt_error,
) -> ckpt_code {
    set(options, error, |o| {
        let name = text_at(name, name_len, "the name")?;
        o.state = Some(o.state.take().unwrap_or_default().legacy_name(name));
        Ok(())
    })
}

/// Frees options. NULL is ignored.
#[no_mangle]
pub extern "C" fn ckpt_node_options_free(options: *mut ckpt_node_options) {
    release(options);
}

/// Names passed by the caller.
pub(super) fn texts_at<'a>(texts: *const ckpt_bytes, count: usize) -> Result<Vec<&'a str>> {
    list_at(texts, count, "the names", |text| text_at(text.data.cast(), text.len, "a name"))
}
