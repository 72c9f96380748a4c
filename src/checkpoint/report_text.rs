//! Reports as text. It is written row by row, so that a report of any size takes little memory
//! beyond that of whoever keeps the text.

use std::fmt::{self, Display, Formatter, Write};

use super::report::{Report, Row, RowState};
use super::row_path::RowPath;
use crate::error::shown;
use crate::tensor::{shape_text, DType};

/// A report as a table for people, see [`Report::table`]. Showing it fails if there is no memory
/// for a path.
#[derive(Clone, Copy, Debug)]
pub struct ReportTable<'r>(&'r [Row]);

/// A report as JSON, see [`Report::json`]. Showing it fails if there is no memory for a path.
#[derive(Clone, Copy, Debug)]
pub struct ReportJson<'r>(&'r Report);

impl Report {
    /// Returns a table for people, with one line per row. Of paths of more than 500 bytes the end
    /// is shown; control characters, and those that change the direction of the text, are escaped.
    ///
    /// It is written row by row where it is shown: `println!("{}", report.table())`.
    pub fn table(&self) -> ReportTable<'_> {
        ReportTable(self.rows())
    }

    /// Returns JSON for programs: `{"summary": {state: count}, "rows": [{"path", "key", "state",
    /// "saved": {"dtype", "shape"}, "program", "slice", "candidate", "detail"}]}`. Unknown fields
    /// are omitted. It is written row by row where it is shown.
    pub fn json(&self) -> ReportJson<'_> {
        ReportJson(self)
    }
}

impl Display for ReportTable<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const WIDEST: usize = 80;
        const LONGEST: usize = 500;
        let short = |path: &RowPath, most| path.shortened(most).map(|path| shown(&path)).map_err(|_| fmt::Error);
        let mut width = 0;
        for row in self.0 {
            width = width.max(short(&row.path, WIDEST)?.chars().count()).min(WIDEST);
        }
        let mut line = String::new();
        for row in self.0 {
            let saved = row.saved.as_ref().map_or("-".to_owned(), |(dtype, shape)| format!("{dtype} {}", shape_text(shape)));
            let program = row.program.as_ref().map_or("-".to_owned(), |(dtype, shape)| {
                let slice = row.slice.as_ref().map(|slice| format!(" slice {slice}")).unwrap_or_default();
                format!("{} {}{slice}", dtype.map_or("?", DType::name), shape.as_deref().map_or("?".to_owned(), shape_text))
            });
            line.clear();
            write!(line, "{:25} {:width$}  {saved:20} {program:20}", row.state, short(&row.path, LONGEST)?)?;
            if let Some(candidate) = &row.candidate {
                write!(line, " perhaps {}", short(candidate, LONGEST)?)?;
            }
            if let Some(detail) = &row.detail {
                write!(line, " {}", shown(detail))?;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

impl Display for ReportJson<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{\"summary\":{")?;
        let counts = RowState::all().map(|state| (state, self.0.count(state))).filter(|(_, count)| *count > 0);
        for (number, (state, count)) in counts.enumerate() {
            write!(f, "{}\"{state}\":{count}", if number > 0 { "," } else { "" })?;
        }
        f.write_str("},\"rows\":[")?;
        for (number, row) in self.0.rows().iter().enumerate() {
            f.write_str(if number > 0 { "," } else { "" })?;
            write_row(f, row)?;
        }
        f.write_str("]}")
    }
}

fn write_row(f: &mut Formatter<'_>, row: &Row) -> fmt::Result {
    write!(f, "{{\"path\":{},\"key\":{},\"state\":\"{}\"", Quoted(&row.path), Quoted(&row.key), row.state)?;
    let saved = row.saved.as_ref().map(|(dtype, shape)| (Some(*dtype), Some(&shape[..])));
    let program = row.program.as_ref().map(|(dtype, shape)| (*dtype, shape.as_deref()));
    for (name, spec) in [("saved", saved), ("program", program)] {
        let Some((dtype, shape)) = spec else { continue };
        let dtype = dtype.map(|dtype| format!("\"dtype\":\"{dtype}\""));
        let shape = shape.map(|shape| format!("\"shape\":{}", shape_text(shape)));
        let fields: Vec<String> = dtype.into_iter().chain(shape).collect();
        write!(f, ",\"{name}\":{{{}}}", fields.join(","))?;
    }
    if let Some(slice) = &row.slice {
        write!(f, ",\"slice\":{}", Quoted(slice))?;
    }
    if let Some(candidate) = &row.candidate {
        write!(f, ",\"candidate\":{}", Quoted(candidate))?;
    }
    if let Some(detail) = &row.detail {
        write!(f, ",\"detail\":{}", Quoted(detail))?;
    }
    f.write_str("}")
}

/// A text as a JSON string. Written by hand because a JSON library would be a dependency of all
/// users, only for these strings.
struct Quoted<'t, T: ?Sized>(&'t T);

impl<T: Display + ?Sized> Display for Quoted<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        write!(Escape(f), "{}", self.0)?;
        f.write_str("\"")
    }
}

/// Escapes what is written to it.
struct Escape<'f, 'b>(&'f mut Formatter<'b>);

impl Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = text;
        while let Some(at) = plain.find(|c: char| c == '"' || c == '\\' || c < ' ') {
            let (before, rest) = plain.split_at(at);
            let c = rest.as_bytes()[0];
            self.0.write_str(before)?;
            match c {
                b'"' | b'\\' => write!(self.0, "\\{}", c as char)?,
                _ => write!(self.0, "\\u{c:04x}")?,
            }
            plain = &rest[1..];
        }
        self.0.write_str(plain)
    }
}
