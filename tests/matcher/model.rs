//! A model of saving and restoring: small, slow, and written down as TensorFlow does it, with objects that hold each other.
//!
//! It shares nothing with the library. Where the library is meant to differ from TensorFlow, the model says so.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

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
    pub edges: Vec<(String, Rc<Object>)>,
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
    pub fn children(&self) -> Result<Vec<(String, Rc<Object>)>, Fault> {
        let state = self.state.borrow();
        if state.dirty {
            return Err(Fault::Unsavable);
        }
        Ok(state.edges.clone())
    }
}

/// A checkpoint as it was saved.
pub struct Saved {
    pub nodes: Vec<SavedNode>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SavedNode {
    pub children: Vec<(String, usize)>,
    pub value: Option<Value>,
    /// Variable, name, slot.
    pub slots: Vec<(usize, String, usize)>,
    pub has_checkpoint_values: bool,
    /// The path of its keys.
    pub path: String,
}

impl Saved {
    /// What messages call the nodes.
    pub fn pretty(&self) -> Vec<String> {
        let mut names = vec![None; self.nodes.len()];
        names[0] = Some("(root)".to_owned());
        let mut queue = vec![0];
        while !queue.is_empty() {
            let id = queue.remove(0);
            for (name, child) in &self.nodes[id].children {
                if names[*child].is_none() {
                    names[*child] = Some(format!("{}.{name}", names[id].clone().unwrap()));
                    queue.push(*child);
                }
            }
        }
        for (owner, node) in self.nodes.iter().enumerate() {
            for (variable, name, slot) in &node.slots {
                let name_of = |id: usize| names[id].clone().unwrap();
                names[*slot] = Some(format!("{}'s state '{name}' for {}", name_of(owner), name_of(*variable)));
            }
        }
        names.into_iter().map(Option::unwrap).collect()
    }
}

fn escape(name: &str) -> String {
    name.replace('.', "..").replace('/', ".S")
}

/// `tf.train.Checkpoint`
pub struct Checkpoint {
    pub root: Rc<Object>,
    /// Of `Checkpoint(root, **kwargs)`: edges that the checkpoint alone has, `root` among them.
    pub attached: Option<RefCell<Vec<(String, Rc<Object>)>>>,
    pub counter: RefCell<Option<Rc<Object>>>,
}

/// What a walk finds: objects by id, by which edge each was found, slots.
struct Walk {
    order: Vec<Rc<Object>>,
    paths: Vec<String>,
    slots: Vec<(usize, usize, String, usize)>,
}

impl Checkpoint {
    pub fn attached(&self) -> Vec<(String, Rc<Object>)> {
        self.attached.as_ref().map(|attached| attached.borrow().clone()).unwrap_or_default()
    }

    fn children(&self, object: &Rc<Object>) -> Result<Vec<(String, Rc<Object>)>, Fault> {
        let mut children = object.children()?;
        if same(object, &self.root) {
            for (name, child) in self.attached() {
                match children.iter().find(|(edge, _)| *edge == name) {
                    Some((_, own)) if same(own, &child) => {}
                    Some(_) => return Err(Fault::NameTaken),
                    None => children.push((name, child)),
                }
            }
        }
        Ok(children)
    }

    fn walk(&self, with_slots: bool) -> Result<Walk, Fault> {
        let mut walk = Walk { order: vec![self.root.clone()], paths: vec![String::new()], slots: Vec::new() };
        let mut next = 0;
        while next < walk.order.len() {
            for (name, child) in self.children(&walk.order[next].clone())? {
                if !walk.order.iter().any(|found| same(found, &child)) {
                    let path = &walk.paths[next];
                    walk.paths.push(if next == 0 { escape(&name) } else { format!("{path}/{}", escape(&name)) });
                    walk.order.push(child);
                }
            }
            next += 1;
        }
        if !with_slots {
            return Ok(walk);
        }
        let objects = walk.order.len();
        for owner in 0..objects {
            let names = walk.order[owner].state.borrow().slot_names.clone();
            for name in names {
                for variable in 0..objects {
                    let Some(slot) = walk.order[owner].slot(&walk.order[variable], &name) else { continue };
                    let is_used = walk.order.iter().any(|found| same(found, &slot));
                    if !slot.state.borrow().edges.is_empty() || is_used {
                        return Err(Fault::Unsavable);
                    }
                    walk.slots.push((owner, variable, name.clone(), walk.order.len()));
                    let path = format!("{}/.OPTIMIZER_SLOT/{}/{}", walk.paths[variable], walk.paths[owner], escape(&name));
                    walk.paths.push(path);
                    walk.order.push(slot);
                }
            }
        }
        Ok(walk)
    }

    /// Everything that `write` would write.
    pub fn saved(&self) -> Result<Saved, Fault> {
        let walk = self.walk(true)?;
        let id_of = |object: &Rc<Object>| walk.order.iter().position(|found| same(found, object)).expect("it was walked to");
        let mut nodes = Vec::new();
        for (id, object) in walk.order.iter().enumerate() {
            let is_slot = walk.slots.iter().any(|(_, _, _, slot)| *slot == id);
            let children = if is_slot { Vec::new() } else { self.children(object)? };
            let value = object.state.borrow().value;
            if object.has_values() && value.is_none() {
                return Err(Fault::NoValue); // TensorFlow saves a node that cannot be restored
            }
            let of_owner = walk.slots.iter().filter(|(owner, ..)| *owner == id);
            nodes.push(SavedNode {
                children: children.iter().map(|(name, child)| (name.clone(), id_of(child))).collect(),
                value,
                slots: of_owner.map(|(_, variable, name, slot)| (*variable, name.clone(), *slot)).collect(),
                has_checkpoint_values: false,
                path: walk.paths[id].clone(),
            });
        }
        // Of itself, then of everything that leads to one that has some, until nothing changes.
        loop {
            let has: Vec<bool> = nodes
                .iter()
                .map(|node| {
                    let below = node.children.iter().any(|(_, child)| nodes[*child].has_checkpoint_values);
                    node.value.is_some() || !node.slots.is_empty() || below
                })
                .collect();
            if nodes.iter().map(|node| node.has_checkpoint_values).eq(has.iter().copied()) {
                return Ok(Saved { nodes });
            }
            nodes.iter_mut().zip(has).for_each(|(node, has)| node.has_checkpoint_values = has);
        }
    }
}

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
    /// Of an owner: variable, slot, name.
    deferred_slots: RefCell<Vec<(usize, Rc<Object>, usize, String)>>,
    /// Nodes that could not be restored when their objects came. (TensorFlow takes them for restored.)
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

