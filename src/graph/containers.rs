//! Lists, dicts and tuples: objects whose edges are named by their elements' indices or keys.
//!
//! Lists are append-only. Any other change changes what a name refers to, so that a saved list
//! could no longer be restored while its elements are added. Such a list can no longer be saved or
//! restored (as TensorFlow's `ListWrapper`).

use std::ops::Range;

use super::list::List;
use super::node_id::NodeId;
use super::nodes::{wrong_kind, Kind, Nodes};
use super::Graph;
use crate::allocate::{copy, list_of, Room, TryPush};
use crate::error::{Code, Error, Reason, Result};

impl Nodes {
    fn list(&self, id: NodeId) -> Result<&List> {
        match &self.need(id)?.kind {
            Kind::List(list) => Ok(list),
            other => Err(wrong_kind("list", other)),
        }
    }

    fn list_mut(&mut self, id: NodeId) -> Result<&mut List> {
        match &mut self.need_mut(id)?.kind {
            Kind::List(list) => Ok(list),
            other => Err(wrong_kind("list", other)),
        }
    }

    pub fn list_elements(&self, id: NodeId) -> Result<&[Option<NodeId>]> {
        self.list(id).map(|list| &list.elements[..])
    }

    /// Resolves an index as Python does: a negative index counts from the end.
    fn list_index(&self, id: NodeId, index: i64) -> Result<usize> {
        let len = self.list(id)?.elements.len();
        let from_start = if index < 0 { index.checked_add(len as i64) } else { Some(index) };
        from_start.and_then(|i| usize::try_from(i).ok()).filter(|&i| i < len).ok_or_else(|| {
            Error::new(Code::OutOfRange, Reason::Argument, "the index is out of range of the list")
                .expecting(format_args!("below {len}"), index)
        })
    }

    fn check_elements(&self, elements: &[Option<NodeId>]) -> Result<()> {
        elements.iter().flatten().try_for_each(|&element| self.need(element).map(drop))
    }

    /// Appends elements. Each object is tracked under its index, and restored if pending restores
    /// wait for it.
    pub fn list_extend(&mut self, id: NodeId, elements: &[Option<NodeId>]) -> Result<()> {
        self.list(id)?;
        self.check_elements(elements)?;
        for &element in elements {
            let list = self.list_mut(id)?;
            let index = list.elements.len();
            list.elements.try_push(element)?;
            if let Some(element) = element {
                self.track(id, &index.to_string(), element, true)?; // a list that was cut still has the old edges
            }
        }
        Ok(())
    }

    /// Repeats the list in place, `l *= times`.
    pub fn list_repeat(&mut self, id: NodeId, times: i64) -> Result<()> {
        let list = self.list_mut(id)?;
        if times <= 0 {
            return self.list_splice(id, 0..usize::MAX, &[], "it was multiplied by less than 1");
        }
        let total =
            usize::try_from(times).ok().and_then(|n| n.checked_mul(list.elements.len())).filter(|&n| n <= u32::MAX as usize);
        let Some(total) = total else { return Err(Error::argument("the list would be too long")) };
        let more = total - list.elements.len();
        list.elements.make_room(more)?;
        let repeated = list_of(list.elements.iter().cycle().take(more).copied())?;
        self.list_extend(id, &repeated)
    }

    /// `l[index] = element`. An untracked element may be replaced by an object; replacing an object
    /// makes the list unsavable.
    pub fn list_set(&mut self, id: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        let index = self.list_index(id, index)?;
        self.check_elements(&[element])?;
        let list = self.list_mut(id)?;
        if list.elements[index].is_some() {
            list.changed = Some("an element was replaced (__setitem__)");
        }
        list.elements[index] = element;
        match element {
            Some(element) => self.track(id, &index.to_string(), element, true),
            None => Ok(()),
        }
    }

    /// `l.insert(index, element)`.
    pub fn list_insert(&mut self, id: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        self.check_elements(&[element])?;
        self.list_mut(id)?.elements.make_room(1)?;
        self.note_elements(id, &[element])?;
        let list = self.list_mut(id)?;
        let len = list.elements.len() as i64;
        // As in Python, an index past an end means that end.
        let at = if index < 0 { index.saturating_add(len).max(0) } else { index.min(len) } as usize;
        if list.holds_nodes() || element.is_some() {
            list.changed = Some("an element was inserted (insert)");
        }
        list.elements.insert(at, element);
        Ok(())
    }

