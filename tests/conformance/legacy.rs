//! saveable_compat_test.py, registration_saving_test.py and util_test.py: hash tables and their
//! older files; registered savers.

use std::sync::{Arc, Mutex};

use checkpoint::{DType, NodeId, ObjectSaver, RestoreOptions, Sink, Source, State, StateOptions};

use crate::common::bundle::{i64s, Bundle};
use crate::common::dtypes;
use crate::common::proto::Message;
use crate::world::*;

/// The rows of a hash table, shared with the test.
type Rows = Arc<Mutex<Vec<(i64, i64)>>>;

/// A hash table of integers, saved as TensorFlow's are: one attribute `table`, two tensors.
struct Table(Rows);

impl State for Table {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        let rows = self.0.lock().unwrap();
        let column = |get: fn(&(i64, i64)) -> i64| i64s(&rows.iter().map(get).collect::<Vec<_>>());
        sink.put("-keys", DType::Int64, &[rows.len() as i64], &column(|row| row.0))?;
        Ok(sink.put("-values", DType::Int64, &[rows.len() as i64], &column(|row| row.1))?)
    }

    fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
        let column = |name| -> Result<Vec<i64>, checkpoint::Failure> {
            let bytes = source.find(name).ok_or("a column is missing")?.bytes();
            Ok(bytes.chunks(8).map(value_of).collect())
        };
        *self.0.lock().unwrap() = column("-keys")?.into_iter().zip(column("-values")?).collect();
        Ok(())
    }
}

fn table(w: &World, rows: &[(i64, i64)]) -> (NodeId, Rows) {
    let rows = Arc::new(Mutex::new(rows.to_vec()));
    let options = StateOptions::new().legacy_name("table").names(&["-keys", "-values"]);
    (w.graph.add_state(Box::new(Table(Arc::clone(&rows))), &options).unwrap(), rows)
}

/// A checkpoint whose table has these attributes.
fn file_with_table(w: &World, name: &str, attributes: &[&str]) -> std::path::PathBuf {
    let key = |name: &str| format!("lookup_table/.ATTRIBUTES/{name}");
    let edge = Message::new().int(1, 1).bytes(2, b"lookup_table");
    let values = |message: Message| message.message(5, Message::new().varint(1, 1));
    let attributes = attributes.iter().fold(Message::new(), |node, name| {
        node.message(2, Message::new().bytes(1, name.as_bytes()).bytes(3, key(name).as_bytes()))
    });
    let graph = Message::new().message(1, values(Message::new().message(1, edge))).message(1, values(attributes));
    let mut bundle = Bundle::new();
    bundle.tensor(&key("table-keys"), dtypes::INT64, &[2], &i64s(&[2, 3]));
    bundle.tensor(&key("table-values"), dtypes::INT64, &[2], &i64s(&[4, 9]));
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[&graph.0]);
    bundle.write(w.directory(), name)
}

/// SaveableCompatTest.test_lookup_table_compatibility
#[test]
fn test_lookup_table_compatibility() {
    let w = World::new();
    let (lookup_table, rows) = table(&w, &[(1, 1)]);
    let ckpt = w.checkpoint(&[("lookup_table", lookup_table)]);
    let path = w.write(&ckpt, "ckpt");
    let older = file_with_table(&w, "older", &["table"]);

    let attribute = |path: &std::path::Path| {
        let graph = object_graph(path);
        let mut attributes = graph.node(1).unwrap().attributes();
        let first = attributes.next().unwrap();
        assert!(attributes.next().is_none());
        (first.name.to_owned(), first.checkpoint_key.to_owned())
    };
    assert_eq!(attribute(&path), attribute(&older));
    assert_eq!(keys(path), keys(&older));
    read(&ckpt, older).consumed();
    assert_eq!(*rows.lock().unwrap(), [(2, 4), (3, 9)]);
}

/// TestForceCheckpointConversionFlag.test_checkpoint: files that list both tensors as attributes.
#[test]
fn test_checkpoint() {
    let w = World::new();
    let path = file_with_table(&w, "converted", &["table-keys", "table-values"]);
    let (lookup_table, rows) = table(&w, &[]);
    read(&w.checkpoint(&[("lookup_table", lookup_table)]), path).consumed();
    assert_eq!(*rows.lock().unwrap(), [(2, 4), (3, 9)]);
}

