//! An object graph of any bytes.
#![no_main]

use checkpoint::{ObjectGraph, Reader};
use checkpoint_fuzz::common::bundle::Bundle;
use checkpoint_fuzz::scratch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut bundle = Bundle::new();
    bundle.strings("_CHECKPOINTABLE_OBJECT_GRAPH", &[], &[bytes]);
    let reader = Reader::open(scratch::bundle(&bundle.index(), &bundle.shards[0])).unwrap();
    let Ok(Some(graph)) = reader.object_graph() else { return };
    let is_node = |id: u32| graph.node(id).is_some();
    for node in graph.nodes() {
        assert!(node.children().all(|edge| is_node(edge.node)));
        assert!(node.slot_variables().all(|slot| is_node(slot.slot_variable) && is_node(slot.original_variable)));
        let _ = (node.attributes().count(), node.registered_saver(), node.has_checkpoint_values());
    }
    let again = ObjectGraph::parse(&graph.encode().unwrap()).unwrap();
    assert_eq!(again.encode().unwrap(), graph.encode().unwrap());
    for part in [
        graph.subtree(0).unwrap().unwrap(),
        graph.subtree(graph.len() as u32 - 1).unwrap().unwrap(),
        graph.without_slots().unwrap(),
    ] {
        assert!(part.len() <= graph.len());
        ObjectGraph::parse(&part.encode().unwrap()).unwrap();
    }
    if let Ok(rekeyed) = graph.rekeyed() {
        assert_eq!(rekeyed.graph.rekeyed().unwrap().graph.encode().unwrap(), rekeyed.graph.encode().unwrap());
    }
    let name = graph.node(0).unwrap().children().next().map(|edge| edge.name.replace('.', "..").replace('/', ".S"));
    if let Some(Ok(renamed)) = name.map(|name| graph.renamed(&[(name.as_str(), "new/name")])) {
        ObjectGraph::parse(&renamed.encode().unwrap()).unwrap();
        assert!(renamed.node_at("new/name").is_some());
    }
    let paths = graph.parents().unwrap();
    assert_eq!(paths.len(), graph.len());
    for (id, path) in paths.iter().enumerate() {
        // Each step back leads to the parent's edge, and in fewer steps than there are nodes to the
        // root.
        let (mut at, mut steps, mut path) = (id, 0, *path);
        while let Some((parent, edge)) = path {
            assert_eq!(graph.node(parent).unwrap().children().nth(edge).unwrap().node as usize, at);
            at = parent as usize;
            path = paths[at];
            steps += 1;
            assert!(steps <= graph.len());
            if steps > 100 {
                break;
            }
        }
    }
});
