//! Saving under names: the keys of an object's tensors, and how they are written and found.

use std::ops::ControlFlow;

use super::super::options::SaveOptions;
use super::super::plan::{Plan, Stored};
use super::super::save::{add_put, add_variable};
use crate::allocate::with_room;
use crate::bundle::Writer;
use crate::error::{printable, Error, Reason, Result};
use crate::format::key::{push_escaped, PY_STATE};
use crate::graph::{Kind, NodeId, Nodes, Put, Sink};
use crate::reader::OBJECT_GRAPH_KEY;
use crate::storage::{Location, Storage};

/// Checks that an object can be saved under a name.
pub(super) fn check_saveable(nodes: &Nodes, name: &str, node: NodeId) -> Result<()> {
    let impossible = |what: &str| {
        Err(Error::argument(format!("{what}: \"{}\", of {}", printable(name.as_bytes()), nodes.describe(node)))
            .because(Reason::Node))
    };
    match &nodes.need(node)?.kind {
        _ if name.as_bytes() == OBJECT_GRAPH_KEY => impossible("this name is reserved for the object graph"),
        Kind::Variable(_) if name.is_empty() || name.starts_with('\0') => impossible("invalid name of a tensor"),
        Kind::Variable(_) | Kind::Text(_) => Ok(()),
        Kind::State(_, options) if options.names.is_some() => Ok(()),
        Kind::State(..) => impossible("an object with state must declare the names of its tensors to be saved by name"),
        _ => impossible("the object has no values"),
    }
}

/// Returns the key of a tensor of an object with state.
fn state_key(name: &str, tensor: &str) -> String {
    let mut key = name.to_owned();
    push_escaped(&mut key, tensor);
    key
}

/// Writes the files of a checkpoint. The tensors are in the order of the objects' names, as in
/// TensorFlow.
pub(super) fn write(
    nodes: &mut Nodes,
    named: &[(Box<str>, NodeId)],
    storage: &dyn Storage,
    prefix: &Location,
    options: &SaveOptions,
) -> Result<()> {
    let mut puts: Vec<Vec<Put>> = with_room(named.len())?;
    for (name, node) in named {
        let what = nodes.describe(*node);
        let mut sink = Sink::default();
        if let Kind::State(Some(state), _) = &mut nodes.need_mut(*node)?.kind {
            let saved = state.save(&mut sink);
            let failed = |e| Error::callback(format_args!("the save callback of {what}"), e).for_tensor(name.as_bytes());
            saved.map_err(failed)?;
        }
        puts.push(sink.tensors);
    }
    let nodes = &*nodes;
    let mut writer = Writer::new(prefix, &options.write)?;
    for ((name, node), puts) in named.iter().zip(&puts) {
        match &nodes.need(*node)?.kind {
            Kind::Variable(_) => add_variable(&mut writer, nodes, *node, name)?,
            Kind::Text(text) => writer.add_strings(text_key(name), &[], &[text])?,
            _ => puts.iter().try_for_each(|put| add_put(&mut writer, &state_key(name, &put.name), put))?,
        }
    }
    writer.finish_on(storage, &mut |done, total| match &options.progress {
        Some(progress) => progress(done, total),
        None => ControlFlow::Continue(()),
    })?;
    Ok(())
}

/// Returns the key of a text.
fn text_key(name: &str) -> String {
    format!("{name}_{PY_STATE}")
}

/// Plans the restore of an object. `find` returns the number of the tensor with a name, or the key
/// that is missing.
pub(super) fn plan(
    nodes: &Nodes,
    name: &str,
    node: NodeId,
    find: &dyn Fn(&str) -> std::result::Result<usize, String>,
) -> Result<Plan> {
    let missing = |key: String| Stored::Missing(key.into_bytes().into());
    let stored = match &nodes.need(node)?.kind {
        Kind::State(_, options) => {
            let names = options.names.as_deref().unwrap_or_default();
            let found: std::result::Result<Vec<_>, String> =
                names.iter().map(|tensor| Ok((tensor.clone(), find(&state_key(name, tensor))?))).collect();
            found.map_or_else(missing, |tensors| Stored::State(name.as_bytes().into(), tensors))
        }
        Kind::Text(_) => find(&text_key(name)).map_or_else(missing, Stored::Text),
        _ => find(name).map_or_else(missing, Stored::Variable),
    };
    Ok(Plan { object: node, saved: 0, stored })
}
