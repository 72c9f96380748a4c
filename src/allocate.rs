//! Allocation that returns an error, rather than aborting, if there is not enough memory.
//!
//! Whatever grows with a file or with a program makes room here before it is filled. The trait is
//! for the containers themselves; the functions make new ones.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

use indexmap::{IndexMap, IndexSet};

use crate::error::{Error, Result};

/// Allocates a buffer of `size` zero bytes. Fails with `RESOURCE_EXHAUSTED` if there is no memory.
pub(crate) fn allocate(size: u64) -> Result<Vec<u8>> {
    let len = usize::try_from(size).map_err(|_| Error::out_of_memory(size))?;
    filled(0, len)
}

/// Fails if there is no memory for `size` bytes. Only sizes at which that is likely are tried.
pub(crate) fn check(size: u64) -> Result<()> {
    if size < LARGE {
        return Ok(());
    }
    let len = usize::try_from(size).map_err(|_| Error::out_of_memory(size))?;
    Vec::<u8>::new().try_reserve_exact(len).map_err(|_| Error::out_of_memory(size))
}

const LARGE: u64 = 1 << 28;

/// A copy of values, or an error when there is no memory for it.
pub(crate) fn copy<T: Clone>(values: &[T]) -> Result<Vec<T>> {
    let mut list = with_room(values.len())?;
    list.extend_from_slice(values);
    Ok(list)
}

/// An empty list with room for `count` values.
pub(crate) fn with_room<T>(count: usize) -> Result<Vec<T>> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| lack::<T>(count))?;
    Ok(list)
}

/// A list of `count` times the same value.
pub(crate) fn filled<T: Clone>(value: T, count: usize) -> Result<Vec<T>> {
    let mut list = with_room(count)?;
    list.resize(count, value);
    Ok(list)
}

/// Collects values in a list.
pub(crate) fn list_of<T>(values: impl IntoIterator<Item = T>) -> Result<Vec<T>> {
    try_list_of(values.into_iter().map(Ok))
}

/// Collects values in a list, up to the first error.
pub(crate) fn try_list_of<T>(values: impl IntoIterator<Item = Result<T>>) -> Result<Vec<T>> {
    let values = values.into_iter();
    let mut list = with_room(values.size_hint().0)?;
    for value in values {
        list.try_push(value?)?;
    }
    Ok(list)
}

/// Returns `length` bytes of scratch memory, which grows if it has to.
pub(crate) fn at_least(scratch: &mut Vec<u8>, length: u64) -> Result<&mut [u8]> {
    let length = length as usize;
    if scratch.len() < length {
        scratch.make_room(length - scratch.len())?;
        scratch.resize(length, 0);
    }
    Ok(&mut scratch[..length])
}

/// A container that makes room before it is filled, so that filling it allocates nothing.
pub(crate) trait Room {
    /// Makes room for `more` elements.
    fn make_room(&mut self, more: usize) -> Result<()>;
}

impl<T> Room for Vec<T> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        if self.capacity() - self.len() >= more {
            return Ok(());
        }
        self.try_reserve(more).map_err(|_| lack::<T>(self.len().saturating_add(more)))
    }
}

impl<T> Room for VecDeque<T> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        if self.capacity() - self.len() >= more {
            return Ok(());
        }
        self.try_reserve(more).map_err(|_| lack::<T>(self.len().saturating_add(more)))
    }
}

impl Room for String {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        if self.capacity() - self.len() >= more {
            return Ok(());
        }
        self.try_reserve(more).map_err(|_| lack::<u8>(self.len().saturating_add(more)))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Room for HashMap<K, V, S> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        self.try_reserve(more).map_err(|_| lack::<(K, V)>(self.len().saturating_add(more)))
    }
}

impl<K: Eq + Hash, S: BuildHasher> Room for HashSet<K, S> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        self.try_reserve(more).map_err(|_| lack::<K>(self.len().saturating_add(more)))
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Room for IndexMap<K, V, S> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        self.try_reserve(more).map_err(|_| lack::<(K, V)>(self.len().saturating_add(more)))
    }
}

impl<K: Eq + Hash, S: BuildHasher> Room for IndexSet<K, S> {
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        self.try_reserve(more).map_err(|_| lack::<K>(self.len().saturating_add(more)))
    }
}

/// Adding to a list that may have to grow.
pub(crate) trait TryPush<T> {
    /// Appends a value.
    fn try_push(&mut self, value: T) -> Result<()>;
}

impl<T> TryPush<T> for Vec<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<()> {
        self.make_room(1)?;
        self.push(value);
        Ok(())
    }
}

impl<T> TryPush<T> for VecDeque<T> {
    #[inline]
    fn try_push(&mut self, value: T) -> Result<()> {
        self.make_room(1)?;
        self.push_back(value);
        Ok(())
    }
}

/// The error when there is no memory for `count` values.
#[cold]
fn lack<T>(count: usize) -> Error {
    Error::out_of_memory((count as u64).saturating_mul(size_of::<T>().max(1) as u64))
}
