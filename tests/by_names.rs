//! Saving and restoring by names: what goes beyond TensorFlow's own tests, which are in
//! tests/conformance.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkpoint::{
    get_checkpoint_state, Checkpoint, Code, DType, Durability, Failure, Graph, Mismatch, NodeId, Pin, Reader, Reason,
    RestoreOptions, RowState, SaveOptions, Saver, SaverOptions, SaverSaveOptions, Severity, Sink, Source, State, StateOptions,
    Variable, WriteOptions,
};
use common::{lock, v1};
use tempfile::TempDir;

fn float(graph: &Graph, value: f32) -> NodeId {
    graph.add_variable(Variable::owned(DType::Float, &[], &value.to_ne_bytes()).unwrap()).unwrap()
}

fn named(graph: &Graph, name: &str, value: f32) -> NodeId {
    let node = float(graph, value);
    graph.set_name(node, name).unwrap();
    node
}

#[track_caller]
fn value(graph: &Graph, node: NodeId) -> f32 {
    f32::from_ne_bytes(graph.read(node).unwrap().try_into().unwrap())
}

fn set(graph: &Graph, node: NodeId, value: f32) {
    graph.assign(node, DType::Float, &[], &value.to_ne_bytes()).unwrap();
}

fn unsynced() -> SaveOptions {
    SaveOptions::new().write(WriteOptions::new().durability(Durability::None))
}

fn quick() -> SaverSaveOptions {
    SaverSaveOptions::new().save(unsynced())
}

fn saver(graph: &Graph, named: &[(&str, NodeId)], options: SaverOptions) -> Saver {
    Saver::new(graph, named, &options).unwrap()
}

fn names(directory: &TempDir) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).filter(|name| name != lock::LOCK_FILE).collect()
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    get_checkpoint_state(directory).unwrap().unwrap().all
}

fn keys(path: impl AsRef<Path>) -> Vec<String> {
    Reader::open(path).unwrap().tensors().map(|t| String::from_utf8(t.key().to_vec()).unwrap()).collect()
}

/// Tensors under names that are suffixes of a hash table's, and under any.
struct Tensors(Numbers);

type Numbers = Arc<Mutex<Vec<(String, i64)>>>;

impl State for Tensors {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        self.0.lock().unwrap().iter().try_for_each(|(name, value)| Ok(sink.put(name, DType::Int64, &[], &value.to_ne_bytes())?))
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        let read = |t: &checkpoint::SourceTensor| (t.name().to_owned(), i64::from_ne_bytes(t.bytes().try_into().unwrap()));
        *self.0.lock().unwrap() = source.tensors().iter().map(read).collect();
        Ok(())
    }
}

fn tensors(graph: &Graph, options: StateOptions, values: &[(&str, i64)]) -> (NodeId, Numbers) {
    let values = Arc::new(Mutex::new(values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()));
    (graph.add_state(Box::new(Tensors(values.clone())), &options).unwrap(), values)
}

/// The keys are those that TensorFlow's Saver gives a table, an iterator, an object with several
/// tensors and a PythonState.
#[test]
fn objects_with_state_have_their_tensors_below_their_name() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let table = StateOptions::new().names(&["-keys", "-values"]).legacy_name("table");
    let (table, table_values) = tensors(&graph, table, &[("-keys", 1), ("-values", 2)]);
    let (object, object_values) = tensors(&graph, StateOptions::new().names(&["x/y", "z"]), &[("x/y", 3), ("z", 4)]);
    let text = graph.add_text(b"abc").unwrap();
    let saver = saver(&graph, &[("t", table), ("m", object), ("p", text)], SaverOptions::new());
    let path = saver.save(directory.path().join("ckpt"), &quick()).unwrap();
    assert_eq!(keys(&path), ["mx.Sy", "mz", "p_py_state", "t-keys", "t-values"]);

    let before = (table_values.lock().unwrap().clone(), object_values.lock().unwrap().clone());
    table_values.lock().unwrap().clear();
    object_values.lock().unwrap().clear();
    graph.assign_strings(text, &[], &["other"]).unwrap();
    assert!(saver.restore(path, &RestoreOptions::new()).unwrap().is_complete());
    assert_eq!((table_values.lock().unwrap().clone(), object_values.lock().unwrap().clone()), before);
    assert_eq!(graph.read_strings(text).unwrap().get(0), Some(&b"abc"[..]));
}

