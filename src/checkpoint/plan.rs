//! Plans: which value of a checkpoint an object gets, and the outcome of each plan.

use std::fmt;

use super::report::RowState;
use crate::allocate::Room;
use crate::error::{Reason, Result};
use crate::graph::{Map, NodeId};
use crate::reader::{OpenOptions, Reader};
use crate::tensor::Cast;

/// A value to be assigned to an object.
pub(super) struct Plan {
    pub object: NodeId,
    /// The node of the checkpoint; 0 and without meaning in a name-based one.
    pub saved: u32,
    pub stored: Stored,
}

/// The tensors of the value, as numbers in the reader's list.
pub(super) enum Stored {
    /// The checkpoint lacks a value that the object needs; this is its key.
    Missing(Box<[u8]>),
    Variable(usize),
    Text(usize),
    /// The key of the whole state, and the name and number of each of its tensors.
    State(Box<[u8]>, Vec<(Box<str>, usize)>),
}

/// The outcome of a plan.
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
    /// Returns the key that messages name the value by.
    pub fn key<'k>(&'k self, reader: &'k Reader) -> &'k [u8] {
        match &self.stored {
            Stored::Missing(key) | Stored::State(key, _) => key,
            Stored::Variable(tensor) | Stored::Text(tensor) => reader.tensor(*tensor).map_or(&[], |tensor| tensor.key()),
        }
    }

    /// The tensors to check and read. Those of states are not among them.
    pub fn tensors(&self) -> &[usize] {
        match &self.stored {
            Stored::Missing(_) => &[],
            Stored::Variable(tensor) | Stored::Text(tensor) => std::slice::from_ref(tensor),
            Stored::State(..) => &[], // need no check: they are read before anything is assigned
        }
    }
}

/// Returns a reader of the checkpoint that lies at the path now, if it was replaced since `reader`
/// was opened, and lets the plans read the same keys there: a deferred restore reads what is there
/// when its object is tracked, as in TensorFlow.
///
/// # Errors
/// * `NOT_FOUND`: the checkpoint no longer exists.
pub(super) fn renewed(reader: &Reader, plans: &mut [Plan]) -> Result<Option<Reader>> {
    match reader.check_current() {
        Ok(()) => return Ok(None),
        Err(e) if e.reason() != Reason::Replaced => return Err(e),
        Err(_) => {}
    }
    let newer = Reader::for_restore(reader.prefix(), &OpenOptions::default())?;
    let found = |tensor: usize| newer.find(reader.tensor(tensor)?.key());
    for plan in plans {
        let missing = || Stored::Missing(plan.key(reader).into());
        let stored = match &plan.stored {
            Stored::Missing(key) => Stored::Missing(key.clone()),
            Stored::Variable(tensor) => found(*tensor).map_or_else(missing, Stored::Variable),
            Stored::Text(tensor) => found(*tensor).map_or_else(missing, Stored::Text),
            Stored::State(key, tensors) => {
                let tensors: Option<Vec<_>> =
                    tensors.iter().map(|(name, tensor)| Some((name.clone(), found(*tensor)?))).collect();
                tensors.map_or_else(missing, |tensors| Stored::State(key.clone(), tensors))
            }
        };
        plan.stored = stored;
    }
    Ok(Some(newer))
}

/// The outcomes of the plans of a batch.
pub(super) struct Outcomes {
    pub states: Vec<RowState>,
    pub details: Map<usize, String>,
}

impl Outcomes {
    /// Records the outcome of a plan. Fails if there is no memory for its detail.
    pub fn set(&mut self, number: usize, outcome: Outcome) -> Result<()> {
        if outcome.detail.is_some() {
            self.details.make_room(1)?;
        }
        self.note(number, outcome);
        Ok(())
    }

    /// Records what became of a plan that was carried out. A detail that there is no memory for is
    /// left out.
    pub fn note(&mut self, number: usize, outcome: Outcome) {
        self.states[number] = outcome.state;
        if let Some(detail) = outcome.detail.filter(|_| self.details.make_room(1).is_ok()) {
            self.details.insert(number, detail);
        }
    }

    /// Returns the outcomes in the order of the plans.
    pub fn each(mut self) -> impl Iterator<Item = Outcome> {
        self.states.into_iter().enumerate().map(move |(number, state)| Outcome { state, detail: self.details.remove(&number) })
    }
}

/// The numbers of the plans that passed all checks, by how they are carried out.
#[derive(Default)]
pub(super) struct Fit {
    /// Values that are read directly into memory, in the order of their positions in the files.
    pub in_place: Vec<usize>,
    /// Values of variables that are parts of tensors, which are read into memory one after the
    /// other.
    pub parts: Vec<usize>,
    /// The plans of `in_place` and `parts` whose variables have no memory of the right size yet.
    pub lacking: Vec<usize>,
    /// Values that are read ahead and assigned later: strings, texts, states, devices.
    pub others: Vec<usize>,
    /// How values are converted, by the numbers of their plans.
    pub casts: Map<usize, Cast>,
}

impl Fit {
    /// The state of a plan that was carried out.
    pub(super) fn restored(&self, number: usize) -> RowState {
        if self.casts.contains_key(&number) {
            RowState::Converted
        } else {
            RowState::Restored
        }
    }
}
