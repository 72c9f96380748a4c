//! What an implementation of `Track` is given: it names the members.

use super::walk::{Pass, Place, Purpose, Walk};
use super::Track;
use crate::allocate::{list_of, TryPush};
use crate::error::{printable, Code, Error, Reason, Result};
use crate::graph::{Kind, NodeId, Nodes, SlotOwner};

/// A type that can be a field of a tracked struct: [`Track`] lists them. A type
/// of a program becomes a member by implementing [`Track`], not this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a member of a tracked struct",
    note = "members are elements of tensors (f32, i64, bool, …), arrays and vectors of them, `checkpoint::Array`, structs that \
            implement `checkpoint::Track`, and arrays, `Vec`, `Option`, `HashMap<String, _>` and `BTreeMap<String, _>` of these",
    note = "leave the field out with `#[track(skip)]`"
)]
pub trait Member {
    #[doc(hidden)]
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()>;

    #[doc(hidden)]
    fn visit_numbered(&mut self, prefix: &str, number: &mut usize, to: &mut Members<'_>) -> Result<()> {
        let name = format!("{prefix}{number}");
        *number += 1;
        self.visit(&name, to)
    }
}

/// Takes the members of a tracked struct ([`Track::members`]).
pub struct Members<'w> {
    pub(super) nodes: &'w mut Nodes,
    pub(super) walk: &'w mut Walk,
    pub(super) place: Place,
    /// Prefixes of which a vector has all further numbers.
    ended: Vec<String>,
}

impl<'w> Members<'w> {
    pub(super) fn new(nodes: &'w mut Nodes, walk: &'w mut Walk, place: Place) -> Members<'w> {
        Members { nodes, walk, place, ended: Vec::new() }
    }
}