#[test]
fn one_missing_tensor_of_an_object_leaves_everything_as_it_was() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let v = float(&graph, 1.0);
    let (one, _) = tensors(&graph, StateOptions::new().names(&["a"]), &[("a", 1)]);
    let path = saver(&graph, &[("s", one), ("v", v)], SaverOptions::new()).save(directory.path().join("c"), &quick()).unwrap();
    let (two, values) = tensors(&graph, StateOptions::new().names(&["a", "b"]), &[("a", 7)]);
    set(&graph, v, 9.0);
    let error = saver(&graph, &[("s", two), ("v", v)], SaverOptions::new()).restore(path, &RestoreOptions::new()).unwrap_err();
    assert_eq!((error.code(), error.tensor()), (Code::NotFound, Some(&b"sb"[..])));
    assert_eq!((value(&graph, v), values.lock().unwrap().clone()), (9.0, vec![("a".to_owned(), 7)]));
}

#[test]
fn what_cannot_be_saved_by_name_is_refused() {
    let graph = Graph::new();
    let (object, v) = (graph.add_object().unwrap(), float(&graph, 1.0));
    let (state, _) = tensors(&graph, StateOptions::new(), &[]);
    let removed = float(&graph, 1.0);
    graph.remove(removed).unwrap();
    let cases: [(&[(&str, NodeId)], &str); 7] = [
        (&[], "No variables to save"),
        (&[("o", object)], "the object has no values"),
        (&[("s", state)], "must declare the names of its tensors"),
        (&[("gone", removed)], "removed"),
        (&[("", v)], "invalid name of a tensor"),
        (&[("\0x", v)], "invalid name of a tensor"),
        (&[("_CHECKPOINTABLE_OBJECT_GRAPH", v)], "this name is reserved for the object graph"),
    ];
    for (named, text) in cases {
        let error = Saver::new(&graph, named, &SaverOptions::new()).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        assert!(error.to_string().contains(text), "{error}");
    }
    let error = Saver::of_variables(&graph, &[v], &SaverOptions::new()).unwrap_err();
    assert!(error.to_string().contains("has no name"), "{error}");
    let hours = SaverOptions::new().keep_checkpoint_every_n_hours(f64::NAN);
    assert_eq!(Saver::new(&graph, &[("v", v)], &hours).unwrap_err().code(), Code::InvalidArgument);
}

