//! Objects of a graph as C knows them: numbers, lists of them, what they are, and how they are added.

use std::ffi::c_char;

use super::constants::{ckpt_code, ckpt_dtype, ckpt_kind, kind_number, CKPT_DTYPE_INVALID};
use super::error::ckpt_error;
use super::options::set;
use super::writer::slice_at;
use super::{array, ask, ckpt_bytes, handle, own, release, text_at};
use ::checkpoint::{Description, Error, NodeId, Reason, Result, Slice, StateOptions, Variable};

/// An object of a graph; 0 is none. It stands for that object alone: once the object was removed, and in any other graph, it is
/// `CKPT_CODE_INVALID_ARGUMENT` with `CKPT_REASON_NODE`.
pub type ckpt_node = u64;

/// The object that a number stands for.
pub(super) fn node_at(number: ckpt_node) -> Result<NodeId> {
    NodeId::from_number(number)
        .ok_or_else(|| Error::argument("the node is 0").because(Reason::Node).expecting("a node of the graph", number))
}

pub(super) fn number_of(node: Option<NodeId>) -> ckpt_node {
    node.map_or(0, NodeId::number)
}

/// Objects, where 0 stands for one that is not tracked.
pub(super) fn elements_at(elements: *const ckpt_node, count: usize) -> Result<Vec<Option<NodeId>>> {
    Ok(array(elements, count, "the elements")?.iter().map(|&number| NodeId::from_number(number)).collect())
}

/// Objects that a call found, each with a name where it was found by one. It does not change: several threads may use it at
/// once.
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

    /// For a callback that is over before `nodes` goes.
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

/// How many there are.
#[no_mangle]
pub extern "C" fn ckpt_nodes_count(nodes: *const ckpt_nodes) -> usize {
    ask(0, || handle(nodes).map_or(0, ckpt_nodes::count))
}

/// The object at `index`; 0 when there are not so many, and for an element of a list that is not tracked.
#[no_mangle]
pub extern "C" fn ckpt_nodes_get(nodes: *const ckpt_nodes, index: usize) -> ckpt_node {
    ask(0, || number_of(handle(nodes).and_then(|n| n.get(index))))
}

/// The name of the object at `index`: that of the edge to a child; to a registered saver, the path of the object. Lent; nothing
/// when there are not so many, and of descendants and elements.
#[no_mangle]
pub extern "C" fn ckpt_nodes_name(nodes: *const ckpt_nodes, index: usize) -> ckpt_bytes {
    ask(ckpt_bytes::NONE, || handle(nodes).and_then(|n| n.named_nodes().get(index)).map(|(name, _)| name.as_bytes()).into())
}

/// Frees a list of objects; the objects stay. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_nodes_free(nodes: *mut ckpt_nodes) {
    release(nodes);
}

/// What an object was when it was asked about. It does not change: several threads may use it at once.
pub struct ckpt_description(pub(super) Description);

/// The kind of the object: one of the `CKPT_KIND_` constants; 0 of NULL.
#[no_mangle]
pub extern "C" fn ckpt_description_kind(description: *const ckpt_description) -> ckpt_kind {
    ask(0, || handle(description).map_or(0, |d| kind_number(d.0.kind)))
}

/// The type of a variable's elements; `CKPT_DTYPE_INVALID` of one that takes it from the checkpoint, and of other objects.
#[no_mangle]
pub extern "C" fn ckpt_description_dtype(description: *const ckpt_description) -> ckpt_dtype {
    ask(CKPT_DTYPE_INVALID, || {
        handle(description).and_then(|d| d.0.dtype).map_or(CKPT_DTYPE_INVALID, |d| d.number() as ckpt_dtype)
    })
}

/// The number of dimensions of a variable's value, at most 254; -1 while it has no value, and of other objects.
#[no_mangle]
pub extern "C" fn ckpt_description_rank(description: *const ckpt_description) -> i32 {
    ask(-1, || handle(description).and_then(|d| d.0.shape.as_ref()).map_or(-1, |shape| shape.len() as i32))
}

/// The dimensions of a variable's value, as many as `ckpt_description_rank` says. Lent.
#[no_mangle]
pub extern "C" fn ckpt_description_shape(description: *const ckpt_description) -> *const i64 {
    ask(std::ptr::null(), || {
        handle(description).and_then(|d| d.0.shape.as_ref()).map_or(std::ptr::null(), |shape| shape.as_ptr())
    })
}

