//! Members that are tensors: elements, arrays and vectors of them.

use super::held::{give, open, take, Held};
use super::members::{taken, Members};
use super::walk::Purpose;
use crate::allocate::list_of;
use crate::error::{printable, Error, Reason, Result};
use crate::graph::{Kind, Variable};
use crate::tensor::{checked_elements, into_bits, of_bits, shape_text, Element, Item, MAX_RANK};

/// Values with a shape, which can be taken and put back.
pub trait Values {
    /// What their memory is a run of.
    type Item: Item;

    /// The shape; `None` if there is no value.
    fn shape(&self) -> Option<Vec<i64>>;

    /// The shapes that the member may have; with `loads`, may be loaded with.
    fn accepts(loads: bool) -> Option<Vec<i64>>;

    /// Takes the values, and leaves none or any.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED`: they have to be copied, and there is no memory. They stay.
    fn take(&mut self) -> Result<Vec<<Self::Item as Item>::Bits>>;

    /// Puts values of a shape that the member may have.
    fn put(&mut self, values: Vec<<Self::Item as Item>::Bits>, shape: Vec<i64>) -> Result<()>;
}

/// One item, which lies in the struct.
pub(super) struct One<'v, I>(pub &'v mut I);

impl<I: Item> Values for One<'_, I> {
    type Item = I;

    fn shape(&self) -> Option<Vec<i64>> {
        Some(dimensions::<I>(&[]))
    }

    fn accepts(_: bool) -> Option<Vec<i64>> {
        Some(dimensions::<I>(&[]))
    }

    fn take(&mut self) -> Result<Vec<I::Bits>> {
        list_of([self.0.to_bits()])
    }

    fn put(&mut self, values: Vec<I::Bits>, _: Vec<i64>) -> Result<()> {
        if let [bits] = values[..] {
            *self.0 = I::of_bits(bits);
        }
        Ok(())
    }
}

/// A vector of items.
pub(super) struct Many<'v, I>(pub &'v mut Vec<I>);

impl<I: Item> Values for Many<'_, I> {
    type Item = I;

    fn shape(&self) -> Option<Vec<i64>> {
        Some(dimensions::<I>(&[self.0.len() as i64]))
    }

    fn accepts(loads: bool) -> Option<Vec<i64>> {
        // Whatever shape elements have in a checkpoint, they are loaded row-major.
        Some(dimensions::<I>(&[-1])).filter(|shape| !(loads && shape.len() == 1))
    }

    fn take(&mut self) -> Result<Vec<I::Bits>> {
        Ok(into_bits(std::mem::take(self.0)))
    }

    fn put(&mut self, values: Vec<I::Bits>, _: Vec<i64>) -> Result<()> {
        *self.0 = of_bits(values);
        Ok(())
    }
}

fn dimensions<I: Item>(outer: &[i64]) -> Vec<i64> {
    let mut dimensions = outer.to_vec();
    I::push_dimensions(&mut dimensions);
    dimensions
}

impl Members<'_> {
    /// Names a vector of elements that is always of this shape.
    ///
    /// # Errors
    /// Those of [`Members::add`], and:
    /// * `INVALID_ARGUMENT` (`Shape`): the vector has another number of elements.
    pub fn add_shaped<T: Element>(&mut self, name: &str, shape: &[i64], values: &mut Vec<T>) -> Result<()> {
        let visited = visit_values(&mut Many(values), Some(shape), name, self);
        self.go_on(visited)
    }
}

/// Visits a member that is a tensor, perhaps always of one shape.
pub(super) fn visit_values<V: Values>(values: &mut V, fixed: Option<&[i64]>, name: &str, to: &mut Members<'_>) -> Result<()> {
    if !to.walk.visits(to.place) {
        return Ok(());
    }
    let found = to.find(name)?;
    if to.walk.gives_back() {
        let Some(node) = found else { return Ok(()) };
        return match take::<V::Item>(to.nodes, node)? {
            Some((value, shape)) => values.put(value, shape),
            None => Ok(()),
        };
    }
    if found.is_some() && to.walk.is_first(to.place) {
        return Err(taken(name));
    }
    let lends = to.walk.purpose == Purpose::Lend;
    let shape = if lends { shape_of(values, fixed, name)? } else { None };
    let node = match found {
        Some(node) => node,
        None => {
            let accepts = fixed.map(<[i64]>::to_vec).or_else(|| V::accepts(!lends));
            let memory = Box::new(Held::<V::Item>::new());
            to.nodes.add(Kind::Variable(Variable::resizable(V::Item::dtype(), accepts.as_deref(), memory)?))?
        }
    };
    if lends {
        to.lend(name, node)?;
        open::<V::Item>(to.nodes, node)?;
        if let Some(shape) = shape {
            let value = values.take()?;
            give::<V::Item>(to.nodes, node, (value, shape))?;
        }
    }
    if found.is_some() {
        return Ok(());
    }
    let attached = to.attach(name, node);
    if lends && attached.is_err() && to.find(name)?.is_none() {
        if let Some((value, shape)) = take::<V::Item>(to.nodes, node)? {
            values.put(value, shape)?;
        }
    }
    attached
}

/// The shape that values are lent with.
fn shape_of<V: Values>(values: &V, fixed: Option<&[i64]>, name: &str) -> Result<Option<Vec<i64>>> {
    let Some(own) = values.shape() else { return Ok(None) };
    let shape = fixed.map_or_else(|| own.clone(), <[i64]>::to_vec);
    let wrong = |what: String, found: &[i64]| {
        let what = format!("the member \"{}\" {what}", printable(name.as_bytes()));
        Err(Error::argument(what).because(Reason::Shape).expecting(shape_text(&shape), shape_text(found)))
    };
    match (checked_elements(&shape), checked_elements(&own)) {
        (Some(expected), Some(found)) if expected == found && shape.len() <= MAX_RANK => Ok(Some(shape)),
        _ if shape.len() > MAX_RANK => wrong(format!("has more than {MAX_RANK} dimensions"), &own),
        _ => wrong("has another number of elements than its shape".to_owned(), &own),
    }
}