/// `Saver({"v": [slices]})`, `PartitionedVariable`, `ShardedVariable`: one process has several
/// slices of one tensor.
#[test]
fn slices_of_one_tensor_are_saved_under_its_name() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let values: Vec<f32> = (0..12).map(|n| n as f32).collect();
    let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>();
    let part = |range: std::ops::Range<usize>, filled: bool| {
        let (rows, first) = (range.len() as i64, range.start);
        let own = if filled { bytes(&values[range.start * 2..range.end * 2]) } else { vec![0; range.len() * 8] };
        let variable = Variable::owned(DType::Float, &[rows, 2], &own).unwrap();
        let slice: checkpoint::Slice = format!("{first},{rows}:-").parse().unwrap();
        graph.add_variable(variable.part(&[6, 2], &slice).unwrap().name("v")).unwrap()
    };
    // The parts in any order, and another variable between them.
    let other = named(&graph, "w", 1.0);
    let (a, b, c) = (part(0..1, true), part(1..4, true), part(4..6, true));
    let path = saver(&graph, &[("v", c), ("w", other), ("v", a), ("v", b)], SaverOptions::new());
    let path = path.save(directory.path().join("parts"), &quick()).unwrap();
    let reader = Reader::open(&path).unwrap();
    let tensor = reader.get("v").unwrap();
    assert_eq!((tensor.shape(), tensor.slices().len()), (&[6, 2][..], 3));
    assert_eq!(tensor.read().unwrap(), bytes(&values));

    // In other cuts, by the variables' own names, and whole.
    let (d, e) = (part(0..3, false), part(3..6, false));
    let other_cuts = Saver::of_variables(&graph, &[d, e], &SaverOptions::new()).unwrap();
    assert!(other_cuts
        .restore(&path, &RestoreOptions::new())
        .unwrap()
        .rows()
        .iter()
        .all(|row| row.key != "v" || row.state == RowState::Restored));
    assert_eq!([graph.read(d).unwrap(), graph.read(e).unwrap()].concat(), bytes(&values));
    let whole = graph.add_variable(Variable::zeros(DType::Float, &[6, 2]).unwrap()).unwrap();
    saver(&graph, &[("v", whole)], SaverOptions::new()).restore(&path, &RestoreOptions::new()).unwrap();
    assert_eq!(graph.read(whole).unwrap(), bytes(&values));

    // What does not make up one tensor is refused: a whole variable among the parts, an overlap.
    let error = Saver::new(&graph, &[("v", a), ("v", whole)], &SaverOptions::new()).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    let overlap = saver(&graph, &[("v", a), ("v", d)], SaverOptions::new());
    assert!(overlap.save(directory.path().join("overlap"), &quick()).is_err());
    assert!(!names(&directory).contains("overlap.index"));
}

/// `Saver(reshape=True)`: a variable keeps its shape.
#[test]
fn values_are_reshaped_on_request() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let bytes: Vec<u8> = (0..24).collect();
    let of = |shape: &[i64]| graph.add_variable(Variable::zeros(DType::Float, shape).unwrap()).unwrap();
    let saved = graph.add_variable(Variable::owned(DType::Float, &[2, 3], &bytes).unwrap()).unwrap();
    let path = saver(&graph, &[("v", saved)], SaverOptions::new()).save(directory.path().join("v"), &quick()).unwrap();
    for (shape, fits) in [(&[3, 2][..], true), (&[6], true), (&[1, 6, 1], true), (&[2, 3], true), (&[5], false), (&[2, 2], false)]
    {
        let own = of(shape);
        let restored = |reshape| {
            let saver = saver(&graph, &[("v", own)], SaverOptions::new().reshape(reshape));
            saver.restore(&path, &RestoreOptions::new()).map(drop)
        };
        assert_eq!(restored(false).is_ok(), shape == [2, 3], "{shape:?}");
        assert_eq!(restored(true).is_ok(), fits, "{shape:?}");
        if fits {
            assert_eq!((graph.read(own).unwrap(), graph.describe(own).unwrap().shape.unwrap()), (bytes.clone(), shape.to_vec()));
            restored(true).unwrap();
        }
    }
    let strings = |shape: &[i64], texts: &[&str]| graph.add_variable(Variable::strings(shape, texts).unwrap()).unwrap();
    let path =
        saver(&graph, &[("s", strings(&[2], &["a", "b"]))], SaverOptions::new()).save(directory.path().join("s"), &quick());
    let own = strings(&[2, 1], &["", ""]);
    let reshaping = saver(&graph, &[("s", own)], SaverOptions::new().reshape(true));
    reshaping.restore(path.unwrap(), &RestoreOptions::new()).unwrap();
    assert_eq!(graph.describe(own).unwrap().shape.unwrap(), [2, 1]);
}

