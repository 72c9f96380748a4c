//! Structs that are saved, restored and loaded by the names of their fields.

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use checkpoint::{
    load, load_partial, load_with, write, Array, Code, Conversion, DType, Failure, Members, Reader, Reason, RestoreOptions,
    RowState, SaveOptions, Sink, Source, State, Track, Tracker,
};
use common::manifest::{self, sha256, Value};
use ndarray::{array, Array2, ArrayD};

#[derive(Track, Default, Debug, Clone, PartialEq)]
struct Layer {
    kernel: Array<f32>,
    bias: Vec<f32>,
}

#[derive(Track, Default)]
struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
    #[track(rename = "moving_mean")]
    mean: Vec<f32>,
    #[track(rename = "moving_variance")]
    variance: Vec<f32>,
}

#[derive(Track, Default)]
#[track(numbered = "layer_with_weights-")]
struct KerasNet {
    convolution: Layer,
    norm: Norm,
    head: Layer,
}

/// The bytes of a value that TensorFlow read back have the sum of the manifest.
fn assert_is(fixture: &str, path: &str, values: &[f32]) {
    let manifest = manifest::read(&Path::new("tests/data").join(fixture).join("manifest.json"));
    let Value::Numbers { sha256: sum, .. } = &manifest.tensors[&format!("{path}/.ATTRIBUTES/VARIABLE_VALUE")].value else {
        panic!("{path} is no number")
    };
    assert_eq!(sha256(bytemuck::cast_slice(values)), *sum, "{path}");
}

#[test]
fn what_keras_wrote_is_loaded_with_its_shapes() {
    let mut net = KerasNet::default();
    let report = load("tests/data/tf_keras_net", &mut net).unwrap();
    for (path, values) in [
        ("layer_with_weights-0/kernel", &net.convolution.kernel[..]),
        ("layer_with_weights-0/bias", &net.convolution.bias),
        ("layer_with_weights-1/gamma", &net.norm.gamma),
        ("layer_with_weights-1/beta", &net.norm.beta),
        ("layer_with_weights-1/moving_mean", &net.norm.mean),
        ("layer_with_weights-1/moving_variance", &net.norm.variance),
        ("layer_with_weights-2/kernel", &net.head.kernel),
        ("layer_with_weights-2/bias", &net.head.bias),
    ] {
        assert_is("tf_keras_net", path, values);
    }
    assert_eq!((net.convolution.kernel.shape(), net.head.kernel.shape()), (&[2, 2, 1, 3][..], &[27, 2][..]));
    assert_eq!((report.count(RowState::Restored), report.count(RowState::Deferred)), (8, 2), "{}", report.table());
}

/// Everything that a member can be.
#[derive(Track, Default, Debug, PartialEq, Clone)]
struct All {
    f32: f32,
    i64: i64,
    bool: bool,
    matrix: [[f32; 3]; 2],
    flags: [bool; 3],
    vector: Vec<f64>,
    bits: Vec<bool>,
    points: Vec<[u16; 2]>,
    pairs: Vec<[bool; 2]>,
    #[track(shape = [2, 3])]
    shaped: Vec<i32>,
    array: Array<i8>,
    matrix_of: Array2<f32>,
    any: ArrayD<f64>,
    boxed: Box<Layer>,
    list: [Layer; 2],
    objects: Vec<Layer>,
    map: HashMap<String, Layer>,
    sorted: BTreeMap<String, Layer>,
    there: Option<Vec<f32>>,
    not_there: Option<Layer>,
    r#type: u8,
    #[track(skip)]
    note: String,
}

fn layer(width: usize) -> Layer {
    let kernel = (0..2 * width).map(|n| n as f32).collect();
    Layer { kernel: Array::new(&[2, width as i64], kernel).unwrap(), bias: vec![0.5; width] }
}

fn all() -> All {
    let named = |names: [&str; 2]| names.map(|name| (name.to_owned(), layer(name.len())));
    All {
        f32: 1.5,
        i64: -7,
        bool: true,
        matrix: [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        flags: [true, false, true],
        vector: vec![1.0, 2.0],
        bits: vec![false, true],
        points: vec![[1, 2], [3, 4], [5, 6]],
        pairs: vec![[true, false]],
        shaped: vec![1, 2, 3, 4, 5, 6],
        array: Array::new(&[1, 2, 1], vec![8, 9]).unwrap(),
        matrix_of: array![[1.0, 2.0], [3.0, 4.0]],
        any: ArrayD::from_elem(&[2, 1, 2][..], 0.25),
        boxed: Box::new(layer(1)),
        list: [layer(2), layer(3)],
        objects: vec![layer(4), layer(5)],
        map: named(["b", "aa"]).into(),
        sorted: named(["x/y", "z"]).into(),
        there: Some(vec![9.0]),
        not_there: None,
        r#type: 3,
        note: "mine".to_owned(),
    }
}

const EXPECTED: [(&str, DType, &[i64]); 22] = [
    ("f32", DType::Float, &[]),
    ("i64", DType::Int64, &[]),
    ("bool", DType::Bool, &[]),
    ("matrix", DType::Float, &[2, 3]),
    ("flags", DType::Bool, &[3]),
    ("vector", DType::Double, &[2]),
    ("bits", DType::Bool, &[2]),
    ("points", DType::Uint16, &[3, 2]),
    ("pairs", DType::Bool, &[1, 2]),
    ("shaped", DType::Int32, &[2, 3]),
    ("array", DType::Int8, &[1, 2, 1]),
    ("matrix_of", DType::Float, &[2, 2]),
    ("any", DType::Double, &[2, 1, 2]),
    ("boxed/kernel", DType::Float, &[2, 1]),
    ("list/1/bias", DType::Float, &[3]),
    ("objects/0/kernel", DType::Float, &[2, 4]),
    ("objects/1/kernel", DType::Float, &[2, 5]),
    ("map/aa/kernel", DType::Float, &[2, 2]),
    ("sorted/x.Sy/bias", DType::Float, &[3]),
    ("sorted/z/bias", DType::Float, &[1]),
    ("there", DType::Float, &[1]),
    ("type", DType::Uint8, &[]),
];

fn written(directory: &tempfile::TempDir, object: &mut impl Track) -> PathBuf {
    write(directory.path().join("model"), object, &SaveOptions::new()).unwrap()
}

#[test]
fn every_kind_of_member_is_written_and_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let mut program = all();
    let path = written(&directory, &mut program);
    assert_eq!(program, all(), "writing changes nothing");
    let reader = Reader::open(&path).unwrap();
    for (name, dtype, shape) in EXPECTED {
        let tensor = reader.get(name).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (dtype, shape), "{name}");
    }
    assert_eq!(reader.read::<f32>("matrix_of").unwrap(), [1.0, 2.0, 3.0, 4.0]);
    assert!(!String::from_utf8_lossy(&reader.debug_string()).contains("not_there"));

    let mut loaded = All { note: "mine".to_owned(), not_there: Some(layer(1)), ..All::default() };
    let report = load(&path, &mut loaded).unwrap();
    assert!(report.is_complete(), "{}", report.table());
    assert_eq!(loaded, all());
}

