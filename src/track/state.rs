//! Members that say themselves how they are saved: objects with state.

use std::any::Any;

use super::members::{taken, Members};
use super::walk::Purpose;
use crate::error::{Error, Reason, Result};
use crate::graph::{Failure, Kind, NodeId, Nodes, Sink, Source, State, StateOptions};

/// The state of an object while the graph has it.
struct HeldState<S> {
    value: Option<S>,
    was_restored: bool,
}

impl<S> HeldState<S> {
    fn lent(&mut self) -> std::result::Result<&mut S, Failure> {
        self.value.as_mut().ok_or_else(|| "the program has not lent the state: save and restore in Tracker::with".into())
    }
}

impl<S: State> State for HeldState<S> {
    fn save(&mut self, sink: &mut Sink) -> std::result::Result<(), Failure> {
        self.lent()?.save(sink)
    }

    fn restore(&mut self, source: &Source) -> std::result::Result<(), Failure> {
        self.was_restored = true;
        self.lent()?.restore(source)
    }
}

impl Members<'_> {
    /// Names an object with state of its own, which is moved into the graph as values are. To be
    /// loaded, it is made by `Default`.
    ///
    /// # Errors
    /// Those of [`Members::add`].
    pub fn add_state<S: State + Default>(&mut self, name: &str, options: &StateOptions, state: &mut S) -> Result<()> {
        let visited = self.visit_state(name, options, state);
        self.go_on(visited)
    }

    fn visit_state<S: State + Default>(&mut self, name: &str, options: &StateOptions, state: &mut S) -> Result<()> {
        if !self.walk.visits(self.place) {
            return Ok(());
        }
        let found = self.find(name)?;
        if self.walk.gives_back() {
            let Some(node) = found else { return Ok(()) };
            let held = held::<S>(self.nodes, node)?;
            let is_wanted = self.walk.purpose == Purpose::Return || held.was_restored;
            if let Some(value) = held.value.take().filter(|_| is_wanted) {
                *state = value;
            }
            return Ok(());
        }
        if found.is_some() && self.walk.is_first(self.place) {
            return Err(taken(name));
        }
        let lends = self.walk.purpose == Purpose::Lend;
        let node = match found {
            Some(node) => node,
            None => {
                let held = HeldState { value: (!lends).then(S::default), was_restored: false };
                self.nodes.add(Kind::State(Some(Box::new(held)), Box::new(options.clone())))?
            }
        };
        if lends {
            self.lend(name, node)?;
            held::<S>(self.nodes, node)?.value = Some(std::mem::take(state));
        }
        if found.is_some() {
            return Ok(());
        }
        let attached = self.attach(name, node);
        if lends && attached.is_err() && self.find(name)?.is_none() {
            *state = held::<S>(self.nodes, node)?.value.take().unwrap_or_default();
        }
        attached
    }
}

fn held<S: State>(nodes: &mut Nodes, node: NodeId) -> Result<&mut HeldState<S>> {
    let found = match &mut nodes.need_mut(node)?.kind {
        Kind::State(Some(state), _) => {
            let state: &mut dyn Any = &mut **state;
            state.downcast_mut()
        }
        _ => None,
    };
    let what = "a tracked member has another type than before, or its object was replaced in the graph";
    found.ok_or_else(|| Error::argument(what).because(Reason::Node))
}
