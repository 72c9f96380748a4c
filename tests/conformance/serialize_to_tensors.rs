//! checkpoint_test.py SerializeToTensorTest and restore_test.py: objects with several tensors of
//! their own.

use std::sync::{Arc, Mutex};

use checkpoint::{NodeId, Sink, Source, State, StateOptions};

use crate::world::*;

/// Integers that are saved as tensors `v1`, `v2`, …
pub struct Tensors(pub Arc<Mutex<Vec<i32>>>);

impl State for Tensors {
    fn save(&mut self, sink: &mut Sink) -> Result<(), checkpoint::Failure> {
        for (number, value) in self.0.lock().unwrap().iter().enumerate() {
            sink.put(&format!("v{}", number + 1), checkpoint::DType::Int32, &[], &bytes_of(value))?;
        }
        Ok(())
    }

    fn restore(&mut self, source: &Source) -> Result<(), checkpoint::Failure> {
        for (number, value) in self.0.lock().unwrap().iter_mut().enumerate() {
            let name = format!("v{}", number + 1);
            *value = value_of(source.find(&name).ok_or_else(|| format!("no {name}"))?.bytes());
        }
        Ok(())
    }
}

/// An object with these tensors, which needs as many to be restored.
pub fn tensors(w: &World, values: &[i32]) -> (NodeId, Arc<Mutex<Vec<i32>>>) {
    let names: Vec<String> = (1..=values.len()).map(|number| format!("v{number}")).collect();
    let values = Arc::new(Mutex::new(values.to_vec()));
    let options = StateOptions::new().names(&names);
    (w.graph.add_state(Box::new(Tensors(Arc::clone(&values))), &options).unwrap(), values)
}

fn attributes(path: &std::path::Path, node: u32) -> Vec<(String, String)> {
    let graph = object_graph(path);
    let attributes = graph.node(node).unwrap().attributes();
    attributes.map(|attribute| (attribute.name.to_owned(), attribute.checkpoint_key.to_owned())).collect()
}

fn pair(name: &str, key: &str) -> (String, String) {
    (name.to_owned(), key.to_owned())
}

/// SerializeToTensorTest.test_keys_and_metadata
#[test]
fn test_keys_and_metadata() {
    let w = World::new();
    let ((root, of_root), (child, of_child)) = (tensors(&w, &[1, 2]), tensors(&w, &[3, 4]));
    let ckpt = w.rooted(root, &[("child", child)]);
    let path = w.save(&ckpt, "ckpt");

    assert_eq!(attributes(&path, 0), [pair("v1", "/.ATTRIBUTES/v1"), pair("v2", "/.ATTRIBUTES/v2")]);
    assert_eq!(attributes(&path, 1), [pair("v1", "child/.ATTRIBUTES/v1"), pair("v2", "child/.ATTRIBUTES/v2")]);
    let values = ["/.ATTRIBUTES/v1", "/.ATTRIBUTES/v2", "child/.ATTRIBUTES/v1", "child/.ATTRIBUTES/v2"];
    assert_eq!(values.map(|key| stored::<i32>(&path, key)), [1, 2, 3, 4]);

    of_root.lock().unwrap().fill(0);
    of_child.lock().unwrap().fill(0);
    restore(&ckpt, path).consumed();
    assert_eq!((&of_root.lock().unwrap()[..], &of_child.lock().unwrap()[..]), (&[1, 2][..], &[3, 4][..]));
}

/// ExtractSaveablenameTest.test_standard_saveable_name: where the keys of an object begin is not
/// confused by edges named like the marker.
#[test]
fn test_standard_saveable_name() {
    let w = World::new();
    for path in [&["object_path"][..], &["object", "path", "ATTRIBUTES"], &[".ATTRIBUTES"], &[".ATTRIBUTES", "x", ".ATTRIBUTES"]]
    {
        let root = w.object();
        let (state, values) = tensors(&w, &[5, 6]);
        let parent = path[1..].iter().rev().fold(state, |child, name| {
            let parent = w.object();
            w.track(parent, name, child);
            parent
        });
        w.track(root, path[0], parent);
        let ckpt = w.checkpoint_of(root);
        let file = w.write(&ckpt, "ckpt");
        let escaped: Vec<String> = path.iter().map(|name| name.replace('.', "..")).collect();
        assert_eq!(value_keys(&file)[0], format!("{}/.ATTRIBUTES/v1", escaped.join("/")));
        values.lock().unwrap().fill(0);
        read(&ckpt, file).consumed();
        assert_eq!(*values.lock().unwrap(), [5, 6]);
    }
}
