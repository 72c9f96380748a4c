//! Sets of objects of one graph.

use crate::allocate::Room;
use crate::error::Result;
use crate::graph::NodeId;

/// A set of objects of one graph.
#[derive(Default)]
pub(super) struct Objects {
    /// Indexed by the object's place in the graph's storage.
    by_place: Vec<Option<NodeId>>,
}

impl Objects {
    /// Inserts an object. Slots of removed objects are reused by newer objects with greater ids;
    /// the set then keeps the newer one.
    pub fn insert(&mut self, object: NodeId) -> Result<()> {
        let place = object.place();
        if place >= self.by_place.len() {
            self.by_place.make_room(place + 1 - self.by_place.len())?;
            self.by_place.resize(place + 1, None);
        }
        self.by_place[place] = self.by_place[place].max(Some(object));
        Ok(())
    }

    /// Inserts several objects.
    pub fn insert_all(&mut self, objects: impl IntoIterator<Item = NodeId>) -> Result<()> {
        objects.into_iter().try_for_each(|object| self.insert(object))
    }

    pub fn contains(&self, object: NodeId) -> bool {
        self.by_place.get(object.place()) == Some(&Some(object))
    }

    pub fn iter(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.by_place.iter().flatten().copied()
    }
}