#[test]
fn arrays_are_saved_row_major_whatever_their_layout() {
    #[derive(Track)]
    struct Turned {
        matrix: Array2<f32>,
    }
    let directory = tempfile::tempdir().unwrap();
    let matrix = array![[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]];
    for (expected, matrix) in [
        (vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0], matrix.clone().reversed_axes()),
        (vec![4.0, 5.0, 6.0], matrix.clone().slice_move(ndarray::s![1.., ..])),
    ] {
        let mut turned = Turned { matrix: matrix.clone() };
        let path = written(&directory, &mut turned);
        assert_eq!(Reader::open(path).unwrap().read::<f32>("matrix").unwrap(), expected);
        assert_eq!(turned.matrix, matrix);
    }
}

#[test]
fn containers_take_what_the_checkpoint_has_and_elements_keep_what_is_not_tracked() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Counted {
        weights: Vec<f32>,
        #[track(skip)]
        note: usize,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Tower {
        layers: Vec<Counted>,
        heads: BTreeMap<String, Counted>,
        extra: Option<Counted>,
    }
    let counted = |note| Counted { weights: vec![note as f32; 2], note };
    let tower = |count: usize, keys: &[&str], extra| Tower {
        layers: (0..count).map(counted).collect(),
        heads: keys.iter().map(|key| (key.to_string(), counted(key.len()))).collect(),
        extra,
    };
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut tower(3, &["a", "bb"], Some(counted(7))));
    for before in [tower(0, &[], None), tower(2, &["bb", "ccc"], None), tower(5, &["a", "d"], Some(counted(1)))] {
        let mut loaded = before.clone();
        load(&path, &mut loaded).unwrap();
        assert_eq!(loaded.layers.iter().map(|l| l.weights[0]).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
        assert_eq!(loaded.heads.keys().collect::<Vec<_>>(), ["a", "bb"]);
        assert_eq!(loaded.extra.as_ref().unwrap().weights, [7.0; 2]);
        for (after, before) in loaded.layers.iter().zip(&before.layers) {
            assert_eq!(after.note, before.note);
        }
        assert_eq!(loaded.heads["bb"].note, before.heads.get("bb").map_or(0, |head| head.note));
    }
    // Without elements, loading fails; what is optional is not required.
    let path = written(&directory, &mut tower(1, &["a"], None));
    let mut loaded = tower(0, &[], Some(counted(1)));
    load(&path, &mut loaded).unwrap();
    assert_eq!(loaded.extra, None);
    let path = written(&directory, &mut tower(0, &["a"], None));
    let before = tower(2, &["b"], Some(counted(1)));
    let mut loaded = before.clone();
    let e = load(&path, &mut loaded).unwrap_err();
    assert_eq!((e.code(), e.reason()), (Code::FailedPrecondition, Reason::Assertion));
    assert!(e.to_string().contains("no element of \"layers\""), "{e}");
    assert_eq!(loaded, before);
    load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap();
    assert_eq!((loaded.layers, loaded.extra), (before.layers, before.extra), "they are left alone");
    assert_eq!(loaded.heads.keys().collect::<Vec<_>>(), ["a"]);
}

