//! Assigns restored values to objects. Where possible, values are read directly into the memory of
//! the variables, by several threads.

use std::sync::Arc;

use super::loan::Loan;
use super::options::RestoreOptions;
use super::plan::{Fit, Outcome, Outcomes, Plan, Stored};
use super::report::RowState;
use crate::allocate::{at_least, copy, filled, list_of, try_list_of, with_room, Room};
use crate::background::Control;
use crate::bundle::{Fate, ReadOptions};
use crate::error::{Error, Result};
use crate::graph::{Data, Device, Failure, Kind, Map, Nodes, Source, SourceTensor};
use crate::reader::Reader;
use crate::tensor::{elements, Bounds, Buffer, Cast, DType, Strings};

/// The maximum number of values in one call that reads in place. It keeps the bookkeeping of a call
/// within the processor's caches.
const AT_ONCE: usize = 1 << 15;

/// The size of the pieces that a device gets of a converted value, in bytes: those of others are no
/// larger. A multiple of the size of all elements.
const PIECE: usize = 256 << 10;

/// Carries out a batch of plans.
pub(super) struct Batch<'r> {
    pub reader: &'r Reader,
    pub options: &'r RestoreOptions,
    /// How values are read, and who may cancel that.
    pub read: ReadOptions,
    /// Whether to check the plans and change nothing.
    dry: bool,
}

