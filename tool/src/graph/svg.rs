//! Draws the object graph as an SVG picture.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;

use super::layout::{self, Line};
use super::model::{Kind, Model};
use crate::failure::{Failure, Outcome};
use crate::term;

/// Returns the outline colour of an object, as in the pictures of TensorFlow's guide.
pub fn color(kind: Kind) -> &'static str {
    match kind {
        Kind::Root | Kind::Object => "#202124",
        Kind::Optimizer => "#c5221f",
        Kind::Variable => "#1967d2",
        Kind::Slot => "#e8710a",
    }
}

/// Sizes in pixels. The font is monospaced, so the width of a text is known without the font.
const FONT: f64 = 12.0;
const SMALL_FONT: f64 = 10.0;
const LINE_HEIGHT: f64 = 16.0;
const PADDING: f64 = 8.0;
const MARGIN: f64 = 20.0;
/// The width of a letter relative to the font size. Common fonts have 0.6.
const LETTER: f64 = 0.62;
/// The maximum length of a text in a box or on an edge, in letters.
const LONGEST: usize = 40;

/// A line between two boxes. It stands for all edges between them; `names` are those that differ
/// from the name in the box.
struct Link {
    from: usize,
    to: usize,
    names: Vec<String>,
    slot: bool,
}

/// Draws the graph.
pub fn write(model: &Model, out: &mut dyn Write) -> Outcome {
    let (texts, links) = contents(model);
    let boxes: Vec<layout::Node> = texts.iter().map(|lines| size_of(lines)).collect();
    let edges: Vec<layout::Edge> =
        links.iter().map(|link| layout::Edge { from: link.from, to: link.to, label: label_width(&label_of(link)) }).collect();
    let Some(layout) = layout::place(&boxes, &edges) else {
        let objects = term::plural(model.nodes.len() as u64, "object");
        return Err(Failure::Problem(format!("a picture of {objects} would be too large; use the tree or --dot")));
    };

    let legend = legend_of(model);
    let legend_width: f64 = legend.iter().map(|(_, text)| 34.0 + text_width(text, SMALL_FONT)).sum();
    let width = layout.width.max(legend_width) + 2.0 * MARGIN;
    let height = layout.height + LINE_HEIGHT * 2.0 + 2.0 * MARGIN;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"{FONT}\">"
    )?;
    writeln!(out, "<title>Object graph of a TensorFlow checkpoint</title>")?;
    writeln!(
        out,
        "<defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"10\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto-start-reverse\"><path d=\"M0,1 L10,5 L0,9 z\" fill=\"#5f6368\"/></marker></defs>"
    )?;
    writeln!(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>")?;
    writeln!(out, "<g transform=\"translate({MARGIN},{MARGIN})\">")?;
    for (link, line) in links.iter().zip(&layout.lines) {
        write_link(link, line, out)?;
    }
    for (id, (lines, &(x, y))) in texts.iter().zip(&layout.boxes).enumerate() {
        write_box(model.nodes[id].kind, &model.path(id), lines, &boxes[id], (x, y), out)?;
    }
    write_legend(&legend, layout.height + LINE_HEIGHT * 2.0, out)?;
    writeln!(out, "</g>\n</svg>")?;
    Ok(())
}

/// Returns the lines of text in each box, and the links between boxes.
fn contents(model: &Model) -> (Vec<Vec<String>>, Vec<Link>) {
    let mut texts: Vec<Vec<String>> = model
        .nodes
        .iter()
        .map(|node| std::iter::once(node.name.clone()).chain(node.value_lines()).map(|line| term::fit(&line, LONGEST)).collect())
        .collect();
    let mut links: Vec<Link> = Vec::new();
    let mut index: HashMap<(usize, usize), usize> = HashMap::new();
    let mut link = |from: usize, to: usize, name: Option<&str>, slot: bool| {
        let at = *index.entry((from, to)).or_insert_with(|| {
            links.push(Link { from, to, names: Vec::new(), slot });
            links.len() - 1
        });
        links[at].slot &= slot;
        links[at].names.extend(name.map(str::to_owned));
    };
    for (id, node) in model.nodes.iter().enumerate() {
        for edge in &node.edges {
            // The box shows the name of its edge in the tree; other edges show their name only if
            // it differs.
            let name = (model.nodes[edge.to].name != edge.name).then_some(edge.name.as_str());
            if edge.to == id {
                texts[id].push(term::fit(&format!("↺ {}", edge.name), LONGEST));
                continue;
            }
            link(id, edge.to, name, edge.slot_of.is_some());
            if let Some(variable) = edge.slot_of.filter(|&variable| variable != edge.to) {
                link(variable, edge.to, None, true);
            }
        }
    }
    (texts, links)
}

