//! What the tests are written in: a program's objects, a directory for its checkpoints, and what
//! was logged.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use checkpoint::{
    Checkpoint, Code, DType, Durability, Error, Graph, Log, NodeId, ObjectGraph, Reader, Reason, RestoreOptions, SaveOptions,
    Severity, Status, Variable, WriteOptions,
};
use tempfile::TempDir;

/// How the key of a variable ends.
pub const SUFFIX: &str = "/.ATTRIBUTES/VARIABLE_VALUE";

/// A number, or an array of them: what a variable may hold.
pub trait Value: Sized {
    const DTYPE: DType;
    fn shape() -> Vec<i64>;
    fn put(&self, bytes: &mut Vec<u8>);
    fn take(bytes: &mut &[u8]) -> Self;
}

macro_rules! scalar {
    ($type:ty, $dtype:ident) => {
        impl Value for $type {
            const DTYPE: DType = DType::$dtype;
            fn shape() -> Vec<i64> {
                Vec::new()
            }
            fn put(&self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_ne_bytes());
            }
            fn take(bytes: &mut &[u8]) -> $type {
                let (value, rest) = bytes.split_first_chunk().expect("the value is too short");
                *bytes = rest;
                <$type>::from_ne_bytes(*value)
            }
        }
    };
}

scalar!(f32, Float);
scalar!(f64, Double);
scalar!(i32, Int32);
scalar!(i64, Int64);

impl<T: Value, const N: usize> Value for [T; N] {
    const DTYPE: DType = T::DTYPE;
    fn shape() -> Vec<i64> {
        [vec![N as i64], T::shape()].concat()
    }
    fn put(&self, bytes: &mut Vec<u8>) {
        self.iter().for_each(|element| element.put(bytes));
    }
    fn take(bytes: &mut &[u8]) -> [T; N] {
        std::array::from_fn(|_| T::take(bytes))
    }
}

/// The bytes of a value.
pub fn bytes_of<T: Value>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.put(&mut bytes);
    bytes
}

/// The value that bytes are.
#[track_caller]
pub fn value_of<T: Value>(mut bytes: &[u8]) -> T {
    let value = T::take(&mut bytes);
    assert!(bytes.is_empty(), "the value is too long");
    value
}

/// A program's variable with a value.
pub fn variable<T: Value>(value: T) -> Variable {
    Variable::owned(T::DTYPE, &T::shape(), &bytes_of(&value)).unwrap()
}

/// Options that sync nothing: no test here cuts the power.
pub fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

/// A program.
pub struct World {
    pub graph: Graph,
    directory: TempDir,
    logged: Arc<Mutex<Vec<(Severity, String)>>>,
}