impl<'r> Batch<'r> {
    pub fn new(reader: &'r Reader, options: &'r RestoreOptions, control: &Control, dry: bool) -> Batch<'r> {
        // What waits for objects is not cancelled with the call that began it.
        let read = ReadOptions { control: control.clone(), ..options.read.clone() };
        Batch { reader, options, read, dry }
    }

    /// Checks all plans and, if every check passes, carries them out. Returns the outcome of each
    /// plan, whether the batch succeeds or fails.
    pub fn run(&self, nodes: &mut Nodes, plans: &[Plan]) -> (Outcomes, Result<()>) {
        let mut outcomes = Outcomes { states: Vec::new(), details: Map::default() };
        let result = filled(RowState::Skipped, plans.len()).and_then(|states| {
            outcomes.states = states;
            self.try_run(nodes, plans, &mut outcomes)
        });
        for (plan, _) in plans.iter().zip(&outcomes.states).filter(|(_, state)| !self.dry && state.is_restored()) {
            if let Some(node) = nodes.get_mut(plan.object) {
                node.was_assigned = true;
            }
        }
        self.reader.close_files();
        (outcomes, result)
    }

    fn try_run(&self, nodes: &mut Nodes, plans: &[Plan], outcomes: &mut Outcomes) -> Result<()> {
        let fit = self.check(nodes, plans, outcomes)?;
        let all = || fit.in_place.iter().chain(&fit.parts).chain(&fit.others).copied();
        if self.dry {
            all().for_each(|number| outcomes.states[number] = fit.restored(number));
            return Ok(());
        }
        let control = &self.read.control;
        let tensors: Vec<usize> = list_of(all().flat_map(|number| plans[number].tensors()).copied())?;
        let bytes = tensors.iter().map(|&tensor| self.bytes(tensor)).fold(0, u64::saturating_add);
        control.expect(bytes);
        if self.options.verify_first {
            control.expect(bytes);
            self.reader.check_whole(&tensors, &self.read)?;
        }
        let mut memory = self.make_memory(nodes, plans, &fit)?;
        let ready = self.read_ahead(nodes, plans, &fit.others)?;
        control.check()?; // up to here nothing is changed
        self.read_in_place(nodes, plans, &fit, &mut memory, outcomes)?;
        self.read_parts(nodes, plans, &fit, &mut memory, outcomes)?;
        self.assign(nodes, plans, &fit, ready, outcomes)
    }

    pub(super) fn spec(&self, tensor: usize) -> (DType, &[i64]) {
        self.reader.spec(tensor)
    }

    /// The number of bytes of a tensor, as far as it is known without reading it.
    fn bytes(&self, tensor: usize) -> u64 {
        self.reader.tensor(tensor).and_then(|tensor| tensor.byte_size()).unwrap_or(0)
    }

    /// Allocates the memory that variables lack, keyed by the numbers of their plans. Does not
    /// change the graph yet.
    fn make_memory(&self, nodes: &Nodes, plans: &[Plan], fit: &Fit) -> Result<Map<usize, Buffer>> {
        let make = |&number: &usize| {
            let Stored::Variable(tensor) = plans[number].stored else { return Ok((number, Buffer::default())) };
            let (dtype, shape) = self.spec(tensor);
            let dtype = fit.casts.get(&number).map_or(dtype, |cast| cast.to());
            let shape = nodes.variable(plans[number].object)?.shape_within(shape);
            let bytes = elements(shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
            let made = usize::try_from(bytes).map_err(|_| Error::out_of_memory(bytes)).and_then(Buffer::zeroed);
            Ok((number, made.map_err(|e| e.for_tensor(plans[number].key(self.reader)))?))
        };
        let mut memory = Map::default();
        memory.make_room(fit.lacking.len())?;
        for number in &fit.lacking {
            let (number, buffer) = make(number)?;
            memory.insert(number, buffer);
        }
        Ok(memory)
    }

    /// Reads the values that cannot be read in place. Does not change the graph yet.
    fn read_ahead(&self, nodes: &Nodes, plans: &[Plan], others: &[usize]) -> Result<Vec<Ready>> {
        let mut ready = with_room(others.len())?;
        for &number in others {
            self.read.control.check()?;
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
            if !matches!(value, Value::Device(..)) {
                plan.tensors().iter().for_each(|&tensor| self.read.control.advance(self.bytes(tensor)));
            }
            ready.push(Ready { number, value });
        }
        // Callbacks come last, because they may fail.
        crate::sort::sort_by_key(&mut ready, |r| matches!(r.value, Value::State(_) | Value::Device(..)))?;
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

    /// Assigns the values that were read ahead.
    fn assign(&self, nodes: &mut Nodes, plans: &[Plan], fit: &Fit, ready: Vec<Ready>, outcomes: &mut Outcomes) -> Result<()> {
        for Ready { number, value } in ready {
            self.read.control.check()?;
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
                Value::Device(tensor, device, region) => self.stream(tensor, &region, fit.casts.get(&number).copied(), &*device),
            };
            let done = done.map_err(|e| e.for_tensor(plan.key(self.reader)));
            let outcome = match &done {
                Ok(()) => Outcome::new(fit.restored(number)),
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
        fit: &Fit,
        memory: &mut Map<usize, Buffer>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        fit.in_place.chunks(AT_ONCE).try_for_each(|numbers| {
            let mut loan = Loan::take(nodes, self.reader, plans, numbers, memory, &fit.casts)?;
            let mut rows: Vec<_> = list_of(loan.taken.iter_mut().map(|taken| (taken.tensor, taken.memory())))?;
            let (fates, result) = match self.reader.read_whole(&mut rows, &self.read) {
                Ok(()) => (Vec::new(), Ok(())),
                Err((e, fates)) => (fates, Err(e)),
            };
            drop(rows);
            for (place, taken) in loan.taken.iter_mut().enumerate() {
                let outcome = match (fates.get(place), &result) {
                    (None, Ok(())) | (Some(Fate::Whole), _) => {
                        taken.is_whole = true;
                        Outcome::new(fit.restored(taken.number))
                    }
                    // Torn bytes in new memory do not matter: the variable keeps its old memory.
                    (Some(Fate::Torn), Err(e)) if !taken.keeps_value() => Outcome::because(RowState::Torn, e),
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
        fit: &Fit,
        memory: &mut Map<usize, Buffer>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        fit.parts.iter().try_for_each(|&number| {
            self.read.control.check()?;
            let Some(part) = nodes.variable(plans[number].object)?.part.clone() else { return Ok(()) };
            let mut loan = Loan::take(nodes, self.reader, plans, &[number], memory, &fit.casts)?;
            let Some(taken) = loan.taken.first_mut() else { return Ok(()) };
            let result = self.reader.read_region(taken.tensor, &part.region, taken.memory(), &self.read);
            taken.is_whole = result.is_ok();
            outcomes.note(
                number,
                match &result {
                    Ok(()) => Outcome::new(fit.restored(number)),
                    Err(e) => Outcome::because(RowState::Torn, e),
                },
            );
            loan.give_back(self.reader);
            result
        })
    }

    /// Reads a value and hands it to a device in pieces, perhaps converted.
    fn stream(&self, tensor: usize, region: &Bounds, cast: Option<Cast>, device: &dyn Device) -> Result<()> {
        let dtype = cast.map_or(self.spec(tensor).0, Cast::to);
        device.prepare(dtype, &region.length).map_err(failed)?;
        let mut converted = Vec::new();
        let mut take = |offset, bytes: &[u8]| {
            self.read.control.check()?;
            self.read.control.advance(bytes.len() as u64);
            let Some(cast) = cast else { return device.write_at(offset, bytes).map_err(failed) };
            let (mut at, most) = (cast.converted(offset), cast.stored(PIECE as u64).max(1) as usize);
            for piece in bytes.chunks(most) {
                let converted = at_least(&mut converted, cast.converted(piece.len() as u64))?;
                cast.apply(piece, converted)?;
                device.write_at(at, converted).map_err(failed)?;
                at += converted.len() as u64;
            }
            Ok(())
        };
        let written = self.reader.stream(tensor, region, &self.read, &mut take);
        let finished = device.finish(written.is_ok()).map_err(failed);
        written.and(finished)
    }
}

fn failed(e: Failure) -> Error {
    Error::callback("the object's callback", e)
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