fn text_width(text: &str, font: f64) -> f64 {
    term::width(text) as f64 * font * LETTER
}

fn size_of(lines: &[String]) -> layout::Node {
    let widths = lines.iter().enumerate().map(|(i, line)| text_width(line, if i == 0 { FONT } else { SMALL_FONT }));
    layout::Node { width: widths.fold(24.0, f64::max) + 2.0 * PADDING, height: LINE_HEIGHT * lines.len() as f64 + PADDING }
}

fn label_of(link: &Link) -> String {
    term::fit(&link.names.join(", "), LONGEST)
}

fn label_width(label: &str) -> f64 {
    if label.is_empty() {
        0.0
    } else {
        text_width(label, SMALL_FONT) + 6.0
    }
}

fn write_link(link: &Link, line: &Line, out: &mut dyn Write) -> Outcome {
    let mut path = String::new();
    for (i, &(from, to, y)) in line.runs.iter().enumerate() {
        let _ = match i.checked_sub(1).map(|before| line.runs[before]) {
            None => write!(path, "M{from:.1},{y:.1} H{to:.1}"),
            Some((_, x, before)) => {
                let middle = (x + from) / 2.0;
                write!(path, " C{middle:.1},{before:.1} {middle:.1},{y:.1} {from:.1},{y:.1} H{to:.1}")
            }
        };
    }
    let arrow = if line.turned { "marker-start" } else { "marker-end" };
    let dashes = if link.slot { " stroke-dasharray=\"5 3\"" } else { "" };
    writeln!(out, "<path d=\"{path}\" fill=\"none\" stroke=\"#5f6368\"{dashes} {arrow}=\"url(#arrow)\"/>")?;
    let label = label_of(link);
    if !label.is_empty() {
        let (x, y) = line.label;
        writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" font-size=\"{SMALL_FONT}\" text-anchor=\"end\" fill=\"#3c4043\">{}</text>",
            y - 4.0,
            escape(&label)
        )?;
    }
    Ok(())
}

fn write_box(kind: Kind, path: &str, lines: &[String], size: &layout::Node, (x, y): (f64, f64), out: &mut dyn Write) -> Outcome {
    let color = color(kind);
    writeln!(out, "<g><title>{}</title>", escape(path))?;
    write_outline(kind, (x, y), (size.width, size.height), 6.0, out)?;
    for (i, line) in lines.iter().enumerate() {
        let baseline = y + PADDING / 2.0 + LINE_HEIGHT * (i as f64 + 0.75);
        let small = if i > 0 { format!(" font-size=\"{SMALL_FONT}\"") } else { String::new() };
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{baseline:.1}\" text-anchor=\"middle\" fill=\"{color}\"{small}>{}</text>",
            x + size.width / 2.0,
            escape(line)
        )?;
    }
    writeln!(out, "</g>")?;
    Ok(())
}

/// Draws a rounded box in the colour of its kind.
fn write_outline(kind: Kind, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64, out: &mut dyn Write) -> Outcome {
    let (color, stroke) = (color(kind), if kind == Kind::Root { 2.5 } else { 1.2 });
    writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius}\" \
         fill=\"#fff\" stroke=\"{color}\" stroke-width=\"{stroke}\"/>"
    )?;
    Ok(())
}

/// Returns the legend of the colours in the picture.
fn legend_of(model: &Model) -> Vec<(Kind, &'static str)> {
    let all = [
        (Kind::Root, "root"),
        (Kind::Object, "object"),
        (Kind::Optimizer, "optimizer with slots"),
        (Kind::Variable, "variable"),
        (Kind::Slot, "slot variable (dashed: kept by the optimizer, for the variable)"),
    ];
    all.into_iter().filter(|&(kind, _)| model.count(kind) > 0).collect()
}

fn write_legend(legend: &[(Kind, &str)], y: f64, out: &mut dyn Write) -> Outcome {
    let mut x = 0.0;
    for &(kind, text) in legend {
        write_outline(kind, (x, y - 9.0), (14.0, 10.0), 3.0, out)?;
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{y:.1}\" font-size=\"{SMALL_FONT}\" fill=\"#3c4043\">{}</text>",
            x + 20.0,
            escape(text)
        )?;
        x += 34.0 + text_width(text, SMALL_FONT);
    }
    Ok(())
}

/// Escapes text for XML; control characters are already escaped.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
