//! Plans which values of a node of the checkpoint its object gets.

use std::borrow::Cow;

use super::options::Severity;
use super::plan::{Plan, Stored};
use super::restore::{Pass, Restore};
use crate::allocate::TryPush;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::format::key::{self, VARIABLE_VALUE};
use crate::graph::{Kind, NodeId, Nodes};
use crate::reader::Node as SavedNode;

/// What restores an object.
enum Restorer {
    /// A registered saver, by its number, and the name under which the object was saved.
    Saver(usize, String),
    /// Nothing: the object is unchanged.
    Nobody,
    /// The restore itself, from the attributes of the object's node.
    Attributes,
}

impl Restore {
    /// Plans the assignment of the node's values to `object`.
    pub(super) fn plan(&self, nodes: &mut Nodes, id: u32, object: NodeId, pass: &mut Pass) -> Result<()> {
        let node = self.node(id);
        if node.registered_saver().is_none() && node.attributes().len() == 0 {
            return Ok(());
        }
        match self.restorer(nodes, &node, object)? {
            Restorer::Saver(saver, name) => {
                return pass.savers.entry(saver).or_default().try_push((name, object));
            }
            Restorer::Nobody => return Ok(()),
            Restorer::Attributes => {}
        }
        let Some(first) = node.attributes().next() else { return Ok(()) };
        let missing = |key: &str| Stored::Missing(key.as_bytes().into());
        let stored = match nodes.get(object).map(|node| &node.kind) {
            Some(Kind::Variable(_)) => {
                let recorded = node.attributes().find(|a| a.name == VARIABLE_VALUE).map(|a| Cow::Borrowed(a.checkpoint_key));
                let key = recorded.unwrap_or_else(|| format!("{}{VARIABLE_VALUE}", before_name(first.checkpoint_key)).into());
                let tensor = self.reader.find_near(pass.near, key.as_bytes());
                pass.near = tensor.unwrap_or(pass.near);
                tensor.map_or_else(|| missing(&key), Stored::Variable)
            }
            Some(Kind::Text(_)) => {
                let key = first.checkpoint_key;
                self.reader.find(key.as_bytes()).map_or_else(|| missing(key), Stored::Text)
            }
            Some(Kind::State(_, options)) => match &options.legacy_name {
                Some(legacy) => {
                    let key = format!("{}{legacy}", before_name(first.checkpoint_key));
                    let names = self.reader.starting_with(key.as_bytes()).filter_map(|tensor| {
                        let whole = self.reader.tensor(tensor)?.key();
                        Some((std::str::from_utf8(&whole[key.len()..]).ok()?.into(), tensor))
                    });
                    Stored::State(key.as_bytes().into(), names.collect())
                }
                None => {
                    let key = first.checkpoint_key;
                    let named = node.attributes().map(|a| {
                        let name = key::unescape(a.name).unwrap_or(a.name.into());
                        Some((Box::from(&*name), self.reader.find(a.checkpoint_key.as_bytes())?))
                    });
                    let tensors = named.collect::<Option<Vec<_>>>();
                    tensors.map_or_else(|| missing(key), |tensors| Stored::State(key.as_bytes().into(), tensors))
                }
            },
            _ => {
                let names = node.attributes().map(|a| a.name.to_owned()).collect();
                self.found.lock().unused.insert(id, names);
                return Ok(());
            }
        };
        pass.plans.try_push(Plan { object, saved: id, stored })
    }

    /// Decides what restores an object.
    fn restorer(&self, nodes: &mut Nodes, node: &SavedNode<'_>, object: NodeId) -> Result<Restorer> {
        let Some(saved) = node.registered_saver() else {
            if nodes.savers.len() == 0 {
                return Ok(Restorer::Attributes);
            }
            let own = nodes.savers.of(object);
            let name = node.attributes().next().map(|a| a.checkpoint_key.to_owned()).unwrap_or_default();
            return Ok(own.map_or(Restorer::Attributes, |saver| Restorer::Saver(saver, name)));
        };
        let name = printable(saved.name.as_bytes());
        let Some(saver) = nodes.savers.find(saved.name) else {
            self.log(
                Severity::Warning,
                &format!("an object was saved with the saver '{name}', which is not registered: the object is not restored"),
            );
            return Ok(Restorer::Nobody);
        };
        if nodes.savers.accepts(saver, object) {
            return Ok(Restorer::Saver(saver, saved.object_name.to_owned()));
        }
        if nodes.savers.get(saver).strict {
            let what = format!(
                "Object {} was saved with the registered saver named '{name}'. However, this saver cannot be used to restore the object because the \
                 predicate does not pass",
                nodes.describe(object)
            );
            return Err(Error::new(Code::FailedPrecondition, Reason::Saver, what).in_file(self.reader.prefix()));
        }
        Ok(Restorer::Nobody)
    }
}

/// Returns the key up to the name of the attribute. An edge may be named `.ATTRIBUTES` too, so the
/// last occurrence counts.
fn before_name(key: &str) -> &str {
    const MARK: &str = ".ATTRIBUTES/";
    key.rfind(MARK).map_or("", |at| &key[..at + MARK.len()])
}
