//! Giving restored values to objects: everything is checked before the first byte is assigned, then values are read straight into the memory of the
//! variables, in parallel.

use std::fmt;
use std::sync::Arc;

use super::options::{Mismatch, RestoreOptions};
use super::report::RowState;
use crate::bundle::Fate;
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Buffer, Data, Device, Failure, Kind, NodeId, Nodes, Source, SourceTensor};
use crate::reader::Reader;
use crate::tensor::{shape_text, DType, Strings};

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

impl Batch<'_> {
    /// Checks all plans and, if they can be done, does them. Gives what became of each, in any case.
    pub fn run(&self, nodes: &mut Nodes, plans: &[Plan]) -> (Vec<Outcome>, Result<()>) {
        let mut outcomes = vec![Outcome::new(RowState::Skipped); plans.len()];
        let result = self.try_run(nodes, plans, &mut outcomes);
        self.reader.close_files();
        (outcomes, result)
    }

    fn try_run(&self, nodes: &mut Nodes, plans: &[Plan], outcomes: &mut [Outcome]) -> Result<()> {
        let fit = self.check(nodes, plans, outcomes)?;
        if self.dry {
            fit.iter().for_each(|&number| outcomes[number] = Outcome::new(RowState::Restored));
            return Ok(());
        }
        let tensors: Vec<usize> = fit.iter().flat_map(|&number| plans[number].tensors()).copied().collect();
        if self.options.verify_first {
            self.reader.check_whole(&tensors, &self.options.read)?;
        }
        let ready = self.read_ahead(nodes, plans, &fit)?;
        self.assign(nodes, plans, ready, outcomes)
    }

    /// The numbers of the plans that can be done. Nothing is changed.
    fn check(&self, nodes: &Nodes, plans: &[Plan], outcomes: &mut [Outcome]) -> Result<Vec<usize>> {
        let mut fit = Vec::with_capacity(plans.len());
        let mut unfit: Vec<Unfit> = Vec::new();
        for (number, plan) in plans.iter().enumerate() {
            match self.check_one(nodes, plan) {
                Ok(()) => fit.push(number),
                Err(found) => {
                    outcomes[number] = Outcome::because(found.state, &found.error);
                    unfit.push(found);
                }
            }
        }
        if self.options.on_mismatch == Mismatch::Fail && !unfit.is_empty() {
            return Err(first_of(unfit));
        }
        for &number in &fit {
            if let Err(e) = plans[number].tensors().iter().try_for_each(|&tensor| self.reader.check_backed(tensor)) {
                outcomes[number] = Outcome::because(RowState::Torn, &e);
                return Err(e);
            }
        }
        check_overlap(self.reader, nodes, plans, &fit)?;
        Ok(fit)
    }

    fn check_one(&self, nodes: &Nodes, plan: &Plan) -> std::result::Result<(), Unfit> {
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
                if variable.dtype.map_or(dtype == DType::Variant, |own| own != dtype) {
                    return Err(self.wrong_dtype(plan, variable.dtype, dtype));
                }
                if !variable.accepts_shape(shape) {
                    let name = variable.name.as_deref().unwrap_or_default();
                    let name = if name.is_empty() { nodes.describe(plan.object) } else { name.to_owned() };
                    let error = Error::argument(format!(
                        "Received incompatible tensor with shape {} when attempting to restore variable with shape {} and name {}",
                        shape_text(shape),
                        variable.accepts().map_or_else(String::new, shape_text),
                        printable(name.as_bytes())
                    ));
                    let error = error
                        .because(Reason::Shape)
                        .expecting(variable.accepts().map_or_else(String::new, shape_text), shape_text(shape))
                        .for_tensor(plan.key(self.reader))
                        .in_file(self.reader.prefix());
                    return Err(Unfit { state: RowState::ShapeMismatch, error });
                }
                Ok(())
            }
            (What::Text(tensor), Kind::Text(_)) => match self.spec(*tensor) {
                (DType::String, []) => Ok(()),
                (dtype, _) => Err(self.wrong_dtype(plan, Some(DType::String), dtype)),
            },
            (What::State(key, tensors), Kind::State(_, options)) => {
                let has = |name: &str| tensors.iter().any(|(there, _)| &**there == name);
                match options.names.iter().flatten().find(|name| !has(name)) {
                    Some(name) => Err(missing(&[key, b"/".as_slice(), name.as_bytes()].concat())),
                    None => Ok(()),
                }
            }
            _ => Err(missing(plan.key(self.reader))),
        }
    }

    fn spec(&self, tensor: usize) -> (DType, &[i64]) {
        self.reader.tensor(tensor).map_or((DType::Float, &[][..]), |t| (t.dtype(), t.shape()))
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

    /// Reads what cannot be read in place, and makes the memory that variables lack. Nothing is changed yet.
    fn read_ahead(&self, nodes: &Nodes, plans: &[Plan], fit: &[usize]) -> Result<Vec<Ready>> {
        let mut ready = Vec::with_capacity(fit.len());
        for &number in fit {
            let plan = &plans[number];
            let value = match (&plan.what, nodes.get(plan.object).map(|node| &node.kind)) {
                (What::Variable(tensor), Some(Kind::Variable(variable))) => {
                    let (dtype, shape) = self.spec(*tensor);
                    match (&variable.data, dtype.size()) {
                        (Data::Device(device), _) => Value::Device(*tensor, device.clone()),
                        (_, None) => Value::Strings(*tensor, self.strings(*tensor)?),
                        (_, Some(size)) if variable.needs_memory(shape) => {
                            let bytes = crate::tensor::elements(shape).saturating_mul(size as u64);
                            let bytes = usize::try_from(bytes).map_err(|_| Error::out_of_memory(bytes))?;
                            Value::Bytes(*tensor, Some(Buffer::zeroed(bytes).map_err(|e| e.for_tensor(plan.key(self.reader)))?))
                        }
                        _ => Value::Bytes(*tensor, None),
                    }
                }
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

    /// Assigns: first what is read in place, then what was read ahead, callbacks last.
    fn assign(&self, nodes: &mut Nodes, plans: &[Plan], ready: Vec<Ready>, outcomes: &mut [Outcome]) -> Result<()> {
        let (in_place, mut others): (Vec<Ready>, Vec<Ready>) =
            ready.into_iter().partition(|r| matches!(r.value, Value::Bytes(..)));
        self.read_in_place(nodes, plans, in_place, outcomes)?;
        crate::sort::sort_by_key(&mut others, |r| matches!(r.value, Value::State(_) | Value::Device(..)));
        for Ready { number, value } in others {
            let plan = &plans[number];
            let done = match value {
                Value::Strings(tensor, strings) => {
                    let shape = self.spec(tensor).1;
                    nodes.variable_mut(plan.object).map(|variable| {
                        variable.data = Data::Strings(strings);
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
                Value::Device(tensor, device) => self.stream(tensor, &*device),
                Value::Bytes(..) => Ok(()),
            };
            let done = done.map_err(|e| e.for_tensor(plan.key(self.reader)));
            outcomes[number] = match &done {
                Ok(()) => Outcome::new(RowState::Restored),
                Err(e) => Outcome::because(RowState::Torn, e),
            };
            done?;
        }
        Ok(())
    }

    /// Reads the values of variables into their memory.
    fn read_in_place(&self, nodes: &mut Nodes, plans: &[Plan], ready: Vec<Ready>, outcomes: &mut [Outcome]) -> Result<()> {
        let mut loan = Loan::take(nodes, plans, ready);
        let mut rows: Vec<(usize, &mut [u8])> = loan.taken.iter_mut().map(|taken| (taken.tensor, taken.memory())).collect();
        let (fates, result) = match self.reader.read_whole(&mut rows, &self.options.read) {
            Ok(()) => (vec![Fate::Whole; rows.len()], Ok(())),
            Err((e, fates)) => (fates, Err(e)),
        };
        drop(rows);
        for (taken, fate) in loan.taken.iter_mut().zip(&fates) {
            outcomes[taken.number] = match (fate, &result) {
                (Fate::Whole, _) => {
                    taken.is_whole = true;
                    Outcome::new(RowState::Restored)
                }
                // What was to take the place of other memory was never seen by the program.
                (Fate::Torn, Err(e)) if taken.new.is_none() => Outcome::because(RowState::Torn, e),
                (_, Err(e)) if e.tensor() == Some(plans[taken.number].key(self.reader)) => Outcome::because(RowState::Torn, e),
                _ => Outcome::new(RowState::Skipped),
            };
        }
        loan.give_back(self);
        result
    }

    /// Hands a value to a device, piece by piece.
    fn stream(&self, tensor: usize, device: &dyn Device) -> Result<()> {
        let (dtype, shape) = self.spec(tensor);
        device.prepare(dtype, shape).map_err(failed)?;
        let written =
            self.reader.stream(tensor, &self.options.read, &mut |offset, bytes| device.write_at(offset, bytes).map_err(failed));
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
    /// To be read in place; into new memory, if any.
    Bytes(usize, Option<Buffer>),
    Strings(usize, Strings),
    Text(Vec<u8>),
    State(Source),
    Device(usize, Arc<dyn Device>),
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
    fn take(nodes: &'n mut Nodes, plans: &[Plan], ready: Vec<Ready>) -> Loan<'n> {
        let mut taken = Vec::with_capacity(ready.len());
        for Ready { number, value } in ready {
            let Value::Bytes(tensor, new) = value else { continue };
            let object = plans[number].object;
            taken.push(Taken { number, object, tensor, data: nodes.take_data(object), new, is_whole: false });
        }
        Loan { nodes, taken }
    }

    fn give_back(mut self, batch: &Batch<'_>) {
        for taken in &mut self.taken {
            let (dtype, shape) = batch.spec(taken.tensor);
            if taken.is_whole {
                if let Some(new) = taken.new.take() {
                    taken.data = Data::Owned(new);
                }
                if let Ok(variable) = self.nodes.variable_mut(taken.object) {
                    variable.set_spec(dtype, shape);
                }
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

/// The error of a restore in which some values do not fit: of the first in TensorFlow's order, missing ones before dtypes before shapes.
fn first_of(mut unfit: Vec<Unfit>) -> Error {
    let rank = |unfit: &Unfit| match unfit.state {
        RowState::Missing => 0,
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

/// Fails when two variables that are to be restored share memory.
fn check_overlap(reader: &Reader, nodes: &Nodes, plans: &[Plan], fit: &[usize]) -> Result<()> {
    let range = |&number: &usize| match &nodes.variable(plans[number].object).ok()?.data {
        Data::Borrowed(memory) if !memory.bytes().is_empty() => {
            let range = memory.bytes().as_ptr_range();
            Some((range.start as usize, range.end as usize, number))
        }
        _ => None,
    };
    let mut ranges: Vec<(usize, usize, usize)> = fit.iter().filter_map(range).collect();
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