#[test]
fn containers_in_containers_take_what_the_checkpoint_has() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Block {
        k: Vec<f32>,
        bias: Option<Vec<f32>>,
        layer: Option<Layer>,
        leaves: Vec<Layer>,
        heads: BTreeMap<String, Layer>,
        pair: [Layer; 2],
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Outer {
        vector: Vec<Block>,
        map: HashMap<String, Block>,
        option: Option<Block>,
    }
    let block = |width: usize| Block {
        k: vec![width as f32],
        bias: Some(vec![2.0; width]),
        layer: Some(layer(width)),
        leaves: (1..=width).map(layer).collect(),
        heads: (1..=width).map(|n| (format!("h{n}"), layer(n))).collect(),
        pair: [layer(1), layer(width)],
    };
    let outer = |count: usize, key: &str| Outer {
        vector: (1..=count).map(block).collect(),
        map: [(key.to_owned(), block(count))].into(),
        option: Some(block(count)),
    };
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut outer(3, "a"));
    let bare = Outer { vector: vec![Block::default()], option: Some(Block::default()), ..Outer::default() };
    for before in [Outer::default(), bare, outer(2, "a"), outer(4, "b")] {
        let mut loaded = before.clone();
        let report = load(&path, &mut loaded).unwrap();
        assert!(report.is_complete(), "{}", report.table());
        assert_eq!(loaded, outer(3, "a"));
        let mut loaded = before;
        load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap();
        assert_eq!(loaded, outer(3, "a"));
    }
    // What is not there below a new element is not there afterwards.
    let mut saved = outer(2, "a");
    (saved.vector[1].bias, saved.vector[1].layer) = (None, None);
    let path = written(&directory, &mut saved);
    let mut loaded = outer(3, "a");
    load(&path, &mut loaded).unwrap();
    assert_eq!(loaded, saved);
}

#[test]
fn what_may_be_empty_is_an_option() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct MayBeEmpty {
        layers: Option<Vec<Layer>>,
        heads: Option<BTreeMap<String, Layer>>,
    }
    let full = || MayBeEmpty { layers: Some(vec![layer(1)]), heads: Some([("a".to_owned(), layer(2))].into()) };
    let empty = MayBeEmpty { layers: Some(vec![]), heads: Some(BTreeMap::new()) };
    let directory = tempfile::tempdir().unwrap();
    for (mut saved, expected) in
        [(full(), full()), (MayBeEmpty::default(), MayBeEmpty::default()), (empty.clone(), MayBeEmpty::default())]
    {
        let path = written(&directory, &mut saved);
        for mut loaded in [full(), empty.clone(), MayBeEmpty::default()] {
            load(&path, &mut loaded).unwrap();
            assert_eq!(loaded, expected);
        }
    }
}

#[test]
fn numbered_structs_of_a_vector_take_all_the_rest() {
    #[derive(Track, Default)]
    #[track(numbered = "layer_with_weights-")]
    struct Rest {
        first: Layer,
        #[track(skip)]
        layers: usize,
        rest: Vec<Layer>,
    }
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut Rest { first: layer(1), layers: 0, rest: vec![layer(2), layer(3), layer(4)] });
    let mut loaded = Rest { layers: 9, ..Rest::default() };
    load(&path, &mut loaded).unwrap();
    assert_eq!((loaded.first, loaded.layers), (layer(1), 9));
    assert_eq!(loaded.rest, [layer(2), layer(3), layer(4)]);
    assert!(Reader::open(path).unwrap().get("layer_with_weights-3/kernel").is_ok());
}

#[test]
fn a_load_that_fails_leaves_the_struct_as_it_was() {
    #[derive(Track, Clone, Debug, PartialEq)]
    struct Wrong<T> {
        vector: Vec<f64>,
        wrong: T,
    }
    fn refused<T: checkpoint::Member + Clone + std::fmt::Debug + PartialEq>(path: &Path, wrong: T) -> Reason {
        let before = Wrong { vector: vec![9.0], wrong };
        let mut object = before.clone();
        let e = load(path, &mut object).unwrap_err();
        assert_eq!(object, before, "{e}");
        e.reason()
    }
    #[derive(Track)]
    struct Saved {
        vector: Vec<f64>,
        wrong: [f32; 2],
    }
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut Saved { vector: vec![1.0], wrong: [1.0, 2.0] });
    assert_eq!(refused(&path, [0f32; 3]), Reason::Shape);
    assert_eq!(refused(&path, 0f32), Reason::Shape);
    assert_eq!(refused(&path, vec![[0f32; 2]]), Reason::Shape);
    assert_eq!(refused(&path, vec![0i32]), Reason::DType);
    assert_eq!(refused(&path, layer(1)), Reason::Assertion);
    assert_eq!(refused(&directory.path().join("none"), [0f32; 2]), Reason::NoCheckpoint);
    // As the options say, it is converted.
    let mut wide = Wrong { vector: vec![], wrong: vec![0f64] };
    load_with(&path, &mut wide, &RestoreOptions::new().conversion(Conversion::Exact)).unwrap();
    assert_eq!(wide, Wrong { vector: vec![1.0], wrong: vec![1.0, 2.0] });
    let mut other = Wrong { vector: vec![], wrong: layer(1) };
    let report = load_partial(&path, &mut other, &RestoreOptions::new()).unwrap();
    assert_eq!((report.count(RowState::Missing), other), (2, Wrong { vector: vec![1.0], wrong: layer(1) }));
}

/// An optimizer with slots for the variables of a net, as TensorFlow's guide has it.
#[derive(Track, Default)]
struct Guide {
    net: Net,
    optimizer: Adam,
    step: i32,
}

#[derive(Track, Default)]
struct Net {
    l1: Layer,
}

#[derive(Track, Default)]
struct Adam {
    iter: i64,
    beta_1: f32,
    #[track(slots = "net/l1/kernel")]
    kernel: Moments,
    #[track(slots = "net/l1/bias")]
    bias: Moments,
}

#[derive(Track, Default)]
struct Moments {
    m: Array<f32>,
    v: Vec<f32>,
}

