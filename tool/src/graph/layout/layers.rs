//! Assigns boxes to layers.

use super::Edge;

/// Finds the edges that close a cycle in a depth-first walk. Without them the graph has no cycle.
pub fn closing_cycles(nodes: usize, edges: &[Edge]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Around,
        Done,
    }
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (i, edge) in edges.iter().enumerate() {
        out[edge.from].push(i);
    }
    let mut seen = vec![Seen::No; nodes];
    let mut closing = vec![false; edges.len()];
    for start in 0..nodes {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Around;
        let mut stack = vec![(start, 0)];
        while let Some((at, next)) = stack.last_mut() {
            let Some(&edge) = out[*at].get(*next) else {
                seen[*at] = Seen::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            let to = edges[edge].to;
            match seen[to] {
                Seen::Around => closing[edge] = true,
                Seen::Done => {}
                Seen::No => {
                    seen[to] = Seen::Around;
                    stack.push((to, 0));
                }
            }
        }
    }
    closing
}

/// Returns the layer of each node: one more than the highest layer of a node that leads to it.
pub fn layers(nodes: usize, ends: &[(usize, usize)]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut waiting = vec![0usize; nodes];
    for &(a, b) in ends {
        out[a].push(b);
        waiting[b] += 1;
    }
    let mut layer = vec![0; nodes];
    let mut ready: Vec<usize> = (0..nodes).filter(|&node| waiting[node] == 0).collect();
    while let Some(a) = ready.pop() {
        for &b in &out[a] {
            layer[b] = layer[b].max(layer[a] + 1);
            waiting[b] -= 1;
            if waiting[b] == 0 {
                ready.push(b);
            }
        }
    }
    layer
}
