//! Random programs: a graph as data, of which checkpoints and programs are mutations, built in
//! random order, with restores and changes in between.

use crate::common::rng::Rng;
use crate::model::{Kind, Value};
use crate::pair::{Op, Pair};

pub const NAMES: [&str; 6] = ["a", "b", "c", "d", "x/y", "p.q"];
const SLOTS: [&str; 2] = ["m", "v"];

/// A graph as data; node 0 is the root.
#[derive(Clone)]
struct Blueprint {
    kinds: Vec<(Kind, u64)>,
    edges: Vec<Edge>,
    slots: Vec<(usize, usize, &'static str)>,
}

#[derive(Clone)]
struct Edge {
    parent: usize,
    name: &'static str,
    child: usize,
}

fn chance(rng: &mut Rng, percent: u64) -> bool {
    rng.below(100) < percent
}

fn pick<'a, T>(rng: &mut Rng, from: &'a [T]) -> Option<&'a T> {
    (!from.is_empty()).then(|| &from[rng.below(from.len() as u64) as usize])
}

fn shuffle<T>(rng: &mut Rng, items: &mut [T]) {
    (1..items.len()).rev().for_each(|last| items.swap(last, rng.below(last as u64 + 1) as usize));
}

/// A value of the type that `of` stands for: mostly float.
fn value_like(of: u64, number: u64) -> Value {
    match of % 20 {
        0 => Value::Double(number as f64),
        1 => Value::Count(number as i64),
        _ => Value::Float(number as f32),
    }
}

impl Blueprint {
    fn random(rng: &mut Rng) -> Blueprint {
        let size = rng.between(3, 11) as usize;
        let mut kinds = vec![(Kind::Object, 0)];
        for _ in 0..size {
            let kind = match rng.below(14) {
                0..=3 => Kind::Object,
                4..=9 => Kind::Variable,
                10 => Kind::List,
                11 => Kind::Dict,
                12 => Kind::Owner { creates: chance(rng, 50) },
                _ => Kind::Text,
            };
            kinds.push((kind, rng.below(20)));
        }
        let mut blueprint = Blueprint { kinds, edges: Vec::new(), slots: Vec::new() };
        for child in 1..=size {
            let times = if chance(rng, 25) { 2 } else { 1 };
            (0..times).for_each(|_| blueprint.add_edge(rng, child));
        }
        for _ in 0..rng.below(size as u64 + 1) {
            let child = rng.between(0, size as u64) as usize;
            blueprint.add_edge(rng, child);
        }
        let of = |wanted: fn(Kind) -> bool| (1..=size).filter(|&node| wanted(blueprint.kinds[node].0)).collect::<Vec<_>>();
        for owner in of(|kind| matches!(kind, Kind::Owner { .. })) {
            for variable in of(|kind| kind == Kind::Variable) {
                for name in SLOTS {
                    if chance(rng, 40) {
                        blueprint.slots.push((owner, variable, name));
                    }
                }
            }
        }
        blueprint
    }

    fn add_edge(&mut self, rng: &mut Rng, child: usize) {
        let leaf = self.kinds[child].0 == Kind::Variable;
        let may_be_parent = |&node: &usize| match self.kinds[node].0 {
            Kind::Object | Kind::Owner { .. } => true,
            Kind::List | Kind::Dict => leaf || node < child,
            Kind::Variable | Kind::Text => false,
        };
        let mut parents: Vec<usize> = (0..self.kinds.len()).filter(may_be_parent).collect();
        parents.push(0);
        let Some(&parent) = pick(rng, &parents) else { return };
        let Some(&name) = pick(rng, &NAMES) else { return };
        let is_taken = self.edges.iter().any(|edge| (edge.parent, edge.name) == (parent, name));
        if self.kinds[parent].0 == Kind::List || !is_taken {
            self.edges.push(Edge { parent, name, child });
        }
    }

