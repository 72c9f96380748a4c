//! Copies tensors from one checkpoint to another.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use checkpoint::{DType, ObjectGraph, Reader, Tensor, Writer, Written};

use crate::cast::Cast;
use crate::destination;
use crate::failure::{Failure, Outcome};
use crate::locking;
use crate::opening;
use crate::stream::Stream;
use crate::term::printable;

/// The key of the tensor in which TensorFlow stores the object graph.
pub const GRAPH: &[u8] = b"_CHECKPOINTABLE_OBJECT_GRAPH";

/// Sorts tensors in the order of their positions in the files, so that a single data file is
/// reproduced exactly.
pub fn in_file_order(tensors: &mut [Tensor<'_>]) {
    tensors.sort_by_key(|tensor| (tensor.shard(), tensor.offset(), tensor.byte_size(), tensor.index()));
}

/// Opens the checkpoint at `source` to write another one at `destination`.
pub fn open(source: &Path, destination: &Path) -> Outcome<Reader> {
    destination::check(destination)?;
    let reader = opening::open(source)?;
    destination::check_other(destination, &reader)?;
    Ok(reader)
}

/// What is written of a checkpoint.
pub struct Rewritten<'a> {
    pub graph: Option<ObjectGraph>,
    /// All tensors but that of the graph.
    pub tensors: Vec<Keyed<'a>>,
}

/// A tensor and its key in the new checkpoint.
pub struct Keyed<'a> {
    pub tensor: Tensor<'a>,
    pub key: Cow<'a, [u8]>,
}

/// Returns all tensors but that of the object graph, in the order of the files.
pub fn tensors(reader: &Reader) -> Vec<Tensor<'_>> {
    let mut tensors: Vec<Tensor<'_>> = reader.tensors().filter(|tensor| tensor.key() != GRAPH).collect();
    in_file_order(&mut tensors);
    tensors
}

impl Rewritten<'_> {
    /// Writes the checkpoint.
    pub fn write(&self, reader: &Reader, destination: &Path, locking: &locking::Args) -> Outcome<Written> {
        let mut writer = Writer::new(destination, &destination::options(None, locking))?;
        for Keyed { tensor, key } in &self.tensors {
            add(&mut writer, reader, *tensor, key, None)?;
        }
        if let Some(graph) = &self.graph {
            writer.add_strings(GRAPH, &[], &[graph.encode()?])?;
        }
        destination::finish(writer)
    }
}

/// Adds a tensor to the writer under a key, optionally cast. Strings and variants are read now,
/// numbers when they are written; the returned stream reads them.
pub fn add<'a>(
    writer: &mut Writer<'a>,
    reader: &'a Reader,
    tensor: Tensor<'a>,
    key: &[u8],
    cast: Option<Cast>,
) -> Outcome<Option<Arc<Stream<'a>>>> {
    let shape = tensor.shape();
    if tensor.dtype().size().is_none() {
        let strings = tensor.read_strings()?;
        let elements: Vec<&[u8]> = strings.iter().collect();
        match tensor.dtype() {
            DType::Variant => writer.add_variants(key, shape, &elements)?,
            _ => writer.add_strings(key, shape, &elements)?,
        }
        return Ok(None);
    }
    let stream = Arc::new(Stream::new(reader, tensor, cast));
    let dtype = cast.map_or(tensor.dtype(), |cast| cast.to);
    let source = Arc::clone(&stream);
    writer.add_read(key, dtype, shape, Box::new(move |offset, buffer| source.read(offset, buffer)))?;
    Ok(Some(stream))
}

/// Checks that no two tensors would have the same key, and that none would have that of the object
/// graph.
pub fn check_keys<'k>(keys: impl Iterator<Item = &'k [u8]>) -> Outcome {
    let mut seen = HashSet::from([GRAPH]);
    for key in keys {
        if !seen.insert(key) {
            return Err(Failure::Problem(format!("two tensors would have the key \"{}\"", printable(key))));
        }
    }
    Ok(())
}

