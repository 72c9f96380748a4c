//! Inspects the objects of a checkpoint without restoring them, compares them with those of a
//! program, and restores single objects.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::options::{Log, RestoreOptions, Severity};
use super::restore::Restore;
use super::Checkpoint;
use crate::allocate::{filled, list_of, with_room, Room, TryPush};
use crate::error::{printable, Error, Reason, Result};
use crate::graph::{Graph, Kind, Map, NodeId, Nodes, Root, Walk};
use crate::reader::{Node, ObjectGraph, OpenOptions, Reader};

/// The objects of a checkpoint (`tf.train.CheckpointView`). The index is read once; no file stays
/// open.
///
/// ```
/// # use checkpoint::{Checkpoint, CheckpointView, DType, Graph, SaveOptions, Variable};
/// # let directory = tempfile::tempdir()?;
/// # let saved = Graph::new();
/// # let (root, layer) = (saved.add_object()?, saved.add_object()?);
/// # saved.track(root, "layer", layer)?;
/// # saved.track(layer, "kernel", saved.add_variable(Variable::zeros(DType::Float, &[2])?)?)?;
/// # let path = directory.path().join("model");
/// # let path = Checkpoint::new(&saved, root)?.write(path, &SaveOptions::new())?;
/// let view = CheckpointView::open(&path)?;
/// let found = view.descendants_with_paths()?;
/// assert_eq!(found[2], (2, "root.layer.kernel".to_owned()));
///
/// let graph = Graph::new(); // a program that has a layer, without a kernel
/// let (root, layer) = (graph.add_object()?, graph.add_object()?);
/// graph.track(root, "layer", layer)?;
/// assert_eq!(view.match_with(&graph, root, None)?, [(0, root), (1, layer)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CheckpointView {
    prefix: PathBuf,
    saved: ObjectGraph,
}

/// The result of comparing a checkpoint with a program: what they have in common, and what only one
/// of them has. Slot variables are not included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Nodes of the checkpoint, each with the object that it matches, in the order in which the
    /// matches were found.
    pub matches: Vec<(u32, NodeId)>,
    /// Nodes of the checkpoint that match no object, in breadth-first order.
    pub only_in_checkpoint: Vec<u32>,
    /// Objects of the program that match no node, in breadth-first order.
    pub only_in_program: Vec<NodeId>,
}

/// A node that was reached, and by what: the index of the node before it, and the name of the edge.
type Reached<'a> = (u32, Option<(usize, &'a str)>);

impl CheckpointView {
    /// Reads the objects of the checkpoint at `path`, which is resolved as by [`Reader::open`].
    ///
    /// # Errors
    /// Those of [`Reader::open`], and:
    /// * `NOT_FOUND`: there is no checkpoint.
    /// * `NOT_FOUND` ([`Reason::NoObjectGraph`]): the checkpoint has no object graph.
    pub fn open(path: impl AsRef<Path>) -> Result<CheckpointView> {
        CheckpointView::open_with(path, &OpenOptions::default())
    }