/// `tf.compat.v1.train.init_from_checkpoint`: one tensor into several variables, and scopes into
/// scopes.
#[test]
fn one_value_initializes_several_variables() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saved = [("bert/w", 1.0), ("bert/b", 2.0), ("step", 3.0)].map(|(name, v)| (name, float(&graph, v)));
    let path = saver(&graph, &saved, SaverOptions::new()).save(directory.path().join("m"), &quick()).unwrap();
    let twins: [NodeId; 3] = [0.0; 3].map(|v| float(&graph, v));
    let pairs = [("bert/w", twins[0]), ("bert/w", twins[1]), ("bert/b", twins[2])];
    assert_eq!(Saver::new(&graph, &pairs, &SaverOptions::new()).unwrap_err().code(), Code::AlreadyExists);
    let only = saver(&graph, &pairs, SaverOptions::new().restore_only(true));
    let report = only.restore(&path, &RestoreOptions::new()).unwrap();
    assert_eq!(report.count(RowState::Restored), 3, "{}", report.table());
    assert_eq!(twins.map(|node| value(&graph, node)), [1.0, 1.0, 2.0]);
    assert_eq!(only.save(directory.path().join("x"), &quick()).unwrap_err().code(), Code::FailedPrecondition);

    let student = named(&graph, "student/layer/w", 0.0);
    let by_scope = Saver::of_variables(&graph, &[student], &SaverOptions::new().restore_only(true)).unwrap();
    by_scope.restore(&path, &RestoreOptions::new().rename("bert/", "student/layer/")).unwrap();
    assert_eq!(value(&graph, student), 1.0);
}

/// `tf.train.load_variable(path, "v:0")`
#[test]
fn a_reader_takes_names_of_first_outputs() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let all = [("v", float(&graph, 1.0)), ("w:0", float(&graph, 2.0)), ("w", float(&graph, 3.0))];
    let path = saver(&graph, &all, SaverOptions::new()).save(directory.path().join("m"), &quick()).unwrap();
    let reader = Reader::open(path).unwrap();
    for (key, expected) in
        [("v", Some(1.0)), ("v:0", Some(1.0)), ("w:0", Some(2.0)), ("w", Some(3.0)), ("v:1", None), ("x:0", None)]
    {
        let found = reader.get(key).ok().map(|tensor| f32::from_ne_bytes(tensor.read().unwrap().try_into().unwrap()));
        assert_eq!(found, expected, "{key}");
    }
}

#[test]
fn negative_hours_keep_every_checkpoint() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver =
        saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1).keep_checkpoint_every_n_hours(-1.0));
    (1..=3).for_each(|step| drop(saver.save(directory.path().join("m"), &quick().global_step(step)).unwrap()));
    assert_eq!(names(&directory).iter().filter(|name| name.ends_with(".index")).count(), 3);
}

#[test]
fn everything_below_a_root_is_saved_by_its_own_name() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let (root, optimizer) = (graph.add_object().unwrap(), graph.add_slot_owner(None).unwrap());
    let (kernel, slot) = (named(&graph, "dense/kernel", 1.0), named(&graph, "Adam/dense/kernel/m", 2.0));
    graph.track(root, "kernel", kernel).unwrap();
    graph.track(root, "again", kernel).unwrap();
    graph.track(root, "optimizer", optimizer).unwrap();
    graph.set_slot(optimizer, kernel, "m", slot).unwrap();
    let saver = Saver::of(&graph, root, &SaverOptions::new()).unwrap();
    let path = saver.save(directory.path().join("ckpt"), &quick()).unwrap();
    assert_eq!(keys(&path), ["Adam/dense/kernel/m", "dense/kernel"]);
    // What a checkpoint restores by these names.
    set(&graph, slot, 0.0);
    Checkpoint::new(&graph, root).unwrap().read(path, &RestoreOptions::new()).unwrap().assert_consumed().unwrap();
    assert_eq!(value(&graph, slot), 2.0);

    graph.track(root, "nameless", float(&graph, 3.0)).unwrap();
    let error = Saver::of(&graph, root, &SaverOptions::new()).unwrap_err();
    assert!(error.to_string().contains("at \"nameless\""), "{error}");
}

#[test]
fn a_variable_without_a_value_cannot_be_saved_and_takes_its_shape_from_the_checkpoint() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let path =
        saver(&graph, &[("v", float(&graph, 5.0))], SaverOptions::new()).save(directory.path().join("c"), &quick()).unwrap();
    let empty = graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
    let saver = saver(&graph, &[("v", empty)], SaverOptions::new());
    assert_eq!(saver.save(directory.path().join("d"), &quick()).unwrap_err().reason(), Reason::NotShaped);
    assert!(saver.last_checkpoints().is_empty());
    saver.restore(path, &RestoreOptions::new()).unwrap();
    assert_eq!(value(&graph, empty), 5.0);
}