    fn mutated(&self, rng: &mut Rng, percent: u64) -> Blueprint {
        let mut mutated = Blueprint { kinds: self.kinds.clone(), edges: Vec::new(), slots: Vec::new() };
        for edge in &self.edges {
            let mut edge = edge.clone();
            match rng.below(200) {
                r if r < 2 * percent => continue,
                r if r < 3 * percent => edge.name = NAMES[rng.below(6) as usize],
                r if r < 4 * percent => {
                    let kind = self.kinds[edge.child].0;
                    let alike: Vec<usize> = (1..self.kinds.len()).filter(|&node| self.kinds[node].0 == kind).collect();
                    edge.child = pick(rng, &alike).copied().unwrap_or(edge.child);
                }
                _ => {}
            }
            mutated.edges.push(edge);
        }
        mutated.slots = self.slots.iter().filter(|_| !chance(rng, percent)).copied().collect();
        for node in 1..mutated.kinds.len() {
            if chance(rng, percent / 6) {
                // Another type, or another kind.
                mutated.kinds[node] = match mutated.kinds[node].0 {
                    Kind::Variable if chance(rng, 50) => (Kind::Object, 0),
                    Kind::Variable => (Kind::Variable, rng.below(20)),
                    Kind::Object => (Kind::Variable, 5),
                    kind => (kind, 0),
                };
            }
        }
        for _ in 0..rng.below(if percent > 0 { 3 } else { 1 }) {
            let child = rng.below(mutated.kinds.len() as u64) as usize;
            mutated.add_edge(rng, child);
        }
        mutated
    }
}

/// A case being made up and run.
pub struct Case<'p> {
    rng: Rng,
    pub pair: Pair,
    /// What was done so far.
    pub ops: &'p mut Vec<Op>,
}

