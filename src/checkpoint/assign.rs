//! Giving restored values to objects: everything is checked before the first byte is assigned, then values are read straight into the memory of the
//! variables, in parallel.

use std::fmt;
use std::sync::Arc;

use super::options::{Mismatch, RestoreOptions};
use super::report::RowState;
use crate::bundle::Fate;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Data, Device, Failure, Kind, Map, NodeId, Nodes, Part, Source, SourceTensor};
use crate::reader::{Format, Place, Reader};
use crate::tensor::{shape_text, Bounds, Buffer, DType, Strings};

/// How many values are read in place at once.
const AT_ONCE: usize = 1 << 15;

/// A value that is to be given to an object.
pub(super) struct Plan {
    pub object: NodeId,
    /// The node of the checkpoint; of a name-based one, nothing.
    pub saved: u32,
    pub what: What,
}

/// Which tensors make up the value; numbers are those of the reader's list.
pub(super) enum What {
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
    fn new(state: RowState) -> Outcome {
        Outcome { state, detail: None }
    }

    fn because(state: RowState, detail: impl fmt::Display) -> Outcome {
        Outcome { state, detail: Some(detail.to_string()) }
    }
}

/// A value that cannot be given to its object, and why.
struct Unfit {
    state: RowState,
    error: Error,
}

/// What is done with a batch of plans.
pub(super) struct Batch<'r> {
    pub reader: &'r Reader,
    pub options: &'r RestoreOptions,
    /// Only checks.
    pub dry: bool,
}

/// What became of each of the plans of a batch.
pub(super) struct Outcomes {
    states: Vec<RowState>,
    details: Map<usize, String>,
}

impl Outcomes {
    fn set(&mut self, number: usize, outcome: Outcome) {
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

/// The numbers of the plans that can be done.
#[derive(Default)]
struct Fit {
    /// Whose values are read into memory, in the order in which they lie in the files.
    in_place: Vec<usize>,
    /// Those that are parts of tensors, read into memory one after the other.
    parts: Vec<usize>,
    /// Those of both whose variables lack the memory.
    lacking: Vec<usize>,
    others: Vec<usize>,
}

/// How a value comes to its object.
enum Way<'n> {
    InPlace {
        lacks_memory: bool,
    },
    /// A part of a tensor; nothing said of the memory of one that is on a device.
    Part(&'n Part, Option<bool>),
    Other,
}

impl Batch<'_> {
    /// Checks all plans and, if they can be done, does them. Gives what became of each, in any case.
    pub fn run(&self, nodes: &mut Nodes, plans: &[Plan]) -> (Outcomes, Result<()>) {
        let mut outcomes = Outcomes { states: vec![RowState::Skipped; plans.len()], details: Map::default() };
        let result = self.try_run(nodes, plans, &mut outcomes);
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
            let tensors: Vec<usize> = all().flat_map(|number| plans[number].tensors()).copied().collect();
            self.reader.check_whole(&tensors, &self.options.read)?;
        }
        let mut memory = self.make_memory(nodes, plans, &fit.lacking)?;
        let ready = self.read_ahead(nodes, plans, &fit.others)?;
        self.read_in_place(nodes, plans, &fit.in_place, &mut memory, outcomes)?;
        self.read_parts(nodes, plans, &fit.parts, &mut memory, outcomes)?;
        self.assign(nodes, plans, ready, outcomes)
    }