impl Members<'_> {
    /// Names a member.
    ///
    /// # Errors
    /// * `ALREADY_EXISTS` (`NameTaken`): there is another member of this name.
    /// * Errors of a restore that has waited for the member.
    pub fn add<M: Member>(&mut self, name: &str, member: &mut M) -> Result<()> {
        let visited = member.visit(name, self);
        self.go_on(visited)
    }

    /// Names a member by the next number: the edge `prefix` and `number`, which is incremented. A
    /// `Vec` of structs has a number for each element, and all numbers after: it must come last.
    ///
    /// # Errors
    /// Those of [`Members::add`], and:
    /// * `INVALID_ARGUMENT` (`Node`): a `Vec` of structs has come before.
    pub fn add_numbered<M: Member>(&mut self, prefix: &str, number: &mut usize, member: &mut M) -> Result<()> {
        let is_ended = self.ended.iter().any(|ended| ended == prefix) && !self.walk.gives_back();
        let visited = if is_ended { Err(after_the_last(prefix, *number)) } else { member.visit_numbered(prefix, number, self) };
        self.go_on(visited)
    }

    /// Names the slots that this object keeps for the variable at `path`, names of edges from the
    /// root joined by `/`: each member of `slots` is one, a tensor. [`Track::OWNS_SLOTS`] must be
    /// true.
    ///
    /// # Errors
    /// Those of [`Members::add`], and:
    /// * `NOT_FOUND` (`Node`): the program has no object at the path.
    /// * `INVALID_ARGUMENT` (`Node`): it is no variable, or this object does not own slots.
    pub fn slots<T: Track>(&mut self, path: &str, slots: &mut T) -> Result<()> {
        let visited = self.visit_slots(path, slots);
        self.go_on(visited)
    }

    fn visit_slots<T: Track>(&mut self, path: &str, slots: &mut T) -> Result<()> {
        let Place::Object(owner) = self.place else {
            return Err(Error::argument("a slot has no slots of its own").because(Reason::Node));
        };
        if self.walk.pass == Pass::Edges {
            return Ok(());
        }
        self.nodes.slot_owner(owner)?;
        let variable = match follow(self.nodes, self.walk.root, path)? {
            Ok(variable) => variable,
            Err(_) if self.walk.gives_back() => return Ok(()), // it was not lent either
            Err(end) if self.walk.is_open(end.at, end.name) => {
                // The checkpoint says whether there is one, when it has been read.
                if self.walk.purpose == Purpose::Adopt {
                    self.walk.lacking.get_or_insert_with(|| path.to_owned());
                }
                return Ok(());
            }
            Err(end) => return Err(end.error(path)),
        };
        self.nodes.variable(variable)?;
        slots.members(&mut self.at(Place::Slots { owner, variable }))
    }

    /// What becomes of the walk after a member. Where values are given back it goes on whatever
    /// became of this one, so that the others get theirs, and fails at its end.
    pub(super) fn go_on(&mut self, visited: Result<()>) -> Result<()> {
        match visited {
            Err(e) if self.walk.gives_back() => {
                self.walk.failure.get_or_insert(e);
                Ok(())
            }
            visited => visited,
        }
    }

    /// The members of something else.
    pub(super) fn at(&mut self, place: Place) -> Members<'_> {
        Members::new(self.nodes, self.walk, place)
    }

    /// The member of this name that the graph has.
    pub(super) fn find(&self, name: &str) -> Result<Option<NodeId>> {
        match self.place {
            Place::Object(parent) => Ok(self.nodes.need(parent)?.edges().get(name).copied()),
            Place::Slots { owner, variable } => Ok(self.nodes.slot_owner(owner)?.slot(variable, name)),
        }
    }

    /// Makes an object a member. If a restore waits for it, it is restored.
    pub(super) fn attach(&mut self, name: &str, child: NodeId) -> Result<()> {
        match self.place {
            Place::Object(parent) => match &self.nodes.need(parent)?.kind {
                Kind::List(_) => self.nodes.list_extend(parent, &[Some(child)]),
                _ => self.nodes.track(parent, name, child, false),
            },
            Place::Slots { owner, variable } => self.nodes.set_slot(owner, variable, name, child),
        }
    }

    /// Visits what is below a member, an object that is made of `kind` if the graph does not have
    /// it.
    pub(super) fn object(
        &mut self,
        name: &str,
        kind: fn() -> Kind,
        contents: &mut dyn FnMut(&mut Members<'_>) -> Result<()>,
    ) -> Result<()> {
        if let Place::Slots { .. } = self.place {
            let what = format!("the slot \"{}\" is not a tensor", printable(name.as_bytes()));
            return Err(Error::argument(what).because(Reason::Node));
        }
        match self.find(name)? {
            Some(_) if self.walk.is_first(self.place) => Err(taken(name)),
            Some(node) => self.below(name, node, contents),
            None if !self.walk.makes(self.place) => Ok(()),
            None => {
                let node = self.nodes.add(kind())?;
                if self.walk.purpose != Purpose::Lend {
                    // Nothing is lent. What the checkpoint has below is known once it is attached.
                    self.attach(name, node)?;
                    return self.below(name, node, contents);
                }
                let made = self.below(name, node, contents).and_then(|()| self.attach(name, node));
                if made.is_err() && self.find(name)?.is_none() {
                    // No later walk finds what it has.
                    let pass = self.walk.pass;
                    (self.walk.purpose, self.walk.pass) = (Purpose::Return, Pass::Both);
                    let returned = self.below(name, node, contents);
                    (self.walk.purpose, self.walk.pass) = (Purpose::Lend, pass);
                    return made.and(returned);
                }
                made
            }
        }
    }

    /// Visits the contents of an object.
    fn below(&mut self, name: &str, node: NodeId, contents: &mut dyn FnMut(&mut Members<'_>) -> Result<()>) -> Result<()> {
        self.lend(name, node)?;
        self.walk.enter()?;
        let visited = contents(&mut self.at(Place::Object(node)));
        self.walk.leave();
        visited
    }

    /// Notes that a member is lent, if this walk lends it.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` (`NameTaken`): it is already.
    pub(super) fn lend(&mut self, name: &str, node: NodeId) -> Result<()> {
        if self.walk.purpose == Purpose::Lend && self.walk.visits(self.place) && !self.walk.lends(node)? {
            Err(taken(name))
        } else {
            Ok(())
        }
    }

    /// Says that a vector has all further numbers.
    pub(super) fn end(&mut self, prefix: &str) -> Result<()> {
        self.ended.try_push(prefix.to_owned())
    }

    /// Removes a member that the struct does not have any more, and everything that only it led to.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` (`NameTaken`): another member of this name has been lent.
    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        if self.find(name)?.is_some_and(|node| self.walk.has_lent(node)) {
            return Err(taken(name));
        }
        let mut pending = match self.place {
            Place::Object(parent) => vec![self.nodes.untrack(parent, name)?],
            Place::Slots { owner, variable } => vec![self.nodes.remove_slot(owner, variable, name)?],
        };
        while let Some(node) = pending.pop() {
            if self.nodes.get(node).is_some_and(|node| node.parents.is_empty()) {
                pending.extend(self.nodes.remove(node)?.edges().values());
            }
        }
        Ok(())
    }

    /// The names of the edges that the object has, and of those for which restores wait, sorted.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let Place::Object(node) = self.place else { return Ok(Vec::new()) };
        let there = self.nodes.need(node)?.edges().keys().map(|name| &**name);
        let waiting = self.nodes.deferred(node).map(|(name, _)| name);
        let mut names = list_of(there.chain(waiting).map(str::to_owned))?;
        crate::sort::sort_by(&mut names, Ord::cmp)?;
        names.dedup();
        Ok(names)
    }

    /// Whether the graph has a member of this name, or a restore waits for it.
    pub(super) fn has_or_awaits(&self, name: &str) -> Result<bool> {
        let is_awaited = match self.place {
            Place::Object(node) => self.nodes.deferred(node).any(|(edge, _)| edge == name),
            Place::Slots { owner, variable } => self.nodes.awaits_slot(owner, variable, name),
        };
        Ok(is_awaited || self.find(name)?.is_some())
    }
}