/// The values of an object graph by their keys. A tensor belongs to the value whose key it has or
/// its key begins with; the tensors of a hash table are `…/table-keys` and `…/table-values`.
pub struct Values<K, T>(BTreeMap<K, T>);

impl<K: Ord, T> FromIterator<(K, T)> for Values<K, T> {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(values: I) -> Self {
        Values(values.into_iter().collect())
    }
}

impl<K: Ord + Borrow<[u8]>, T> Values<K, T> {
    /// Returns the value that a tensor belongs to: the longest matching key, and the entry of the
    /// map.
    pub fn of_tensor(&self, key: &[u8]) -> Option<(&[u8], &T)> {
        let mut probe = key;
        loop {
            let (found, value) = self.0.range::<[u8], _>((Bound::Unbounded, Bound::Included(probe))).next_back()?;
            let found = found.borrow();
            if key.starts_with(found) {
                return Some((found, value));
            }
            // A key that is a prefix of the tensor's key sorts before the key just found, so it is
            // a prefix of what they have in common.
            let common = found.iter().zip(probe).take_while(|(a, b)| a == b).count();
            probe = &probe[..common];
        }
    }
}

/// A changed object graph, and the keys of its values.
pub struct Rekeying {
    pub graph: ObjectGraph,
    /// The old and the new key of each value.
    keys: HashMap<String, String>,
}

impl Rekeying {
    /// All keys are as before.
    pub fn none(graph: ObjectGraph) -> Rekeying {
        let keys = graph.nodes().flat_map(|node| node.attributes()).map(|a| (a.checkpoint_key.into(), a.checkpoint_key.into()));
        Rekeying { keys: keys.collect(), graph }
    }

    /// Keys are made anew, as TensorFlow would make them.
    pub fn of(graph: &ObjectGraph) -> Outcome<Rekeying> {
        let rekeyed = graph.rekeyed()?;
        Ok(Rekeying { graph: rekeyed.graph, keys: rekeyed.keys.into_iter().collect() })
    }

    /// Returns the tensors that are still there, with their new keys. A tensor of a value of the
    /// graph `before` that the new one lacks is gone; one of no value stays.
    pub fn tensors<'a>(&self, before: &ObjectGraph, tensors: Vec<Tensor<'a>>) -> Vec<Keyed<'a>> {
        let keys = before.nodes().flat_map(|node| node.attributes()).map(|attribute| attribute.checkpoint_key);
        let values: Values<&[u8], Option<&String>> = keys.map(|key| (key.as_bytes(), self.keys.get(key))).collect();
        let keyed = tensors.into_iter().filter_map(|tensor| {
            let key = match values.of_tensor(tensor.key()) {
                None => Cow::Borrowed(tensor.key()),
                Some((_, None)) => return None,
                Some((old, Some(new))) => Cow::Owned([new.as_bytes(), &tensor.key()[old.len()..]].concat()),
            };
            Some(Keyed { tensor, key })
        });
        keyed.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_is_of_the_value_with_the_longest_beginning_of_its_key() {
        let keys = ["a/table", "a/table-k", "a/tab", "a/tablf", "b", "a/table-keys/x"];
        let values: Values<&[u8], usize> = keys.iter().enumerate().map(|(i, key)| (key.as_bytes(), i)).collect();
        let of = |key: &str| values.of_tensor(key.as_bytes()).map(|(_, &i)| keys[i]);
        assert_eq!(of("a/table"), Some("a/table"));
        assert_eq!(of("a/table-keys"), Some("a/table-k"));
        assert_eq!(of("a/table-values"), Some("a/table"));
        assert_eq!(of("a/tablz"), Some("a/tab"));
        assert_eq!(of("a/ta"), None);
        assert_eq!(of("c"), None);
        assert_eq!(of("a"), None);
    }
}
