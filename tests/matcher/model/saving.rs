//! Saving: walk, ids, paths, slots.

use std::cell::RefCell;
use std::rc::Rc;

use super::{same, take, Edges, Fault, Kind, Object, Program, Value};

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
    pub attached: Option<RefCell<Edges>>,
    pub counter: RefCell<Option<Rc<Object>>>,
}

/// What a walk finds: objects by id, by which edge each was found, slots.
pub(super) struct Walk {
    pub order: Vec<Rc<Object>>,
    paths: Vec<String>,
    slots: Vec<(usize, usize, String, usize)>,
}

impl Checkpoint {
    pub fn attached(&self) -> Edges {
        self.attached.as_ref().map(|attached| attached.borrow().clone()).unwrap_or_default()
    }

    fn children(&self, object: &Rc<Object>) -> Result<Edges, Fault> {
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

    pub(super) fn walk(&self, with_slots: bool) -> Result<Walk, Fault> {
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

impl Program {
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
