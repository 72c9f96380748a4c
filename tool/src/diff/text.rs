//! Prints differences for people.

use std::io::Write;

use super::graphs::{Change, Part};
use super::tensors::{About, Changed};
use super::values::ValueDiff;
use super::{Args, Diff};
use crate::failure::Outcome;
use crate::term::{self, printable, Screen};

/// Writes one line per difference, and a summary.
pub fn write(diff: &Diff, args: &Args, screen: &mut Screen) -> Outcome {
    let (graph, tensors) = (&diff.graph, &diff.tensors);
    if !diff.is_same() {
        for (mark, style, path) in [("---", term::BAD, &args.first), ("+++", term::GOOD, &args.second)] {
            let line = format!("{mark} {}", printable(path.as_os_str().as_encoded_bytes()));
            writeln!(screen, "{}", screen.paint(style, &line))?;
        }
    }
    if !graph.is_same() {
        writeln!(screen, "{}", screen.paint(term::HEADING, "object graph"))?;
        for change in &graph.changed {
            line(screen, '~', &change_text(change))?;
        }
        for (mark, parts) in [('-', &graph.only_in_a), ('+', &graph.only_in_b)] {
            parts.iter().try_for_each(|part| line(screen, mark, &part_text(part)))?;
        }
    }
    if !tensors.is_same() {
        writeln!(screen, "{}", screen.paint(term::HEADING, "tensors"))?;
        for changed in &tensors.changed {
            line(screen, '~', &changed_text(changed))?;
        }
        for (mark, list) in [('-', &tensors.only_in_a), ('+', &tensors.only_in_b)] {
            list.iter().try_for_each(|about| line(screen, mark, &about_text(about)))?;
        }
    }

    let mut counts = Vec::new();
    for (count, what) in
        [(tensors.changed.len(), "changed"), (tensors.only_in_a.len(), "only in A"), (tensors.only_in_b.len(), "only in B")]
    {
        if count > 0 {
            counts.push(format!("{} {what}", term::plural(count as u64, "tensor")));
        }
    }
    let parts = graph.changed.len() + graph.only_in_a.len() + graph.only_in_b.len();
    if parts > 0 {
        counts.push(format!("{} in the object graphs", term::plural(parts as u64, "difference")));
    }
    let objects = graph.same.map(|count| format!(", {}", term::plural(count, "object"))).unwrap_or_default();
    let compared = if args.values { "" } else { " (values were not compared)" };
    let same = format!("{}{objects} the same{compared}", term::plural(tensors.same, "tensor"));
    if diff.is_same() {
        writeln!(screen, "{} {same}", screen.paint(term::GOOD, "same"))?
    } else {
        writeln!(screen, "{} {}; {same}", screen.paint(term::BAD, "different"), counts.join(", "))?
    }
    Ok(())
}

fn line(screen: &mut Screen, mark: char, text: &str) -> Outcome {
    let style = match mark {
        '-' => term::BAD,
        '+' => term::GOOD,
        _ => term::SLOT,
    };
    let mark = screen.paint(style, &mark.to_string());
    writeln!(screen, "  {mark} {text}")?;
    Ok(())
}

/// Returns a path for people; that of the root, which is empty, is `root`.
fn path(path: &str) -> String {
    match path {
        "" => "root".to_owned(),
        path => printable(path.as_bytes()),
    }
}

fn part_text(part: &Part) -> String {
    match part {
        Part::Graph { objects } => format!("{}: the other checkpoint was saved by names", term::plural(*objects, "object")),
        Part::Edge { path: edge, below: 0 } => path(edge),
        Part::Edge { path: edge, below } => format!("{}  and {} below", path(edge), term::plural(*below, "object")),
        Part::Value { path: of, name } => format!("{}  value {}", path(of), printable(name.as_bytes())),
        Part::Slot { owner, variable, name } => {
            format!("{}  slot {} of {}", path(owner), printable(name.as_bytes()), path(variable))
        }
    }
}

fn change_text(change: &Change) -> String {
    match change {
        Change::Shared { path: edge, a, b } => format!("{}  is {} → {}", path(edge), path(a), path(b)),
        Change::Saver { path: of, a, b } => {
            let saver = |name: &Option<String>| name.as_ref().map_or("none".to_owned(), |name| printable(name.as_bytes()));
            format!("{}  registered saver {} → {}", path(of), saver(a), saver(b))
        }
    }
}

fn about_text(about: &About) -> String {
    format!("{}  {} {}", printable(&about.key), about.dtype, term::shape(&about.shape))
}

fn changed_text(changed: &Changed) -> String {
    let (a, b) = (&changed.a, &changed.b);
    let mut text = about_text(a);
    if (a.dtype, &a.shape) != (b.dtype, &b.shape) {
        text.push_str(&format!(" → {} {}", b.dtype, term::shape(&b.shape)));
    }
    if let Some(values) = &changed.values {
        text.push_str(&format!("  {}", values_text(values)));
    }
    text
}

fn values_text(values: &ValueDiff) -> String {
    let mut text = format!("{} of {} differ", values.differing, term::plural(values.elements, "element"));
    if values.differing == 1 {
        text.push('s');
    }
    let Some(numbers) = &values.numbers else { return text };
    if numbers.max_abs > 0.0 {
        text.push_str(&format!(", max abs {}", number(numbers.max_abs)));
    }
    if let Some(max_rel) = numbers.max_rel {
        text.push_str(&format!(", max rel {}", number(max_rel)));
    }
    if numbers.nan_a + numbers.nan_b > 0 {
        text.push_str(&format!(", NaN {} → {}", numbers.nan_a, numbers.nan_b));
    }
    text
}

/// Formats a difference with four significant digits.
fn number(value: f64) -> String {
    if value == 0.0 || value.is_infinite() {
        return value.to_string();
    }
    if value.fract() == 0.0 && value < 1e9 {
        return value.to_string();
    }
    let (digits, exponent) = (format!("{value:.3e}"), value.log10().floor());
    if (-4.0..6.0).contains(&exponent) {
        digits.parse::<f64>().map_or(digits, |rounded| rounded.to_string())
    } else {
        let (digits, exponent) = digits.split_once('e').unwrap_or((&digits, "0"));
        format!("{}e{exponent}", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_short_numbers() {
        for (value, text) in [
            (0.0, "0"),
            (3.0, "3"),
            (65536.0, "65536"),
            (0.123456, "0.1235"),
            (12.0004, "12"),
            (1234.56, "1235"),
            (1.0e-7, "1e-7"),
            (1.23456e-9, "1.235e-9"),
            (0.00012, "0.00012"),
            (1.5e300, "1.5e300"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
