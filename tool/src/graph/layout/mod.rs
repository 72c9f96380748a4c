//! The layout of a drawing: boxes and lines in layers from left to right (Sugiyama's method).
//!
//! * Edges that close a cycle are reversed.
//! * Each box is placed one layer to the right of the last box that leads to it. A longer edge gets
//!   a joint in each layer that it passes, which reserves a row for it.
//! * Layers are sorted to reduce the number of crossing edges.
//! * Rows are moved towards the items that they are connected with, as far as the other rows allow.
//!
//! An edge reaches its box along a row of its own. Its label stands on that row, left of the box,
//! in a gutter as wide as the widest label. So in any graph, no text overlaps another text, a box,
//! or the line of another edge.

mod layers;
mod order;
mod rows;

use self::layers::{closing_cycles, layers};
use self::order::{order, uncross};
use self::rows::align;

/// A box to be placed.
pub struct Node {
    pub width: f64,
    pub height: f64,
}

/// A line to be drawn.
pub struct Edge {
    pub from: usize,
    pub to: usize,
    /// Width of the label, 0 for none.
    pub label: f64,
}

/// Distances, in the unit of the boxes.
const BETWEEN_BOXES: f64 = 14.0;
const BETWEEN_LINES: f64 = 8.0;
/// The width of the area between layers in which edges change rows.
const CHANNEL: f64 = 56.0;
/// The height of a row with a label, and of one without.
const LABELLED_ROW: f64 = 15.0;
const PLAIN_ROW: f64 = 5.0;
/// Room for the arrowhead.
const ARROW: f64 = 10.0;
/// The maximum number of boxes and joints, and of edges. A larger drawing would be useless.
const MOST: u64 = 20_000;
/// The number of times that the layers are sorted from left to right and back.
const SWEEPS: usize = 12;

/// A finished layout.
pub struct Layout {
    pub width: f64,
    pub height: f64,
    /// The upper left corner of each box.
    pub boxes: Vec<(f64, f64)>,
    /// The line of each edge.
    pub lines: Vec<Line>,
}

/// An edge in the drawing.
pub struct Line {
    /// Horizontal pieces from left to right, `(x from, x to, y)`, which curves join.
    pub runs: Vec<(f64, f64, f64)>,
    /// Whether the arrow is at the left end, because the edge was reversed.
    pub turned: bool,
    /// The right end of the label and the y of its row.
    pub label: (f64, f64),
}

/// A box, or the joint of an edge that passes a layer.
struct Item {
    layer: usize,
    /// Half the height: boxes and joints are positioned by their middle.
    half: f64,
    joint: bool,
    /// The items of the previous and the next layer that it is connected with.
    left: Vec<usize>,
    right: Vec<usize>,
    y: f64,
}

/// Places the boxes and edges; `None` if there are too many. The caller must remove edges from a
/// box to itself.
pub fn place(nodes: &[Node], edges: &[Edge]) -> Option<Layout> {
    let turned = closing_cycles(nodes.len(), edges);
    let ends: Vec<(usize, usize)> =
        edges.iter().zip(&turned).map(|(e, &turned)| if turned { (e.to, e.from) } else { (e.from, e.to) }).collect();
    let layer_of = layers(nodes.len(), &ends);
    let joints: u64 = ends.iter().map(|&(a, b)| (layer_of[b] - layer_of[a] - 1) as u64).sum();
    if joints + nodes.len() as u64 > MOST || edges.len() as u64 > MOST {
        return None;
    }

    let mut items: Vec<Item> = Vec::new();
    for (node, &layer) in nodes.iter().zip(&layer_of) {
        items.push(Item { layer, half: node.height / 2.0, joint: false, left: Vec::new(), right: Vec::new(), y: 0.0 });
    }
    // The items along each edge, from its left end to its right end.
    let mut chains: Vec<Vec<usize>> = Vec::new();
    for &(a, b) in &ends {
        let mut chain = vec![a];
        for layer in layer_of[a] + 1..layer_of[b] {
            chain.push(items.len());
            items.push(Item { layer, half: 1.0, joint: true, left: Vec::new(), right: Vec::new(), y: 0.0 });
        }
        chain.push(b);
        for pair in chain.windows(2) {
            items[pair[0]].right.push(pair[1]);
            items[pair[1]].left.push(pair[0]);
        }
        chains.push(chain);
    }
    // A box is as high as the rows of the edges that reach it.
    let mut row_of = vec![PLAIN_ROW; nodes.len()];
    for (edge, end) in edges.iter().zip(&ends) {
        row_of[end.1] = if edge.label > 0.0 { LABELLED_ROW } else { row_of[end.1] };
    }
    for (item, row) in items.iter_mut().zip(row_of) {
        item.half = item.half.max(item.left.len() as f64 * row / 2.0);
    }

    let mut columns = order(&mut items);
    uncross(&items, &mut columns);
    align(&mut items, &columns);
    Some(draw(nodes, edges, &ends, &turned, &items, &columns, &chains))
}