    /// Says which plans can be done. Nothing is changed.
    fn check(&self, nodes: &Nodes, plans: &[Plan], outcomes: &mut Outcomes) -> Result<Fit> {
        let mut fit = Fit::default();
        let (mut places, mut in_order) = (Vec::with_capacity(plans.len()), true);
        let mut unfit: Vec<Unfit> = Vec::new();
        let mut unbacked = None;
        // The memory of borrowed variables.
        let mut ranges: Vec<(usize, usize, usize)> = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            let way = match self.check_one(nodes, plan) {
                Ok(way) => way,
                Err(found) => {
                    outcomes.set(number, Outcome::because(found.state, &found.error));
                    unfit.push(found);
                    continue;
                }
            };
            let mut place = Place::default();
            for &tensor in plan.tensors() {
                let checked = match way {
                    Way::Part(part, _) => self.reader.check_region(tensor, &part.region).map(|()| place),
                    _ => self.reader.check_backed(tensor),
                };
                match checked {
                    Ok(found) => place = found,
                    Err(e) if unbacked.is_none() => unbacked = Some((number, e)),
                    Err(_) => {}
                }
            }
            let (Way::InPlace { lacks_memory } | Way::Part(_, Some(lacks_memory))) = way else {
                fit.others.push(number);
                continue;
            };
            if lacks_memory {
                fit.lacking.push(number);
            } else if let Data::Borrowed(memory) = &nodes.variable(plan.object)?.data {
                let range = memory.bytes().as_ptr_range();
                ranges.push((range.start as usize, range.end as usize, number));
            }
            if let Way::Part(..) = way {
                fit.parts.push(number);
                continue;
            }
            in_order &= places.last().is_none_or(|(last, _)| *last <= place);
            places.push((place, number));
        }
        if self.options.on_mismatch == Mismatch::Fail && !unfit.is_empty() {
            return Err(first_of(unfit, self.reader.format()));
        }
        if let Some((number, e)) = unbacked {
            outcomes.set(number, Outcome::because(RowState::Torn, &e));
            return Err(e);
        }
        check_overlap(self.reader, plans, ranges)?;
        if !in_order {
            crate::sort::sort_by(&mut places, Ord::cmp);
        }
        fit.in_place.extend(places.iter().map(|(_, number)| number));
        Ok(fit)
    }

    fn check_one<'n>(&self, nodes: &'n Nodes, plan: &Plan) -> std::result::Result<Way<'n>, Unfit> {
        let missing = |key: &[u8]| Unfit {
            state: RowState::Missing,
            error: Error::new(Code::NotFound, Reason::NoTensor, format!("Key {} not found in checkpoint", printable(key)))
                .for_tensor(key)
                .in_file(self.reader.prefix()),
        };
        let node = nodes.get(plan.object).ok_or_else(|| missing(plan.key(self.reader)))?;
        match (&plan.what, &node.kind) {
            (What::Variable(tensor), Kind::Variable(variable)) => {
                let (dtype, shape) = self.spec(*tensor);
                if variable.read_only {
                    let what = format!("{} is read-only", nodes.describe(plan.object));
                    let error = Error::new(Code::FailedPrecondition, Reason::ReadOnly, what).for_tensor(plan.key(self.reader));
                    return Err(Unfit { state: RowState::Skipped, error });
                }
                let is_unfit = dtype == DType::Variant || variable.part.is_some() && dtype.size().is_none();
                if variable.dtype.map_or(is_unfit, |own| own != dtype) {
                    return Err(self.wrong_dtype(plan, variable.dtype, dtype));
                }
                if !variable.fits(shape) {
                    let name = variable.name.as_deref().unwrap_or_default();
                    let name = if name.is_empty() { nodes.describe(plan.object) } else { name.to_owned() };
                    let error = Error::argument(format!(
                        "Received incompatible tensor with shape {} when attempting to restore variable with shape {} and name {}",
                        shape_text(shape),
                        variable.restored_from(),
                        printable(name.as_bytes())
                    ));
                    let error = error
                        .because(Reason::Shape)
                        .expecting(variable.restored_from(), shape_text(shape))
                        .for_tensor(plan.key(self.reader))
                        .in_file(self.reader.prefix());
                    return Err(Unfit { state: RowState::ShapeMismatch, error });
                }
                let in_place = match (&variable.data, dtype.size()) {
                    (Data::Device(_), _) | (_, None) => None,
                    _ => Some(variable.needs_memory(shape)),
                };
                Ok(match (&variable.part, in_place) {
                    (Some(part), in_place) => Way::Part(part, in_place),
                    (None, Some(lacks_memory)) => Way::InPlace { lacks_memory },
                    (None, None) => Way::Other,
                })
            }
            (What::Text(tensor), Kind::Text(_)) => match self.spec(*tensor) {
                (DType::String, []) => Ok(Way::Other),
                (dtype, _) => Err(self.wrong_dtype(plan, Some(DType::String), dtype)),
            },
            (What::State(key, tensors), Kind::State(_, options)) => {
                let has = |name: &str| tensors.iter().any(|(there, _)| &**there == name);
                match options.names.iter().flatten().find(|name| !has(name)) {
                    Some(name) => Err(missing(&[key, b"/".as_slice(), name.as_bytes()].concat())),
                    None => Ok(Way::Other),
                }
            }
            _ => Err(missing(plan.key(self.reader))),
        }
    }

    fn spec(&self, tensor: usize) -> (DType, &[i64]) {
        self.reader.spec(tensor)
    }

    fn wrong_dtype(&self, plan: &Plan, own: Option<DType>, found: DType) -> Unfit {
        let own = own.map_or("a fixed-size dtype or string", DType::name);
        let error = Error::argument(format!(
            "tensor_name = {}; expected dtype {own} does not equal original dtype {}",
            printable(plan.key(self.reader)),
            found.name()
        ));
        let error =
            error.because(Reason::DType).expecting(own, found).for_tensor(plan.key(self.reader)).in_file(self.reader.prefix());
        Unfit { state: RowState::DtypeMismatch, error }
    }

    /// Makes the memory that variables lack, by the numbers of their plans. Nothing is changed yet.
    fn make_memory(&self, nodes: &Nodes, plans: &[Plan], lacking: &[usize]) -> Result<Map<usize, Buffer>> {
        let make = |&number: &usize| {
            let What::Variable(tensor) = plans[number].what else { return Ok((number, Buffer::default())) };
            let (dtype, shape) = self.spec(tensor);
            let shape = nodes.variable(plans[number].object)?.shape_within(shape);
            let bytes = crate::tensor::elements(shape).saturating_mul(dtype.size().unwrap_or(1) as u64);
            let made = usize::try_from(bytes).map_err(|_| Error::out_of_memory(bytes)).and_then(Buffer::zeroed);
            Ok((number, made.map_err(|e| e.for_tensor(plans[number].key(self.reader)))?))
        };
        lacking.iter().map(make).collect()
    }

    /// Reads what cannot be read in place. Nothing is changed yet.
    fn read_ahead(&self, nodes: &Nodes, plans: &[Plan], others: &[usize]) -> Result<Vec<Ready>> {
        let mut ready = Vec::with_capacity(others.len());
        for &number in others {
            let plan = &plans[number];
            let value = match (&plan.what, nodes.get(plan.object).map(|node| &node.kind)) {
                (What::Variable(tensor), Some(Kind::Variable(variable))) => match &variable.data {
                    Data::Device(device) => {
                        let whole = || Bounds::whole(self.spec(*tensor).1);
                        let region = variable.part.as_ref().map_or_else(whole, |part| part.region.clone());
                        Value::Device(*tensor, device.clone(), region)
                    }
                    _ => Value::Strings(*tensor, self.strings(*tensor)?),
                },
                (What::Text(tensor), _) => Value::Text(self.strings(*tensor)?.get(0).unwrap_or_default().to_vec()),
                (What::State(_, tensors), _) => Value::State(self.source(tensors)?),
                _ => continue,
            };
            ready.push(Ready { number, value });
        }
        Ok(ready)
    }

    fn strings(&self, tensor: usize) -> Result<Strings> {
        self.reader.tensor(tensor).map_or_else(|| Ok(Strings::default()), |t| t.read_strings())
    }

    /// Reads tensors for an object's callback.
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
        Ok(Source { tensors: tensors.iter().map(read).collect::<Result<_>>()? })
    }

    /// Assigns what was read ahead, callbacks last.
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
            outcomes.set(number, outcome);
            done?;
        }
        Ok(())
    }

    /// Reads the values of variables into their memory, so many at a time that what is noted of each stays in the caches.
    fn read_in_place(
        &self,
        nodes: &mut Nodes,
        plans: &[Plan],
        in_place: &[usize],
        memory: &mut Map<usize, Buffer>,
        outcomes: &mut Outcomes,
    ) -> Result<()> {
        in_place.chunks(AT_ONCE).try_for_each(|numbers| {
            let mut loan = Loan::take(nodes, plans, numbers, memory);
            let mut rows: Vec<(usize, &mut [u8])> = loan.taken.iter_mut().map(|taken| (taken.tensor, taken.memory())).collect();
            let (fates, result) = match self.reader.read_whole(&mut rows, &self.options.read) {
                Ok(()) => (Vec::new(), Ok(())),
                Err((e, fates)) => (fates, Err(e)),
            };
            drop(rows);
            for (place, taken) in loan.taken.iter_mut().enumerate() {
                let outcome = match (fates.get(place), &result) {
                    (None | Some(Fate::Whole), _) => {
                        taken.is_whole = true;
                        Outcome::new(RowState::Restored)
                    }
                    // What was to take the place of other memory was never seen by the program.
                    (Some(Fate::Torn), Err(e)) if taken.new.is_none() => Outcome::because(RowState::Torn, e),
                    (_, Err(e)) if e.tensor() == Some(plans[taken.number].key(self.reader)) => {
                        Outcome::because(RowState::Torn, e)
                    }
                    _ => Outcome::new(RowState::Skipped),
                };
                outcomes.set(taken.number, outcome);
            }
            loan.give_back(self);
            result
        })
    }

    /// Reads the values of variables that are parts of tensors into their memory, one after the other.
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
            let mut loan = Loan::take(nodes, plans, &[number], memory);
            let Some(taken) = loan.taken.first_mut() else { return Ok(()) };
            let result = self.reader.read_region(taken.tensor, &part.region, taken.memory(), &self.options.read);
            taken.is_whole = result.is_ok();
            outcomes.set(
                number,
                match &result {
                    Ok(()) => Outcome::new(RowState::Restored),
                    Err(e) => Outcome::because(RowState::Torn, e),
                },
            );
            loan.give_back(self);
            result
        })
    }

    /// Hands a value to a device, piece by piece.
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

