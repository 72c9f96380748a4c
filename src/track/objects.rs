//! Members that hold others: arrays, vectors, maps and options.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use super::members::{Member, Members};
use super::walk::{Place, Purpose};
use super::Track;
use crate::allocate::list_of;
use crate::error::Result;
use crate::graph::Kind;

/// Visits an array of structs, a list.
pub(super) fn visit_list<T: Track>(array: &mut [T], name: &str, to: &mut Members<'_>) -> Result<()> {
    to.object(name, || Kind::List(Box::default()), &mut |members| {
        array.iter_mut().enumerate().try_for_each(|(number, each)| members.add(&number.to_string(), each))
    })
}

/// Visits a vector of structs: an object whose edges are numbers. It is no list, because it may
/// lose elements.
pub(super) fn visit_objects<T: Track + Default>(vec: &mut Vec<T>, name: &str, to: &mut Members<'_>) -> Result<()> {
    to.object(name, || Kind::Object, &mut |members| number_objects(vec, "", name, 0, members).map(drop))
}

/// Visits structs as the edges `prefix` and a number from `first` on, and all after them. Returns
/// how many there are.
pub(super) fn number_objects<T: Track + Default>(
    vec: &mut Vec<T>,
    prefix: &str,
    what: &str,
    first: usize,
    to: &mut Members<'_>,
) -> Result<usize> {
    let name = |number: usize| format!("{prefix}{}", first + number);
    to.walk.opens(to.place, None)?;
    match to.walk.purpose {
        Purpose::Lend | Purpose::Return => {}
        Purpose::Declare => return Ok(0),
        Purpose::Adopt => {
            let mut count = 0;
            while to.has_or_awaits(&name(count))? {
                to.add(&name(count), &mut T::default())?;
                count += 1;
            }
            note_absent(count, what, to);
            return Ok(count);
        }
        Purpose::Commit => {
            let mut count = 0;
            while to.find(&name(count))?.is_some() {
                count += 1;
            }
            if count == 0 {
                return Ok(vec.len());
            }
            vec.resize_with(count, T::default);
        }
    }
    vec.iter_mut().enumerate().try_for_each(|(number, each)| to.add(&name(number), each))?;
    if to.walk.purpose == Purpose::Lend && to.walk.makes(to.place) {
        let mut number = vec.len();
        while to.find(&name(number))?.is_some() {
            to.remove(&name(number))?; // the program has removed it
            number += 1;
        }
    }
    Ok(vec.len())
}

fn note_absent(count: usize, what: &str, to: &mut Members<'_>) {
    if count == 0 {
        to.walk.absent.get_or_insert_with(|| what.to_owned());
    }
}

/// A map of structs by their names.
trait Map {
    type Value: Track + Default;

    /// The keys in the order in which they are saved.
    fn sorted_keys(&self) -> Result<Vec<String>>;

    fn value(&mut self, key: &str) -> Option<&mut Self::Value>;

    /// Makes these the keys. They are sorted.
    fn set_keys(&mut self, keys: &[String]);
}

impl<T: Track + Default> Map for BTreeMap<String, T> {
    type Value = T;

    fn sorted_keys(&self) -> Result<Vec<String>> {
        list_of(self.keys().cloned())
    }

    fn value(&mut self, key: &str) -> Option<&mut T> {
        self.get_mut(key)
    }

    fn set_keys(&mut self, keys: &[String]) {
        self.retain(|key, _| keys.binary_search(key).is_ok());
        for key in keys {
            self.entry(key.clone()).or_default();
        }
    }
}

impl<T: Track + Default, S: BuildHasher> Map for HashMap<String, T, S> {
    type Value = T;

    fn sorted_keys(&self) -> Result<Vec<String>> {
        let mut keys = list_of(self.keys().cloned())?;
        crate::sort::sort_by(&mut keys, Ord::cmp)?;
        Ok(keys)
    }

    fn value(&mut self, key: &str) -> Option<&mut T> {
        self.get_mut(key)
    }

    fn set_keys(&mut self, keys: &[String]) {
        self.retain(|key, _| keys.binary_search(key).is_ok());
        for key in keys {
            self.entry(key.clone()).or_default();
        }
    }
}

impl<T: Track + Default> Member for BTreeMap<String, T> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        to.object(name, || Kind::Dict, &mut |members| visit_map(self, name, members))
    }
}

impl<T: Track + Default, S: BuildHasher> Member for HashMap<String, T, S> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        to.object(name, || Kind::Dict, &mut |members| visit_map(self, name, members))
    }
}

fn visit_map<M: Map>(map: &mut M, what: &str, to: &mut Members<'_>) -> Result<()> {
    to.walk.opens(to.place, None)?;
    match to.walk.purpose {
        Purpose::Lend | Purpose::Return => {}
        Purpose::Declare => return Ok(()),
        Purpose::Adopt => {
            let names = to.names()?;
            note_absent(names.len(), what, to);
            return names.iter().try_for_each(|name| to.add(name, &mut M::Value::default()));
        }
        Purpose::Commit => {
            let names = to.names()?;
            if names.is_empty() {
                return Ok(());
            }
            map.set_keys(&names);
        }
    }
    let keys = map.sorted_keys()?;
    for key in &keys {
        if let Some(value) = map.value(key) {
            to.add(key, value)?;
        }
    }
    if let (Purpose::Lend, Place::Object(node)) = (to.walk.purpose, to.place) {
        let there = list_of(to.nodes.need(node)?.edges().keys().map(|name| name.to_string()))?;
        for removed in there.iter().filter(|name| keys.binary_search(name).is_err()) {
            to.remove(removed)?;
        }
    }
    Ok(())
}

impl<M: Member + Default> Member for Option<M> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        to.walk.opens(to.place, Some(name))?;
        match (to.walk.purpose, &mut *self) {
            (Purpose::Lend | Purpose::Return, Some(member)) => member.visit(name, to),
            (Purpose::Lend, None) if to.find(name)?.is_some() => to.remove(name),
            (Purpose::Lend | Purpose::Return | Purpose::Declare, _) => Ok(()),
            (Purpose::Adopt, _) if to.has_or_awaits(name)? => M::default().visit(name, to),
            (Purpose::Adopt, _) => Ok(()),
            (Purpose::Commit, _) if to.find(name)?.is_some() => self.get_or_insert_default().visit(name, to),
            (Purpose::Commit, _) => {
                if to.walk.clears {
                    *self = None;
                }
                Ok(())
            }
        }
    }
}