/// Frees a description. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_description_free(description: *mut ckpt_description) {
    release(description);
}

/// How an object is added to a graph. For one thread at a time while it is changed. The same options can be used for many
/// objects. An option that says it is for one kind of object is `CKPT_CODE_INVALID_ARGUMENT` for others.
#[derive(Default)]
pub struct ckpt_node_options {
    debug_name: Option<String>,
    name: Option<String>,
    read_only: bool,
    part: Option<(Vec<i64>, Slice)>,
    state: Option<StateOptions>,
}

impl ckpt_node_options {
    pub(super) fn debug_name(&self) -> Option<&str> {
        self.debug_name.as_deref()
    }

    /// For objects that are neither variables nor state.
    pub(super) fn check_plain(&self) -> Result<()> {
        self.refuse("a variable", self.are_of_variables())?;
        self.refuse("state", self.state.is_some())
    }

    fn are_of_variables(&self) -> bool {
        self.name.is_some() || self.read_only || self.part.is_some()
    }

    pub(super) fn state(&self) -> Result<StateOptions> {
        self.refuse("a variable", self.are_of_variables())?;
        Ok(self.state.clone().unwrap_or_default())
    }

    pub(super) fn apply(&self, mut variable: Variable) -> Result<Variable> {
        self.refuse("state", self.state.is_some())?;
        if let Some(name) = &self.name {
            variable = variable.name(name);
        }
        if let Some((whole, slice)) = &self.part {
            variable = variable.part(whole, slice)?;
        }
        Ok(if self.read_only { variable.read_only() } else { variable })
    }

    fn refuse(&self, what: &str, given: bool) -> Result<()> {
        match given {
            true => Err(Error::argument(format!("the options have one that is for {what} alone"))),
            false => Ok(()),
        }
    }
}

/// New options with the defaults; to be freed with `ckpt_node_options_free`.
#[no_mangle]
pub extern "C" fn ckpt_node_options_new() -> *mut ckpt_node_options {
    ask(std::ptr::null_mut(), || own(ckpt_node_options::default()))
}

/// A name for messages. By default an object is called what it is.
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

/// The name that a variable has in name-based checkpoints, in TensorFlow that of the variable without `:0`.
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

/// Whether a variable is only saved: restoring it is `CKPT_CODE_FAILED_PRECONDITION`. Not by default.
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

/// Makes a variable a part of a larger tensor, which several variables make up, mostly one in each process: `shape` is that of the
/// tensor, `start` and `length` say what the variable is of each of the `rank` dimensions, a length of -1 with start 0 the whole of
/// one. The variable is added with the shape of the part. It is saved as this slice of the tensor, and restored from it however that
/// was cut, or whole, when it was saved. A part that takes all dimensions whole is the tensor. A slot that is made for a part while
/// it is restored is the same part of its own tensor.
///
/// Of a stored slice that a part takes whole the checksum is compared; of any other no more is read than the part takes.
///
/// `CKPT_CODE_INVALID_ARGUMENT` when the part does not lie within the shape; from what adds the variable, when it has another shape than
/// the part, or is of strings.
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
        let (shape, slice) = (array(shape, rank, "the shape")?, slice_at(start, length, rank)?);
        slice.check(shape)?;
        o.part = Some((shape.to_vec(), slice));
        Ok(())
    })
}

/// The names of the `count` tensors that state needs to be restored: a checkpoint that lacks one is refused before anything is
/// assigned. By default the restore callback is given what there is.
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

/// Has state saved as one attribute of this name, of which the names of its tensors are suffixes: `table` with the tensors
/// `-keys` and `-values`, as TensorFlow's hash tables have it; `ITERATOR` with `_STATE`, as its dataset iterators do.
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

/// Frees options. NULL is nothing.
#[no_mangle]
pub extern "C" fn ckpt_node_options_free(options: *mut ckpt_node_options) {
    release(options);
}

/// Names of the caller's.
pub(super) fn texts_at<'a>(texts: *const ckpt_bytes, count: usize) -> Result<Vec<&'a str>> {
    array(texts, count, "the names")?.iter().map(|text| text_at(text.data.cast(), text.len, "a name")).collect()
}