#[test]
fn slots_are_members_of_their_optimizer() {
    let mut guide = Guide::default();
    load("tests/data/guide_slots", &mut guide).unwrap();
    for (path, values) in [
        ("net/l1/kernel/.OPTIMIZER_SLOT/optimizer/m", &guide.optimizer.kernel.m[..]),
        ("net/l1/kernel/.OPTIMIZER_SLOT/optimizer/v", &guide.optimizer.kernel.v),
        ("net/l1/bias/.OPTIMIZER_SLOT/optimizer/m", &guide.optimizer.bias.m),
        ("net/l1/bias/.OPTIMIZER_SLOT/optimizer/v", &guide.optimizer.bias.v),
    ] {
        assert_is("guide_slots", path, values);
    }
    assert_eq!(guide.optimizer.kernel.m.shape(), [1, 5]);
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut guide);
    let reader = Reader::open(path).unwrap();
    let tensor = reader.get("net/l1/bias/.OPTIMIZER_SLOT/optimizer/v").unwrap();
    assert_eq!(tensor.values::<f32>().unwrap(), guide.optimizer.bias.v);

    #[derive(Track, Default)]
    struct Lost {
        #[track(slots = "net/l2")]
        moments: Moments,
    }
    let e = Tracker::new(&mut Lost::default()).unwrap_err();
    assert_eq!((e.code(), e.reason()), (Code::NotFound, Reason::Node), "{e}");
    assert!(e.to_string().contains("net/l2"), "{e}");
}

#[test]
fn slots_of_variables_in_containers_are_loaded() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Program {
        optimizer: Optimizer,
        blocks: Vec<Weights>,
        heads: BTreeMap<String, Weights>,
        tail: Option<Weights>,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Weights {
        w: Vec<f32>,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Optimizer {
        #[track(slots = "blocks/1/w")]
        block: Moment,
        #[track(slots = "heads/a/w")]
        head: Moment,
        #[track(slots = "tail/w")]
        tail: Moment,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Moment {
        m: Vec<f32>,
    }
    let (weights, moment) = (|n| Weights { w: vec![n; 2] }, |n| Moment { m: vec![n; 2] });
    let program = Program {
        optimizer: Optimizer { block: moment(5.0), head: moment(6.0), tail: moment(7.0) },
        blocks: vec![weights(1.0), weights(2.0)],
        heads: [("a".to_owned(), weights(3.0))].into(),
        tail: Some(weights(4.0)),
    };
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut program.clone());
    let mut loaded = Program::default();
    let report = load(&path, &mut loaded).unwrap();
    assert!(report.is_complete(), "{}", report.table());
    assert_eq!(loaded, program);

    // A checkpoint without the variables: what is not there is left alone, or refused.
    #[derive(Track)]
    struct Less {
        blocks: Vec<Weights>,
        heads: BTreeMap<String, Weights>,
    }
    let mut less = Less { blocks: vec![weights(8.0)], heads: [("b".to_owned(), weights(9.0))].into() };
    let path = written(&directory, &mut less);
    let mut loaded = program.clone();
    let e = load(&path, &mut loaded).unwrap_err();
    assert_eq!((e.code(), e.reason(), &loaded), (Code::FailedPrecondition, Reason::Assertion, &program));
    assert!(e.to_string().contains("no variable \"blocks/1/w\""), "{e}");
    load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap();
    assert_eq!((&loaded.optimizer, &loaded.tail), (&program.optimizer, &program.tail));
    assert_eq!((loaded.blocks, loaded.heads), (less.blocks, less.heads));

    // A path that no checkpoint can have is refused, before anything is read.
    #[derive(Track, Default)]
    struct Typo {
        blocks: Vec<Weights>,
        option: Option<Weights>,
        #[track(slots = "block/0/w")]
        slots: Moment,
    }
    let e = load_partial("none", &mut Typo::default(), &RestoreOptions::new()).unwrap_err();
    assert_eq!((e.code(), e.reason()), (Code::NotFound, Reason::Node), "{e}");
}

#[test]
fn slots_that_are_optional_are_loaded_if_the_checkpoint_has_them() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Program {
        weights: Vec<f32>,
        optimizer: Optimizer,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Optimizer {
        #[track(slots = "weights")]
        slots: Slots,
    }
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    struct Slots {
        m: Vec<f32>,
        v: Option<Vec<f32>>,
    }
    let program = |v| Program { weights: vec![1.0, 2.0], optimizer: Optimizer { slots: Slots { m: vec![3.0; 2], v } } };
    let directory = tempfile::tempdir().unwrap();
    for (saved, before, loaded, partly) in [
        (None, None, None, None),
        (None, Some(vec![4.0; 2]), None, Some(vec![4.0; 2])),
        (Some(vec![5.0; 2]), None, Some(vec![5.0; 2]), Some(vec![5.0; 2])),
        (Some(vec![5.0; 2]), Some(vec![4.0; 3]), Some(vec![5.0; 2]), Some(vec![5.0; 2])),
    ] {
        let path = written(&directory, &mut program(saved));
        let mut whole = program(before.clone());
        load(&path, &mut whole).unwrap();
        assert_eq!(whole, program(loaded));
        let mut some = program(before);
        load_partial(&path, &mut some, &RestoreOptions::new()).unwrap();
        assert_eq!(some, program(partly));
    }
}

#[test]
fn a_tracker_lends_vectors_without_copying_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut guide = Guide { net: Net { l1: layer(5) }, step: 3, ..Guide::default() };
    guide.optimizer.kernel = Moments { m: Array::zeros(&[2, 5]).unwrap(), v: vec![1.0; 10] };
    guide.optimizer.bias = Moments { m: Array::zeros(&[5]).unwrap(), v: vec![1.0; 5] };
    let addresses = |guide: &Guide| (guide.net.l1.kernel.as_ptr(), guide.net.l1.bias.as_ptr(), guide.optimizer.kernel.v.as_ptr());
    let before = addresses(&guide);
    let tracker = Tracker::new(&mut guide).unwrap();
    let path = tracker.save(&mut guide, directory.path().join("ckpt"), &SaveOptions::new()).unwrap();
    assert_eq!(addresses(&guide), before);
    guide.net.l1.bias.fill(0.0);
    guide.step = 4;
    let status = tracker.restore(&mut guide, &path, &RestoreOptions::new()).unwrap();
    status.assert_consumed().unwrap();
    assert_eq!(addresses(&guide), before, "restored in place");
    assert_eq!((guide.net.l1, guide.step), (layer(5), 3));
    assert_eq!(tracker.graph().describe(tracker.find("net/l1/bias").unwrap()).unwrap().dtype, Some(DType::Float));
    assert_eq!(tracker.find("net/l2").unwrap_err().reason(), Reason::Node);
}

