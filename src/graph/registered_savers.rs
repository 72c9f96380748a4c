//! Registered savers, which save and restore all objects of some kind together
//! (`tf.train.experimental.register_checkpoint_saver`).

use super::node_id::NodeId;
use super::object::{Sink, Source};
use super::variable::Failure;
use crate::error::{printable, Code, Error, Reason, Result};

/// Saves and restores all objects that it accepts together, in tensors whose keys it chooses.
///
/// Its methods are called with the graph's lock held. They must not call the graph: such calls
/// fail.
pub trait ObjectSaver: Send {
    /// Whether the saver saves and restores this object. Called once for each object of a save, and
    /// for objects that the saver is to restore.
    fn accepts(&mut self, object: NodeId) -> bool;

    /// Puts the tensors of `objects` into `sink`. Each object comes with the path under which it is
    /// saved. The names of the tensors are their keys; TensorFlow's savers begin them with the
    /// path.
    ///
    /// # Errors
    /// An error ends the save with `ABORTED` (`Callback`) and its message, before anything is
    /// written.
    fn save(&mut self, objects: &[(String, NodeId)], sink: &mut Sink) -> std::result::Result<(), Failure>;

    /// Whether restoring `objects` needs the tensor `key`. Called for the keys of the checkpoint.
    /// Each object comes with the path under which it was saved.
    fn wants(&mut self, objects: &[(String, NodeId)], key: &[u8]) -> bool;

    /// Restores `objects` from the tensors that [`ObjectSaver::wants`] selected, after everything
    /// else was restored. The names of the tensors are their keys.
    ///
    /// # Errors
    /// An error ends the restore with `ABORTED` (`Callback`) and its message.
    fn restore(&mut self, objects: &[(String, NodeId)], source: &Source) -> std::result::Result<(), Failure>;
}

/// A saver that was registered with a graph.
pub(crate) struct Saver {
    /// `package.name`.
    pub name: Box<str>,
    /// Whether the restore fails if the saver saved an object but no longer accepts it.
    pub strict: bool,
    /// The saver; `None` while its methods run.
    pub functions: Option<Box<dyn ObjectSaver>>,
}

/// The savers that were registered with a graph, in the order of registration.
#[derive(Default)]
pub(crate) struct Savers(Vec<Saver>);

impl Savers {
    pub fn register(&mut self, package: &str, name: &str, strict: bool, functions: Box<dyn ObjectSaver>) -> Result<()> {
        let package = if package.is_empty() { "Custom" } else { package };
        let name = format!("{package}.{name}");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !name.chars().all(fits) || name.ends_with('.') {
            return Err(Error::argument("invalid name of a saver").expecting(
                "letters, digits, \".\", \"_\" and \"-\", not ending in \".\"",
                format_args!("\"{}\"", printable(name.as_bytes())),
            ));
        }
        if self.find(&name).is_some() {
            return Err(Error::new(
                Code::AlreadyExists,
                Reason::NameTaken,
                format!("a saver named \"{name}\" is already registered"),
            ));
        }
        self.0.push(Saver { name: name.into(), strict, functions: Some(functions) });
        Ok(())
    }

    /// The index of the saver `name`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|saver| &*saver.name == name)
    }

    /// The index of the saver that accepts `object`; if several do, of the one registered last.
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
