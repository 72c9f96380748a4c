//! Registered savers: functions that save and restore all objects of some kind together (`tf.train.experimental.register_checkpoint_saver`).

use super::node_id::NodeId;
use super::object::{Sink, Source};
use super::variable::Failure;
use crate::error::{printable, Code, Error, Reason, Result};

/// Saves and restores all objects that it accepts together, in tensors whose keys it chooses.
///
/// Its functions are called with the graph's lock held: calling the graph from them fails.
pub trait ObjectSaver: Send {
    /// Whether it saves this object. It is asked once for each object of a save, and for objects that it is to restore.
    fn accepts(&mut self, object: NodeId) -> bool;

    /// Puts the tensors of `objects`, each with the path under which it is saved, into `sink`; the names are the keys of the tensors.
    /// TensorFlow's savers begin them with the path.
    ///
    /// # Errors
    /// Ends the save with `ABORTED` and the message, before anything is written.
    fn save(&mut self, objects: &[(String, NodeId)], sink: &mut Sink) -> std::result::Result<(), Failure>;

    /// Says which tensors it needs to restore `objects`, each with the path under which it was saved: their keys, out of all those in the checkpoint.
    fn wants(&mut self, objects: &[(String, NodeId)], key: &[u8]) -> bool;

    /// Restores `objects` from the tensors that it wanted, after everything else was restored. The names of the tensors are their keys.
    ///
    /// # Errors
    /// Ends the restore with `ABORTED` and the message.
    fn restore(&mut self, objects: &[(String, NodeId)], source: &Source) -> std::result::Result<(), Failure>;
}

/// A saver that was registered with a graph.
pub(crate) struct Saver {
    /// `package.name`.
    pub name: Box<str>,
    /// Whether an object that it saved but does not accept any more fails the restore.
    pub strict: bool,
    /// Taken out while its functions run.
    pub functions: Option<Box<dyn ObjectSaver>>,
}

/// The savers that were registered with a graph, in that order.
#[derive(Default)]
pub(crate) struct Savers(Vec<Saver>);

impl Savers {
    pub fn register(&mut self, package: &str, name: &str, strict: bool, functions: Box<dyn ObjectSaver>) -> Result<()> {
        let package = if package.is_empty() { "Custom" } else { package };
        let name = format!("{package}.{name}");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !name.chars().all(fits) || name.ends_with('.') {
            return Err(Error::argument("a saver cannot have this name")
                .expecting("letters, digits and any of . _ -", format_args!("\"{}\"", printable(name.as_bytes()))));
        }
        if self.find(&name).is_some() {
            return Err(Error::new(
                Code::AlreadyExists,
                Reason::NameTaken,
                format!("a saver named \"{name}\" is registered already"),
            ));
        }
        self.0.push(Saver { name: name.into(), strict, functions: Some(functions) });
        Ok(())
    }

    /// The number of the saver `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|saver| &*saver.name == name)
    }

    /// The number of the saver that accepts `object`, the one registered last if several do.
    pub fn of(&mut self, object: NodeId) -> Option<usize> {
        (0..self.0.len()).rev().find(|&number| self.accepts(number, object))
    }

    pub fn accepts(&mut self, number: usize, object: NodeId) -> bool {
        let functions = self.0[number].functions.as_mut();
        functions.is_some_and(|functions| functions.accepts(object))
    }

    pub fn get(&self, number: usize) -> &Saver {
        &self.0[number]
    }

    pub fn get_mut(&mut self, number: usize) -> &mut Saver {
        &mut self.0[number]
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }
}