#[derive(Track, Default, Debug, PartialEq, Clone)]
struct Stack {
    layers: Vec<Layer>,
    heads: HashMap<String, Layer>,
    last: Option<Vec<f32>>,
}

#[test]
fn what_is_added_later_is_restored_then_and_what_is_removed_is_not_saved() {
    let directory = tempfile::tempdir().unwrap();
    let prefix = directory.path().join("ckpt");
    let heads = || HashMap::from([("a".to_owned(), layer(4))]);
    let full = Stack { layers: vec![layer(1), layer(2), layer(3)], heads: heads(), last: Some(vec![5.0]) };
    let path = written(&directory, &mut full.clone());

    let mut stack = Stack { layers: vec![Layer::default()], ..Stack::default() };
    let tracker = Tracker::new(&mut stack).unwrap();
    let status = tracker.with(&mut stack, |checkpoint| checkpoint.read(&path, &RestoreOptions::new())).unwrap();
    assert_eq!(stack.layers, [layer(1)], "a restore makes no elements");
    assert_eq!(status.report().unwrap().count(RowState::Deferred), 7);
    stack.layers.resize_with(3, Layer::default);
    stack.heads.insert("a".to_owned(), Layer::default());
    stack.last = Some(Vec::new());
    tracker.with(&mut stack, |_| Ok(())).unwrap();
    assert_eq!(stack, full);
    status.assert_consumed().unwrap();

    stack.layers.truncate(1);
    stack.heads.clear();
    stack.last = None;
    let saved = tracker.save(&mut stack, &prefix, &SaveOptions::new()).unwrap();
    let listing = String::from_utf8(Reader::open(saved).unwrap().debug_string()).unwrap();
    assert!(listing.contains("layers/0/kernel"), "{listing}");
    for gone in ["layers/1", "heads/a", "last"] {
        assert!(!listing.contains(gone), "{listing}");
    }
    // They may come again.
    stack.layers.push(layer(9));
    stack.last = Some(vec![1.0, 2.0]);
    let saved = tracker.save(&mut stack, &prefix, &SaveOptions::new()).unwrap();
    let mut loaded = Stack::default();
    load_partial(saved, &mut loaded, &RestoreOptions::new()).unwrap();
    assert_eq!(loaded, stack);
}

#[test]
fn only_a_lent_struct_is_saved_and_restored() {
    let directory = tempfile::tempdir().unwrap();
    let mut object = layer(2);
    let path = written(&directory, &mut object);
    let tracker = Tracker::new(&mut object).unwrap();
    let e = tracker.checkpoint().write(directory.path().join("no"), &SaveOptions::new()).unwrap_err();
    assert_eq!(e.reason(), Reason::NotShaped, "{e}");
    let e = tracker.checkpoint().read(&path, &RestoreOptions::new()).unwrap_err();
    assert_eq!(e.reason(), Reason::Callback);
    assert!(e.to_string().contains("Tracker::with"), "{e}");
    let mut other = layer(3);
    let e = tracker.with(&mut object, |_| tracker.with(&mut other, |_| Ok(()))).unwrap_err();
    assert_eq!((e.reason(), &object, &other), (Reason::Busy, &layer(2), &layer(3)));
    // Another one of its kind is lent to the same graph.
    tracker.restore(&mut other, &path, &RestoreOptions::new()).unwrap();
    assert_eq!(other, layer(2));
}

#[test]
fn values_come_back_whatever_happens() {
    let mut object = layer(2);
    let tracker = Tracker::new(&mut object).unwrap();
    let e = tracker.with(&mut object, |_| Err::<(), _>(checkpoint::Error::argument("no"))).unwrap_err();
    assert_eq!((e.reason(), &object), (Reason::Argument, &layer(2)));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        tracker.with(&mut object, |_| -> checkpoint::Result<()> { std::panic::resume_unwind(Box::new("gone")) })
    }));
    assert!(panicked.is_err());
    assert_eq!(object, layer(2));

    // A member that cannot be lent: those before it come back, below objects that are not yet made
    // too.
    #[derive(Track, Debug, PartialEq)]
    struct Outer {
        first: Vec<f32>,
        inner: Inner,
    }
    #[derive(Track, Debug, PartialEq)]
    struct Inner {
        second: Vec<f32>,
        #[track(shape = [2, 2])]
        wrong: Vec<f32>,
    }
    let outer = || Outer { first: vec![1.0], inner: Inner { second: vec![2.0], wrong: vec![3.0] } };
    let mut object = outer();
    let e = Tracker::new(&mut object).unwrap_err();
    assert_eq!((e.reason(), &object), (Reason::Shape, &outer()));
    assert!(e.to_string().contains("\"wrong\""), "{e}");
    object.inner.wrong = vec![3.0; 4];
    let tracker = Tracker::new(&mut object).unwrap();
    object.inner.wrong.pop();
    assert_eq!(tracker.with(&mut object, |_| Ok(())).unwrap_err().reason(), Reason::Shape);
    assert_eq!((object.first, object.inner.second), (vec![1.0], vec![2.0]));
}

