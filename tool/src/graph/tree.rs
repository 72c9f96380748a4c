//! Prints the object graph as a tree.

use std::io::Write;

use anstyle::Style;

use super::model::{Edge, Kind, Model, Node};
use crate::failure::Outcome;
use crate::term::{self, Screen};

/// The maximum depth that is shown. Models have about a dozen levels; a malicious file may have a
/// million.
const DEEPEST: usize = 100;

/// Prints the tree, then the objects that no path leads to, then the number of objects of each
/// kind.
pub fn write(model: &Model, screen: &mut Screen) -> Outcome {
    write_tree(model, 0, screen)?;
    for id in model.unreachable() {
        // These objects are listed without a tree of their own, because nothing tells where it
        // would begin.
        let line = format!("{}{}", head(&model.nodes[id], &model.nodes[id].name, screen), tail(&model.nodes[id], screen));
        writeln!(screen, "{line}  {}", screen.paint(term::FAINT, "(no path from the root)"))?;
    }
    let kinds = [(Kind::Optimizer, "optimizer with slots"), (Kind::Variable, "variable"), (Kind::Slot, "slot variable")];
    let mut summary = term::plural(model.nodes.len() as u64, "object");
    for (kind, what) in kinds {
        match (kind, model.count(kind)) {
            (_, 0) => {}
            (Kind::Optimizer, n) if n > 1 => summary.push_str(&format!(", {n} optimizers with slots")),
            (_, n) => summary.push_str(&format!(", {}", term::plural(n, what))),
        }
    }
    writeln!(screen, "\n{}", screen.paint(term::FAINT, &summary))?;
    Ok(())
}

/// An object whose lines are being printed.
struct Frame {
    id: usize,
    /// The next of its edges.
    next: usize,
    /// The length of `lead` for the lines of its parent.
    lead: usize,
}

/// Prints an object and everything below it. Uses an explicit stack, because the file determines
/// the depth.
fn write_tree(model: &Model, top: usize, screen: &mut Screen) -> Outcome {
    let node = &model.nodes[top];
    writeln!(screen, "{}{}", head(node, &node.name, screen), tail(node, screen))?;
    // The prefix of the lines below the innermost object: a bar for each enclosing object that has
    // more lines to come.
    let mut lead = String::new();
    write_values(node, &lead, screen)?;
    let mut stack = vec![Frame { id: top, next: 0, lead: 0 }];
    while let Some(frame) = stack.last_mut() {
        let edges = &model.nodes[frame.id].edges;
        let Some(edge) = edges.get(frame.next) else {
            lead.truncate(frame.lead);
            stack.pop();
            continue;
        };
        frame.next += 1;
        let last = frame.next == edges.len();
        let branch = match (last, edge.slot_of.is_some()) {
            (false, false) => "├── ",
            (true, false) => "└── ",
            (false, true) => "├╌╌ ",
            (true, true) => "└╌╌ ",
        };
        let line = edge_line(model, edge, screen);
        writeln!(screen, "{}{line}", screen.paint(term::FAINT, &format!("{lead}{branch}")))?;
        if !edge.in_tree {
            continue;
        }
        let outer = lead.len();
        lead.push_str(if last { "    " } else { "│   " });
        let node = &model.nodes[edge.to];
        write_values(node, &lead, screen)?;
        if stack.len() < DEEPEST || node.edges.is_empty() {
            stack.push(Frame { id: edge.to, next: 0, lead: outer });
        } else {
            let note = format!("{lead}└── … too deep to show; use --dot");
            writeln!(screen, "{}", screen.paint(term::FAINT, &note))?;
            lead.truncate(outer);
        }
    }
    Ok(())
}

/// Returns the text of an edge: the object, or the path at which it is shown.
fn edge_line(model: &Model, edge: &Edge, screen: &Screen) -> String {
    let node = &model.nodes[edge.to];
    let of = match edge.slot_of {
        Some(variable) => screen.paint(term::FAINT, &format!(" of {}", model.path(variable))),
        None => String::new(),
    };
    if edge.in_tree {
        format!("{}{of}{}", head(node, &edge.name, screen), tail(node, screen))
    } else {
        let place = screen.paint(term::FAINT, &format!(" → {}", model.path(edge.to)));
        format!("{}{of}{place}", head(node, &edge.name, screen))
    }
}

/// Returns a name in the colour of the object's kind.
fn head(node: &Node, name: &str, screen: &Screen) -> String {
    let style = match node.kind {
        Kind::Root => term::HEADING,
        Kind::Object => Style::new(),
        Kind::Optimizer => term::OPTIMIZER,
        Kind::Variable => term::VARIABLE,
        Kind::Slot => term::SLOT,
    };
    screen.paint(style, name)
}

/// Returns the value of an object that has exactly one.
fn tail(node: &Node, screen: &Screen) -> String {
    match node.value_lines().as_slice() {
        [value] => screen.paint(term::FAINT, &format!("  {value}")),
        _ => String::new(),
    }
}

/// Prints the values of an object that has several, one per line.
fn write_values(node: &Node, lead: &str, screen: &mut Screen) -> Outcome {
    let bar = if node.edges.is_empty() { " " } else { "│" };
    let values = node.value_lines();
    if values.len() > 1 {
        for value in values {
            let line = screen.paint(term::FAINT, &format!("{lead}{bar}   {value}"));
            writeln!(screen, "{line}")?;
        }
    }
    Ok(())
}
