//! Assigns restored values to objects. Where possible, values are read directly into the memory of
//! the variables, by several threads.

use std::sync::Arc;

use super::loan::Loan;
use super::options::RestoreOptions;
use super::plan::{Outcome, Outcomes, Plan, Stored};
use super::report::RowState;
use crate::allocate::{copy, filled, list_of, try_list_of, with_room, Room};
use crate::bundle::Fate;
use crate::error::{Error, Result};
use crate::graph::{Data, Device, Failure, Kind, Map, Nodes, Source, SourceTensor};
use crate::reader::Reader;
use crate::tensor::{elements, Bounds, Buffer, DType, Strings};

/// The maximum number of values in one call that reads in place. It keeps the bookkeeping of a call
/// within the processor's caches.
const AT_ONCE: usize = 1 << 15;

/// Carries out a batch of plans.
pub(super) struct Batch<'r> {
    pub reader: &'r Reader,
    pub options: &'r RestoreOptions,
    /// Whether to check the plans and change nothing.
    pub dry: bool,
}

impl Batch<'_> {
    /// Checks all plans and, if every check passes, carries them out. Returns the outcome of each
    /// plan, whether the batch succeeds or fails.
    pub fn run(&self, nodes: &mut Nodes, plans: &[Plan]) -> (Outcomes, Result<()>) {
        let mut outcomes = Outcomes { states: Vec::new(), details: Map::default() };
        let result = filled(RowState::Skipped, plans.len()).and_then(|states| {
            outcomes.states = states;
            self.try_run(nodes, plans, &mut outcomes)
        });
        self.reader.close_files();
        (outcomes, result)
    }

    fn try_run(&self, nodes: &mut Nodes, plans: &[Plan], outcomes: &mut Outcomes) -> Result<()> {
        let fit = self.check(nodes, plans, outcomes)?;
        let all = || fit.in_place.iter().chain(&fit.parts).chain(&fit.others).copied();
        if self.dry {
            all().for_each(|number| outcomes.states[number] = RowState::Restored);
            return Ok(());
        }
        if self.options.verify_first {
            let tensors: Vec<usize> = list_of(all().flat_map(|number| plans[number].tensors()).copied())?;
            self.reader.check_whole(&tensors, &self.options.read)?;
        }
        let mut memory = self.make_memory(nodes, plans, &fit.lacking)?;
        let ready = self.read_ahead(nodes, plans, &fit.others)?;
        self.read_in_place(nodes, plans, &fit.in_place, &mut memory, outcomes)?;
        self.read_parts(nodes, plans, &fit.parts, &mut memory, outcomes)?;
        self.assign(nodes, plans, ready, outcomes)
    }

    pub(super) fn spec(&self, tensor: usize) -> (DType, &[i64]) {
        self.reader.spec(tensor)
    }

    /// Allocates the memory that variables lack, keyed by the numbers of their plans. Does not
    /// change the graph yet.
    fn make_memory(&self, nodes: &Nodes, plans: &[Plan], lacking: &[usize]) -> Result<Map<usize, Buffer>> {
        let make = |&number: &usize| {
            let Stored::Variable(tensor) = plans[number].stored else { return Ok((number, Buffer::default())) };
            let (dtype, shape) = self.spec(tensor);
            let shape = nodes.variable(plans[number].object)?.shape_within(shape);
            let bytes = elements(shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
            let made = usize::try_from(bytes).map_err(|_| Error::out_of_memory(bytes)).and_then(Buffer::zeroed);
            Ok((number, made.map_err(|e| e.for_tensor(plans[number].key(self.reader)))?))
        };
        let mut memory = Map::default();
        memory.make_room(lacking.len())?;
        for number in lacking {
            let (number, buffer) = make(number)?;
            memory.insert(number, buffer);
        }
        Ok(memory)
    }

    /// Reads the values that cannot be read in place. Does not change the graph yet.
    fn read_ahead(&self, nodes: &Nodes, plans: &[Plan], others: &[usize]) -> Result<Vec<Ready>> {
        let mut ready = with_room(others.len())?;
        for &number in others {
            let plan = &plans[number];
            let value = match (&plan.stored, nodes.get(plan.object).map(|node| &node.kind)) {
                (Stored::Variable(tensor), Some(Kind::Variable(variable))) => match &variable.data {
                    Data::Device(device) => {
                        let whole = || Bounds::whole(self.spec(*tensor).1);
                        let region = variable.part.as_ref().map_or_else(whole, |part| part.region.clone());
                        Value::Device(*tensor, device.clone(), region)
                    }
                    _ => Value::Strings(*tensor, self.strings(*tensor)?),
                },
                (Stored::Text(tensor), _) => Value::Text(copy(self.strings(*tensor)?.get(0).unwrap_or_default())?),
                (Stored::State(_, tensors), _) => Value::State(self.source(tensors)?),
                _ => continue,
            };
            ready.push(Ready { number, value });
        }
        Ok(ready)
    }

    fn strings(&self, tensor: usize) -> Result<Strings> {
        self.reader.tensor(tensor).map_or_else(|| Ok(Strings::default()), |t| t.read_strings())
    }

    /// Reads the tensors that the callback of an object asks for.
    pub fn source(&self, tensors: &[(Box<str>, usize)]) -> Result<Source> {
        let read = |(name, number): &(Box<str>, usize)| {
            let (dtype, shape) = self.spec(*number);
            let (mut bytes, mut strings) = (Vec::new(), None);
            match (dtype.size(), self.reader.tensor(*number)) {
                (None, _) => strings = Some(self.strings(*number)?),
                (Some(_), Some(tensor)) => bytes = tensor.read()?,
                _ => {}
            }
            Ok(SourceTensor { name: name.clone(), dtype, shape: shape.to_vec(), bytes, strings })
        };
        Ok(Source { tensors: try_list_of(tensors.iter().map(read))? })
    }

    /// Assigns the values that were read ahead. Callbacks come last, because they may fail.
    fn assign(&self, nodes: &mut Nodes, plans: &[Plan], mut ready: Vec<Ready>, outcomes: &mut Outcomes) -> Result<()> {
        crate::sort::sort_by_key(&mut ready, |r| matches!(r.value, Value::State(_) | Value::Device(..)));
        for Ready { number, value } in ready {
            let plan = &plans[number];
            let done = match value {
                Value::Strings(tensor, strings) => {
                    let shape = self.spec(tensor).1;
                    nodes.variable_mut(plan.object).map(|variable| {
                        variable.data = Data::Strings(strings.into());
                        variable.set_spec(DType::String, shape);
                    })
                }
                Value::Text(bytes) => {
                    if let Some(Kind::Text(text)) = nodes.get_mut(plan.object).map(|node| &mut node.kind) {
                        *text = bytes;
                    }
                    Ok(())
                }
                Value::State(source) => match nodes.get_mut(plan.object).map(|node| &mut node.kind) {
                    Some(Kind::State(Some(state), _)) => state.restore(&source).map_err(failed),
                    _ => Ok(()),
                },
                Value::Device(tensor, device, region) => self.stream(tensor, &region, &*device),
            };
            let done = done.map_err(|e| e.for_tensor(plan.key(self.reader)));
            let outcome = match &done {
                Ok(()) => Outcome::new(RowState::Restored),
                Err(e) => Outcome::because(RowState::Torn, e),
            };
            outcomes.note(number, outcome);
            done?;
        }
        Ok(())
    }

    /// Reads the values of whole variables into their memory, at most [`AT_ONCE`] per call of the
    /// reader.
    fn read_in_place(
        &self,
        nodes: &mut Nodes,
        plans: &[Plan],
        in_place: &[usize],
        memory: &mut Map<usize, Buffer>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        in_place.chunks(AT_ONCE).try_for_each(|numbers| {
            let mut loan = Loan::take(nodes, plans, numbers, memory)?;
            let mut rows: Vec<(usize, &mut [u8])> = list_of(loan.taken.iter_mut().map(|taken| (taken.tensor, taken.memory())))?;
            let (fates, result) = match self.reader.read_whole(&mut rows, &self.options.read) {
                Ok(()) => (Vec::new(), Ok(())),
                Err((e, fates)) => (fates, Err(e)),
            };
            drop(rows);
            for (place, taken) in loan.taken.iter_mut().enumerate() {
                let outcome = match (fates.get(place), &result) {
                    (None, Ok(())) | (Some(Fate::Whole), _) => {
                        taken.is_whole = true;
                        Outcome::new(RowState::Restored)
                    }
                    // Torn bytes in new memory do not matter: the variable keeps its old memory.
                    (Some(Fate::Torn), Err(e)) if taken.new.is_none() => Outcome::because(RowState::Torn, e),
                    (_, Err(e)) if e.tensor() == Some(plans[taken.number].key(self.reader)) => {
                        Outcome::because(RowState::Torn, e)
                    }
                    _ => Outcome::new(RowState::Skipped),
                };
                outcomes.note(taken.number, outcome);
            }
            loan.give_back(self.reader);
            result
        })
    }

    /// Reads the values of variables that are parts of tensors into their memory, one after the
    /// other.
    fn read_parts(
        &self,
        nodes: &mut Nodes,
        plans: &[Plan],
        parts: &[usize],
        memory: &mut Map<usize, Buffer>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        parts.iter().try_for_each(|&number| {
            let Some(part) = nodes.variable(plans[number].object)?.part.clone() else { return Ok(()) };
            let mut loan = Loan::take(nodes, plans, &[number], memory)?;
            let Some(taken) = loan.taken.first_mut() else { return Ok(()) };
            let result = self.reader.read_region(taken.tensor, &part.region, taken.memory(), &self.options.read);
            taken.is_whole = result.is_ok();
            outcomes.note(
                number,
                match &result {
                    Ok(()) => Outcome::new(RowState::Restored),
                    Err(e) => Outcome::because(RowState::Torn, e),
                },
            );
            loan.give_back(self.reader);
            result
        })
    }

    /// Reads a value and hands it to a device in pieces.
    fn stream(&self, tensor: usize, region: &Bounds, device: &dyn Device) -> Result<()> {
        let dtype = self.spec(tensor).0;
        device.prepare(dtype, &region.length).map_err(failed)?;
        let mut take = |offset, bytes: &[u8]| device.write_at(offset, bytes).map_err(failed);
        let written = self.reader.stream(tensor, region, &self.options.read, &mut take);
        let finished = device.finish(written.is_ok()).map_err(failed);
        written.and(finished)
    }
}

fn failed(e: Failure) -> Error {
    Error::callback(format!("the object's callback failed: {e}"))
}

/// A value that was read and is ready to be assigned.
struct Ready {
    /// The number of its plan.
    number: usize,
    value: Value,
}

enum Value {
    Strings(usize, Strings),
    Text(Vec<u8>),
    State(Source),
    Device(usize, Arc<dyn Device>, Bounds),
}