/// Slots that cannot be lent are refused, and everything else comes back.
#[test]
fn values_come_back_from_around_slots_that_are_refused() {
    fn refused<T: Track + Clone + std::fmt::Debug + PartialEq>(before: T) {
        let mut object = before.clone();
        let e = Tracker::new(&mut object).unwrap_err();
        assert_eq!((e.code(), e.reason()), (Code::InvalidArgument, Reason::Node), "{e}");
        assert_eq!(object, before, "{e}");
        let directory = tempfile::tempdir().unwrap();
        let e = write(directory.path().join("x"), &mut object, &SaveOptions::new()).unwrap_err();
        assert_eq!((e.reason(), &object), (Reason::Node, &before), "{e}");
    }
    #[derive(Track, Debug, PartialEq, Clone)]
    struct Program<O> {
        first: Vec<f32>,
        optimizer: O,
        net: Weights,
        last: Vec<f32>,
    }
    #[derive(Track, Debug, PartialEq, Clone)]
    struct Weights {
        w: Vec<f32>,
    }
    fn program<O>(optimizer: O) -> Program<O> {
        Program { first: vec![1.0], optimizer, net: Weights { w: vec![2.0] }, last: vec![3.0] }
    }
    #[derive(Track, Debug, PartialEq, Clone)]
    struct OfNoVariable {
        #[track(slots = "net")]
        slots: Weights,
        after: Vec<f32>,
    }
    refused(program(OfNoVariable { slots: Weights { w: vec![4.0] }, after: vec![5.0] }));
    #[derive(Track, Debug, PartialEq, Clone)]
    struct Nested {
        m: Vec<f32>,
        inner: Weights,
        v: Vec<f32>,
    }
    #[derive(Track, Debug, PartialEq, Clone)]
    struct OfStructs {
        #[track(slots = "net/w")]
        slots: Nested,
        after: Vec<f32>,
    }
    let slots = Nested { m: vec![4.0], inner: Weights { w: vec![5.0] }, v: vec![6.0] };
    refused(program(OfStructs { slots, after: vec![7.0] }));
    #[derive(Debug, PartialEq, Clone)]
    struct OwnsNone(Weights, Vec<f32>);
    impl Track for OwnsNone {
        fn members(&mut self, members: &mut Members<'_>) -> checkpoint::Result<()> {
            members.slots("net/w", &mut self.0)?;
            members.add("after", &mut self.1)
        }
    }
    refused(program(OwnsNone(Weights { w: vec![4.0] }, vec![5.0])));
}

