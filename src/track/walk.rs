//! A walk through a tracked struct: what it does with each member, and where it is.

use std::collections::HashSet;

use crate::allocate::Room;
use crate::error::{Code, Error, Reason, Result};
use crate::graph::NodeId;

/// How deep objects may lie in objects: each takes a part of the stack.
const DEEPEST: usize = 200;

/// What a walk does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Moves the values into the graph. Objects and variables that it does not have yet are made;
    /// if a restore waits for them, they are restored.
    Lend,
    /// Moves the values back.
    Return,
    /// Makes objects and variables that are to be loaded, without values.
    Declare,
    /// The same once the checkpoint has been read: containers have the elements that wait.
    Adopt,
    /// Moves what was loaded into the struct.
    Commit,
}

/// Which members a walk visits. Slots come second where they are made, when the variables that they
/// are of have been made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Edges,
    Slots,
    Both,
}

/// The state of a walk.
pub(super) struct Walk {
    pub purpose: Purpose,
    pub pass: Pass,
    pub root: NodeId,
    /// Whether options that the checkpoint lacks become `None`.
    pub clears: bool,
    /// The first container for which the checkpoint has no element.
    pub absent: Option<String>,
    /// The first failure of a walk that gives values back, and goes on.
    pub failure: Option<Error>,
    /// The first path of slots at which the checkpoint has no variable.
    pub lacking: Option<String>,
    /// The members that a walk which lends has visited.
    lent: HashSet<NodeId>,
    /// Edges that are there if the checkpoint has them: of an object, those of one name or all.
    open: HashSet<(NodeId, Option<String>)>,
    depth: usize,
}

/// Where a walk is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Members are edges of an object.
    Object(NodeId),
    /// Members are the slots that an owner keeps for a variable.
    Slots { owner: NodeId, variable: NodeId },
}

impl Walk {
    pub fn new(purpose: Purpose, root: NodeId, clears: bool) -> Walk {
        Walk {
            purpose,
            pass: Pass::Both,
            root,
            clears,
            absent: None,
            failure: None,
            lacking: None,
            lent: HashSet::new(),
            open: HashSet::new(),
            depth: 0,
        }
    }

    /// Notes that a member is lent. Returns whether it was not yet.
    pub fn lends(&mut self, node: NodeId) -> Result<bool> {
        self.lent.make_room(1)?;
        Ok(self.lent.insert(node))
    }

    /// Whether the member is lent.
    pub fn has_lent(&self, node: NodeId) -> bool {
        self.lent.contains(&node)
    }

    /// Notes that the checkpoint says whether there are edges at this place, of a name or any.
    pub fn opens(&mut self, place: Place, name: Option<&str>) -> Result<()> {
        if let (Purpose::Declare | Purpose::Adopt, Place::Object(node)) = (self.purpose, place) {
            self.open.make_room(1)?;
            self.open.insert((node, name.map(str::to_owned)));
        }
        Ok(())
    }

    /// Whether the checkpoint says whether the object has an edge of this name.
    pub fn is_open(&self, node: NodeId, name: &str) -> bool {
        self.open.contains(&(node, None)) || self.open.contains(&(node, Some(name.to_owned())))
    }

    /// Goes into an object. [`Walk::leave`] follows.
    pub fn enter(&mut self) -> Result<()> {
        if self.depth >= DEEPEST {
            let what = "objects lie in objects too deep to be tracked";
            let (expected, found) = (format_args!("at most {DEEPEST} levels"), "more");
            return Err(Error::new(Code::ResourceExhausted, Reason::Limit, what).expecting(expected, found));
        }
        self.depth += 1;
        Ok(())
    }

    pub fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Whether members are visited at this place, in this pass.
    pub fn visits(&self, place: Place) -> bool {
        match place {
            Place::Object(_) => self.pass != Pass::Slots,
            Place::Slots { .. } => self.pass != Pass::Edges,
        }
    }

    /// Whether members are made there that the graph does not have.
    pub fn makes(&self, place: Place) -> bool {
        self.visits(place) && !self.gives_back()
    }

    /// Whether the struct gets its values.
    pub fn gives_back(&self) -> bool {
        matches!(self.purpose, Purpose::Return | Purpose::Commit)
    }

    /// Whether every member is visited for the first time.
    pub fn is_first(&self, place: Place) -> bool {
        self.purpose == Purpose::Declare && self.visits(place)
    }
}
