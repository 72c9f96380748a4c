//! Graphs that are deep, that have more paths than anybody can count, that lead back to themselves,
//! or wait for much.
//!
//! Everything runs on a small stack, so that recursion would show. A counting allocator is the
//! judge of memory, so the tests take turns.

mod common;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use checkpoint::{
    Checkpoint, DType, Durability, Graph, NodeId, Reader, RestoreOptions, SaveOptions, Status, Variable, WriteOptions,
};
use common::bundle::{i32s, Bundle};
use common::counter::{peak, Counter};
use common::dtypes::INT32;
use common::objects::{self, Object};

#[global_allocator]
static COUNTER: Counter = Counter;

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The time that this thread has had a processor, where the system tells; else the time of the day.
fn spent() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split_whitespace().next()?.parse().ok());
    nanoseconds.map_or_else(|| std::time::UNIX_EPOCH.elapsed().unwrap(), Duration::from_nanos)
}

/// Runs a test by itself, on a stack of 256 KiB, within a minute of a processor: what is linear
/// takes seconds.
fn on_a_small_stack(test: fn(&Path)) {
    let _turn = turn();
    let run = move || {
        let directory = tempfile::tempdir().unwrap();
        let started = spent();
        test(directory.path());
        let taken = spent() - started;
        assert!(taken < Duration::from_secs(60), "{taken:?}");
    };
    let thread = std::thread::Builder::new().stack_size(256 << 10).spawn(run).unwrap();
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

fn number(graph: &Graph, value: f32) -> NodeId {
    graph.add_variable(Variable::owned(DType::Float, &[], &value.to_ne_bytes()).unwrap()).unwrap()
}

fn value(graph: &Graph, variable: NodeId) -> f32 {
    f32::from_ne_bytes(graph.read(variable).unwrap().try_into().unwrap())
}

fn write(checkpoint: &Checkpoint, path: PathBuf) -> PathBuf {
    let options = SaveOptions::new().write(WriteOptions::new().durability(Durability::None));
    checkpoint.write(path, &options).unwrap()
}

fn read(checkpoint: &Checkpoint, path: &Path) -> Status {
    checkpoint.read(path, &RestoreOptions::new()).unwrap()
}

const DEPTH: usize = 100_000;

/// A chain of objects, built from its end, with a variable in the middle and one at the end. Keys
/// of both are as long as their paths.
fn chain(graph: &Graph, values: [f32; 2]) -> (NodeId, [NodeId; 2]) {
    let variables = values.map(|value| number(graph, value));
    let mut top = graph.add_object().unwrap();
    graph.track(top, "v", variables[1]).unwrap();
    for depth in (0..DEPTH).rev() {
        let above = graph.add_object().unwrap();
        graph.track(above, "n", top).unwrap();
        if depth == DEPTH / 2 {
            graph.track(above, "v", variables[0]).unwrap();
        }
        top = above;
    }
    (top, variables)
}

#[test]
fn a_chain_100_000_deep_is_saved_and_restored() {
    on_a_small_stack(|directory| {
        let graph = Graph::new();
        let (top, variables) = chain(&graph, [1.0, 2.0]);
        let ckpt = Checkpoint::new(&graph, top).unwrap();
        let path = write(&ckpt, directory.join("chain"));
        assert_eq!(graph.descendants(top).unwrap().len(), DEPTH + 3);
        assert_eq!(Reader::open(&path).unwrap().object_graph().unwrap().unwrap().len(), DEPTH + 3);
        for (variable, value) in variables.iter().zip([-1f32, -2.0]) {
            graph.assign(*variable, DType::Float, &[], &value.to_ne_bytes()).unwrap();
        }
        let status = read(&ckpt, &path);
        status.assert_consumed().unwrap();
        assert_eq!(variables.map(|v| value(&graph, v)), [1.0, 2.0]);
        assert_eq!(status.report().unwrap().rows().len(), 2);

        // Deferred: the chain is built from its end, and its top is attached to what was restored.
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let ckpt = Checkpoint::new(&graph, root).unwrap();
        let status = read(&ckpt, &path);
        status.assert_consumed().unwrap_err();
        let (top, variables) = chain(&graph, [-1.0, -2.0]);
        let below = graph.lookup(top, "n").unwrap().unwrap();
        graph.track(root, "n", below).unwrap();
        status.assert_consumed().unwrap();
        assert_eq!(variables.map(|v| value(&graph, v)), [1.0, 2.0]);

        // And from its top: every edge waits until it is there.
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let status = read(&Checkpoint::new(&graph, root).unwrap(), &path);
        let mut bottom = root;
        for _ in 0..DEPTH {
            let below = graph.add_object().unwrap();
            graph.track(bottom, "n", below).unwrap();
            bottom = below;
        }
        let end = graph.add_variable(Variable::without_value(None, None).unwrap()).unwrap();
        graph.track(bottom, "v", end).unwrap();
        assert_eq!(value(&graph, end), 2.0);
        status.expect_partial();
    });
}

/// Lists in lists, as deep, and a dirty one at the end.
#[test]
fn a_dirty_list_is_found_however_deep_it_is() {
    on_a_small_stack(|directory| {
        let graph = Graph::new();
        let innermost = graph.add_list().unwrap();
        graph.list_append(innermost, Some(number(&graph, 1.0))).unwrap();
        let top = (0..DEPTH).fold(innermost, |inner, _| {
            let outer = graph.add_list().unwrap();
            graph.list_append(outer, Some(inner)).unwrap();
            outer
        });
        let ckpt = Checkpoint::new(&graph, top).unwrap();
        let path = write(&ckpt, directory.join("lists"));
        read(&ckpt, &path).assert_consumed().unwrap();
        graph.list_remove(innermost, 0).unwrap();
        let options = RestoreOptions::new();
        assert_eq!(ckpt.read(&path, &options).unwrap_err().reason(), checkpoint::Reason::Unsavable);
        assert_eq!(ckpt.write(&path, &SaveOptions::new()).unwrap_err().reason(), checkpoint::Reason::Unsavable);
    });
}

/// 60 diamonds one below the other: 2^60 paths from the top to the bottom.
fn diamonds(graph: &Graph, bottom: f32) -> (NodeId, NodeId) {
    let last = graph.add_object().unwrap();
    let variable = number(graph, bottom);
    graph.track(last, "v", variable).unwrap();
    let top = (0..60).fold(last, |below, _| {
        let above = graph.add_object().unwrap();
        for side in ["left", "right"] {
            let object = graph.add_object().unwrap();
            graph.track(object, "below", below).unwrap();
            graph.track(above, side, object).unwrap();
        }
        above
    });
    (top, variable)
}

#[test]
fn sixty_diamonds_are_saved_and_restored() {
    on_a_small_stack(|directory| {
        let graph = Graph::new();
        let (top, variable) = diamonds(&graph, 1.0);
        let ckpt = Checkpoint::new(&graph, top).unwrap();
        let path = write(&ckpt, directory.join("diamonds"));
        let reader = Reader::open(&path).unwrap();
        assert_eq!(reader.object_graph().unwrap().unwrap().len(), 182);
        let key = format!("{}v/.ATTRIBUTES/VARIABLE_VALUE", "left/below/".repeat(60));
        assert!(reader.contains(key), "the path is that of the first edges");
        graph.assign(variable, DType::Float, &[], &(-1f32).to_ne_bytes()).unwrap();
        read(&ckpt, &path).assert_consumed().unwrap();
        assert_eq!(value(&graph, variable), 1.0);

        // Deferred: both sides of the topmost diamond wait.
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let status = read(&Checkpoint::new(&graph, root).unwrap(), &path);
        let (top, variable) = diamonds(&graph, -1.0);
        for side in ["left", "right"] {
            graph.track(root, side, graph.lookup(top, side).unwrap().unwrap()).unwrap();
        }
        status.assert_consumed().unwrap();
        assert_eq!(value(&graph, variable), 1.0);
    });
}

#[test]
fn loops_are_saved_and_restored() {
    on_a_small_stack(|directory| {
        let build = |graph: &Graph, value| {
            let (root, list) = (graph.add_object().unwrap(), graph.add_list().unwrap());
            let variable = number(graph, value);
            graph.track(root, "self", root).unwrap();
            graph.track(root, "again", root).unwrap();
            graph.track(root, "list", list).unwrap();
            graph.list_append(list, Some(list)).unwrap();
            graph.list_append(list, Some(root)).unwrap();
            graph.list_append(list, Some(variable)).unwrap();
            graph.track(variable, "self", variable).unwrap();
            (root, variable)
        };
        let graph = Graph::new();
        let (root, variable) = build(&graph, 1.0);
        let ckpt = Checkpoint::new(&graph, root).unwrap();
        let path = write(&ckpt, directory.join("loops"));
        assert_eq!(Reader::open(&path).unwrap().object_graph().unwrap().unwrap().len(), 3);
        graph.assign(variable, DType::Float, &[], &(-1f32).to_ne_bytes()).unwrap();
        read(&ckpt, &path).assert_consumed().unwrap();
        assert_eq!(value(&graph, variable), 1.0);

        // Deferred: one object after the other, each leading back.
        let graph = Graph::new();
        let root = graph.add_object().unwrap();
        let status = read(&Checkpoint::new(&graph, root).unwrap(), &path);
        graph.track(root, "self", root).unwrap();
        let list = graph.add_list().unwrap();
        graph.track(root, "list", list).unwrap();
        graph.list_append(list, Some(list)).unwrap();
        graph.list_append(list, Some(root)).unwrap();
        let variable = number(&graph, -1.0);
        graph.list_append(list, Some(variable)).unwrap();
        assert_eq!(value(&graph, variable), 1.0);
        status.assert_consumed().unwrap();
    });
}

/// A checkpoint with a hundred values, and a program that has none of them.
fn waiting_program(directory: &Path) -> (PathBuf, Graph, Checkpoint) {
    let graph = Graph::new();
    let saved = graph.add_object().unwrap();
    (0..100).for_each(|i| graph.track(saved, &format!("v{i}"), number(&graph, i as f32)).unwrap());
    let path = write(&Checkpoint::new(&graph, saved).unwrap(), directory.join("ckpt"));
    let graph = Graph::new();
    let root = graph.add_object().unwrap();
    let ckpt = Checkpoint::new(&graph, root).unwrap();
    (path, graph, ckpt)
}

/// Restores that are forgotten leave nothing: the thousandth needs no more memory than the first.
#[test]
fn forgotten_restores_cost_nothing() {
    on_a_small_stack(|directory| {
        let (path, graph, ckpt) = waiting_program(directory);
        let round = || {
            let status = read(&ckpt, &path);
            assert_eq!(graph.waiting(ckpt.root(), "v7").unwrap(), 1);
            status.forget().unwrap();
            assert_eq!(graph.waiting(ckpt.root(), "v7").unwrap(), 0);
        };
        round();
        let ((), once) = peak(round);
        let ((), often) = peak(|| (0..1000).for_each(|_| round()));
        println!("one: {once} bytes, a thousand: {often} bytes");
        assert!(often < 2 * once + 4096, "{once} bytes once, {often} bytes a thousand times");
    });
}

/// A thousand restores that wait: what is tracked has the newest value, all are consumed, and then
/// their memory is free.
#[test]
fn a_thousand_restores_wait() {
    on_a_small_stack(|directory| {
        let (path, graph, ckpt) = waiting_program(directory);
        let round = || {
            let statuses: Vec<Status> = (0..1000).map(|_| read(&ckpt, &path)).collect();
            assert_eq!(graph.waiting(ckpt.root(), "v7").unwrap(), 1000);
            for i in 0..100 {
                let name = format!("v{i}");
                let variable = number(&graph, -1.0);
                graph.track(ckpt.root(), &name, variable).unwrap();
                assert_eq!(value(&graph, variable), i as f32);
                assert_eq!(graph.waiting(ckpt.root(), &name).unwrap(), 0);
            }
            statuses.iter().for_each(|status| status.assert_consumed().unwrap());
            for i in 0..100 {
                graph.remove(graph.lookup(ckpt.root(), &format!("v{i}")).unwrap().unwrap()).unwrap();
            }
        };
        let ((), first) = peak(round);
        let ((), second) = peak(round);
        println!("a thousand waiting: {first} bytes, again: {second} bytes");
        assert!(second < first + first / 10, "{first} bytes, then {second} bytes");
    });
}

/// A list, an object and a slot owner with `count` variables each, which are removed one by one.
fn remove_all(count: usize) -> Duration {
    let graph = Graph::new();
    let [root, object] = [(); 2].map(|_| graph.add_object().unwrap());
    let (list, owner) = (graph.add_list().unwrap(), graph.add_slot_owner(None).unwrap());
    for (name, child) in [("object", object), ("list", list), ("owner", owner)] {
        graph.track(root, name, child).unwrap();
    }
    let mut all = Vec::new();
    for n in 0..count {
        let (variable, slot) = (number(&graph, 0.0), number(&graph, 1.0));
        graph.track(object, &n.to_string(), variable).unwrap();
        graph.list_append(list, Some(variable)).unwrap();
        graph.set_slot(owner, variable, "m", slot).unwrap();
        all.push((variable, slot));
    }
    let (last, rest) = all.split_last().unwrap();
    let started = Instant::now();
    rest.iter().for_each(|(variable, _)| graph.remove(*variable).unwrap());
    let elapsed = started.elapsed();
    assert_eq!(graph.children(object).unwrap(), [((count - 1).to_string(), last.0)]);
    assert_eq!(graph.list_elements(list).unwrap().iter().flatten().collect::<Vec<_>>(), [&last.0]);
    assert_eq!(graph.list_elements(list).unwrap().len(), count);
    assert_eq!(graph.slot(owner, last.0, "m").unwrap(), Some(last.1));
    assert!(rest.iter().all(|(variable, slot)| !graph.contains(*variable) && graph.contains(*slot)));
    assert_eq!(graph.descendants(root).unwrap(), [root, object, list, owner, last.0]);
    elapsed
}

/// Eight times as many children take eight times as long, or 64 times if each removal looks at all.
#[test]
fn children_of_a_wide_object_are_removed_in_time_in_proportion() {
    let _turn = turn();
    let best = |count| remove_all(count).min(remove_all(count));
    let (few, many) = (best(5_000), best(40_000));
    assert!(many < few * 24, "5 000 children: {few:?}, 40 000: {many:?}");
}

/// A checkpoint with a value at each of the objects in a chain: a file of 2 MB, whose paths are as
/// long as the chain.
fn long_chain(directory: &Path, count: usize) -> PathBuf {
    let objects: Vec<Object> = (0..count)
        .map(|n| {
            let object = Object::new().value("VARIABLE_VALUE", &format!("k{n}"));
            if n + 1 < count {
                object.edge("n", n as i64 + 1)
            } else {
                object
            }
        })
        .collect();
    let mut bundle = Bundle::new();
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[&objects::graph(&objects)]);
    for n in 0..count {
        bundle.tensor(&format!("k{n}"), INT32, &[], &i32s(&[n as i32]));
    }
    bundle.write(directory, &format!("chain{count}"))
}