#[test]
fn both_formats_are_restored() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let mut file = v1::File::new();
    file.tensor("v", 1, &[], v1::values(1, &4f32.to_ne_bytes()));
    let old = file.write(directory.path(), "old");
    let v = float(&graph, 0.0);
    let report = saver(&graph, &[("v", v)], SaverOptions::new()).restore(old, &RestoreOptions::new()).unwrap();
    assert_eq!((value(&graph, v), report.is_complete()), (4.0, true));
}

/// TensorFlow asks a V2 file for all tensors at once, and first sees which are not there; of a V1
/// file it reads one after the other.
#[test]
fn of_several_faults_the_first_of_the_format_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (value, second) = (4f64.to_ne_bytes(), directory.path().join("v2"));
    let mut file = v1::File::new();
    file.tensor("a", 2, &[], v1::values(2, &value));
    let first = file.write(directory.path(), "v1");
    let mut writer = checkpoint::Writer::new(&second, &WriteOptions::new().durability(Durability::None)).unwrap();
    writer.add("a", DType::Double, &[], &value).unwrap();
    writer.finish().unwrap();
    let graph = Graph::new();
    let saver = saver(&graph, &[("a", float(&graph, 1.0)), ("b", float(&graph, 2.0))], SaverOptions::new());
    for (path, reason) in [(first, Reason::DType), (second, Reason::NoTensor)] {
        let error = saver.restore(&path, &RestoreOptions::new()).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
    }
}

#[test]
fn globs_choose_names_and_mismatches_can_be_skipped() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let [a, b, c] = [1.0, 2.0, 3.0].map(|v| float(&graph, v));
    let all: &[(&str, NodeId)] = &[("net/a", a), ("net/b", b), ("c", c)];
    let path = saver(&graph, all, SaverOptions::new()).save(directory.path().join("ckpt"), &quick()).unwrap();
    [a, b, c].into_iter().for_each(|node| set(&graph, node, 0.0));
    let other = saver(&graph, all, SaverOptions::new());
    let options = RestoreOptions::new().include("net/*").exclude("net/b");
    let states = |report: &checkpoint::Report| report.rows().iter().map(|r| (r.path.to_string(), r.state)).collect::<Vec<_>>();
    let state = |name: &str, state| (name.to_owned(), state);
    let report = other.restore(&path, &options).unwrap();
    assert_eq!(
        states(&report),
        [state("c", RowState::Skipped), state("net/a", RowState::Restored), state("net/b", RowState::Skipped)]
    );
    assert_eq!([a, b, c].map(|node| value(&graph, node)), [1.0, 0.0, 0.0]);

    let wrong = graph.add_variable(Variable::zeros(DType::Float, &[2]).unwrap()).unwrap();
    let named = [("net/a", wrong), ("net/b", b), ("d", c)];
    let report =
        saver(&graph, &named, SaverOptions::new()).restore(&path, &RestoreOptions::new().on_mismatch(Mismatch::Skip)).unwrap();
    assert_eq!(
        states(&report),
        [
            state("d", RowState::Missing),
            state("net/a", RowState::ShapeMismatch),
            state("net/b", RowState::Restored),
            state("c", RowState::Unused)
        ]
    );
}