    /// Reads the objects of the checkpoint at `path`, with options.
    ///
    /// # Errors
    /// Those of [`CheckpointView::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<CheckpointView> {
        let reader = Reader::for_restore(path, options)?;
        Ok(CheckpointView { saved: objects_of(&reader)?, prefix: reader.prefix().to_owned() })
    }

    /// Returns the prefix of the checkpoint.
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Returns the object graph: all objects with their children, values and slot variables.
    pub fn object_graph(&self) -> &ObjectGraph {
        &self.saved
    }

    /// Returns the children of a node, each with its name, in the order in which they were saved.
    ///
    /// # Errors
    /// * `OUT_OF_RANGE`: there is no such node.
    pub fn children(&self, id: u32) -> Result<Vec<(&str, u32)>> {
        let node = self.saved.node(id).ok_or_else(|| {
            Error::new(crate::Code::OutOfRange, Reason::Node, "the checkpoint has no such node")
                .expecting(format_args!("less than {}", self.saved.len()), id)
                .in_file(&self.prefix)
        })?;
        list_of(node.children().map(|edge| (edge.name, edge.node)))
    }

    /// Returns the nodes that can be reached from the root by edges, in breadth-first order; the
    /// first is the root. Slot variables are not included.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED`: there is no memory for them.
    pub fn descendants(&self) -> Result<Vec<u32>> {
        self.saved.descendants()
    }

    /// Like [`CheckpointView::descendants`], each with the path by which it was found: `root`,
    /// `root.leaf`, `root.leaf.v`.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED`: there is no memory for them.
    pub fn descendants_with_paths(&self) -> Result<Vec<(u32, String)>> {
        let found = self.breadth_first()?;
        let mut paths: Vec<(u32, String)> = with_room(found.len())?;
        for (id, by) in found {
            let path = by.map_or("root".to_owned(), |(parent, name)| format!("{}.{name}", paths[parent].1));
            paths.push((id, path));
        }
        Ok(paths)
    }

    /// Returns every reachable node in breadth-first order, with the index in this list of the node
    /// that it was found from, and the name of the edge.
    fn breadth_first(&self) -> Result<Vec<Reached<'_>>> {
        let mut is_found = filled(false, self.saved.len())?;
        let mut found = vec![(0, None)];
        is_found[0] = true;
        let mut at = 0;
        while let Some(&(id, _)) = found.get(at) {
            for edge in self.saved.node(id).iter().flat_map(Node::children) {
                if !std::mem::replace(&mut is_found[edge.node as usize], true) {
                    found.try_push((edge.node, Some((at, edge.name))))?;
                }
            }
            at += 1;
        }
        Ok(found)
    }

    /// Finds the objects that a restore of the objects of `graph` below `root` would restore,
    /// without restoring them. If the program has two objects for a node, the node matches the one
    /// that is found first; the log gets a warning about the other.
    ///
    /// # Errors
    /// * `FAILED_PRECONDITION`: the program contains a list that cannot be saved.
    pub fn match_with(&self, graph: &Graph, root: NodeId, log: Option<&Log>) -> Result<Vec<(u32, NodeId)>> {
        self.logged(log, |warnings| graph.with(|nodes| self.find(nodes, Root { node: root, attached: &[] }, warnings)))
    }

    /// Like [`CheckpointView::match_with`], with the objects that can be reached from the root of
    /// `checkpoint`, also by the edges that it attaches to its root.
    ///
    /// # Errors
    /// Those of [`CheckpointView::match_with`].
    pub fn match_checkpoint(&self, checkpoint: &Checkpoint, log: Option<&Log>) -> Result<Vec<(u32, NodeId)>> {
        let attached = checkpoint.attached();
        self.logged(log, |warnings| checkpoint.graph().with(|nodes| self.find(nodes, checkpoint.as_root(&attached), warnings)))
    }

    /// Compares the checkpoint with the objects of `graph` below `root`. A node matches the object
    /// that a restore would restore from it.
    ///
    /// # Errors
    /// Those of [`CheckpointView::match_with`].
    pub fn diff(&self, graph: &Graph, root: NodeId, log: Option<&Log>) -> Result<Comparison> {
        self.logged(log, |warnings| graph.with(|nodes| self.compare(nodes, Root { node: root, attached: &[] }, warnings)))
    }

    /// Like [`CheckpointView::diff`], with the objects that can be reached from the root of
    /// `checkpoint`, also by the edges that it attaches to its root.
    ///
    /// # Errors
    /// Those of [`CheckpointView::match_with`].
    pub fn diff_checkpoint(&self, checkpoint: &Checkpoint, log: Option<&Log>) -> Result<Comparison> {
        let attached = checkpoint.attached();
        self.logged(log, |warnings| checkpoint.graph().with(|nodes| self.compare(nodes, checkpoint.as_root(&attached), warnings)))
    }

    /// Calls `look`, then the log with its warnings, without the graph's lock.
    fn logged<T>(&self, log: Option<&Log>, look: impl FnOnce(&mut Vec<String>) -> Result<T>) -> Result<T> {
        let mut warnings = Vec::new();
        let found = look(&mut warnings);
        if let Some(log) = log {
            warnings.iter().for_each(|text| log(Severity::Warning, text));
        }
        found
    }

    fn find(&self, nodes: &Nodes, root: Root<'_>, warnings: &mut Vec<String>) -> Result<Vec<(u32, NodeId)>> {
        nodes.need(root.node)?;
        let mut matches = vec![(0, root.node)];
        let mut object_of: Map<u32, NodeId> = Map::default();
        let mut is_done = filled(false, self.saved.len())?;
        is_done[0] = true; // an edge back to the root needs no match
        let mut queue = VecDeque::from([(0, root.node)]);
        while let Some((id, object)) = queue.pop_front() {
            let edges = nodes.children(object)?;
            for edge in self.saved.node(id).iter().flat_map(Node::children) {
                let attached =
                    || root.attached.iter().filter(|_| id == 0).find(|(name, _)| **name == *edge.name).map(|(_, child)| child);
                let Some(&child) = edges.get(edge.name).or_else(attached).filter(|_| !is_done[edge.node as usize]) else {
                    continue;
                };
                match object_of.get(&edge.node) {
                    None => {
                        object_of.make_room(1)?;
                        object_of.insert(edge.node, child);
                        matches.try_push((edge.node, child))?;
                        queue.try_push((edge.node, child))?;
                    }
                    Some(&there) if there != child => warnings.push(format!(
                        "Inconsistent references when matching the checkpoint into this object graph. The referenced objects are: ({} and {}).",
                        nodes.describe(there),
                        nodes.describe(child)
                    )),
                    Some(_) => {}
                }
            }
            is_done[id as usize] = true;
        }
        Ok(matches)
    }

    fn compare(&self, nodes: &Nodes, root: Root<'_>, warnings: &mut Vec<String>) -> Result<Comparison> {
        let matches = self.find(nodes, root, warnings)?;
        let (ids, objects): (BTreeSet<u32>, BTreeSet<NodeId>) = matches.iter().copied().unzip();
        let (mut only_in_checkpoint, mut only_in_program) = (self.descendants()?, Walk::new(nodes, root, false)?.order);
        only_in_checkpoint.retain(|id| !ids.contains(id));
        only_in_program.retain(|object| !objects.contains(object));
        Ok(Comparison { matches, only_in_checkpoint, only_in_program })
    }
}