impl Case<'_> {
    pub fn new(seed: u64, ops: &mut Vec<Op>) -> Case<'_> {
        Case { rng: Rng::new(seed), pair: Pair::new(), ops }
    }

    fn run(&mut self, op: Op) {
        self.ops.push(op);
        self.pair.apply(&self.ops[self.ops.len() - 1]);
    }

    /// Adds the objects of a blueprint and a checkpoint; gives the steps that make edges and slots.
    fn build(&mut self, blueprint: &Blueprint, base: u64) -> (usize, Vec<Op>) {
        let first = self.pair.model.objects.len();
        for (number, (kind, of)) in blueprint.kinds.iter().enumerate() {
            let value = match kind {
                Kind::Variable if base == 0 && chance(&mut self.rng, 15) => None,
                Kind::Variable => Some(value_like(*of, base + number as u64)),
                Kind::Text => Some(Value::Text(base as u32 + number as u32)),
                _ => None,
            };
            self.run(Op::Add(*kind, value));
        }
        let mut edges = blueprint.edges.clone();
        // Some edges of the root are the checkpoint's alone.
        let mut attached = chance(&mut self.rng, 30).then(Vec::<(&'static str, usize)>::new);
        if let Some(attached) = &mut attached {
            edges.retain(|edge| {
                let attach = edge.parent == 0 && chance(&mut self.rng, 40) && attached.iter().all(|(name, _)| *name != edge.name);
                if attach {
                    attached.push((edge.name, first + edge.child));
                }
                !attach
            });
            if chance(&mut self.rng, 5) && attached.iter().all(|(name, _)| *name != "a") {
                attached.push(("a", first));
            }
        }
        self.run(Op::Checkpoint { root: first, attached });
        let mut steps = Vec::new();
        for edge in edges {
            let (parent, child) = (first + edge.parent, first + edge.child);
            steps.push(match blueprint.kinds[edge.parent].0 {
                Kind::List => Op::Append { list: parent, element: (!chance(&mut self.rng, 5)).then_some(child) },
                Kind::Dict => Op::DictSet { dict: parent, key: edge.name, child },
                _ => Op::Track { parent, name: edge.name, child, overwrite: chance(&mut self.rng, 10) },
            });
        }
        for (owner, variable, name) in &blueprint.slots {
            // The slot itself is made when the step's turn comes.
            steps.push(Op::SetSlot { owner: first + owner, variable: first + variable, name, slot: usize::MAX });
        }
        (self.pair.checkpoints.len() - 1, steps)
    }

    fn run_step(&mut self, step: Op, base: u64) {
        match step {
            Op::SetSlot { owner, variable, name, slot: usize::MAX } => {
                // Rarely one that is there already, which cannot be saved.
                let there: Vec<usize> = self.numbers(|kind| kind == Kind::Variable);
                let slot = if chance(&mut self.rng, 3) { pick(&mut self.rng, &there).copied() } else { None };
                let slot = slot.unwrap_or_else(|| {
                    let number = self.pair.model.objects.len();
                    self.run(Op::Add(Kind::Variable, Some(Value::Float((base + number as u64) as f32))));
                    number
                });
                if [owner, variable, slot].iter().all(|&number| self.pair.object(number).is_there()) {
                    self.run(Op::SetSlot { owner, variable, name, slot });
                }
            }
            op if self.is_possible(&op) => self.run(op),
            _ => {}
        }
    }

    fn is_possible(&self, op: &Op) -> bool {
        let there = |number: &usize| self.pair.object(*number).is_there();
        match op {
            Op::Track { parent, child, .. } => there(parent) && there(child),
            Op::Append { list, element } => there(list) && element.iter().all(there),
            Op::DictSet { dict, child, .. } => there(dict) && there(child),
            _ => true,
        }
    }

    /// Objects of a kind that are there.
    fn numbers(&self, wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
        let all = self.pair.model.objects.iter();
        all.filter(|object| object.is_there() && wanted(object.kind)).map(|object| object.number).collect()
    }

    /// One of the objects of a kind, from `first` on.
    fn one(&mut self, first: usize, wanted: fn(Kind) -> bool) -> Option<usize> {
        let numbers: Vec<usize> = self.numbers(wanted).into_iter().filter(|&number| number >= first).collect();
        pick(&mut self.rng, &numbers).copied()
    }

    /// Saved programs, then one that restores from them at random points while it is built and
    /// changed.
    pub fn play(&mut self) {
        let blueprint = Blueprint::random(&mut self.rng);
        for number in 0..self.rng.between(1, 3) {
            let rate = [0, 0, 10][self.rng.below(3) as usize];
            let mutated = blueprint.mutated(&mut self.rng, rate);
            let base = 1000 * (number + 1);
            let (checkpoint, mut steps) = self.build(&mutated, base);
            if chance(&mut self.rng, 30) {
                shuffle(&mut self.rng, &mut steps);
            }
            steps.into_iter().for_each(|step| self.run_step(step, base));
            let counts = chance(&mut self.rng, 50);
            self.run(Op::Save { checkpoint, counts });
        }
        let rate = [0, 0, 10, 30][self.rng.below(4) as usize];
        let mutated = blueprint.mutated(&mut self.rng, rate);
        let (checkpoint, mut steps) = self.build(&mutated, 0);
        shuffle(&mut self.rng, &mut steps);
        let first = self.pair.checkpoints[checkpoint].0.root.number;
        let restores = self.rng.between(1, 4);
        let changes = if chance(&mut self.rng, 40) { 0 } else { self.rng.between(1, 10) };
        let steps = steps.into_iter().map(Some);
        let mut agenda: Vec<Option<Op>> = steps.chain((0..restores + changes).map(|_| None)).collect();
        let mut left = restores;
        shuffle(&mut self.rng, &mut agenda);
        let mut chances = restores + changes;
        for step in agenda {
            match step {
                Some(step) => self.run_step(step, 0),
                None if self.rng.below(chances) < left => {
                    (left, chances) = (left - 1, chances - 1);
                    self.restore(checkpoint);
                }
                None => {
                    chances -= 1;
                    self.change(checkpoint, first);
                }
            }
        }
        if chance(&mut self.rng, 50) {
            self.run(Op::Save { checkpoint, counts: true });
        }
    }

    fn restore(&mut self, checkpoint: usize) {
        let files = self.pair.files.len() as u64;
        if files > 0 {
            let file = self.rng.below(files) as usize;
            let (skip_slots, counts) = (chance(&mut self.rng, 10), chance(&mut self.rng, 50));
            if chance(&mut self.rng, 15) {
                self.run(Op::DryRun { checkpoint, file });
            }
            self.run(Op::Restore { checkpoint, file, skip_slots, counts });
        }
    }

    /// Something that programs do with objects of their own, from `first` on.
    fn change(&mut self, checkpoint: usize, first: usize) {
        let any = self.one(first, |_| true);
        let parent = self.one(first, |kind| matches!(kind, Kind::Object | Kind::Owner { .. }));
        let list = self.one(first, |kind| kind == Kind::List);
        let dict = self.one(first, |kind| kind == Kind::Dict);
        let variable = self.one(first, |kind| kind == Kind::Variable);
        let child = self.one(first, |_| true);
        let name = NAMES[self.rng.below(6) as usize];
        let restores = self.pair.restore_count() as u64;
        let restore = (restores > 0).then(|| self.rng.below(restores) as usize);
        let element = child.filter(|_| !chance(&mut self.rng, 20));
        let length = list.map_or(0, |list| self.pair.object(list).state.borrow().elements.len());
        let index = (length > 0).then(|| self.rng.below(length as u64) as usize);
        let op = match (self.rng.below(23), parent, list, restore) {
            (0..=2, ..) => variable.map(|variable| {
                let own = self.pair.object(variable).state.borrow().value;
                let number = 5000 + self.rng.below(1000);
                let value = match own {
                    Some(Value::Double(_)) => Value::Double(number as f64),
                    Some(Value::Count(_)) => Value::Count(number as i64),
                    _ => Value::Float(number as f32),
                };
                Op::Assign { variable, value }
            }),
            (3..=4, Some(parent), ..) => child.map(|child| Op::Track { parent, name, child, overwrite: true }),
            (5, Some(parent), ..) => child.map(|child| Op::Track { parent, name, child, overwrite: false }),
            (6..=7, Some(parent), ..) => {
                let edges: Vec<String> =
                    self.pair.object(parent).state.borrow().edges.iter().map(|(name, _)| name.clone()).collect();
                let edges: Vec<String> = edges.into_iter().filter(|name| name != "save_counter").collect();
                pick(&mut self.rng, &edges).map(|name| Op::Untrack { parent, name: name.clone() })
            }
            (8, ..) => any.filter(|&any| self.may_be_removed(any)).map(Op::Remove),
            (9 | 22, _, Some(list), _) => index.map(|index| Op::SetElement { list, index, element }),
            (10 | 20 | 21, _, Some(list), _) => match self.rng.below(4) {
                0 => Some(Op::Insert { list, index: length / 2, element }),
                1 => index.map(|index| Op::RemoveElement { list, index }),
                times => (length < 4)
                    .then_some(Op::Repeat { list, times: times as usize - 2 + usize::from(chance(&mut self.rng, 80)) }),
            },
            (11, _, Some(list), _) => Some(Op::Append { list, element }),
            (12, ..) => dict.and_then(|dict| {
                let keys: Vec<String> = self.pair.object(dict).state.borrow().edges.iter().map(|(key, _)| key.clone()).collect();
                pick(&mut self.rng, &keys).map(|key| Op::DictRemove { dict, key: key.clone() })
            }),
            (13, _, _, Some(restore)) => Some(Op::Forget { restore }),
            (14, _, _, Some(restore)) => Some(Op::Drop { restore }),
            (15, _, _, Some(restore)) => Some(Op::ExpectPartial { restore }),
            (16, ..) => Some(Op::Save { checkpoint, counts: chance(&mut self.rng, 50) }),
            (17, ..) => Some(Op::RestoreNothing { checkpoint }),
            (_, _, _, Some(restore)) => Some(Op::Assert { restore }),
            _ => None,
        };
        if let Some(op) = op {
            self.run(op);
        }
    }

    /// Roots, what is attached to them, and counters stay.
    fn may_be_removed(&self, number: usize) -> bool {
        let object = self.pair.object(number);
        self.pair.checkpoints.iter().all(|(checkpoint, _)| {
            let is_counter = checkpoint.counter.borrow().as_ref().is_some_and(|counter| counter.number == number);
            let is_attached = checkpoint.attached().iter().any(|(_, attached)| attached.number == number);
            checkpoint.root.number != object.number && !is_counter && !is_attached
        })
    }
}
