//! Sorting where speed does not matter, in little code. The compiler generates std's sort anew for
//! each type and comparison, about 8 KiB each time, and the library sorts dozens of types. So does
//! `collect` where it makes a B-tree.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

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

/// Sorts `items` stably. Without memory for their order, they are sorted where they are, which
/// takes longer.
pub(crate) fn sort_by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    if items.is_sorted_by(|a, b| compare(a, b).is_le()) {
        return;
    }
    match order_of(items.len(), &|a, b| compare(&items[a], &items[b])) {
        Some(order) => arrange(order, &mut |a, b| items.swap(a, b)),
        None => in_place::sort(&mut in_place::Ordered { items, compare }),
    }
}

/// Sorts `items` stably by a key of each item.
pub(crate) fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

/// Returns the indices `0..len` in sorted order, equal ones in ascending order; `None` if there is
/// no memory for them. This is the only instance of std's sort used here.
fn order_of(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Option<Vec<usize>> {
    let mut order = Vec::new();
    order.try_reserve_exact(len).ok()?;
    order.extend(0..len);
    // Unlike std's stable sort, this one allocates nothing.
    order.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    Some(order)
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

/// Sorting without any memory.
mod in_place {
    use std::cmp::Ordering;
    use std::ops::Range;

    /// Items that can be compared and swapped by their places.
    pub(super) trait Items {
        fn len(&self) -> usize;
        fn compare(&self, a: usize, b: usize) -> Ordering;
        fn swap(&mut self, a: usize, b: usize);
    }

    pub(super) struct Ordered<'i, T, C> {
        pub items: &'i mut [T],
        pub compare: C,
    }

    impl<T, C: Fn(&T, &T) -> Ordering> Items for Ordered<'_, T, C> {
        fn len(&self) -> usize {
            self.items.len()
        }

        fn compare(&self, a: usize, b: usize) -> Ordering {
            (self.compare)(&self.items[a], &self.items[b])
        }

        fn swap(&mut self, a: usize, b: usize) {
            self.items.swap(a, b);
        }
    }

    /// Sorts stably: runs of 1, 2, 4, … items are merged.
    pub(super) fn sort(items: &mut dyn Items) {
        let (len, mut width) = (items.len(), 1);
        while width < len {
            let mut start = 0;
            while start + width < len {
                merge(items, start, start + width, (start + 2 * width).min(len));
                start += 2 * width;
            }
            width *= 2;
        }
    }

    /// Merges two sorted runs, from `start` to `middle` and from there to `end`.
    fn merge(items: &mut dyn Items, start: usize, middle: usize, end: usize) {
        if start == middle || middle == end || items.compare(middle - 1, middle).is_le() {
            return;
        }
        if end - start == 2 {
            return items.swap(start, middle);
        }
        // Halves the longer run, finds where that item belongs in the other, and rotates what lies
        // between: two merges of half the size remain.
        let (left, right) = if middle - start >= end - middle {
            let left = start + (middle - start) / 2;
            (left, first(middle..end, |at| items.compare(at, left).is_ge()))
        } else {
            let right = middle + (end - middle) / 2;
            (first(start..middle, |at| items.compare(at, right).is_gt()), right)
        };
        reverse(items, left..middle);
        reverse(items, middle..right);
        reverse(items, left..right);
        let between = left + (right - middle);
        merge(items, start, left, between);
        merge(items, between, between + (middle - left), end);
    }

    /// The first place of a range that `is_after` accepts, as it does all that follow.
    fn first(range: Range<usize>, is_after: impl Fn(usize) -> bool) -> usize {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let at = low + (high - low) / 2;
            match is_after(at) {
                true => high = at,
                false => low = at + 1,
            }
        }
        low
    }

    fn reverse(items: &mut dyn Items, range: Range<usize>) {
        let (mut low, mut high) = (range.start, range.end);
        while low + 1 < high {
            high -= 1;
            items.swap(low, high);
            low += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_items_keep_their_order() {
        let mut items = vec![(2, 'a'), (1, 'b'), (2, 'c'), (0, 'd'), (1, 'e')];
        sort_by_key(&mut items, |(key, _)| *key);
        assert_eq!(items, [(0, 'd'), (1, 'b'), (1, 'e'), (2, 'a'), (2, 'c')]);
        sort_by(&mut items, |a, b| b.1.cmp(&a.1));
        assert_eq!(items.iter().map(|(_, letter)| letter).collect::<String>(), "edcba");
    }

    #[test]
    fn both_ways_of_sorting_agree_with_std() {
        let mut random = 1u32;
        let mut number = |below: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        for len in [0, 1, 2, 3, 7, 64, 100, 1_000] {
            for values in [2, 10, 1_000_000] {
                let items: Vec<(u32, usize)> = (0..len).map(|i| (number(values), i)).collect();
                let compare = |a: &(u32, usize), b: &(u32, usize)| a.0.cmp(&b.0);
                let [mut expected, mut quick, mut slow] = [items.clone(), items.clone(), items];
                expected.sort_by(compare);
                sort_by(&mut quick, compare);
                in_place::sort(&mut in_place::Ordered { items: &mut slow, compare });
                assert_eq!(quick, expected);
                assert_eq!(slow, expected);
            }
        }
    }
}