impl World {
    pub fn new() -> World {
        World { graph: Graph::new(), directory: tempfile::tempdir().unwrap(), logged: Arc::default() }
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    // ---- objects

    /// `AutoTrackable()`, `Module()`, a layer: an object without values of its own.
    pub fn object(&self) -> NodeId {
        self.graph.add_object().unwrap()
    }

    /// `Variable(value)`
    pub fn variable<T: Value>(&self, value: T) -> NodeId {
        self.graph.add_variable(variable(value)).unwrap()
    }

    /// `Variable(value, name=name)`
    pub fn named<T: Value>(&self, value: T, name: &str) -> NodeId {
        self.graph.add_variable(variable(value).name(name)).unwrap()
    }

    /// `add_variable(parent, name)`: a variable that takes its shape, and its type, from the
    /// checkpoint that waits for it.
    #[track_caller]
    pub fn create(&self, parent: NodeId, name: &str) -> NodeId {
        let made = self.graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
        self.track(parent, name, made);
        made
    }

    /// `add_variable(parent, name, initializer=value)`
    #[track_caller]
    pub fn add<T: Value>(&self, parent: NodeId, name: &str, value: T) -> NodeId {
        let made = self.variable(value);
        self.track(parent, name, made);
        made
    }

    /// `parent.name = AutoTrackable()`
    #[track_caller]
    pub fn child(&self, parent: NodeId, name: &str) -> NodeId {
        let made = self.object();
        self.track(parent, name, made);
        made
    }

    /// `[…]` of objects.
    #[track_caller]
    pub fn list(&self, elements: &[NodeId]) -> NodeId {
        let elements: Vec<_> = elements.iter().copied().map(Some).collect();
        self.mixed_list(&elements)
    }

    /// `[…]` of objects and of what is not tracked.
    #[track_caller]
    pub fn mixed_list(&self, elements: &[Option<NodeId>]) -> NodeId {
        let list = self.graph.add_list().unwrap();
        elements.iter().for_each(|&element| self.graph.list_append(list, element).unwrap());
        list
    }

    #[track_caller]
    pub fn append(&self, list: NodeId, element: NodeId) {
        self.graph.list_append(list, Some(element)).unwrap();
    }

    /// `{…}`
    #[track_caller]
    pub fn dict(&self, elements: &[(&str, NodeId)]) -> NodeId {
        let dict = self.graph.add_dict().unwrap();
        elements.iter().for_each(|&(key, element)| self.graph.dict_set(dict, key, element).unwrap());
        dict
    }

    // ---- edges and values

    /// `parent.name = child`, where there was none.
    #[track_caller]
    pub fn track(&self, parent: NodeId, name: &str, child: NodeId) {
        self.graph.track(parent, name, child).unwrap();
    }

    /// `parent.name = child`, in place of what was there.
    #[track_caller]
    pub fn overwrite(&self, parent: NodeId, name: &str, child: NodeId) {
        self.graph.track_overwrite(parent, name, child).unwrap();
    }

    #[track_caller]
    pub fn value<T: Value>(&self, variable: NodeId) -> T {
        let found = self.graph.describe(variable).unwrap();
        assert_eq!((found.dtype, found.shape), (Some(T::DTYPE), Some(T::shape())));
        value_of(&self.graph.read(variable).unwrap())
    }

    #[track_caller]
    pub fn assign<T: Value>(&self, variable: NodeId, value: T) {
        self.graph.assign(variable, T::DTYPE, &T::shape(), &bytes_of(&value)).unwrap();
    }

    /// Asserts that a variable holds `expected`.
    #[track_caller]
    pub fn holds<T: Value + PartialEq + std::fmt::Debug>(&self, variable: NodeId, expected: T) {
        assert_eq!(self.value::<T>(variable), expected);
    }

    /// The names of an object's edges.
    #[track_caller]
    pub fn edges(&self, node: NodeId) -> Vec<String> {
        self.graph.children(node).unwrap().into_iter().map(|(name, _)| name).collect()
    }

    // ---- checkpoints

    /// `Checkpoint(**kwargs)`
    #[track_caller]
    pub fn checkpoint(&self, kwargs: &[(&str, NodeId)]) -> Checkpoint {
        let root = self.object();
        let mut kwargs = kwargs.to_vec();
        kwargs.sort_unstable_by_key(|&(name, _)| name);
        kwargs.into_iter().for_each(|(name, child)| self.track(root, name, child));
        self.checkpoint_of(root)
    }

    /// `Checkpoint()`, a subclass of it for instance, whose object is made already.
    #[track_caller]
    pub fn checkpoint_of(&self, root: NodeId) -> Checkpoint {
        let made = Checkpoint::new(&self.graph, root).unwrap();
        made.set_log(Some(self.log()));
        made
    }

    /// `Checkpoint(root, **kwargs)`
    #[track_caller]
    pub fn rooted(&self, root: NodeId, kwargs: &[(&str, NodeId)]) -> Checkpoint {
        let made = Checkpoint::with_root(&self.graph, root, kwargs).unwrap();
        made.set_log(Some(self.log()));
        made
    }

    #[track_caller]
    pub fn save(&self, checkpoint: &Checkpoint, name: &str) -> PathBuf {
        checkpoint.save(self.path(name), &unsynced()).unwrap()
    }

    #[track_caller]
    pub fn write(&self, checkpoint: &Checkpoint, name: &str) -> PathBuf {
        checkpoint.write(self.path(name), &unsynced()).unwrap()
    }

    /// The error of a save that has to fail.
    #[track_caller]
    pub fn cannot_save(&self, checkpoint: &Checkpoint) -> Error {
        checkpoint.save(self.path("never"), &unsynced()).unwrap_err()
    }

    /// What is in the directory but the file of locks, which TensorFlow does not make.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != ".ckpt-lock");
        names.sort_unstable();
        names
    }