/// A program hands over what a state file says, which anybody may have written.
#[test]
fn nothing_outside_the_directory_is_removed_for_a_path_that_was_recovered() {
    let (graph, directory, elsewhere) = (Graph::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let v = float(&graph, 1.0);
    let all = |options| saver(&graph, &[("v", v)], options);
    let victim = all(SaverOptions::new()).save(elsewhere.path().join("victim"), &quick()).unwrap();
    let own = all(SaverOptions::new()).save(directory.path().join("own"), &quick()).unwrap();
    let before = names(&elsewhere);
    let saver = all(SaverOptions::new().max_to_keep(1));
    let sideways = directory.path().join("..").join(elsewhere.path().file_name().unwrap()).join("victim");
    saver.recover_last_checkpoints([victim, sideways, own]).unwrap();
    assert_eq!(saver.last_checkpoints().len(), 3);
    // One expires with each save.
    (1..=3).for_each(|step| drop(saver.save(directory.path().join("new"), &quick().global_step(step)).unwrap()));
    assert_eq!(names(&elsewhere), before);
    assert!(names(&directory).iter().all(|name| !name.starts_with("own")));
}

#[test]
fn what_this_saver_made_in_another_directory_goes_in_its_turn() {
    let (graph, first, second) = (Graph::new(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1));
    saver.save(first.path().join("a"), &quick()).unwrap();
    saver.save(second.path().join("b"), &quick()).unwrap();
    assert_eq!(names(&first), ["checkpoint".to_owned()].into());
    assert_eq!(saver.last_checkpoints(), [second.path().join("b")]);
}

/// Two paths of one directory.
#[test]
fn a_checkpoint_saved_again_by_way_of_a_link_is_not_removed() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    std::fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1));
    saver.save(link.join("a"), &quick()).unwrap();
    saver.save(real.join("a"), &quick()).unwrap();
    saver.save(real.join("../link/./a"), &quick()).unwrap();
    assert_eq!(keys(real.join("a")), ["v"]);
    assert_eq!(listed(&real), [real.join("a")]);
}

#[test]
fn a_checkpoint_that_somebody_holds_goes_when_it_is_let_go() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1));
    let save = |step| saver.save(directory.path().join("m"), &quick().global_step(step)).unwrap();
    let held = Pin::new(save(1)).unwrap();
    save(2);
    assert_eq!(listed(directory.path()), [directory.path().join("m-2")]);
    assert!(names(&directory).contains("m-1.index"));
    drop(held);
    save(3);
    let left: Vec<String> = names(&directory).into_iter().filter(|name| name.ends_with(".index")).collect();
    assert_eq!(left, ["m-3.index"]);
}

#[test]
fn what_is_not_recorded_is_never_removed() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1));
    for step in 1..=3 {
        saver.save(directory.path().join("m"), &quick().global_step(step).write_state(false)).unwrap();
    }
    assert!(saver.last_checkpoints().is_empty() && !names(&directory).contains("checkpoint"));
    saver.save(directory.path().join("m"), &quick().global_step(4)).unwrap();
    assert_eq!(names(&directory).iter().filter(|name| name.ends_with(".index")).count(), 4);
}

#[test]
fn savers_with_state_files_of_their_own_share_a_directory() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let make = |name| saver(&graph, &[(name, float(&graph, 1.0))], SaverOptions::new().max_to_keep(2));
    let (a, b) = (make("a"), make("b"));
    for step in 1..=4 {
        a.save(directory.path().join("a"), &quick().global_step(step).latest_filename("a_state")).unwrap();
        b.save(directory.path().join("b"), &quick().global_step(step).latest_filename("b_state")).unwrap();
    }
    let state = checkpoint::CheckpointState::read(directory.path(), "a_state").unwrap().unwrap();
    assert_eq!(state.all, [directory.path().join("a-3"), directory.path().join("a-4")]);
    let indexes: Vec<String> = names(&directory).into_iter().filter(|name| name.ends_with(".index")).collect();
    assert_eq!(indexes, ["a-3.index", "a-4.index", "b-3.index", "b-4.index"]);
}

#[test]
fn a_checkpoint_that_a_callback_refuses_is_there_and_recorded_with_the_next() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new());
    let refuse = SaverSaveOptions::new().save(unsynced().callback(Arc::new(|_| Err("no".into()))));
    let error = saver.save(directory.path().join("m"), &refuse.global_step(1)).unwrap_err();
    assert_eq!((error.code(), names(&directory).contains("checkpoint")), (Code::Aborted, false));
    saver.save(directory.path().join("m"), &quick().global_step(2)).unwrap();
    assert_eq!(listed(directory.path()), [directory.path().join("m-1"), directory.path().join("m-2")]);
}

