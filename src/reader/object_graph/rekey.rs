//! Renumbering an object graph and renaming its keys as TensorFlow would save it.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::build::GraphBuilder;
use super::pick::Saved;
use super::ObjectGraph;
use crate::allocate::{filled, with_room, Room};
use crate::error::{Code, Error, Reason, Result};
use crate::format::key;

/// The part of a slot variable's key between the path of the variable and that of the slot's owner.
const SLOT: &str = "/.OPTIMIZER_SLOT/";

/// The result of [`ObjectGraph::rekeyed`]: a graph with new ids and keys.
#[derive(Clone, Debug)]
pub struct Rekeyed {
    /// The graph.
    pub graph: ObjectGraph,
    /// The old and the new key of each value, sorted by the old key. Most are equal.
    ///
    /// The tensors of a value may have keys that continue after the value's own key, as those of
    /// hash tables do.
    pub keys: Vec<(String, String)>,
}

/// What the path of a node is made of.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Child { parent: usize, name: &'a str },
    Slot { variable: usize, owner: usize, name: &'a str },
}

impl ObjectGraph {
    /// A copy of the graph as TensorFlow would save it. Use it after [`ObjectGraph::renamed`]: the
    /// result is the graph to store and the new keys of its values.
    ///
    /// Nodes are numbered breadth first from the root, followed by slot variables. Nodes that no
    /// path and no slot leads to are omitted. Each key is made anew from the path by which the
    /// search reached the node; the part from `/.ATTRIBUTES/` on stays. Keys that are not made of
    /// paths stay unchanged, and so do the names under which registered savers saved objects.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` (`NameTaken`): two values would have the same key. Empty names can make
    ///   two paths equal.
    /// * `RESOURCE_EXHAUSTED` (`Limit`): the graph is larger than a protobuf message can be, or
    ///   there is no memory for it.
    pub fn rekeyed(&self) -> Result<Rekeyed> {
        let saved = self.saved_from(0)?;
        let places = self.places(&saved)?;
        let mut builder = GraphBuilder::new();
        let mut keys = HashMap::new();
        for (new_id, &id) in saved.picked.ids.iter().enumerate() {
            let Some(node) = self.node(id) else { continue };
            for edge in node.children() {
                if let Some(to) = saved.picked.new_id(edge.node) {
                    builder.edge(to, edge.name);
                }
            }
            let path = OnceCell::new();
            for attribute in node.attributes() {
                keys.make_room(1)?;
                let new_key = keys.entry(attribute.checkpoint_key).or_insert_with_key(|key| match key.rfind(key::ATTRIBUTES) {
                    Some(at) => format!("{}{}", path.get_or_init(|| path_of(&places, new_id)), &key[at..]),
                    None => (*key).to_owned(),
                });
                builder.attribute(attribute.name, attribute.full_name, new_key);
            }
            for slot in saved.slots.get(&(new_id as u32)).into_iter().flatten() {
                builder.slot_variable(slot.variable, self.text(&slot.name), slot.slot_variable);
            }
            if let Some(saver) = node.registered_saver() {
                builder.registered_saver(saver.name, saver.object_name);
            }
            builder.end_node(node.has_checkpoint_values().map(|_| true));
        }
        let mut graph = builder.finish()?;
        graph.renew_has_values()?;
        check_distinct(&keys)?;
        let mut renamed = with_room(keys.len())?;
        renamed.extend(keys.into_iter().map(|(old, new)| (old.to_owned(), new)));
        crate::sort::sort_by(&mut renamed, Ord::cmp)?;
        Ok(Rekeyed { graph, keys: renamed })
    }

    /// For each saved node, by its new id, what its path is made of.
    fn places<'a>(&'a self, saved: &Saved) -> Result<Vec<Option<Place<'a>>>> {
        let mut places = filled(None, saved.picked.ids.len())?;
        if let Some(root) = places.first_mut() {
            *root = Some(Place::Root);
        }
        let name_children = |places: &mut Vec<Option<Place<'a>>>, ids: Range<usize>| {
            for parent in ids {
                let edges = self.node(saved.picked.ids[parent]).into_iter().flat_map(|node| node.children());
                for edge in edges {
                    if let Some(to) = saved.picked.new_id(edge.node) {
                        places[to as usize].get_or_insert(Place::Child { parent, name: edge.name });
                    }
                }
            }
        };
        name_children(&mut places, 0..saved.searched);
        for owner in 0..saved.searched {
            for slot in saved.slots.get(&(owner as u32)).into_iter().flatten() {
                let place = Place::Slot { variable: slot.variable as usize, owner, name: self.text(&slot.name) };
                places[slot.slot_variable as usize].get_or_insert(place);
            }
        }
        name_children(&mut places, saved.searched..saved.picked.ids.len());
        Ok(places)
    }
}

