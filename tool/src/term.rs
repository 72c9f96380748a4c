//! Text for people: colour, escapes, abbreviated numbers, aligned columns.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Headings and names of columns.
pub const HEADING: Style = Style::new().bold();
/// Secondary information.
pub const FAINT: Style = Style::new().dimmed();
/// Errors and differences.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Success.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// The objects that own slots, as in TensorFlow's guide.
pub const OPTIMIZER: Style = AnsiColor::Red.on_default();
/// Variables, as in TensorFlow's guide.
pub const VARIABLE: Style = AnsiColor::Blue.on_default();
/// Slot variables, as in TensorFlow's guide.
pub const SLOT: Style = AnsiColor::Yellow.on_default();

/// Standard output, buffered, with or without colour.
pub struct Screen {
    out: BufWriter<StdoutLock<'static>>,
    color: bool,
    terminal: bool,
}

impl Screen {
    /// Opens standard output. It is coloured if it is a terminal that supports colours and
    /// `NO_COLOR` is not set.
    pub fn stdout() -> Screen {
        let stdout = io::stdout();
        let color = anstream::AutoStream::choice(&stdout) != anstream::ColorChoice::Never;
        Screen { color, terminal: stdout.is_terminal(), out: BufWriter::with_capacity(1 << 16, stdout.lock()) }
    }

    /// Returns whether standard output is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Returns `text` in `style`, or unchanged if the output is not coloured.
    pub fn paint(&self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Prints a message on standard error, `ckpt: …`. The message may quote the content of a file, so
/// what a terminal would obey is escaped, but for newlines.
pub fn complain(message: &str) {
    let mut err = anstream::stderr().lock();
    let lines: Vec<String> = message.split('\n').map(one_line).collect();
    let message = lines.join("\n");
    // An error of standard error cannot be reported anywhere.
    let _ = writeln!(err, "{BAD}ckpt:{BAD:#} {message}");
}

/// Returns bytes from a checkpoint as one line of text that is safe to print: valid UTF-8 is kept,
/// but backslashes, control characters, invisible characters and bytes that are not UTF-8 are
/// escaped.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\'' => out.push(c),
                _ => out.extend(c.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Returns a message as one line that is safe to print: what a terminal would obey is escaped, the
/// rest is kept.
pub fn one_line(message: &str) -> String {
    message.chars().flat_map(|c| if is_obeyed(c) { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Returns whether a terminal would obey the character rather than show it: control characters, and
/// those that change the direction of the text.
pub fn is_obeyed(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns
}

/// Returns a shape as TensorFlow prints it: `[2,3]`; `[]` for a scalar.
pub fn shape(dims: &[i64]) -> String {
    let dims: Vec<String> = dims.iter().map(i64::to_string).collect();
    format!("[{}]", dims.join(","))
}

/// Returns a number of bytes for people: `20 B`, `1.4 KiB`, `3.2 GiB`.
pub fn bytes(count: u64) -> String {
    scaled(count, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"])
}

/// Returns a number for people: `950`, `1.4 k`, `7.1 M`, `1.8 G`.
pub fn count(count: u64) -> String {
    scaled(count, 1000.0, &["", "k", "M", "G", "T", "P", "E"])
}

fn scaled(count: u64, base: f64, units: &[&str]) -> String {
    let mut value = count as f64;
    let mut unit = 0;
    // The unit changes where the rounded number does: 1023.97 KiB would print as 1024.0 KiB.
    while value >= base - 0.05 && unit + 1 < units.len() && (unit > 0 || value >= base) {
        value /= base;
        unit += 1;
    }
    match (unit, units[unit]) {
        (0, "") => count.to_string(),
        (0, unit) => format!("{count} {unit}"),
        (_, unit) => format!("{value:.1} {unit}"),
    }
}

/// Returns `1 tensor`, `2 tensors`.
pub fn plural(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Returns the number of columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts `text` to `columns` columns; an ellipsis marks the cut.
pub fn fit(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1; // the ellipsis
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// The alignment of a text in its column.
#[derive(Clone, Copy)]
pub enum Align {
    Left,
    Right,
}

/// Pads `text` with spaces to `columns` columns.
pub fn pad(text: &str, columns: usize, align: Align) -> String {
    let fill = " ".repeat(columns.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{fill}"),
        Align::Right => format!("{fill}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn human_sizes_change_unit_where_the_rounded_number_does() {
        for (n, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"), (1048570, "1.0 MiB"), (u64::MAX, "16.0 EiB")]
        {
            assert_eq!(bytes(n), text);
        }
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1.0 k"), (999_990, "1.0 M"), (7_100_000, "7.1 M")] {
            assert_eq!(count(n), text);
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable(b"a/b'c\"d"), "a/b'c\"d");
        assert_eq!(printable("h\u{e9}llo \u{4e16}".as_bytes()), "h\u{e9}llo \u{4e16}");
        assert_eq!(printable(b"\x1b[31m\n\xff\\"), "\\u{1b}[31m\\n\\xff\\\\");
        for c in "\u{7f}\u{80}\u{9b}\u{9f}\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
            let escaped = format!("\\u{{{:x}}}", u32::from(c));
            assert_eq!((printable(c.to_string().as_bytes()), one_line(&c.to_string())), (escaped.clone(), escaped));
        }
        assert_eq!(one_line("a\\b \u{e9}\n\x1b["), "a\\b \u{e9}\\n\\u{1b}[");
    }

    #[test]
    fn texts_are_cut_and_filled_by_columns_not_bytes() {
        assert_eq!(fit("\u{4e16}\u{754c}abc", 5), "\u{4e16}\u{754c}…");
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(pad("\u{4e16}", 4, Align::Left), "\u{4e16}  ");
        assert_eq!(pad("7", 3, Align::Right), "  7");
    }
}