    /// What of the checkpoint was never used, as messages call it: nodes, then nodes whose objects had no use for their values.
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
        match self.unmatched()?.is_empty() {
            true => Ok(()),
            false => Err(Fault::Assertion),
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
        match self.slot_restorations.borrow().is_empty() && self.unused.borrow().is_empty() {
            true => Ok(()),
            false => Err(Fault::Assertion),
        }
    }

    fn nontrivial_match(&self) -> Result<(), Fault> {
        self.unmatched()?;
        let bound = (0..self.saved.nodes.len()).filter(|&id| self.bound(id).is_some()).count();
        match bound > 1 {
            true => Ok(()),
            false => Err(Fault::Assertion),
        }
    }

    /// assert_consumed, assert_existing_objects_matched, assert_nontrivial_match
    pub fn assertions(&self) -> [Result<(), Fault>; 3] {
        [self.consumed(), self.existing_objects_matched(), self.nontrivial_match()]
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

/// One walk over a checkpoint.
#[derive(Default)]
struct Pass {
    queue: Vec<(usize, Rc<Object>)>,
    /// Node, object, value of the checkpoint; nothing for a value of the wrong kind.
    plans: Vec<(usize, Rc<Object>, Option<Value>)>,
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

    // ---- restoring

    fn next_uid(&mut self) -> i64 {
        self.uid += 1;
        self.uid
    }

    pub fn restore_nothing(&mut self, checkpoint: &Rc<Checkpoint>) -> Result<(), Fault> {
        self.next_uid();
        self.counter(checkpoint).map(drop)
    }

    /// `restore` if it minds the counter, `read` if not. If it fails everything is as it was. (TensorFlow leaves half of it behind.)
    pub fn restore(&mut self, checkpoint: &Rc<Checkpoint>, saved: &Rc<Saved>, skip_slots: bool, counts: bool) -> Result<Rc<Restore>, Fault> {
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
    fn attach(&mut self, position: &Position, object: &Rc<Object>) -> Result<(), Fault> {
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
            return Ok(());
        }
        pass.queue.push((id, object.clone()));
        while !pass.queue.is_empty() {
            let (id, object) = pass.queue.remove(0);
            let node = &restore.saved.nodes[id];
            if restore.uid > object.state.borrow().update_uid {
                if let Some(value) = node.value {
                    match object.has_values() {
                        true => pass.plans.push((id, object.clone(), fits(&object, value).then_some(value))),
                        false => restore.unused.borrow_mut().push(id),
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
                    Some(local) => {
                        if self.bind(restore, *child_id, &local) {
                            pass.queue.push((*child_id, local));
                        }
                    }
                    None if restore.saved.nodes[*child_id].has_checkpoint_values => {
                        defer(&mut object.state.borrow_mut().deferred, name, Position { restore: restore.clone(), id: *child_id });
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

    // ---- saving

    /// The save counter, made if need be.
    pub fn counter(&mut self, checkpoint: &Rc<Checkpoint>) -> Result<Rc<Object>, Fault> {
        if let Some(counter) = &*checkpoint.counter.borrow() {
            return Ok(counter.clone());
        }
        if let Some(own) = checkpoint.root.lookup("save_counter") {
            *checkpoint.counter.borrow_mut() = Some(own.clone());
            return Ok(own);
        }
        let counter = self.add(Kind::Variable, Some(Value::Count(0)));
        *checkpoint.counter.borrow_mut() = Some(counter.clone());
        match &checkpoint.attached {
            None => self.track(&checkpoint.root, "save_counter", &counter, false)?,
            Some(attached) => {
                attached.borrow_mut().push(("save_counter".to_owned(), counter.clone()));
                let waiting = take(&mut checkpoint.root.state.borrow_mut().deferred, |(edge, _)| edge == "save_counter");
                // The newest; TensorFlow takes the oldest, and forgets the others.
                self.restore_waiting(waiting.into_iter().flat_map(|(_, positions)| positions).collect(), &counter)?;
            }
        }
        Ok(counter)
    }

    /// `save` if it counts, `write` if not.
    pub fn save(&mut self, checkpoint: &Rc<Checkpoint>, counts: bool) -> Result<Rc<Saved>, Fault> {
        if counts {
            let counter = self.counter(checkpoint)?;
            let mut state = counter.state.borrow_mut();
            let Some(Value::Count(count)) = state.value else { panic!("the counter does not count") };
            state.value = Some(Value::Count(count + 1));
        }
        checkpoint.saved().map(Rc::new)
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

/// Takes out what fits.
fn take<T>(from: &mut Vec<T>, mut fits: impl FnMut(&T) -> bool) -> Vec<T> {
    let (taken, kept) = std::mem::take(from).into_iter().partition(|item| fits(item));
    *from = kept;
    taken
}
