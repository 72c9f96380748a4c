//! A model of saving and restoring: small, slow, and written down as TensorFlow does it, with
//! objects that hold each other.
//!
//! It shares nothing with the library. Where the library is meant to differ from TensorFlow, the
//! model says so.

mod restoring;
mod saving;

use std::cell::RefCell;
use std::rc::Rc;

pub use restoring::Restore;
pub use saving::{Checkpoint, Saved, SavedNode};

/// A value, of one of a few types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    Float(f32),
    Double(f64),
    Count(i64),
    Text(u32),
}

impl Value {
    pub fn is_text(self) -> bool {
        matches!(self, Value::Text(_))
    }

    /// Whether a variable of `self` takes `other`.
    fn is_like(self, other: Value) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// Why an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    NameTaken,
    /// A list, or a slot, because of which the graph cannot be saved or walked.
    Unsavable,
    /// A value of another type, or none where the object needs one.
    Mismatch,
    /// A variable that has no value yet.
    NoValue,
    Assertion,
    /// None that the model knows.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Object,
    Variable,
    Text,
    List,
    Dict,
    /// `creates`: makes slots for which a checkpoint has values.
    Owner {
        creates: bool,
    },
}

/// Edges, or children, in their order.
pub type Edges = Vec<(String, Rc<Object>)>;

/// An object of a program.
#[derive(Clone)]
pub struct Object {
    /// Its place in the list of all objects.
    pub number: usize,
    pub kind: Kind,
    /// What may change.
    pub state: RefCell<State>,
}

#[derive(Clone, Default)]
pub struct State {
    pub edges: Edges,
    pub deferred: Vec<(String, Vec<Position>)>,
    pub update_uid: i64,
    pub value: Option<Value>,
    pub elements: Vec<Option<Rc<Object>>>,
    pub dirty: bool,
    pub slot_names: Vec<String>,
    pub slots: Vec<Slot>,
    pub deferred_slots: Vec<(String, Rc<Object>, Vec<Position>)>,
    pub removed: bool,
}

#[derive(Clone)]
pub struct Slot {
    pub variable: Rc<Object>,
    pub name: String,
    pub slot: Rc<Object>,
}

/// A node of a restore.
#[derive(Clone)]
pub struct Position {
    pub restore: Rc<Restore>,
    pub id: usize,
}

fn same(a: &Rc<Object>, b: &Rc<Object>) -> bool {
    Rc::ptr_eq(a, b)
}

impl Object {
    pub fn is_there(&self) -> bool {
        !self.state.borrow().removed
    }

    pub fn has_values(&self) -> bool {
        matches!(self.kind, Kind::Variable | Kind::Text)
    }

    pub fn lookup(&self, name: &str) -> Option<Rc<Object>> {
        self.state.borrow().edges.iter().find(|(edge, _)| edge == name).map(|(_, child)| child.clone())
    }

    pub fn slot(&self, variable: &Rc<Object>, name: &str) -> Option<Rc<Object>> {
        let state = self.state.borrow();
        state.slots.iter().find(|slot| same(&slot.variable, variable) && slot.name == name).map(|slot| slot.slot.clone())
    }

    /// `_trackable_children`
    pub fn children(&self) -> Result<Edges, Fault> {
        let state = self.state.borrow();
        if state.dirty {
            return Err(Fault::Unsavable);
        }
        Ok(state.edges.clone())
    }
}

/// A program: all objects there ever were, and what counts restores.
#[derive(Default)]
pub struct Program {
    pub objects: Vec<Rc<Object>>,
    uid: i64,
    /// How often two objects claimed one node.
    pub inconsistent: usize,
    /// How many values were assigned when their objects came, after the restore.
    pub deferred_values: usize,
}

impl Program {
    pub fn add(&mut self, kind: Kind, value: Option<Value>) -> Rc<Object> {
        let state = State { value, ..State::default() };
        let object = Rc::new(Object { number: self.objects.len(), kind, state: RefCell::new(state) });
        self.objects.push(object.clone());
        object
    }

    // ---- edges

    pub fn track(&mut self, parent: &Rc<Object>, name: &str, child: &Rc<Object>, overwrite: bool) -> Result<(), Fault> {
        if let Some(there) = parent.lookup(name) {
            if same(&there, child) {
                return Ok(());
            }
            if !overwrite {
                return Err(Fault::NameTaken);
            }
            let mut state = parent.state.borrow_mut();
            state.edges.iter_mut().filter(|(edge, _)| edge == name).for_each(|(_, at)| *at = child.clone());
            return Ok(());
        }
        parent.state.borrow_mut().edges.push((name.to_owned(), child.clone()));
        let waiting = take(&mut parent.state.borrow_mut().deferred, |(edge, _)| edge == name);
        self.restore_waiting(waiting.into_iter().flat_map(|(_, positions)| positions).collect(), child)
    }

