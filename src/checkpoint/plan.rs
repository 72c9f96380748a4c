//! Which values of a checkpoint are to be given to which objects, and what became of each.

use std::fmt;

use super::report::RowState;
use crate::graph::{Map, NodeId};
use crate::reader::Reader;

/// A value that is to be given to an object.
pub(super) struct Plan {
    pub object: NodeId,
    /// The node of the checkpoint; of a name-based one, nothing.
    pub saved: u32,
    pub stored: Stored,
}

/// Which tensors make up the value; numbers are those of the reader's list.
pub(super) enum Stored {
    /// The checkpoint does not have what the object needs: nothing of this key.
    Missing(Box<[u8]>),
    Variable(usize),
    Text(usize),
    /// The key by which all go, and each by its name.
    State(Box<[u8]>, Vec<(Box<str>, usize)>),
}

/// What became of a plan.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub state: RowState,
    pub detail: Option<String>,
}

impl Outcome {
    pub(super) fn new(state: RowState) -> Outcome {
        Outcome { state, detail: None }
    }

    pub(super) fn because(state: RowState, detail: impl fmt::Display) -> Outcome {
        Outcome { state, detail: Some(detail.to_string()) }
    }
}

impl Plan {
    /// The key by which the value goes, in messages.
    pub fn key<'k>(&'k self, reader: &'k Reader) -> &'k [u8] {
        match &self.stored {
            Stored::Missing(key) | Stored::State(key, _) => key,
            Stored::Variable(tensor) | Stored::Text(tensor) => reader.tensor(*tensor).map_or(&[], |tensor| tensor.key()),
        }
    }

    pub fn tensors(&self) -> &[usize] {
        match &self.stored {
            Stored::Missing(_) => &[],
            Stored::Variable(tensor) | Stored::Text(tensor) => std::slice::from_ref(tensor),
            Stored::State(..) => &[], // read ahead, before anything is assigned
        }
    }
}

/// What became of each of the plans of a batch.
pub(super) struct Outcomes {
    pub states: Vec<RowState>,
    pub details: Map<usize, String>,
}

impl Outcomes {
    pub fn set(&mut self, number: usize, outcome: Outcome) {
        self.states[number] = outcome.state;
        if let Some(detail) = outcome.detail {
            self.details.insert(number, detail);
        }
    }

    /// In the order of the plans.
    pub fn each(mut self) -> impl Iterator<Item = Outcome> {
        self.states.into_iter().enumerate().map(move |(number, state)| Outcome { state, detail: self.details.remove(&number) })
    }
}
