//! Formats arrays as text as NumPy does: nested brackets, wrapped lines, and only the edges of
//! large arrays.

use std::io::{self, Write};

/// Arrays with more elements than this are abridged.
const THRESHOLD: u64 = 1000;
/// The number of elements shown at either end of an abridged dimension.
const EDGE: i64 = 3;
/// The number of columns of a line.
const LINE: usize = 75;

/// Which elements of an array of a given shape are shown.
pub struct View {
    shape: Vec<i64>,
    abridged: bool,
}

impl View {
    /// Shows all elements, or only the edges of a large array.
    pub fn of(shape: &[i64]) -> View {
        let elements = shape.iter().fold(1u64, |product, &n| product.saturating_mul(n as u64));
        View { shape: shape.to_vec(), abridged: elements > THRESHOLD && !shape.contains(&0) }
    }

    /// Returns the indices of dimension `dim` that are shown.
    pub fn shown(&self, dim: usize) -> Vec<i64> {
        let size = self.shape[dim];
        if self.leaves_out(dim) {
            (0..EDGE).chain(size - EDGE..size).collect()
        } else {
            (0..size).collect()
        }
    }

    fn leaves_out(&self, dim: usize) -> bool {
        self.abridged && self.shape[dim] > 2 * EDGE
    }

    /// Writes the array; `texts` are the texts of the shown elements, row-major.
    pub fn write(&self, texts: &[String], out: &mut dyn Write) -> io::Result<()> {
        if self.shape.contains(&0) {
            return out.write_all(b"[]");
        }
        match self.shape.len() {
            0 => out.write_all(texts.first().map_or("", |text| text).as_bytes()),
            _ => self.write_from(0, &mut texts.iter(), out),
        }
    }

    /// Writes the part of the array at one index of each dimension before `dim`. The recursion is
    /// shallow: tensors have at most 254 dimensions.
    fn write_from(&self, dim: usize, texts: &mut std::slice::Iter<'_, String>, out: &mut dyn Write) -> io::Result<()> {
        let mut items = vec![Item::Element; self.shown(dim).len()];
        if self.leaves_out(dim) {
            items.insert(EDGE as usize, Item::LeftOut);
        }
        out.write_all(b"[")?;
        match self.shape.len() - dim - 1 {
            0 => write_line(&items, dim, texts, out)?,
            inner_dims => {
                let next = format!("{}{}", "\n".repeat(inner_dims), " ".repeat(dim + 1));
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        out.write_all(next.as_bytes())?;
                    }
                    match item {
                        Item::Element => self.write_from(dim + 1, texts, out)?,
                        Item::LeftOut => out.write_all(b"...")?,
                    }
                }
            }
        }
        out.write_all(b"]")
    }
}

/// An item of a row.
#[derive(Clone, Copy)]
enum Item {
    Element,
    LeftOut,
}

/// Writes the elements of the last dimension, `dim`, and wraps full lines.
fn write_line(items: &[Item], dim: usize, texts: &mut std::slice::Iter<'_, String>, out: &mut dyn Write) -> io::Result<()> {
    let indent = dim + 1;
    let width = LINE.saturating_sub(dim + 1); // room for the closing brackets
    let mut column = indent;
    let mut spaces = 0; // to be written before the next word unless the line ends
    for item in items {
        let word = match item {
            Item::Element => texts.next().map_or("", |text| text),
            Item::LeftOut => "...",
        };
        if column + word.len() > width && column > indent {
            write!(out, "\n{}", " ".repeat(indent))?;
            (column, spaces) = (indent, 0);
        }
        let text = word.trim_end();
        write!(out, "{:spaces$}{text}", "")?;
        spaces = word.len() - text.len() + 1;
        column += word.len() + 1;
    }
    write!(out, "{:1$}", "", spaces.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(shape: &[i64]) -> String {
        let view = View::of(shape);
        let mut positions = vec![0];
        for (dim, &size) in shape.iter().enumerate() {
            positions = positions.iter().flat_map(|p| view.shown(dim).into_iter().map(move |i| p * size + i)).collect();
        }
        let width = shape.iter().product::<i64>().saturating_sub(1).to_string().len();
        let texts: Vec<String> = positions.iter().map(|p| format!("{p:>width$}")).collect();
        let mut out = Vec::new();
        view.write(&texts, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The expected texts are NumPy's for `np.arange(prod(shape)).reshape(shape)`.
    #[test]
    fn arrays_print_as_in_numpy() {
        assert_eq!(print(&[]), "0");
        assert_eq!(print(&[0]), "[]");
        assert_eq!(print(&[2, 0, 3]), "[]");
        assert_eq!(print(&[3]), "[0 1 2]");
        assert_eq!(print(&[2, 2]), "[[0 1]\n [2 3]]");
        assert_eq!(print(&[2, 1, 2]), "[[[0 1]]\n\n [[2 3]]]");
        assert_eq!(print(&[2000]), "[   0    1    2 ... 1997 1998 1999]");
        assert_eq!(
            print(&[500, 4]),
            "[[   0    1    2    3]\n [   4    5    6    7]\n [   8    9   10   11]\n ...\n \
             [1988 1989 1990 1991]\n [1992 1993 1994 1995]\n [1996 1997 1998 1999]]"
        );
    }

    #[test]
    fn long_lines_wrap_as_in_numpy() {
        let text = print(&[2, 30]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "[[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23");
        assert_eq!(lines[1], "  24 25 26 27 28 29]");
        assert_eq!(lines[2], " [30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53");
        assert_eq!(lines[3], "  54 55 56 57 58 59]]");
    }
}