    fn restore_waiting(&mut self, mut waiting: Vec<Position>, object: &Rc<Object>) -> Result<(), Fault> {
        waiting.sort_by_key(|position| -position.restore.uid);
        waiting.iter().try_for_each(|position| self.attach(position, object))
    }

    pub fn untrack(&mut self, parent: &Rc<Object>, name: &str) {
        parent.state.borrow_mut().edges.retain(|(edge, _)| edge != name);
    }

    /// `del object`, when nothing holds on to it.
    pub fn remove(&mut self, object: &Rc<Object>) {
        for parent in &self.objects {
            let mut state = parent.state.borrow_mut();
            state.edges.retain(|(_, child)| !same(child, object));
            state.elements.iter_mut().filter(|e| e.as_ref().is_some_and(|e| same(e, object))).for_each(|e| *e = None);
            state.slots.retain(|slot| !same(&slot.variable, object) && !same(&slot.slot, object));
            state.deferred_slots.retain(|(_, variable, _)| !same(variable, object));
        }
        let mut state = object.state.borrow_mut();
        *state = State { removed: true, ..State::default() };
    }

    // ---- containers

    pub fn append(&mut self, list: &Rc<Object>, element: Option<&Rc<Object>>) -> Result<(), Fault> {
        let index = list.state.borrow().elements.len();
        list.state.borrow_mut().elements.push(element.cloned());
        // A list that was cut has old edges, which are overwritten.
        element.map_or(Ok(()), |element| self.track(list, &index.to_string(), element, true))
    }

    pub fn set_element(&mut self, list: &Rc<Object>, index: usize, element: Option<&Rc<Object>>) -> Result<(), Fault> {
        let old = std::mem::replace(&mut list.state.borrow_mut().elements[index], element.cloned());
        if old.is_some() {
            list.state.borrow_mut().dirty = true;
        }
        element.map_or(Ok(()), |element| self.track(list, &index.to_string(), element, true))
    }

    pub fn insert(&mut self, list: &Rc<Object>, index: usize, element: Option<&Rc<Object>>) {
        let mut state = list.state.borrow_mut();
        state.dirty |= element.is_some() || state.elements.iter().any(Option::is_some);
        state.elements.insert(index, element.cloned());
    }

    pub fn remove_element(&mut self, list: &Rc<Object>, index: usize) {
        let mut state = list.state.borrow_mut();
        state.dirty |= state.elements.iter().any(Option::is_some);
        state.elements.remove(index);
    }

    pub fn repeat(&mut self, list: &Rc<Object>, times: usize) -> Result<(), Fault> {
        let once = list.state.borrow().elements.clone();
        if times == 0 {
            let mut state = list.state.borrow_mut();
            state.dirty |= once.iter().any(Option::is_some);
            state.elements.clear();
        }
        (1..times).flat_map(|_| &once).try_for_each(|element| self.append(list, element.as_ref()))
    }

    // ---- slots

    pub fn set_slot(&mut self, owner: &Rc<Object>, variable: &Rc<Object>, name: &str, slot: &Rc<Object>) -> Result<(), Fault> {
        match owner.slot(variable, name) {
            Some(there) if same(&there, slot) => return Ok(()),
            Some(_) => return Err(Fault::NameTaken),
            None => {}
        }
        let waiting = {
            let mut state = owner.state.borrow_mut();
            if !state.slot_names.iter().any(|known| known == name) {
                state.slot_names.push(name.to_owned());
            }
            state.slots.push(Slot { variable: variable.clone(), name: name.to_owned(), slot: slot.clone() });
            take(&mut state.deferred_slots, |(known, of, _)| known == name && same(of, variable))
        };
        self.restore_waiting(waiting.into_iter().flat_map(|(_, _, positions)| positions).collect(), slot)
    }
}

/// Takes out what fits.
fn take<T>(from: &mut Vec<T>, mut fits: impl FnMut(&T) -> bool) -> Vec<T> {
    let (taken, kept) = std::mem::take(from).into_iter().partition(|item| fits(item));
    *from = kept;
    taken
}
