//! Restoring: binding, deferral, slots, assertions.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{same, take, Checkpoint, Fault, Kind, Object, Position, Program, Saved, State, Value};

/// Owner, variable, slot, name.
type WaitingSlot = (usize, Rc<Object>, usize, String);

/// The state of one restore call.
pub struct Restore {
    pub uid: i64,
    pub saved: Rc<Saved>,
    pub checkpoint: Rc<Checkpoint>,
    pub skip_slots: bool,
    object_by_id: RefCell<Vec<Option<Rc<Object>>>>,
    matched: RefCell<Vec<bool>>,
    unused: RefCell<Vec<usize>>,
    all_objects: RefCell<Vec<Rc<Object>>>,
    /// Of a variable: owner, slot, name.
    slot_restorations: RefCell<Vec<(usize, usize, usize, String)>>,
    /// Slots whose variable is there, and whose owner is not.
    deferred_slots: RefCell<Vec<WaitingSlot>>,
    /// Nodes that could not be restored when their objects came. (TensorFlow takes them for
    /// restored.)
    failed: RefCell<Vec<usize>>,
    pub expect_partial: Cell<bool>,
}

impl Restore {
    fn bound(&self, id: usize) -> Option<Rc<Object>> {
        self.object_by_id.borrow()[id].clone().filter(|object| object.is_there())
    }

    fn note(&self, object: &Rc<Object>) {
        let mut all = self.all_objects.borrow_mut();
        if !all.iter().any(|found| same(found, object)) {
            all.push(object.clone());
        }
    }

    /// What of the checkpoint was never used, as messages call it: nodes, then nodes whose objects
    /// had no use for their values.
    pub fn leftovers(&self) -> Vec<String> {
        if self.expect_partial.get() {
            return Vec::new();
        }
        let pretty = self.saved.pretty();
        let matched = self.matched.borrow();
        let missing = (0..self.saved.nodes.len()).filter(|&id| self.saved.nodes[id].value.is_some() && !matched[id]);
        let mut unused = self.unused.borrow().clone();
        unused.sort_unstable();
        missing.chain(unused).map(|id| pretty[id].clone()).collect()
    }

    fn existing_objects_matched(&self) -> Result<(), Fault> {
        // Bound, and then something failed before it had its value.
        let is_behind = |object: Rc<Object>| object.state.borrow().update_uid < self.uid;
        if (0..self.saved.nodes.len()).any(|id| self.bound(id).is_some_and(is_behind)) {
            return Err(Fault::Assertion);
        }
        let failed = self.failed.borrow();
        if failed.iter().any(|&id| self.bound(id).is_some()) {
            return Err(Fault::Assertion);
        }
        if self.unmatched()?.is_empty() {
            Ok(())
        } else {
            Err(Fault::Assertion)
        }
    }

    fn unmatched(&self) -> Result<Vec<Rc<Object>>, Fault> {
        self.checkpoint.walk(!self.skip_slots)?.order.iter().for_each(|object| self.note(object));
        let by_id = self.object_by_id.borrow();
        let is_bound = |object: &Rc<Object>| by_id.iter().flatten().any(|bound| same(bound, object));
        let all = self.all_objects.borrow();
        Ok(all.iter().filter(|object| object.is_there() && object.has_values() && !is_bound(object)).cloned().collect())
    }

    fn consumed(&self) -> Result<(), Fault> {
        self.existing_objects_matched()?;
        let is_slot = |id| self.saved.nodes.iter().any(|node| node.slots.iter().any(|(_, _, slot)| *slot == id));
        for (id, node) in self.saved.nodes.iter().enumerate() {
            if node.value.is_some() && !(self.skip_slots && is_slot(id)) && self.bound(id).is_none() {
                return Err(Fault::Assertion);
            }
        }
        if self.slot_restorations.borrow().is_empty() && self.unused.borrow().is_empty() {
            Ok(())
        } else {
            Err(Fault::Assertion)
        }
    }

    fn nontrivial_match(&self) -> Result<(), Fault> {
        self.unmatched()?;
        let bound = (0..self.saved.nodes.len()).filter(|&id| self.bound(id).is_some()).count();
        if bound > 1 {
            Ok(())
        } else {
            Err(Fault::Assertion)
        }
    }

    /// assert_consumed, assert_existing_objects_matched, assert_nontrivial_match
    pub fn assertions(&self) -> [Result<(), Fault>; 3] {
        [self.consumed(), self.existing_objects_matched(), self.nontrivial_match()]
    }
}

/// One walk over a checkpoint.
#[derive(Default)]
struct Pass {
    queue: Vec<(usize, Rc<Object>)>,
    /// Node, object, value of the checkpoint; nothing for a value of the wrong kind.
    plans: Vec<(usize, Rc<Object>, Option<Value>)>,
}

