//! Orders the items of each layer to reduce the number of crossing edges.

use super::{Item, SWEEPS};

/// Returns the items of each layer in the order in which a walk from the first box meets them.
/// Trees then have no crossings.
pub fn order(items: &mut [Item]) -> Vec<Vec<usize>> {
    let layers = items.iter().map(|item| item.layer + 1).max().unwrap_or(0);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); layers];
    let mut met = vec![false; items.len()];
    for start in 0..items.len() {
        let mut stack = vec![start];
        if !items[start].left.is_empty() {
            continue;
        }
        while let Some(at) = stack.pop() {
            if std::mem::replace(&mut met[at], true) {
                continue;
            }
            columns[items[at].layer].push(at);
            stack.extend(items[at].right.iter().rev().filter(|&&next| !met[next]));
        }
    }
    columns
}

/// Sorts each layer by the positions of its neighbours, alternating between directions, and keeps
/// the best order found.
pub fn uncross(items: &[Item], columns: &mut Vec<Vec<usize>>) {
    let mut place = vec![0.0; items.len()];
    let note = |columns: &[Vec<usize>], place: &mut [f64]| {
        for column in columns {
            column.iter().enumerate().for_each(|(i, &item)| place[item] = i as f64);
        }
    };
    note(columns, &mut place);
    let mut best = (crossings(items, columns, &place), columns.clone());
    for sweep in 0..SWEEPS {
        let forth = sweep % 2 == 0;
        let turn: Vec<usize> = if forth { (0..columns.len()).collect() } else { (0..columns.len()).rev().collect() };
        for layer in turn {
            let wish = |&item: &usize| {
                let near = if forth { &items[item].left } else { &items[item].right };
                match near.len() {
                    0 => place[item],
                    n => near.iter().map(|&near| place[near]).sum::<f64>() / n as f64,
                }
            };
            let mut sorted: Vec<(f64, usize)> = columns[layer].iter().map(|item| (wish(item), *item)).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
            columns[layer] = sorted.into_iter().map(|(_, item)| item).collect();
            columns[layer].iter().enumerate().for_each(|(i, &item)| place[item] = i as f64);
        }
        let count = crossings(items, columns, &place);
        if count < best.0 {
            best = (count, columns.clone());
        }
    }
    *columns = best.1;
}

/// Returns the number of crossing edges, counted for each pair of layers with a tree of sums.
fn crossings(items: &[Item], columns: &[Vec<usize>], place: &[f64]) -> u64 {
    let mut crossed = 0;
    for (column, next) in columns.iter().zip(columns.iter().skip(1)) {
        let mut sums = vec![0u64; next.len() + 1];
        let mut seen = 0;
        for &item in column {
            let mut ends: Vec<usize> = items[item].right.iter().map(|&end| place[end] as usize + 1).collect();
            ends.sort_unstable();
            for &end in &ends {
                let (mut at, mut not_below) = (end, 0);
                while at > 0 {
                    not_below += sums[at];
                    at &= at - 1;
                }
                crossed += seen - not_below;
            }
            for end in ends {
                let mut at = end;
                while at < sums.len() {
                    sums[at] += 1;
                    at += at & at.wrapping_neg();
                }
                seen += 1;
            }
        }
    }
    crossed
}