/// Turns layers and rows into coordinates.
fn draw(
    nodes: &[Node],
    edges: &[Edge],
    ends: &[(usize, usize)],
    turned: &[bool],
    items: &[Item],
    columns: &[Vec<usize>],
    chains: &[Vec<usize>],
) -> Layout {
    // From left to right: gutter for labels and arrows, boxes, channel; then the next layer.
    let mut gutters = vec![0.0f64; columns.len()];
    let mut widths = vec![0.0f64; columns.len()];
    for (edge, end) in edges.iter().zip(ends) {
        let gutter = &mut gutters[items[end.1].layer];
        *gutter = gutter.max(edge.label + ARROW);
    }
    for (node, item) in nodes.iter().zip(items) {
        widths[item.layer] = widths[item.layer].max(node.width);
    }
    let mut x = 0.0;
    let mut box_x = Vec::new();
    for layer in 0..columns.len() {
        x += gutters[layer];
        box_x.push(x);
        x += widths[layer] + CHANNEL;
    }
    let width = (x - CHANNEL).max(0.0);

    let top = items.iter().map(|item| item.y - item.half).fold(f64::INFINITY, f64::min).min(f64::MAX);
    let bottom = items.iter().map(|item| item.y + item.half).fold(f64::NEG_INFINITY, f64::max).max(top);
    let boxes = nodes.iter().zip(items).map(|(node, item)| (box_x[item.layer], item.y - node.height / 2.0 - top)).collect();

    // The rows on which edges reach a box, from top to bottom in the order of their origins.
    let mut reaching: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (edge, end) in ends.iter().enumerate() {
        reaching[end.1].push(edge);
    }
    let mut rows = vec![0.0; edges.len()];
    for (node, reaching) in reaching.iter_mut().enumerate() {
        let from = |edge: &usize| items[chains[*edge][chains[*edge].len() - 2]].y;
        reaching.sort_by(|a, b| from(a).total_cmp(&from(b)));
        let row = if reaching.iter().any(|&edge| edges[edge].label > 0.0) { LABELLED_ROW } else { PLAIN_ROW };
        for (i, &edge) in reaching.iter().enumerate() {
            rows[edge] = items[node].y - top + (i as f64 - (reaching.len() - 1) as f64 / 2.0) * row;
        }
    }

    let mut lines = Vec::new();
    for (edge, chain) in chains.iter().enumerate() {
        let (first, last) = (chain[0], chain[chain.len() - 1]);
        let from = &items[first];
        let right_of = |layer: usize| box_x[layer] + widths[layer];
        let mut runs = vec![(box_x[from.layer] + nodes[first].width, right_of(from.layer), from.y - top)];
        for &joint in &chain[1..chain.len() - 1] {
            let layer = items[joint].layer;
            runs.push((box_x[layer] - gutters[layer], right_of(layer), items[joint].y - top));
        }
        let left = box_x[items[last].layer];
        runs.push((left - gutters[items[last].layer], left, rows[edge]));
        lines.push(Line { runs, turned: turned[edge], label: (left - ARROW, rows[edge]) });
    }
    Layout { width, height: bottom - top, boxes, lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(nodes: usize, edges: &[(usize, usize)]) -> (Vec<Node>, Vec<Edge>) {
        let nodes = (0..nodes).map(|i| Node { width: 40.0 + i as f64, height: 30.0 }).collect();
        (nodes, edges.iter().map(|&(from, to)| Edge { from, to, label: 20.0 }).collect())
    }

    #[test]
    fn boxes_do_not_overlap_and_edges_end_at_their_boxes() {
        let (nodes, edges) = graph(7, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 0), (0, 4), (4, 5), (0, 5), (5, 4), (2, 6)]);
        let layout = place(&nodes, &edges).unwrap();
        for (i, (a, node_a)) in layout.boxes.iter().zip(&nodes).enumerate() {
            for (b, node_b) in layout.boxes.iter().zip(&nodes).skip(i + 1) {
                let apart = a.0 + node_a.width < b.0 || b.0 + node_b.width < a.0;
                assert!(apart || a.1 + node_a.height < b.1 || b.1 + node_b.height < a.1);
            }
        }
        for (line, edge) in layout.lines.iter().zip(&edges) {
            let (from, to) = if line.turned { (edge.to, edge.from) } else { (edge.from, edge.to) };
            assert_eq!(line.runs[0].0, layout.boxes[from].0 + nodes[from].width);
            let end = line.runs.last().unwrap();
            assert_eq!(end.1, layout.boxes[to].0);
            assert!((layout.boxes[to].1..=layout.boxes[to].1 + nodes[to].height).contains(&end.2));
        }
        assert_eq!(layout.lines.iter().filter(|line| line.turned).count(), 2);
    }

    #[test]
    fn a_tree_has_no_crossings() {
        let (nodes, edges) = graph(10, &[(0, 3), (0, 1), (0, 2), (1, 4), (3, 5), (2, 6), (1, 7), (3, 8), (2, 9)]);
        let layout = place(&nodes, &edges).unwrap();
        let y = |id: usize| layout.boxes[id].1;
        assert!(y(3) < y(1) && y(1) < y(2), "children stand in the order of their edges");
        assert!(y(5) < y(8) && y(8) < y(4) && y(4) < y(7) && y(7) < y(6));
    }

    #[test]
    fn what_nobody_could_look_at_is_refused() {
        let chain: Vec<(usize, usize)> = (0..1000).flat_map(|i| [(i, i + 1), (0, i + 1)]).collect();
        let (nodes, edges) = graph(1001, &chain);
        assert!(place(&nodes, &edges).is_none());
        assert!(place(&[], &[]).is_some());
    }
}