/// A value that is ready to be assigned.
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

impl Plan {
    /// The key by which the value goes, in messages.
    pub fn key<'k>(&'k self, reader: &'k Reader) -> &'k [u8] {
        match &self.what {
            What::Missing(key) | What::State(key, _) => key,
            What::Variable(tensor) | What::Text(tensor) => reader.tensor(*tensor).map_or(&[], |tensor| tensor.key()),
        }
    }

    fn tensors(&self) -> &[usize] {
        match &self.what {
            What::Missing(_) => &[],
            What::Variable(tensor) | What::Text(tensor) => std::slice::from_ref(tensor),
            What::State(..) => &[], // read ahead, before anything is assigned
        }
    }
}

/// The memory of variables, taken from the graph while it is read into; given back in any case.
struct Loan<'n> {
    nodes: &'n mut Nodes,
    taken: Vec<Taken>,
}

struct Taken {
    number: usize,
    object: NodeId,
    tensor: usize,
    data: Data,
    /// Memory that takes the place of `data`, if all goes well.
    new: Option<Buffer>,
    is_whole: bool,
}

impl Taken {
    fn memory(&mut self) -> &mut [u8] {
        match (&mut self.new, &mut self.data) {
            (Some(buffer), _) => buffer.bytes_mut(),
            (None, Data::Owned(buffer)) => buffer.bytes_mut(),
            (None, Data::Borrowed(memory)) => memory.bytes_mut(),
            (None, _) => &mut [],
        }
    }
}