    /// `del l[index]`, `l.pop(index)`.
    pub fn list_remove(&mut self, id: NodeId, index: i64) -> Result<Option<NodeId>> {
        let index = self.list_index(id, index)?;
        let list = self.list_mut(id)?;
        if list.holds_nodes() {
            list.changed = Some("an element was deleted (__delitem__)");
        }
        Ok(list.elements.remove(index))
    }

    /// `l[range] = elements`, `del l[range]`, `l.clear()`.
    pub fn list_splice(&mut self, id: NodeId, range: Range<usize>, elements: &[Option<NodeId>], how: &'static str) -> Result<()> {
        self.check_elements(elements)?;
        let list = self.list_mut(id)?;
        let end = range.end.min(list.elements.len());
        let start = range.start.min(end);
        list.elements.make_room(elements.len())?;
        let held = list.holds_nodes();
        if held {
            self.note_elements(id, elements)?;
        }
        let list = self.list_mut(id)?;
        list.elements.splice(start..end, elements.iter().copied());
        if held {
            list.changed = Some(how);
            return Ok(());
        }
        let mut objects = elements.iter().enumerate().filter_map(|(i, e)| Some((start + i, (*e)?)));
        objects.try_for_each(|(index, element)| self.track(id, &index.to_string(), element, true))
    }

    /// Records the list as a parent of elements that get no edge, so that [`Nodes::remove`] finds
    /// the list.
    fn note_elements(&mut self, list: NodeId, elements: &[Option<NodeId>]) -> Result<()> {
        elements.iter().flatten().try_for_each(|&element| self.note_parent(element, list))
    }

    /// Reorders the elements: `l.sort()`, `l.reverse()`. `order` has the old index of each element.
    pub fn list_reorder(&mut self, id: NodeId, order: &[usize]) -> Result<()> {
        let list = self.list_mut(id)?;
        let each_once = order.len() == list.elements.len() && {
            let mut sorted = copy(order)?;
            crate::sort::sort_by(&mut sorted, Ord::cmp)?;
            sorted.into_iter().eq(0..list.elements.len())
        };
        if !each_once {
            return Err(Error::argument("the order must name each element exactly once"));
        }
        let elements = list_of(order.iter().map(|&index| list.elements[index]))?;
        if list.holds_nodes() {
            list.changed = Some("its elements were moved (sort)");
        }
        list.elements = elements;
        Ok(())
    }

    /// `d[key] = child`. An object that replaces another is not restored by restores that waited
    /// for the key.
    pub fn dict_set(&mut self, id: NodeId, key: &str, child: NodeId) -> Result<()> {
        self.dict(id)?;
        self.track(id, key, child, true)
    }

    /// `del d[key]`. Also removes the edge; TensorFlow keeps it, and saves the removed object.
    pub fn dict_remove(&mut self, id: NodeId, key: &str) -> Result<NodeId> {
        self.dict(id)?;
        self.untrack(id, key)
    }

    fn dict(&self, id: NodeId) -> Result<()> {
        match &self.need(id)?.kind {
            Kind::Dict => Ok(()),
            other => Err(wrong_kind("dict", other)),
        }
    }

    /// Adds a tuple, whose elements are tracked under their indices. With field names, each element
    /// is tracked under its name as well; the names come first.
    pub fn add_tuple(&mut self, fields: &[&str], elements: &[Option<NodeId>]) -> Result<NodeId> {
        self.check_elements(elements)?;
        if !fields.is_empty() && fields.len() != elements.len() {
            return Err(Error::argument("a named tuple needs one name for each element").expecting(elements.len(), fields.len()));
        }
        let mut names: Vec<&str> = copy(fields)?;
        crate::sort::sort_by(&mut names, Ord::cmp)?;
        let is_index = |name: &&&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
        if names.windows(2).any(|pair| pair[0] == pair[1]) || names.iter().any(|name| is_index(&name)) {
            return Err(Error::argument("the names of a named tuple's fields must be unique and must not be numbers"));
        }
        let id = self.add(Kind::Tuple)?;
        let named = fields.iter().zip(elements).map(|(name, element)| ((*name).to_owned(), *element));
        let numbered = elements.iter().enumerate().map(|(index, element)| (index.to_string(), *element));
        for (name, element) in named.chain(numbered) {
            if let Some(element) = element {
                self.track(id, &name, element, false)?;
            }
        }
        Ok(id)
    }
}