/// Reports say of each value where it is, without a path for each that is as long as the chain.
#[test]
fn reports_of_a_long_chain_take_memory_and_time_in_proportion() {
    on_a_small_stack(|directory| {
        let report_of = |count: usize| {
            let path = long_chain(directory, count);
            // The program has the first half of another chain, so that values are missing, too.
            let graph = Graph::new();
            let root = graph.add_object().unwrap();
            let mut last = root;
            for n in 0..count / 2 {
                let next = number(&graph, 0.0);
                graph.track(last, if n == 0 { "other" } else { "n" }, next).unwrap();
                last = next;
            }
            let checkpoint = Checkpoint::new(&graph, root).unwrap();
            let started = Instant::now();
            let (report, used) = peak(|| checkpoint.dry_run(&path, &RestoreOptions::new()).unwrap());
            let (summary, elapsed) = (report.summary(), started.elapsed());
            assert!(summary.starts_with(&format!("{} deferred, {} missing", count - 1, count / 2)), "{summary}");
            assert_eq!(report.rows().len(), count + count / 2, "{summary}");
            assert!(report.rows()[count - 1].path.ends_with("n/n/n/n"));
            assert_eq!(report.rows()[count - 1].path.len(), 2 * (count - 1) - 1);
            assert_eq!(report.rows()[count - 1].key, format!("k{}", count - 1));
            let (table, of_table) = peak(|| report.table().to_string());
            assert!(table.lines().count() == report.rows().len() && of_table < 4000 * report.rows().len());
            println!("{count} objects: {elapsed:?}, {used} bytes; table {:?}, {of_table}", started.elapsed());
            (elapsed, used)
        };
        let ((short, _), (long, used)) = (report_of(15_000), report_of(60_000));
        assert!(used < 200 << 20, "{used} bytes for 60 000 objects");
        assert!(long < short * 12 + Duration::from_millis(100), "15 000 objects: {short:?}, 60 000: {long:?}");
    });
}
