//! Sorting where speed does not matter, in little code. The compiler generates std's sort anew for
//! each type and comparison, about 8 KiB each time, and the library sorts dozens of types. So does
//! `collect` where it makes a B-tree.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::allocate::list_of;
use crate::error::Result;

/// Collects a set, item by item.
pub(crate) fn set_of<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// Collects a map, item by item; of equal keys the last counts.
pub(crate) fn map_of<K: Ord, V>(items: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(items);
    map
}

/// Sorts `items` stably.
///
/// # Errors
/// `RESOURCE_EXHAUSTED`: there is no memory for their order. They are as before.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) -> Result<()> {
    if !items.is_sorted_by(|a, b| compare(a, b).is_le()) {
        let order = order_of(items.len(), &|a, b| compare(&items[a], &items[b]))?;
        arrange(order, &mut |a, b| items.swap(a, b));
    }
    Ok(())
}

/// Sorts `items` stably by a key of each item.
///
/// # Errors
/// Those of [`sort_by`].
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) -> Result<()> {
    sort_by(items, |a, b| key(a).cmp(&key(b)))
}

/// Returns the indices `0..len` in sorted order, equal ones in ascending order. This is the only
/// instance of std's sort used here.
fn order_of(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Result<Vec<usize>> {
    let mut order = list_of(0..len)?;
    // Unlike std's stable sort, this one allocates nothing.
    order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    Ok(order)
}

/// Moves each item to its place: `order` has the present places of the items in sorted order.
fn arrange(mut order: Vec<usize>, swap: &mut dyn FnMut(usize, usize)) {
    for start in 0..order.len() {
        let mut at = start;
        loop {
            let from = std::mem::replace(&mut order[at], at);
            if from == start {
                break;
            }
            swap(at, from);
            at = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_keep_their_order() {
        let mut items = vec![(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')];
        sort_by_key(&mut items, |(key, _)| *key).unwrap();
        assert_eq!(items, [(0, 'd'), (1, 'b'), (1, 'e'), (2, 'a'), (2, 'c')]);
        sort_by(&mut items, |a, b| b.1.cmp(&a.1)).unwrap();
        assert_eq!(items.iter().map(|(_, letter)| letter).collect::<String>(), "edcba");
    }
}