/// Restores single objects from nodes of the checkpoint at `path`. Edges are not followed.
/// Everything that can be checked is checked before the first value is assigned.
///
/// # Errors
/// Those of [`Checkpoint::restore`], and:
/// * `INVALID_ARGUMENT`: the options have renames or a subtree; the checkpoint's root does not
///   reach such a node; an object was removed or is given twice; or node and object do not have the
///   same number of values.
/// * `NOT_FOUND` ([`Reason::NoObjectGraph`]): the checkpoint has no object graph.
pub fn restore_nodes(path: impl AsRef<Path>, graph: &Graph, restored: &[(u32, NodeId)], options: &RestoreOptions) -> Result<()> {
    if !options.renames.is_empty() || options.subtree.is_some() {
        return Err(Error::argument("single nodes are restored by their ids, so renames and subtrees are not supported"));
    }
    graph.with(|nodes| {
        let mut seen = BTreeSet::new();
        for &(id, object) in restored {
            nodes.need(object).map_err(|e| e.prefixed(&format!("Expecting a valid Trackable to node_id: {id}")))?;
            if !seen.insert(object) {
                return Err(wrong(nodes, object, |object| {
                    format!("{object} is given twice, so it would be restored from two nodes")
                }));
            }
        }
        let reader = Reader::for_restore(path, &OpenOptions::new().heard_by(&options.log).watched(&options.control()))?;
        let view = CheckpointView { saved: objects_of(&reader)?, prefix: reader.prefix().to_owned() };
        let known: BTreeSet<u32> = crate::sort::set_of(view.descendants()?);
        for &(id, object) in restored {
            let node = view.saved.node(id).filter(|_| known.contains(&id)).ok_or_else(|| {
                wrong(nodes, object, |object| {
                    format!("The expected node_id: {id} to Trackable {object} to restore does not exist in the checkpoint.")
                })
            })?;
            check_values(nodes, &node, object)?;
        }
        let restore = Arc::new(Restore::new(reader, view.saved, options, options.log.log().cloned())?);
        restore.expect_partial();
        restore.restore_single(nodes, restored)
    })
}

/// Fails if a node does not have the same number of values as its object.
fn check_values(nodes: &mut Nodes, node: &Node<'_>, object: NodeId) -> Result<()> {
    if node.registered_saver().is_some() {
        return Ok(());
    }
    let (id, found) = (node.id(), node.attributes().len());
    let wants = match &nodes.need(object)?.kind {
        Kind::Variable(_) | Kind::Text(_) => 1,
        // Tensors under a legacy name are one value of the checkpoint.
        Kind::State(_, options) => match (&options.names, &options.legacy_name) {
            (Some(names), None) => names.len(),
            (None, None) => found.max(1),
            (_, Some(_)) => 1,
        },
        _ => 0,
    };
    match (wants, found) {
        (wants, found) if wants == found => Ok(()),
        (_, 0) => Err(wrong(nodes, object, |object| {
            format!("Trackable {object} expects checkpointed values but checkpoint does not contain serialized tensors for node_id: {id}.")
        })),
        (0, _) => Err(wrong(nodes, object, |object| {
            format!("Trackable {object} does not expect checkpointed values but checkpoint contains serialized tensors for node_id: {id}.")
        })),
        _ => Err(wrong(nodes, object, |object| {
            format!(
                "Size for serialized_tensors for Trackable: {wants} did not match size for serialized_tensors for checkpoint: {found} (node_id: {id}, {object})."
            )
        })),
    }
}

fn wrong(nodes: &Nodes, object: NodeId, what: impl FnOnce(&str) -> String) -> Error {
    Error::argument(what(&nodes.describe(object))).because(Reason::Node)
}

/// Returns the object graph of a checkpoint, which must have one.
fn objects_of(reader: &Reader) -> Result<ObjectGraph> {
    reader.object_graph()?.ok_or_else(|| {
        let what = format!(
            "The specified checkpoint \"{}\" does not appear to be object-based (saved with TF2) since it is missing the key \
             \"_CHECKPOINTABLE_OBJECT_GRAPH\". Likely it was created with the TF1 name-based saver and does not contain an object dependency graph.",
            printable(reader.prefix().as_os_str().as_encoded_bytes())
        );
        Error::new(crate::Code::NotFound, Reason::NoObjectGraph, what)
    })
}