/// The kind of a tracked struct.
pub(super) fn kind_of<T: Track>() -> Kind {
    if T::OWNS_SLOTS {
        Kind::SlotOwner(Box::<SlotOwner>::default())
    } else {
        Kind::Object
    }
}

/// Walks through a tracked struct, whose object is `root`.
pub(super) fn walk<T: Track>(nodes: &mut Nodes, root: NodeId, object: &mut T, purpose: Purpose, clears: bool) -> Result<Walk> {
    let passes: &[Pass] = match purpose {
        Purpose::Return | Purpose::Commit => &[Pass::Both],
        Purpose::Lend | Purpose::Declare | Purpose::Adopt => &[Pass::Edges, Pass::Slots],
    };
    let mut walk = Walk::new(purpose, root, clears);
    for &pass in passes {
        walk.pass = pass;
        object.members(&mut Members::new(nodes, &mut walk, Place::Object(root)))?;
    }
    match walk.failure.take() {
        Some(failure) => Err(failure),
        None => Ok(walk),
    }
}

/// Where a path ends that leads to no object.
struct End<'p> {
    at: NodeId,
    name: &'p str,
}

impl End<'_> {
    fn error(&self, path: &str) -> Error {
        let (path, name) = (printable(path.as_bytes()), printable(self.name.as_bytes()));
        Error::new(Code::NotFound, Reason::Node, format!("no object at the path \"{path}\": there is no edge \"{name}\""))
    }
}

/// Follows a path, names of edges joined by `/`, as far as it leads.
fn follow<'p>(nodes: &Nodes, root: NodeId, path: &'p str) -> Result<std::result::Result<NodeId, End<'p>>> {
    let mut at = root;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        at = match nodes.need(at)?.edges().get(name) {
            Some(&child) => child,
            None => return Ok(Err(End { at, name })),
        };
    }
    Ok(Ok(at))
}

/// The object at a path, names of edges joined by `/`.
pub(super) fn at_path(nodes: &Nodes, root: NodeId, path: &str) -> Result<NodeId> {
    follow(nodes, root, path)?.map_err(|end| end.error(path))
}

/// The error for a second member of one name.
pub(super) fn taken(name: &str) -> Error {
    let what = format!("two members are named \"{}\": rename one", printable(name.as_bytes()));
    Error::new(Code::AlreadyExists, Reason::NameTaken, what)
}

/// The error for a member after the vector that has all further numbers.
fn after_the_last(prefix: &str, number: usize) -> Error {
    let prefix = printable(prefix.as_bytes());
    let what = format!(
        "a member follows the vector of structs that has all numbers of \"{prefix}\" up to {number}: name the vector last"
    );
    Error::argument(what).because(Reason::Node)
}
