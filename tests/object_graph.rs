//! Object graphs taken apart and put together, on random ones: shared objects, cycles, slots,
//! objects that nothing leads to.

mod common;

use checkpoint::ObjectGraph;

use common::objects::{graph, Object};
use common::rng::Rng;

/// Any graph, of which TensorFlow would have written few.
fn random(rng: &mut Rng) -> Vec<u8> {
    let count = 1 + rng.below(12);
    let any = |rng: &mut Rng| rng.below(count) as i64;
    let objects: Vec<Object> = (0..count)
        .map(|id| {
            let mut object = Object::new();
            for number in 0..rng.below(4) {
                object = object.edge(&format!("{}{number}", ["a", ".", "/", "b.c"][rng.below(4) as usize]), any(rng));
            }
            for _ in 0..rng.below(3) {
                object = object.slot(any(rng), ["m", "v"][rng.below(2) as usize], any(rng));
            }
            match rng.below(3) {
                0 => object,
                1 => object.value("VARIABLE_VALUE", &format!("{id}/.ATTRIBUTES/VARIABLE_VALUE")),
                _ => object.value("x", &format!("key{id}")),
            }
        })
        .collect();
    graph(&objects)
}

fn graphs() -> impl Iterator<Item = ObjectGraph> {
    let mut rng = Rng::new(7);
    (0..3000).map(move |_| {
        let bytes = random(&mut rng);
        let graph = ObjectGraph::parse(&bytes).unwrap();
        assert_eq!(graph.encode().unwrap(), bytes);
        graph
    })
}

/// Where the values are: key and name of each, by the shortest path to its object.
fn values_by_path(graph: &ObjectGraph) -> Vec<(u32, Vec<String>)> {
    let values = |id: u32| graph.node(id).unwrap().attributes().map(|value| value.checkpoint_key.to_owned()).collect();
    graph.descendants().unwrap().into_iter().map(|id| (id, values(id))).collect()
}

#[test]
fn numbered_anew_a_graph_has_the_same_objects_in_the_order_of_the_search() {
    for graph in graphs() {
        let part = graph.subtree(0).unwrap().unwrap();
        let (before, after) = (values_by_path(&graph), values_by_path(&part));
        assert!(before.iter().map(|(_, values)| values).eq(after.iter().map(|(_, values)| values)));
        assert!(after.iter().enumerate().all(|(place, (id, _))| place == *id as usize));
        assert_eq!(part.subtree(0).unwrap().unwrap().encode().unwrap(), part.encode().unwrap());
        ObjectGraph::parse(&part.encode().unwrap()).unwrap();
    }
}

#[test]
fn keys_given_anew_are_those_of_paths_and_stay() {
    for graph in graphs() {
        let Ok(rekeyed) = graph.rekeyed() else { continue };
        let again = rekeyed.graph.rekeyed().unwrap();
        assert_eq!(again.graph.encode().unwrap(), rekeyed.graph.encode().unwrap());
        assert!(again.keys.iter().all(|(old, new)| old == new));
        for (old, new) in &rekeyed.keys {
            match new.strip_suffix("/.ATTRIBUTES/VARIABLE_VALUE").filter(|path| !path.contains("/.OPTIMIZER_SLOT/")) {
                Some(path) => {
                    let object = rekeyed.graph.node(rekeyed.graph.node_at(path).unwrap()).unwrap();
                    assert!(object.attributes().any(|value| value.checkpoint_key == new));
                }
                None => assert!(old == new || new.contains("/.OPTIMIZER_SLOT/"), "{old} → {new}"),
            }
        }
    }
}

#[test]
fn an_edge_renamed_there_and_back_is_where_it_was() {
    for graph in graphs() {
        let names: Vec<String> =
            graph.node(0).unwrap().children().map(|edge| edge.name.replace('.', "..").replace('/', ".S")).collect();
        for name in &names {
            let there = graph.renamed(&[(name.as_str(), "there")]).unwrap();
            assert_eq!((there.node_at("there"), there.node_at(name)), (graph.node_at(name), None));
            assert_eq!(there.renamed(&[("there", name.as_str())]).unwrap().encode().unwrap(), graph.encode().unwrap());
        }
        if let [first, second, ..] = &names[..] {
            let exchanged = graph.renamed(&[(first, second), (second, first)]).unwrap();
            assert_eq!([exchanged.node_at(first), exchanged.node_at(second)], [graph.node_at(second), graph.node_at(first)]);
        }
    }
}

#[test]
fn without_slots_all_paths_stay() {
    for graph in graphs() {
        let stripped = graph.without_slots().unwrap();
        assert!(stripped.nodes().all(|node| node.slot_variables().len() == 0));
        let keys = |graph: &ObjectGraph| values_by_path(graph).into_iter().map(|(_, keys)| keys).collect::<Vec<_>>();
        assert_eq!(keys(&stripped), keys(&graph));
        ObjectGraph::parse(&stripped.encode().unwrap()).unwrap();
    }
}