impl<'n> Loan<'n> {
    fn take(nodes: &'n mut Nodes, plans: &[Plan], numbers: &[usize], memory: &mut Map<usize, Buffer>) -> Loan<'n> {
        let mut taken = Vec::with_capacity(numbers.len());
        for &number in numbers {
            let Plan { object, what: What::Variable(tensor), .. } = plans[number] else { continue };
            let new = if memory.is_empty() { None } else { memory.remove(&number) };
            taken.push(Taken { number, object, tensor, data: nodes.take_data(object), new, is_whole: false });
        }
        Loan { nodes, taken }
    }

    fn give_back(mut self, batch: &Batch<'_>) {
        for taken in self.taken.drain(..) {
            let Ok(variable) = self.nodes.variable_mut(taken.object) else { continue };
            variable.data = match taken.new {
                Some(new) if taken.is_whole => Data::Owned(new),
                _ => taken.data,
            };
            if taken.is_whole {
                let (dtype, shape) = batch.spec(taken.tensor);
                variable.set_spec(dtype, shape);
            }
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        for taken in self.taken.drain(..) {
            self.nodes.give_back(taken.object, taken.data);
        }
    }
}

/// The error of a restore in which some values do not fit: of the first in TensorFlow's order, missing ones before dtypes before shapes. Of V1 files
/// TensorFlow reads one tensor after the other.
fn first_of(mut unfit: Vec<Unfit>, format: Format) -> Error {
    let rank = |unfit: &Unfit| match unfit.state {
        RowState::Missing => 0,
        RowState::DtypeMismatch if format == Format::V1 => 0,
        RowState::DtypeMismatch => 1,
        RowState::ShapeMismatch => 2,
        _ => 3,
    };
    crate::sort::sort_by_key(&mut unfit, rank);
    let more = unfit.len() - 1;
    let first = unfit.swap_remove(0).error;
    match more {
        0 => first,
        more => first.prefixed(&format!("nothing was restored, since {} values do not fit; the first", more + 1)),
    }
}

/// Fails when two variables that are to be restored share memory: where each begins and ends, and the number of its plan.
fn check_overlap(reader: &Reader, plans: &[Plan], mut ranges: Vec<(usize, usize, usize)>) -> Result<()> {
    ranges.retain(|(start, end, _)| start < end);
    crate::sort::sort_by(&mut ranges, Ord::cmp);
    match ranges.windows(2).find(|pair| pair[0].1 > pair[1].0) {
        None => Ok(()),
        Some(pair) => Err(Error::argument(format!(
            "two variables that are to be restored share memory: \"{}\" and \"{}\"",
            printable(plans[pair[0].2].key(reader)),
            printable(plans[pair[1].2].key(reader))
        ))
        .for_tensor(plans[pair[1].2].key(reader))),
    }
}