impl Graph {
    /// Appends an element to a list; `None` is an element that is not tracked. Pending restores
    /// that have values for it restore it immediately, as in [`Graph::track`].
    ///
    /// # Errors
    /// Errors of the restore.
    pub fn list_append(&self, list: NodeId, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_extend(list, &[element]))
    }

    /// Repeats a list in place: `list *= times`. A value below 1 empties the list, and if it held
    /// any object, it can no longer be saved.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the list would have 2^32 elements or more.
    /// * Errors of the restore of a new element.
    pub fn list_repeat(&self, list: NodeId, times: i64) -> Result<()> {
        self.with(|nodes| nodes.list_repeat(list, times))
    }

    /// Replaces an element: `list[index] = element`. A negative index counts from the end. If the
    /// old element was an object, the list can no longer be saved.
    ///
    /// # Errors
    /// * `OUT_OF_RANGE`: there is no such element.
    /// * Errors of the restore of the new element.
    pub fn list_set(&self, list: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_set(list, index, element))
    }

    /// Inserts an element before `index`. As in Python, a negative index counts from the end, and
    /// an index past an end means that end. If the list then holds any object, it can no longer be
    /// saved.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn list_insert(&self, list: NodeId, index: i64, element: Option<NodeId>) -> Result<()> {
        self.with(|nodes| nodes.list_insert(list, index, element))
    }

    /// Removes the element at `index` and returns it; a negative index counts from the end. If the
    /// list held any object, it can no longer be saved.
    ///
    /// # Errors
    /// `OUT_OF_RANGE`: there is no such element.
    pub fn list_remove(&self, list: NodeId, index: i64) -> Result<Option<NodeId>> {
        self.with(|nodes| nodes.list_remove(list, index))
    }

    /// Replaces a range of elements by others: `list[range] = elements`. Without elements, deletes
    /// the range: `del list[range]` and `list.clear()`. Bounds past the end of the list mean its
    /// end. If the list held any object, it can no longer be saved.
    ///
    /// # Errors
    /// Errors of the restore of a new element.
    pub fn list_splice(&self, list: NodeId, range: Range<usize>, elements: &[Option<NodeId>]) -> Result<()> {
        let how =
            if elements.is_empty() { "elements were deleted (__delslice__)" } else { "elements were replaced (__setslice__)" };
        self.with(|nodes| nodes.list_splice(list, range, elements, how))
    }

    /// Reorders a list: `order[i]` is the old index of the element at the new index `i`. If the
    /// list holds any object, it can no longer be saved, even if the order is unchanged.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`: `order` does not name each element exactly once.
    pub fn list_reorder(&self, list: NodeId, order: &[usize]) -> Result<()> {
        self.with(|nodes| nodes.list_reorder(list, order))
    }

    /// The elements of a list; `None` for those that are not tracked.
    ///
    /// # Errors
    /// Only the errors common to all `Graph` methods.
    pub fn list_elements(&self, list: NodeId) -> Result<Vec<Option<NodeId>>> {
        self.with(|nodes| nodes.list_elements(list).and_then(copy))
    }

    /// Sets the object of a key of a dict. For a new key, pending restores that have values for it
    /// restore the object immediately, as in [`Graph::track`]; an object that replaces another is
    /// not restored.
    ///
    /// # Errors
    /// Errors of the restore, for a new key.
    pub fn dict_set(&self, dict: NodeId, key: &str, child: NodeId) -> Result<()> {
        self.with(|nodes| nodes.dict_set(dict, key, child))
    }

    /// Removes a key of a dict and returns the object that it led to.
    ///
    /// # Errors
    /// `NOT_FOUND` (`Node`): there is no such key.
    pub fn dict_remove(&self, dict: NodeId, key: &str) -> Result<NodeId> {
        self.with(|nodes| nodes.dict_remove(dict, key))
    }
}