/// The path of the node with this new id. For a slot variable, the part of its key that takes the
/// place of a path.
fn path_of(places: &[Option<Place<'_>>], id: usize) -> String {
    let mut names = Vec::new();
    let mut at = id;
    let mut path = String::new();
    loop {
        match places[at] {
            Some(Place::Child { parent, name }) => {
                names.push(name);
                at = parent;
            }
            Some(Place::Slot { variable, owner, name }) => {
                // The variable and the owner are not slot variables, so the recursion ends here.
                path = format!("{}{SLOT}{}/{}", path_of(places, variable), path_of(places, owner), key::escape(name));
                break;
            }
            Some(Place::Root) | None => break,
        }
    }
    let below_root = path.is_empty();
    for (i, name) in names.into_iter().rev().enumerate() {
        if i > 0 || !below_root {
            path.push('/');
        }
        key::push_escaped(&mut path, name);
    }
    path
}

fn check_distinct(keys: &HashMap<&str, String>) -> Result<()> {
    let mut seen = HashSet::new();
    seen.make_room(keys.len())?;
    match keys.values().find(|key| !seen.insert(key.as_str())) {
        Some(key) => {
            Err(Error::new(Code::AlreadyExists, Reason::NameTaken, "two values of the object graph would have this key")
                .for_tensor(key.as_bytes()))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::reader::Reader;

    /// root → (net → v, opt → state); opt has a slot of v; two edges lead to v.
    fn graph() -> ObjectGraph {
        let mut builder = GraphBuilder::new();
        for edges in [&[("net", 1), ("opt", 2), ("same", 3)][..], &[("v", 3)]] {
            edges.iter().for_each(|(name, to)| builder.edge(*to, name));
            builder.end_node(Some(true));
        }
        builder.edge(4, "t");
        builder.slot_variable(3, "m.n", 5);
        builder.end_node(Some(true));
        for (name, key) in [
            ("VARIABLE_VALUE", "same/.ATTRIBUTES/VARIABLE_VALUE"),
            ("table", "opt/t/.ATTRIBUTES/table"),
            ("VARIABLE_VALUE", "same/.OPTIMIZER_SLOT/opt/m..n/.ATTRIBUTES/VARIABLE_VALUE"),
        ] {
            builder.attribute(name, "full", key);
            builder.end_node(Some(true));
        }
        builder.finish().unwrap()
    }

    fn keys_of(rekeyed: &Rekeyed) -> Vec<(&str, &str)> {
        rekeyed.keys.iter().map(|(old, new)| (old.as_str(), new.as_str())).collect()
    }

    #[test]
    fn what_tensorflow_saved_stays_as_it_is() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
        for name in [
            "guide/ckpt-5",
            "guide_slots/ckpt-5",
            "containers/c-1",
            "keras3/k-1",
            "resources/r-1",
            "wide/w-1",
            "savedmodel/variables",
        ] {
            let graph = Reader::open(data.join(name)).unwrap().object_graph().unwrap().unwrap();
            let rekeyed = graph.rekeyed().unwrap();
            assert!(rekeyed.graph.encode().unwrap() == graph.encode().unwrap(), "{name}");
            assert!(rekeyed.keys.iter().all(|(old, new)| old == new), "{name}");
        }
        assert_eq!(graph().rekeyed().unwrap().graph.encode().unwrap(), graph().encode().unwrap());
    }

    #[test]
    fn keys_follow_the_shortest_paths() {
        let rekeyed = graph().renamed(&[("same", "a/b/c"), ("opt", "new/o.Sp")]).unwrap().rekeyed().unwrap();
        assert_eq!(
            keys_of(&rekeyed),
            [
                ("opt/t/.ATTRIBUTES/table", "new/o.Sp/t/.ATTRIBUTES/table"),
                ("same/.ATTRIBUTES/VARIABLE_VALUE", "net/v/.ATTRIBUTES/VARIABLE_VALUE"),
                (
                    "same/.OPTIMIZER_SLOT/opt/m..n/.ATTRIBUTES/VARIABLE_VALUE",
                    "net/v/.OPTIMIZER_SLOT/new/o.Sp/m..n/.ATTRIBUTES/VARIABLE_VALUE"
                ),
            ]
        );
        let node = |path: &str| rekeyed.graph.node(rekeyed.graph.node_at(path).unwrap()).unwrap();
        assert_eq!(["net", "a", "new", "net/v", "a/b", "new/o.Sp"].map(|path| node(path).id()), [1, 2, 3, 4, 5, 6]);
        assert_eq!(node("a/b/c").id(), 4);
        let slots: Vec<_> = node("new/o.Sp").slot_variables().map(|s| (s.original_variable, s.name, s.slot_variable)).collect();
        assert_eq!(slots, [(4, "m.n", rekeyed.graph.len() as u32 - 1)]);
        assert_eq!(node("a/b/c").attributes().next().unwrap().full_name, "full");
    }

    #[test]
    fn a_slot_of_the_roots_and_one_of_the_root_itself_are_named_as_in_tensorflow() {
        let mut builder = GraphBuilder::new();
        builder.edge(1, "v");
        builder.slot_variable(1, "m", 2);
        builder.slot_variable(0, "r", 3);
        builder.attribute("VARIABLE_VALUE", "", "x/.ATTRIBUTES/VARIABLE_VALUE");
        builder.end_node(None);
        for key in ["y", "z", "w"] {
            builder.attribute("VARIABLE_VALUE", "", &format!("{key}/.ATTRIBUTES/VARIABLE_VALUE"));
            builder.end_node(None);
        }
        let rekeyed = builder.finish().unwrap().rekeyed().unwrap();
        assert_eq!(
            keys_of(&rekeyed),
            [
                ("w/.ATTRIBUTES/VARIABLE_VALUE", "/.OPTIMIZER_SLOT//r/.ATTRIBUTES/VARIABLE_VALUE"),
                ("x/.ATTRIBUTES/VARIABLE_VALUE", "/.ATTRIBUTES/VARIABLE_VALUE"),
                ("y/.ATTRIBUTES/VARIABLE_VALUE", "v/.ATTRIBUTES/VARIABLE_VALUE"),
                ("z/.ATTRIBUTES/VARIABLE_VALUE", "v/.OPTIMIZER_SLOT//m/.ATTRIBUTES/VARIABLE_VALUE"),
            ]
        );
    }

    #[test]
    fn keys_of_other_making_and_names_of_savers_stay() {
        let mut builder = GraphBuilder::new();
        builder.edge(1, "a");
        builder.edge(2, "b");
        builder.end_node(Some(true));
        builder.attribute("x", "", "some/name");
        builder.end_node(Some(true));
        builder.registered_saver("Custom.S", "b");
        builder.end_node(Some(true));
        let rekeyed = builder.finish().unwrap().renamed(&[("a", "c"), ("b", "d")]).unwrap().rekeyed().unwrap();
        assert_eq!(keys_of(&rekeyed), [("some/name", "some/name")]);
        assert_eq!(rekeyed.graph.node(2).unwrap().registered_saver().unwrap().object_name, "b");
    }

    #[test]
    fn two_values_of_one_key_are_refused() {
        let mut builder = GraphBuilder::new();
        builder.edge(1, "");
        builder.attribute("VARIABLE_VALUE", "", "a/.ATTRIBUTES/VARIABLE_VALUE");
        builder.end_node(None);
        builder.attribute("VARIABLE_VALUE", "", "b/.ATTRIBUTES/VARIABLE_VALUE");
        builder.end_node(None);
        assert_eq!(builder.finish().unwrap().rekeyed().unwrap_err().code(), Code::AlreadyExists);
    }

    #[test]
    fn a_graph_100_000_deep_is_no_trouble() {
        let mut builder = GraphBuilder::new();
        for id in 0..100_000u32 {
            builder.edge(id + 1, "d");
            builder.end_node(Some(true));
        }
        builder.attribute("VARIABLE_VALUE", "", "x/.ATTRIBUTES/VARIABLE_VALUE");
        builder.end_node(Some(true));
        let graph = builder.finish().unwrap();
        let rekeyed = graph.renamed(&[("d", "e")]).unwrap().rekeyed().unwrap();
        let path = format!("e{}", "/d".repeat(99_999));
        assert_eq!(rekeyed.keys, [("x/.ATTRIBUTES/VARIABLE_VALUE".to_owned(), format!("{path}/.ATTRIBUTES/VARIABLE_VALUE"))]);
        assert_eq!(rekeyed.graph.node_at(&path), Some(100_000));
    }
}