    // ---- what was logged

    pub fn log(&self) -> Log {
        let logged = Arc::clone(&self.logged);
        Arc::new(move |severity, text| logged.lock().unwrap().push((severity, text.to_owned())))
    }

    /// The warnings so far, one a line. They are forgotten.
    pub fn warnings(&self) -> String {
        let logged = std::mem::take(&mut *self.logged.lock().unwrap());
        let warnings: Vec<String> =
            logged.into_iter().filter(|(severity, _)| *severity == Severity::Warning).map(|(_, text)| text).collect();
        warnings.join("\n")
    }
}

#[track_caller]
pub fn restore(checkpoint: &Checkpoint, path: impl AsRef<Path>) -> Status {
    checkpoint.restore(path, &RestoreOptions::new()).unwrap()
}

#[track_caller]
pub fn read(checkpoint: &Checkpoint, path: impl AsRef<Path>) -> Status {
    checkpoint.read(path, &RestoreOptions::new()).unwrap()
}

/// The keys of a checkpoint, in order.
#[track_caller]
pub fn keys(path: impl AsRef<Path>) -> Vec<String> {
    let reader = Reader::open(path).unwrap();
    reader.tensors().map(|tensor| String::from_utf8(tensor.key().to_vec()).unwrap()).collect()
}

/// The keys of a checkpoint, without that of the object graph.
#[track_caller]
pub fn value_keys(path: impl AsRef<Path>) -> Vec<String> {
    keys(path).into_iter().filter(|key| key != "_CHECKPOINTABLE_OBJECT_GRAPH").collect()
}

#[track_caller]
pub fn object_graph(path: impl AsRef<Path>) -> ObjectGraph {
    Reader::open(path).unwrap().object_graph().unwrap().expect("no object graph")
}

/// The value of a tensor in a checkpoint.
#[track_caller]
pub fn stored<T: Value>(path: impl AsRef<Path>, key: &str) -> T {
    let reader = Reader::open(path).unwrap();
    let tensor = reader.get(key).unwrap();
    assert_eq!((tensor.dtype(), tensor.shape()), (T::DTYPE, &T::shape()[..]));
    value_of(&tensor.read().unwrap())
}

/// The assertions of a status as claims; those that hold can be chained.
pub trait Claims: Sized {
    fn consumed(self) -> Self;
    fn matched(self) -> Self;
    fn nontrivial(self) -> Self;
    fn not_consumed(&self) -> String;
    fn not_matched(&self) -> String;
    fn trivial(&self) -> String;
}

#[track_caller]
fn holds(verdict: checkpoint::Result<()>) {
    if let Err(error) = verdict {
        panic!("the assertion does not hold: {error}");
    }
}

#[track_caller]
fn fails(verdict: checkpoint::Result<()>) -> String {
    let error = verdict.expect_err("the assertion holds");
    assert_eq!((error.code(), error.reason()), (Code::FailedPrecondition, Reason::Assertion), "{error}");
    error.to_string()
}

impl Claims for Status {
    #[track_caller]
    fn consumed(self) -> Status {
        holds(self.assert_consumed());
        self
    }

    #[track_caller]
    fn matched(self) -> Status {
        holds(self.assert_existing_objects_matched());
        self
    }

    #[track_caller]
    fn nontrivial(self) -> Status {
        holds(self.assert_nontrivial_match());
        self
    }

    #[track_caller]
    fn not_consumed(&self) -> String {
        fails(self.assert_consumed())
    }

    #[track_caller]
    fn not_matched(&self) -> String {
        fails(self.assert_existing_objects_matched())
    }

    #[track_caller]
    fn trivial(&self) -> String {
        fails(self.assert_nontrivial_match())
    }
}

/// Asserts what class of error it is.
#[track_caller]
pub fn is(error: &Error, code: Code, reason: Reason) {
    assert_eq!((error.code(), error.reason()), (code, reason), "{error}");
}

/// Asserts that `text` has each of `parts`.
#[track_caller]
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no \"{part}\" in: {text}");
    }
}