#[test]
fn a_callback_may_ask_the_saver_and_not_save() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new());
    let (inner, heard) = (saver.clone(), Arc::new(Mutex::new(Vec::new())));
    let (path, told) = (directory.path().join("m"), heard.clone());
    let ask = Arc::new(move |written: &Path| {
        let again = inner.save(&path, &SaverSaveOptions::new()).unwrap_err();
        told.lock().unwrap().push((written.to_owned(), inner.last_checkpoints(), again.reason()));
        Ok(())
    });
    let options = SaverSaveOptions::new().save(unsynced().callback(ask));
    let saved = saver.save(directory.path().join("m"), &options).unwrap();
    assert_eq!(*heard.lock().unwrap(), [(saved.clone(), vec![saved], Reason::Reentrant)]);
}

#[test]
fn the_state_file_of_another_process_s_directory_is_not_touched() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new());
    let at_once = WriteOptions::new().durability(Durability::None).lock_wait(Duration::ZERO);
    let at_once = SaverSaveOptions::new().save(SaveOptions::new().write(at_once));
    for (byte, left) in [(lock::of_checkpoint("m"), 0), (lock::STATE, 2)] {
        let other = lock::try_lock(directory.path(), byte).unwrap();
        let error = saver.save(directory.path().join("m"), &at_once).unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::Unavailable, Reason::Locked));
        assert_eq!(names(&directory).len(), left);
        assert!(!directory.path().join("checkpoint").exists());
        drop(other);
    }
    saver.save(directory.path().join("m"), &quick()).unwrap();
}

/// An assignment: what waits for the object still comes.
#[test]
fn a_restore_by_names_does_not_count_as_a_restore() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let (root, v) = (graph.add_object().unwrap(), float(&graph, 1.0));
    graph.track(root, "v", v).unwrap();
    let checkpoint = Checkpoint::new(&graph, root).unwrap();
    let objects = checkpoint.write(directory.path().join("objects"), &unsynced()).unwrap();
    let saver = saver(&graph, &[("v", v)], SaverOptions::new());
    set(&graph, v, 2.0);
    let by_name = saver.save(directory.path().join("names"), &quick()).unwrap();
    graph.untrack(root, "v").unwrap();
    checkpoint.read(objects, &RestoreOptions::new()).unwrap();
    saver.restore(by_name, &RestoreOptions::new()).unwrap();
    assert_eq!(value(&graph, v), 2.0);
    graph.track(root, "v", v).unwrap();
    assert_eq!(value(&graph, v), 1.0);
}

#[test]
fn an_old_checkpoint_that_cannot_be_removed_is_said_and_tried_again() {
    let (graph, directory) = (Graph::new(), tempfile::tempdir().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let told = heard.clone();
    let log = Arc::new(move |severity, text: &str| told.lock().unwrap().push((severity, text.to_owned())));
    let saver = saver(&graph, &[("v", float(&graph, 1.0))], SaverOptions::new().max_to_keep(1).log_to(log));
    let (first, second) = (directory.path().join("first"), directory.path().join("second"));
    std::fs::create_dir(&first).unwrap();
    std::fs::create_dir(&second).unwrap();
    saver.save(first.join("a"), &quick()).unwrap();
    let lock = lock::try_lock(&first, lock::STATE).unwrap();
    let at_once = WriteOptions::new().durability(Durability::None).lock_wait(Duration::ZERO);
    let at_once = SaverSaveOptions::new().save(SaveOptions::new().write(at_once));
    saver.save(second.join("b"), &at_once).unwrap();
    {
        let heard = heard.lock().unwrap();
        assert!(
            matches!(&heard[..], [(Severity::Warning, text)] if text.contains("cannot remove an expired checkpoint")),
            "{heard:?}"
        );
    }
    assert!(first.join("a.index").exists());
    drop(lock);
    saver.save(second.join("b"), &quick()).unwrap();
    assert!(!first.join("a.index").exists());
}