impl Program {
    fn next_uid(&mut self) -> i64 {
        self.uid += 1;
        self.uid
    }

    pub fn restore_nothing(&mut self, checkpoint: &Rc<Checkpoint>) -> Result<(), Fault> {
        self.next_uid();
        self.counter(checkpoint).map(drop)
    }

    /// `restore` if it minds the counter, `read` if not. If it fails everything is as it was.
    /// (TensorFlow leaves half of it behind.)
    pub fn restore(
        &mut self,
        checkpoint: &Rc<Checkpoint>,
        saved: &Rc<Saved>,
        skip_slots: bool,
        counts: bool,
    ) -> Result<Rc<Restore>, Fault> {
        let count = saved.nodes.len();
        let mut slot_restorations = Vec::new();
        for (owner, node) in saved.nodes.iter().enumerate().filter(|_| !skip_slots) {
            slot_restorations.extend(node.slots.iter().map(|(variable, name, slot)| (*variable, owner, *slot, name.clone())));
        }
        let restore = Rc::new(Restore {
            uid: self.next_uid(),
            saved: saved.clone(),
            checkpoint: checkpoint.clone(),
            skip_slots,
            object_by_id: RefCell::new(vec![None; count]),
            matched: RefCell::new(vec![false; count]),
            unused: RefCell::default(),
            all_objects: RefCell::default(),
            slot_restorations: RefCell::new(slot_restorations),
            deferred_slots: RefCell::default(),
            failed: RefCell::default(),
            expect_partial: Cell::new(false),
        });
        let before: Vec<State> = self.objects.iter().map(|object| object.state.borrow().clone()).collect();
        let result = self.begin(checkpoint, &restore);
        if result.is_err() {
            self.objects.truncate(before.len());
            self.objects.iter().zip(before).for_each(|(object, state)| *object.state.borrow_mut() = state);
        }
        result?;
        if counts {
            self.counter(checkpoint)?;
        }
        Ok(restore)
    }

    fn begin(&mut self, checkpoint: &Rc<Checkpoint>, restore: &Rc<Restore>) -> Result<(), Fault> {
        let mut pass = Pass::default();
        self.walk(restore, 0, &checkpoint.root, &mut pass)?;
        for (name, object) in checkpoint.attached() {
            let edge = restore.saved.nodes[0].children.iter().find(|(edge, _)| *edge == name);
            match edge {
                Some((_, id)) if name != "root" && restore.bound(*id).is_none() => self.walk(restore, *id, &object, &mut pass)?,
                _ => {}
            }
        }
        run(&pass)
    }

    /// `CheckpointPosition.restore`, for an object that comes later.
    pub(super) fn attach(&mut self, position: &Position, object: &Rc<Object>) -> Result<(), Fault> {
        let mut pass = Pass::default();
        let walked = self.walk(&position.restore, position.id, object, &mut pass);
        let result = walked.and_then(|()| run(&pass));
        self.deferred_values += if result.is_ok() { pass.plans.len() } else { 0 };
        if result.is_err() {
            position.restore.failed.borrow_mut().extend(pass.plans.iter().map(|(id, ..)| *id));
        }
        result
    }

    fn bind(&mut self, restore: &Restore, id: usize, object: &Rc<Object>) -> bool {
        restore.note(object);
        restore.matched.borrow_mut()[id] = true;
        match restore.bound(id) {
            None => {
                restore.object_by_id.borrow_mut()[id] = Some(object.clone());
                true
            }
            Some(there) => {
                self.inconsistent += usize::from(!same(&there, object));
                false
            }
        }
    }