/// TestForceCheckpointConversionFlag.test_backwards_compatibility: what the table had is gone.
#[test]
fn test_backwards_compatibility() {
    let w = World::new();
    let (lookup_table, rows) = table(&w, &[(3, -9)]);
    let older = file_with_table(&w, "older", &["table"]);
    read(&w.checkpoint(&[("lookup_table", lookup_table)]), older).consumed();
    assert_eq!(*rows.lock().unwrap(), [(2, 4), (3, 9)]);
}

/// TestForceCheckpointConversionFlag.test_forward_compatibility: an object of one attribute `foo`
/// takes `foo-a` and `foo-b`.
#[test]
fn test_forward_compatibility() {
    let w = World::new();
    // As the object saves itself, and with the attributes that a newer program lists.
    let (saved, _) = table(&w, &[(2, 4), (3, 9)]);
    let own = w.write(&w.checkpoint(&[("lookup_table", saved)]), "own");
    for path in [own, file_with_table(&w, "newer", &["table-keys", "table-values"])] {
        let (lookup_table, rows) = table(&w, &[(0, 0)]);
        read(&w.checkpoint(&[("lookup_table", lookup_table)]), path).consumed();
        assert_eq!(*rows.lock().unwrap(), [(2, 4), (3, 9)]);
    }
}

/// A table that TensorFlow wrote, in a layer and by itself.
#[test]
fn tensorflows_tables_are_restored() {
    let w = World::new();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/resources/r-1");

    type Column = (String, DType, Vec<i64>);
    #[derive(Default)]
    struct Seen(Arc<Mutex<Vec<Column>>>);
    impl State for Seen {
        fn save(&mut self, _: &mut Sink) -> Result<(), checkpoint::Failure> {
            Ok(())
        }
        fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
            let tensors = source.tensors().iter();
            self.0.lock().unwrap().extend(tensors.map(|t| (t.name().to_owned(), t.dtype(), t.shape().to_vec())));
            Ok(())
        }
    }
    let [table, dense] = [Seen::default(), Seen::default()];
    let seen = [Arc::clone(&table.0), Arc::clone(&dense.0)];
    let options = StateOptions::new().legacy_name("table").names(&["-keys", "-values"]);
    let [table, dense] = [table, dense].map(|state| w.graph.add_state(Box::new(state), &options).unwrap());
    let ckpt = w.checkpoint(&[("table", table), ("dense", dense)]);
    let status = ckpt.restore(fixture, &RestoreOptions::new()).unwrap().matched();
    says(&status.not_consumed(), &["(root).iterator"]);
    status.expect_partial();
    let columns = |keys, key_shape: &[i64], values, value_shape: &[i64]| {
        vec![("-keys".to_owned(), keys, key_shape.to_vec()), ("-values".to_owned(), values, value_shape.to_vec())]
    };
    assert_eq!(*seen[0].lock().unwrap(), columns(DType::String, &[3], DType::Int64, &[3]));
    assert_eq!(*seen[1].lock().unwrap(), columns(DType::Int64, &[8, 1], DType::Float, &[8, 1]));
}

type Stacks = Arc<Mutex<Vec<(NodeId, Vec<[i32; 2]>)>>>;

/// Saves each stack of parts as one tensor, `<path>/value`.
struct StacksAndParts(Stacks);

impl ObjectSaver for StacksAndParts {
    fn accepts(&mut self, object: NodeId) -> bool {
        self.0.lock().unwrap().iter().any(|(stack, _)| *stack == object)
    }

    fn save(&mut self, objects: &[(String, NodeId)], sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        let stacks = self.0.lock().unwrap();
        for (path, object) in objects {
            let (_, parts) = stacks.iter().find(|(stack, _)| stack == object).ok_or("no such stack")?;
            let bytes: Vec<u8> = parts.iter().flat_map(bytes_of).collect();
            sink.put(&format!("{path}/value"), DType::Int32, &[parts.len() as i64, 2], &bytes)?;
        }
        Ok(())
    }

    fn wants(&mut self, objects: &[(String, NodeId)], key: &[u8]) -> bool {
        objects.iter().any(|(path, _)| format!("{path}/value").as_bytes() == key)
    }

    fn restore(&mut self, objects: &[(String, NodeId)], source: &Source) -> Result<(), checkpoint::Failure> {
        let mut stacks = self.0.lock().unwrap();
        for (path, object) in objects {
            let value = source.find(&format!("{path}/value")).ok_or("no value")?;
            let (_, parts) = stacks.iter_mut().find(|(stack, _)| stack == object).ok_or("no such stack")?;
            *parts = value.bytes().chunks(8).map(value_of).collect();
        }
        Ok(())
    }
}

