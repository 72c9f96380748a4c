//! Prints the object graph in Graphviz's DOT language.

use std::io::Write;

use super::model::{Kind, Model};
use super::svg::color;
use crate::failure::Outcome;

/// Writes the graph: objects as boxes, slot variables with dashed edges, names on the edges.
pub fn write(model: &Model, out: &mut dyn Write) -> Outcome {
    writeln!(out, "digraph checkpoint {{")?;
    writeln!(out, "  rankdir=LR;")?;
    writeln!(out, "  node [shape=box, style=rounded, fontname=\"monospace\", fontsize=11];")?;
    writeln!(out, "  edge [fontname=\"monospace\", fontsize=9, arrowsize=0.7];")?;
    for (id, node) in model.nodes.iter().enumerate() {
        let lines: Vec<String> = std::iter::once(node.name.clone()).chain(node.value_lines()).map(|line| escape(&line)).collect();
        let outline = if node.kind == Kind::Root { ", penwidth=2" } else { "" };
        writeln!(out, "  n{id} [label=\"{}\", color=\"{}\"{outline}];", lines.join("\\n"), color(node.kind))?;
    }
    for (id, node) in model.nodes.iter().enumerate() {
        for edge in &node.edges {
            let (to, name) = (edge.to, escape(&edge.name));
            match edge.slot_of {
                None => writeln!(out, "  n{id} -> n{to} [label=\"{name}\"];")?,
                Some(variable) => {
                    writeln!(out, "  n{id} -> n{to} [label=\"{name}\", style=dashed];")?;
                    writeln!(out, "  n{variable} -> n{to} [style=dashed];")?;
                }
            }
        }
    }
    writeln!(out, "}}")?;
    Ok(())
}

/// Escapes text for double quotes; control characters are already escaped.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
