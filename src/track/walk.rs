//! A walk through a tracked struct: what it does with each member, and where it is.

use crate::graph::NodeId;

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
    pub failure: Option<crate::error::Error>,
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
