//! Protobuf text of flat messages. Reads what any version of protobuf writes, and writes what every
//! version reads.

use std::ffi::{OsStr, OsString};

use crate::allocate::TryPush;
use crate::error::{Error, Result};
use crate::os_bytes::{OsStrExt, OsStringExt};

/// A field of a message in protobuf text.
pub(crate) struct Field {
    pub name: &'static str,
    /// Whether the field is a string; otherwise it is a number.
    pub is_text: bool,
    pub is_repeated: bool,
}

/// The value of a field.
pub(crate) enum FieldValue {
    Text(OsString),
    Number(f64),
}

/// How a field with an unexpected name is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It makes the text malformed.
    Refused,
    /// A string or a number, or a list of them, is ignored.
    Skipped,
}

/// Parses protobuf text that consists of the given fields. Returns the values in order, each with
/// the index of its field.
///
/// # Errors
/// * `DATA_LOSS`: the text is malformed; the message names the line.
pub(crate) fn parse_fields(text: &[u8], fields: &[Field], unknown: Unknown) -> Result<Vec<(usize, FieldValue)>> {
    // Editors of Windows write a byte-order mark. TensorFlow takes such a file for none.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|_| Error::malformed("the state file is not UTF-8"))?;
    let mut parser = Parser { text, at: 0 };
    let mut values = Vec::new();
    loop {
        parser.skip_space();
        if parser.rest().is_empty() {
            return Ok(values);
        }
        parser.field(fields, unknown, &mut values)?;
    }
}

/// Appends a line with a quoted string field.
pub(crate) fn put_string(text: &mut String, name: &str, value: &OsStr) {
    text.push_str(name);
    text.push_str(": \"");
    for &byte in value.as_bytes() {
        match byte {
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'"' | b'\'' | b'\\' => text.extend(['\\', byte as char]),
            b' '..=b'~' => text.push(byte as char),
            _ => text.push_str(&format!("\\{byte:03o}")),
        }
    }
    text.push_str("\"\n");
}

/// Returns the shortest decimal that is parsed back as `value`, in Python's notation.
pub(crate) fn double(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let magnitude = value.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{value:?}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn fault(&self, what: &str) -> Error {
        let line = 1 + self.text.as_bytes()[..self.at].iter().filter(|&&b| b == b'\n').count();
        Error::malformed(format!("line {line} of the state file: {what}"))
    }

    fn skip_space(&mut self) {
        while let Some(b) = self.peek() {
            match b {
                b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c => self.at += 1,
                b'#' => self.at += self.rest().iter().position(|&b| b == b'\n').unwrap_or(self.rest().len()),
                _ => break,
            }
        }
    }

    /// Skips white space, then takes `b` if it comes next.
    fn take(&mut self, b: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(b);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        self.skip_space();
        let length = self.rest().iter().position(|&b| !belongs(b)).unwrap_or(self.rest().len());
        let word = &self.text[self.at..self.at + length];
        self.at += length;
        word
    }

    fn field(&mut self, fields: &[Field], unknown: Unknown, values: &mut Vec<(usize, FieldValue)>) -> Result<()> {
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_');
        let number = fields.iter().position(|field| field.name == name);
        let field = number.map(|number| &fields[number]);
        if field.is_none() && unknown == Unknown::Refused {
            return Err(self.fault("unknown field"));
        }
        if !self.take(b':') {
            return Err(self.fault("missing colon after the field name"));
        }
        if self.take(b'[') {
            if field.is_some_and(|field| !field.is_repeated) {
                return Err(self.fault("list given for a field with a single value"));
            }
            if !self.take(b']') {
                loop {
                    let value = self.value(field)?;
                    if let Some(number) = number {
                        values.try_push((number, value))?;
                    }
                    if self.take(b']') {
                        break;
                    }
                    if !self.take(b',') {
                        return Err(self.fault("missing comma or end of list"));
                    }
                }
            }
        } else {
            let value = self.value(field)?;
            if let Some(number) = number {
                values.try_push((number, value))?;
            }
        }
        if !self.take(b';') {
            self.take(b',');
        }
        Ok(())
    }

    /// The value of a field; of one that is not known, what it looks like.
    fn value(&mut self, field: Option<&Field>) -> Result<FieldValue> {
        self.skip_space();
        let is_text = field.map_or(matches!(self.peek(), Some(b'"' | b'\'')), |field| field.is_text);
        if is_text {
            self.string().map(FieldValue::Text)
        } else {
            self.number().map(FieldValue::Number)
        }
    }

    fn number(&mut self) -> Result<f64> {
        let negative = self.take(b'-');
        let word = self.word(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'));
        let lower = word.to_ascii_lowercase();
        let digits = match lower.strip_suffix('f') {
            Some(digits) if lower != "inf" => digits,
            _ => &lower,
        };
        // Rust also parses "+1" and "infinity". A second sign is refused: protobuf has no such
        // numbers.
        let value = digits.parse::<f64>().ok().filter(|_| !digits.starts_with(['+', '-']));
        match value {
            Some(value) if negative => Ok(-value),
            Some(value) => Ok(value),
            None => Err(self.fault("invalid number")),
        }
    }

    /// Parses one or more adjacent string literals.
    fn string(&mut self) -> Result<OsString> {
        self.skip_space();
        let mut bytes = Vec::new();
        let mut literals = 0;
        while let Some(quote @ (b'"' | b'\'')) = self.peek() {
            self.at += 1;
            self.literal(quote, &mut bytes)?;
            literals += 1;
            self.skip_space();
        }
        if literals == 0 {
            return Err(self.fault("missing quoted string"));
        }
        Ok(OsString::from_vec(bytes))
    }

    fn literal(&mut self, quote: u8, out: &mut Vec<u8>) -> Result<()> {
        loop {
            let byte = self.peek().filter(|&b| b != b'\n').ok_or_else(|| self.fault("string without closing quote"))?;
            self.at += 1;
            match byte {
                _ if byte == quote => return Ok(()),
                b'\\' => self.escape(out)?,
                _ => out.push(byte),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let byte = self.peek().ok_or_else(|| self.fault("incomplete escape sequence"))?;
        self.at += 1;
        match byte {
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'\'' | b'"' | b'?' => out.push(byte),
            b'0'..=b'7' => {
                self.at -= 1;
                let value = self.digits(8, 1, 3)?;
                out.push(u8::try_from(value).map_err(|_| self.fault("octal escape above \\377"))?);
            }
            b'x' | b'X' => {
                let value = self.digits(16, 1, 2)?;
                out.push(value as u8);
            }
            b'u' => self.scalar(4, out)?,
            b'U' => self.scalar(8, out)?,
            b'\n' => return Err(self.fault("string without closing quote")),
            // As protobuf for Python reads it: the backslash stands for itself.
            _ => out.extend([b'\\', byte]),
        }
        Ok(())
    }

    fn digits(&mut self, radix: u32, least: usize, most: usize) -> Result<u32> {
        let length = self.rest().iter().take(most).take_while(|&&b| (b as char).is_digit(radix)).count();
        if length < least {
            return Err(self.fault("escape sequence with too few digits"));
        }
        let value = u32::from_str_radix(&self.text[self.at..self.at + length], radix)
            .map_err(|_| self.fault("escape sequence is not a number"))?;
        self.at += length;
        Ok(value)
    }

    fn scalar(&mut self, digits: usize, out: &mut Vec<u8>) -> Result<()> {
        let value = self.digits(16, digits, digits)?;
        let c = char::from_u32(value).ok_or_else(|| self.fault("escape sequence is not a Unicode character"))?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}