#[test]
fn two_members_of_one_name_are_refused() {
    #[derive(Debug, PartialEq)]
    struct Twice(Vec<f32>, Vec<f32>);
    impl Track for Twice {
        fn members(&mut self, members: &mut Members<'_>) -> checkpoint::Result<()> {
            members.add("a", &mut self.0)?;
            members.add("a", &mut self.1)
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let mut twice = Twice(vec![1.0], vec![2.0]);
    let refused = [
        write(directory.path().join("x"), &mut twice, &SaveOptions::new()).unwrap_err(),
        load("tests/data/guide", &mut twice).unwrap_err(),
    ];
    for e in refused {
        assert_eq!((e.code(), e.reason()), (Code::AlreadyExists, Reason::NameTaken), "{e}");
    }
    assert_eq!(twice, Twice(vec![1.0], vec![2.0]));
}

/// Two members that are both called `a`.
#[derive(Debug, PartialEq, Clone)]
struct Same<A, B>(A, B);

impl<A: checkpoint::Member, B: checkpoint::Member> Track for Same<A, B> {
    fn members(&mut self, members: &mut Members<'_>) -> checkpoint::Result<()> {
        members.add("a", &mut self.0)?;
        members.add("a", &mut self.1)
    }
}

#[test]
fn two_members_of_one_name_are_refused_whatever_they_hold() {
    fn refused<A, B>(first: A, second: B)
    where
        Same<A, B>: Track + Clone + std::fmt::Debug + PartialEq,
    {
        let before = Same(first, second);
        let mut object = before.clone();
        let e = Tracker::new(&mut object).unwrap_err();
        assert_eq!((e.code(), e.reason(), &object), (Code::AlreadyExists, Reason::NameTaken, &before), "{e}");
    }
    let eight = || Array::new(&[1], vec![8f32]).unwrap();
    refused(Array::<f32>::default(), eight());
    refused(eight(), Array::<f32>::default());
    refused(Array::<f32>::default(), Array::<f32>::default());
    refused(vec![1f32], 2f32);
    refused(layer(1), Layer::default());
    refused(Layer::default(), layer(1));
    refused(vec![layer(1), layer(2)], Vec::<Layer>::new());
    refused(Vec::<Layer>::new(), vec![layer(1), layer(2)]);
    refused(BTreeMap::from([("k".to_owned(), layer(1))]), BTreeMap::<String, Layer>::new());
    refused(Some(layer(1)), None::<Layer>);
    refused(Some(vec![1f32]), None::<Vec<f32>>);
    refused(None::<Layer>, Some(vec![1f32]));
}

#[test]
fn a_numbered_vector_of_structs_comes_last() {
    #[derive(Track, Default, Debug, PartialEq, Clone)]
    #[track(numbered = "layer-")]
    struct Net {
        first: Layer,
        middle: Vec<Layer>,
        last: Layer,
    }
    let before = Net { first: layer(1), middle: vec![layer(2), layer(3)], last: layer(4) };
    let mut net = before.clone();
    let refused = [Tracker::new(&mut net).unwrap_err(), load("tests/data/guide", &mut net).unwrap_err()];
    for e in refused {
        assert_eq!((e.code(), e.reason(), &net), (Code::InvalidArgument, Reason::Node, &before), "{e}");
        assert!(e.to_string().contains("name the vector last"), "{e}");
    }
}

#[derive(Track, Default, Debug, PartialEq, Clone)]
struct Chain<T> {
    value: T,
    next: Option<Box<Chain<T>>>,
}

fn chain<T: Default>(length: usize) -> Chain<T> {
    (1..length).fold(Chain::default(), |next, _| Chain { value: T::default(), next: Some(Box::new(next)) })
}

#[test]
fn structs_hold_structs_of_their_own_kind_up_to_a_depth() {
    let directory = tempfile::tempdir().unwrap();
    let mut saved = chain::<f32>(200);
    let path = written(&directory, &mut saved);
    let mut loaded = Chain::default();
    load(&path, &mut loaded).unwrap();
    assert_eq!(loaded, saved);
    let mut deep = chain::<f32>(202);
    let e = Tracker::new(&mut deep).unwrap_err();
    assert_eq!((e.code(), e.reason()), (Code::ResourceExhausted, Reason::Limit), "{e}");
    assert_eq!(deep, chain(202));

    // A checkpoint says how deep the objects lie that are made to load it.
    let graph = checkpoint::Graph::new();
    let nodes: Vec<_> = (0..1000).map(|_| graph.add_object().unwrap()).collect();
    nodes.windows(2).for_each(|pair| graph.track(pair[0], "next", pair[1]).unwrap());
    let value = graph.add_variable(checkpoint::Variable::value(2f32).unwrap()).unwrap();
    graph.track(nodes[999], "value", value).unwrap();
    let deep = checkpoint::Checkpoint::new(&graph, nodes[0]).unwrap();
    let path = deep.write(directory.path().join("deep"), &SaveOptions::new()).unwrap();
    let mut loaded = Chain::<f32>::default();
    let e = load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap_err();
    assert_eq!((e.reason(), &loaded), (Reason::Limit, &Chain::default()), "{e}");
    // In a circle, an object of the checkpoint is one object of the program.
    graph.untrack(nodes[1], "next").unwrap();
    graph.track(nodes[1], "next", nodes[0]).unwrap();
    let other = graph.add_variable(checkpoint::Variable::value(2f32).unwrap()).unwrap();
    graph.track(nodes[1], "value", other).unwrap();
    let path = deep.write(directory.path().join("circle"), &SaveOptions::new()).unwrap();
    load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap();
    let mut expected = chain(2);
    expected.next.as_mut().unwrap().value = 2.0;
    assert_eq!(loaded, expected);
}

#[test]
fn calls_in_the_background_have_the_values_while_they_need_them() {
    let directory = tempfile::tempdir().unwrap();
    let mut object = layer(100);
    let tracker = Tracker::new(&mut object).unwrap();
    let prefix = directory.path().join("ckpt");
    let pending = tracker.with(&mut object, |checkpoint| checkpoint.save_async(&prefix, &SaveOptions::new())).unwrap();
    object.bias.fill(7.0); // the copy is made
    let path = pending.take().unwrap();
    let pending = tracker.with(&mut object, |checkpoint| checkpoint.restore_async(&path, &RestoreOptions::new())).unwrap();
    assert_eq!(object, layer(100), "the restore was waited for");
    pending.take().unwrap().assert_consumed().unwrap();
}

#[test]
fn the_first_restore_that_is_damaged_is_told_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = written(&directory, &mut layer(4));
    let data = directory.path().join("model.data-00000-of-00001");
    let mut bytes = std::fs::read(&data).unwrap();
    let last = reader_offset(&path, "kernel");
    bytes[last] ^= 1;
    std::fs::write(&data, bytes).unwrap();
    let mut object = Layer::default();
    assert_eq!(load(&path, &mut object).unwrap_err().reason(), Reason::Checksum);
    assert_eq!(object, Layer::default());
    let mut object = layer(3);
    let tracker = Tracker::new(&mut object).unwrap();
    let e = tracker.restore(&mut object, &path, &RestoreOptions::new()).unwrap_err();
    assert_eq!(e.reason(), Reason::Checksum);
    assert_eq!(object.kernel, layer(3).kernel, "another shape has memory of its own");
}

fn reader_offset(path: &Path, name: &str) -> usize {
    Reader::open(path).unwrap().get(name).unwrap().offset().unwrap() as usize
}

#[test]
fn threads_share_a_tracker_one_at_a_time() {
    let mut object = layer(2);
    let tracker = Tracker::new(&mut object).unwrap();
    let is_lent = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (tracker, is_lent) = (&tracker, &is_lent);
        let (say, hear) = std::sync::mpsc::channel();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            tracker.with(&mut layer(1), |_| {
                is_lent.store(true, Ordering::SeqCst);
                say.send(()).unwrap();
                let _ = stopped.recv();
                Ok(())
            })
        });
        hear.recv().unwrap();
        let e = tracker.with(&mut object, |_| Ok(())).unwrap_err();
        assert_eq!((e.code(), e.reason()), (Code::Unavailable, Reason::Busy));
        drop(stop);
    });
    assert!(is_lent.load(Ordering::SeqCst));
    tracker.with(&mut object, |_| Ok(())).unwrap();
    assert_eq!(object, layer(2));
}