/// SingleCycleTest.test_registered_saver_checkpoint
#[test]
fn test_registered_saver_checkpoint() {
    let w = World::new();
    let stacks = Stacks::default();
    w.graph.register_saver("", "stacks", true, Box::new(StacksAndParts(Arc::clone(&stacks)))).unwrap();
    let stack = |parts: [[i32; 2]; 3]| {
        let made = w.object();
        stacks.lock().unwrap().push((made, parts.to_vec()));
        made
    };
    let value = |object| stacks.lock().unwrap().iter().find(|(stack, _)| *stack == object).unwrap().1.clone();
    let (s, s2) = (stack([[1, 4], [2, 5], [3, 6]]), stack([[3, 6], [1, 4], [2, 5]]));
    let path = w.write(&w.checkpoint(&[("s", s), ("s2", s2)]), "ckpt");
    assert_eq!(value_keys(&path), ["s/value", "s2/value"]);
    let graph = object_graph(&path);
    let saver = graph.node(1).unwrap().registered_saver().unwrap();
    assert_eq!((saver.name, saver.object_name), ("Custom.stacks", "s"));
    assert_eq!(graph.node(1).unwrap().attributes().len(), 0);

    let restored = stack([[0, 0]; 3]);
    assert!(!w.graph.was_restored(restored).unwrap());
    read(&w.checkpoint(&[("s", restored)]), &path).expect_partial();
    assert_eq!(value(restored), value(s));
    assert!(w.graph.was_restored(restored).unwrap());
    read(&w.checkpoint(&[("s2", restored)]), &path).expect_partial();
    assert_eq!(value(restored), value(s2));
}

/// Accepts some objects, saves and restores nothing.
struct Marker(Arc<Mutex<Vec<NodeId>>>);

impl ObjectSaver for Marker {
    fn accepts(&mut self, object: NodeId) -> bool {
        self.0.lock().unwrap().contains(&object)
    }
    fn save(&mut self, _: &[(String, NodeId)], _: &mut Sink) -> Result<(), checkpoint::Failure> {
        Ok(())
    }
    fn wants(&mut self, _: &[(String, NodeId)], _: &[u8]) -> bool {
        false
    }
    fn restore(&mut self, _: &[(String, NodeId)], _: &Source) -> Result<(), checkpoint::Failure> {
        Ok(())
    }
}

fn saved_by_marker(w: &World, strict: bool) -> std::path::PathBuf {
    let root = w.object();
    w.graph.register_saver("", "Predicate", strict, Box::new(Marker(Arc::new(Mutex::new(vec![root]))))).unwrap();
    w.write(&w.rooted(root, &[]), "ckpt")
}

/// SingleCycleTest.test_non_strict_predicate
#[test]
fn test_non_strict_predicate() {
    let w = World::new();
    let path = saved_by_marker(&w, false);
    read(&w.rooted(w.object(), &[]), path);
}

/// SingleCycleTest.test_strict_predicate
#[test]
fn test_strict_predicate() {
    let w = World::new();
    let path = saved_by_marker(&w, true);
    let error = w.rooted(w.object(), &[]).read(path, &RestoreOptions::new()).unwrap_err();
    assert_eq!(error.reason(), checkpoint::Reason::Saver);
    says(&error.to_string(), &["saver cannot be used", "Custom.Predicate"]);
}

