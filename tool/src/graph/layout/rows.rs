//! Chooses the vertical positions of the items of each layer, close to the items that they are
//! connected with.

use super::{Item, BETWEEN_BOXES, BETWEEN_LINES, SWEEPS};

/// Moves every item towards the middle of the items that it is connected with, keeping order and
/// distances.
pub fn align(items: &mut [Item], columns: &[Vec<usize>]) {
    for column in columns {
        let mut y = 0.0;
        for (i, &item) in column.iter().enumerate() {
            y += if i == 0 { 0.0 } else { distance(&items[column[i - 1]], &items[item]) };
            items[item].y = y;
        }
    }
    for sweep in 0..2 * SWEEPS {
        // First towards the left neighbours only, which lays out trees; then alternating; finally
        // towards both sides at once.
        let (use_left, use_right) = match sweep {
            0 => (true, false),
            s if s >= 2 * SWEEPS - 4 => (true, true),
            s => (s % 2 == 0, s % 2 == 1),
        };
        let forth = sweep % 2 == 0;
        let turn: Vec<usize> = if forth { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for layer in turn {
            let column = &columns[layer];
            let wishes: Vec<(f64, f64)> = column.iter().map(|&item| wish(items, item, use_left, use_right)).collect();
            let gaps: Vec<f64> = column.windows(2).map(|pair| distance(&items[pair[0]], &items[pair[1]])).collect();
            for (&item, y) in column.iter().zip(nearest(&wishes, &gaps)) {
                items[item].y = y;
            }
        }
    }
}

/// Returns the best position of an item and its weight. Joints weigh most, so that long edges are
/// straight.
fn wish(items: &[Item], item: usize, use_left: bool, use_right: bool) -> (f64, f64) {
    let (mut sum, mut weight) = (0.0, 0.0);
    let sides = [(&items[item].left, use_left), (&items[item].right, use_right)];
    for &near in sides.into_iter().filter(|side| side.1).flat_map(|side| side.0) {
        let pull = match (items[item].joint, items[near].joint) {
            (true, true) => 8.0,
            (true, false) | (false, true) => 2.0,
            (false, false) => 1.0,
        };
        sum += items[near].y * pull;
        weight += pull;
    }
    if weight > 0.0 {
        (sum / weight, weight)
    } else {
        (items[item].y, 0.1)
    }
}

fn distance(above: &Item, below: &Item) -> f64 {
    let gap = if above.joint && below.joint { BETWEEN_LINES } else { BETWEEN_BOXES };
    above.half + gap + below.half
}

/// Returns the positions nearest to the wishes `(position, weight)`, by least squares, that keep
/// the gaps.
fn nearest(wishes: &[(f64, f64)], gaps: &[f64]) -> Vec<f64> {
    // Without the gaps this is isotonic regression: neighbours that are out of order are pooled at
    // their mean.
    struct Pool {
        mean: f64,
        weight: f64,
        members: usize,
    }
    let mut offsets = vec![0.0];
    for gap in gaps {
        offsets.push(offsets[offsets.len() - 1] + gap);
    }
    let mut pools: Vec<Pool> = Vec::new();
    for (&(position, weight), offset) in wishes.iter().zip(&offsets) {
        let mut pool = Pool { mean: position - offset, weight, members: 1 };
        while let Some(before) = pools.pop_if(|before| before.mean >= pool.mean) {
            let weight = before.weight + pool.weight;
            pool.mean = (before.mean * before.weight + pool.mean * pool.weight) / weight;
            pool.weight = weight;
            pool.members += before.members;
        }
        pools.push(pool);
    }
    let means = pools.iter().flat_map(|pool| std::iter::repeat_n(pool.mean, pool.members));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_keep_their_gaps_and_their_means() {
        assert_eq!(nearest(&[(0.0, 1.0), (0.0, 1.0)], &[10.0]), [-5.0, 5.0]);
        assert_eq!(nearest(&[(0.0, 1.0), (50.0, 1.0)], &[10.0]), [0.0, 50.0]);
    }
}