#[test]
fn maps_are_written_in_the_order_of_their_keys() {
    let names: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    let index = |order: Vec<&String>| {
        let directory = tempfile::tempdir().unwrap();
        let heads = order.into_iter().map(|name| (name.clone(), layer(1))).collect();
        let path = written(&directory, &mut Stack { heads, ..Stack::default() });
        std::fs::read(path.with_extension("index")).unwrap()
    };
    assert_eq!(index(names.iter().collect()), index(names.iter().rev().collect()));
}

/// Structs as macros of programs make them: the types have the names that the caller has given.
macro_rules! made_by_macro {
    ($tree:ident, $net:ident, $element:tt, $layer:ident, $state:ident, $slots:ty) => {
        #[derive(Track, Default, Debug, PartialEq)]
        struct $tree {
            #[track(shape = [ROWS + 1, 2])]
            shaped: Vec<$element>,
            scalar: $element,
            #[track(rename = "l")]
            layer: $layer,
            #[track(state = "S")]
            state: $state,
            #[track(slots = "scalar")]
            slots: $slots,
            children: Vec<Self>,
        }
        #[derive(Track, Default, Debug, PartialEq)]
        #[track(numbered = "n")]
        struct $net {
            first: $layer,
            second: $layer,
        }
    };
}
const ROWS: usize = 1;
made_by_macro!(Tree, MadeNet, f32, Layer, Dice, OneSlot);

#[derive(Track, Default, Debug, PartialEq)]
struct OneSlot {
    m: f32,
}

#[test]
fn structs_may_be_made_by_macros() {
    let directory = tempfile::tempdir().unwrap();
    let tree = || Tree {
        shaped: vec![1.0, 2.0, 3.0, 4.0],
        scalar: 5.0,
        layer: layer(1),
        state: Dice { position: 2 },
        slots: OneSlot { m: 6.0 },
        children: vec![],
    };
    let path = written(&directory, &mut tree());
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.get("shaped").unwrap().shape(), [2, 2]);
    assert_eq!(reader.get("l/kernel").unwrap().shape(), [2, 1]);
    assert_eq!(reader.read_value::<i64>("state/.ATTRIBUTES/S_POSITION").unwrap(), 2);
    let mut loaded = Tree::default();
    load_partial(&path, &mut loaded, &RestoreOptions::new()).unwrap();
    assert_eq!(loaded, tree());
    let path = written(&directory, &mut MadeNet { first: layer(1), second: layer(2) });
    assert_eq!(Reader::open(path).unwrap().get("n1/kernel").unwrap().shape(), [2, 2]);
}

/// A generator of numbers, which says itself how it is saved.
#[derive(Default, Debug, PartialEq)]
struct Dice {
    position: i64,
}

impl State for Dice {
    fn save(&mut self, sink: &mut Sink) -> Result<(), Failure> {
        Ok(sink.put_value("_POSITION", self.position)?)
    }

    fn restore(&mut self, source: &Source) -> Result<(), Failure> {
        self.position = source.get("_POSITION")?.value()?;
        match self.position {
            13 => Err("an unlucky number".into()),
            _ => Ok(()),
        }
    }
}

#[test]
fn objects_with_state_are_moved_as_values_are() {
    #[derive(Track, Default, Debug, PartialEq)]
    struct Game {
        #[track(state)]
        dice: Dice,
        #[track(state = "ITERATOR", rename = "iterator")]
        other: Dice,
        points: Vec<f32>,
    }
    let game = |dice, other| Game { dice: Dice { position: dice }, other: Dice { position: other }, points: vec![1.0] };
    let directory = tempfile::tempdir().unwrap();
    let mut saved = game(3, 4);
    let path = written(&directory, &mut saved);
    assert_eq!(saved, game(3, 4));
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.read_value::<i64>("dice/.ATTRIBUTES/_POSITION").unwrap(), 3);
    assert_eq!(reader.read_value::<i64>("iterator/.ATTRIBUTES/ITERATOR_POSITION").unwrap(), 4);

    let mut loaded = Game::default();
    load(&path, &mut loaded).unwrap();
    assert_eq!(loaded, game(3, 4));
    let mut program = game(1, 2);
    let tracker = Tracker::new(&mut program).unwrap();
    tracker.with(&mut program, |checkpoint| checkpoint.read(&path, &RestoreOptions::new())).unwrap();
    assert_eq!(program, game(3, 4));
    let e = tracker.checkpoint().read(&path, &RestoreOptions::new()).unwrap_err();
    assert!(e.reason() == Reason::Callback && e.to_string().contains("Tracker::with"), "{e}");

    // One that fails to be restored: a load changes nothing, and what a checkpoint lacks is kept.
    let path = written(&directory, &mut game(13, 5));
    let mut loaded = game(1, 2);
    assert_eq!(load(&path, &mut loaded).unwrap_err().reason(), Reason::Callback);
    assert_eq!(loaded, game(1, 2));
    load_partial("tests/data/tf_keras_net", &mut loaded, &RestoreOptions::new()).unwrap();
    assert_eq!(loaded, game(1, 2));
}