    fn walk(&mut self, restore: &Rc<Restore>, id: usize, object: &Rc<Object>, pass: &mut Pass) -> Result<(), Fault> {
        if !self.bind(restore, id, object) {
            // A variable that has no value yet takes one that another object has already.
            let node = &restore.saved.nodes[id];
            let is_plain = node.children.is_empty() && node.slots.is_empty() && node.value.is_some_and(|value| !value.is_text());
            let is_new = object.has_values() && object.state.borrow().value.is_none();
            if is_plain && is_new && restore.uid > object.state.borrow().update_uid {
                pass.plans.push((id, object.clone(), node.value));
                object.state.borrow_mut().update_uid = restore.uid;
            }
            return Ok(());
        }
        pass.queue.push((id, object.clone()));
        while !pass.queue.is_empty() {
            let (id, object) = pass.queue.remove(0);
            let node = &restore.saved.nodes[id];
            if restore.uid > object.state.borrow().update_uid {
                if let Some(value) = node.value {
                    if object.has_values() {
                        pass.plans.push((id, object.clone(), fits(&object, value).then_some(value)))
                    } else {
                        restore.unused.borrow_mut().push(id)
                    }
                }
                object.state.borrow_mut().update_uid = restore.uid;
            }
            object.children()?;
            for (name, child_id) in &node.children {
                if restore.bound(*child_id).is_some() {
                    continue;
                }
                match object.lookup(name) {
                    Some(local) if self.bind(restore, *child_id, &local) => pass.queue.push((*child_id, local)),
                    Some(_) => {}
                    None if restore.saved.nodes[*child_id].has_checkpoint_values => {
                        defer(
                            &mut object.state.borrow_mut().deferred,
                            name,
                            Position { restore: restore.clone(), id: *child_id },
                        );
                    }
                    None => {}
                }
            }
            let as_owner = take(&mut restore.deferred_slots.borrow_mut(), |(owner, ..)| *owner == id);
            for (_, variable, slot_id, name) in as_owner {
                self.attach_slot(restore, &object, &variable, slot_id, &name, pass)?;
            }
            let as_variable = take(&mut restore.slot_restorations.borrow_mut(), |(variable, ..)| *variable == id);
            for (_, owner_id, slot_id, name) in as_variable {
                match restore.bound(owner_id) {
                    Some(owner) => self.attach_slot(restore, &owner, &object, slot_id, &name, pass)?,
                    None => restore.deferred_slots.borrow_mut().push((owner_id, object.clone(), slot_id, name)),
                }
            }
        }
        Ok(())
    }

    fn attach_slot(
        &mut self,
        restore: &Rc<Restore>,
        owner: &Rc<Object>,
        variable: &Rc<Object>,
        id: usize,
        name: &str,
        pass: &mut Pass,
    ) -> Result<(), Fault> {
        // Who is no slot owner has no use for slots, nor has anybody for those of what is gone.
        let Kind::Owner { creates } = owner.kind else { return Ok(()) };
        if !variable.is_there() {
            return Ok(());
        }
        let slot = match owner.slot(variable, name) {
            Some(slot) => slot,
            None if creates => {
                let value = restore.saved.nodes[id].value.map(zero_of);
                let made = self.add(Kind::Variable, value);
                self.set_slot(owner, variable, name, &made)?;
                made
            }
            None => {
                let mut state = owner.state.borrow_mut();
                let position = Position { restore: restore.clone(), id };
                match state.deferred_slots.iter_mut().find(|(known, of, _)| known == name && same(of, variable)) {
                    Some((_, _, positions)) => positions.push(position),
                    None => state.deferred_slots.push((name.to_owned(), variable.clone(), vec![position])),
                }
                return Ok(());
            }
        };
        if self.bind(restore, id, &slot) {
            pass.queue.push((id, slot));
        }
        Ok(())
    }

    /// Nothing waits for the restore any more.
    pub fn forget(&mut self, restore: &Restore) {
        restore.expect_partial.set(true);
        restore.slot_restorations.borrow_mut().clear();
        restore.deferred_slots.borrow_mut().clear();
        for object in &self.objects {
            let mut state = object.state.borrow_mut();
            let other = |position: &Position| position.restore.uid != restore.uid;
            state.deferred.iter_mut().for_each(|(_, positions)| positions.retain(other));
            state.deferred.retain(|(_, positions)| !positions.is_empty());
            state.deferred_slots.iter_mut().for_each(|(_, _, positions)| positions.retain(other));
            state.deferred_slots.retain(|(_, _, positions)| !positions.is_empty());
        }
    }
}

/// Whether an object with values takes this one.
fn fits(object: &Object, value: Value) -> bool {
    match object.state.borrow().value {
        Some(own) => own.is_like(value),
        None => !value.is_text(), // a variable that takes its type from the checkpoint
    }
}

fn zero_of(value: Value) -> Value {
    match value {
        Value::Float(_) => Value::Float(0.0),
        Value::Double(_) => Value::Double(0.0),
        Value::Count(_) => Value::Count(0),
        Value::Text(_) => Value::Text(0),
    }
}

/// Assigns all values, or none if one does not fit.
fn run(pass: &Pass) -> Result<(), Fault> {
    if pass.plans.iter().any(|(_, _, value)| value.is_none()) {
        return Err(Fault::Mismatch);
    }
    pass.plans.iter().for_each(|(_, object, value)| object.state.borrow_mut().value = *value);
    Ok(())
}

fn defer(deferred: &mut Vec<(String, Vec<Position>)>, name: &str, position: Position) {
    match deferred.iter_mut().find(|(edge, _)| edge == name) {
        Some((_, positions)) => positions.push(position),
        None => deferred.push((name.to_owned(), vec![position])),
    }
}