/// SingleCycleTest.test_registered_saver_is_called_before_save_after_load: saved before anything is
/// written, restored after everything else.
#[test]
fn test_registered_saver_is_called_before_save_after_load() {
    struct Order(Arc<Mutex<NodeId>>, std::path::PathBuf, Arc<Mutex<Vec<f32>>>, Arc<Mutex<f32>>);
    impl ObjectSaver for Order {
        fn accepts(&mut self, object: NodeId) -> bool {
            *self.0.lock().unwrap() == object
        }
        fn save(&mut self, _: &[(String, NodeId)], _: &mut Sink) -> Result<(), checkpoint::Failure> {
            let files = std::fs::read_dir(&self.1)?.count();
            (files == 0).then_some(()).ok_or_else(|| "something was written".into())
        }
        fn wants(&mut self, _: &[(String, NodeId)], _: &[u8]) -> bool {
            false
        }
        fn restore(&mut self, _: &[(String, NodeId)], _: &Source) -> Result<(), checkpoint::Failure> {
            self.2.lock().unwrap().push(*self.3.lock().unwrap());
            Ok(())
        }
    }
    /// A value that the saver can see.
    struct Shared(Arc<Mutex<f32>>);
    impl State for Shared {
        fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
            Ok(sink.put("v", DType::Float, &[], &bytes_of(&*self.0.lock().unwrap()))?)
        }
        fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
            *self.0.lock().unwrap() = value_of(source.find("v").ok_or("no v")?.bytes());
            Ok(())
        }
    }
    let w = World::new();
    let root = w.object();
    let (seen, value) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(123f32)));
    let order = Order(Arc::new(Mutex::new(root)), w.directory().to_owned(), Arc::clone(&seen), Arc::clone(&value));
    w.graph.register_saver("", "OptionalRestore", true, Box::new(order)).unwrap();
    w.track(root, "v", w.graph.add_state(Box::new(Shared(Arc::clone(&value))), &StateOptions::new()).unwrap());
    let ckpt = w.rooted(root, &[]);
    let path = w.write(&ckpt, "ckpt");
    *value.lock().unwrap() = 0.0;
    read(&ckpt, path);
    assert_eq!(*seen.lock().unwrap(), [123.0]);
}

/// SingleCycleTest.test_migration_backwards_compatibility: an object that has a saver by now, from
/// a file where it had an attribute. The saver knows it by the key of that.
#[test]
fn test_migration_backwards_compatibility() {
    struct Migrated(NodeId, Arc<Mutex<String>>);
    impl ObjectSaver for Migrated {
        fn accepts(&mut self, object: NodeId) -> bool {
            self.0 == object
        }
        fn save(&mut self, objects: &[(String, NodeId)], sink: &mut Sink) -> Result<(), checkpoint::Failure> {
            let name = self.1.lock().unwrap().clone();
            objects.iter().try_for_each(|(path, _)| Ok(sink.put_strings(&format!("{path}name"), &[], &[&name])?))
        }
        fn wants(&mut self, objects: &[(String, NodeId)], key: &[u8]) -> bool {
            objects.iter().any(|(path, _)| path.as_bytes() == key || format!("{path}name").as_bytes() == key)
        }
        fn restore(&mut self, _: &[(String, NodeId)], source: &Source) -> Result<(), checkpoint::Failure> {
            let strings = source.tensors().first().and_then(|t| t.strings()).ok_or("no name")?;
            *self.1.lock().unwrap() = String::from_utf8(strings.get(0).unwrap_or_default().to_vec())?;
            Ok(())
        }
    }
    struct Named;
    impl State for Named {
        fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
            Ok(sink.put_strings("name", &[], &["before"])?)
        }
        fn restore(&mut self, _: &Source) -> Result<(), checkpoint::Failure> {
            Ok(())
        }
    }
    let w = World::new();
    let before = w.graph.add_state(Box::new(Named), &StateOptions::new()).unwrap();
    let before_path = w.write(&w.rooted(before, &[]), "before");
    let after = w.object();
    let name = Arc::new(Mutex::new("after".to_owned()));
    w.graph.register_saver("", "MigratedSaver", true, Box::new(Migrated(after, Arc::clone(&name)))).unwrap();
    let after_ckpt = w.rooted(after, &[]);
    let after_path = w.write(&after_ckpt, "after");
    read(&after_ckpt, before_path);
    assert_eq!(*name.lock().unwrap(), "before");
    read(&after_ckpt, after_path);
    assert_eq!(*name.lock().unwrap(), "after");
}

/// UtilTest.test_serialize_gathered_objects: an object is saved by its saver or by its values, not
/// by both.
#[test]
fn test_serialize_gathered_objects() {
    let w = World::new();
    let root = w.object();
    w.add(root, "v", 1f32);
    let registered = w.child(root, "registered");
    w.graph.register_saver("", "RegisteredSaver", true, Box::new(Marker(Arc::new(Mutex::new(vec![registered]))))).unwrap();
    let path = w.write(&w.checkpoint_of(root), "ckpt");
    assert_eq!(value_keys(&path), ["v/.ATTRIBUTES/VARIABLE_VALUE"]);
    let graph = object_graph(path);
    let saver = graph.node(2).unwrap().registered_saver().unwrap();
    assert_eq!((saver.name, saver.object_name), ("Custom.RegisteredSaver", "registered"));
}
