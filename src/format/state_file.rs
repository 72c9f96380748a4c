//! The `checkpoint` state file: TensorFlow's `CheckpointState` as protobuf text.
//!
//! Every protobuf version writes it a little differently, so the reader takes all that any of them does: both quotes, adjacent
//! literals, all escapes, comments, list form, separators. A field that is not one of the four is an error, as it is there.

use crate::error::{Error, Result};

/// What a `checkpoint` state file says. Paths are as written: a relative one is meant from the directory of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateFile {
    /// The latest checkpoint.
    pub model_checkpoint_path: String,
    /// Every checkpoint kept, oldest first.
    pub all_model_checkpoint_paths: Vec<String>,
    /// When each of these was made, in seconds since the epoch.
    pub all_model_checkpoint_timestamps: Vec<f64>,
    /// When the last checkpoint that is kept for good was made.
    pub last_preserved_timestamp: Option<f64>,
}

impl StateFile {
    /// Reads the text of a state file.
    ///
    /// # Errors
    /// `DATA_LOSS` with the line at fault when the text is not UTF-8, not protobuf text, or has any other field.
    pub fn parse(text: &[u8]) -> Result<StateFile> {
        let text = std::str::from_utf8(text).map_err(|_| Error::malformed("the state file is not UTF-8"))?;
        let mut parser = Parser { text, at: 0 };
        let mut state = StateFile::default();
        loop {
            parser.skip_space();
            if parser.rest().is_empty() {
                return Ok(state);
            }
            parser.field(&mut state)?;
        }
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

    /// Takes `b` if it comes next, after white space.
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

    fn field(&mut self, state: &mut StateFile) -> Result<()> {
        let name = self.word(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !matches!(
            name,
            "model_checkpoint_path"
                | "all_model_checkpoint_paths"
                | "all_model_checkpoint_timestamps"
                | "last_preserved_timestamp"
        ) {
            return Err(self.fault("not one of the four fields of a state file"));
        }
        if !self.take(b':') {
            return Err(self.fault("a colon is missing after the field's name"));
        }
        let repeated = name.starts_with("all_");
        if self.take(b'[') {
            if !repeated {
                return Err(self.fault("a list where one value is due"));
            }
            if !self.take(b']') {
                loop {
                    self.value(name, state)?;
                    if self.take(b']') {
                        break;
                    }
                    if !self.take(b',') {
                        return Err(self.fault("a comma or the end of the list is missing"));
                    }
                }
            }
        } else {
            self.value(name, state)?;
        }
        if !self.take(b';') {
            self.take(b',');
        }
        Ok(())
    }

    fn value(&mut self, name: &str, state: &mut StateFile) -> Result<()> {
        match name {
            "model_checkpoint_path" => state.model_checkpoint_path = self.string()?,
            "all_model_checkpoint_paths" => state.all_model_checkpoint_paths.push(self.string()?),
            "all_model_checkpoint_timestamps" => state.all_model_checkpoint_timestamps.push(self.number()?),
            _ => state.last_preserved_timestamp = Some(self.number()?),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<f64> {
        let negative = self.take(b'-');
        let word = self.word(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-'));
        let lower = word.to_ascii_lowercase();
        let digits = match lower.strip_suffix('f') {
            Some(digits) if lower != "inf" => digits,
            _ => &lower,
        };
        // Rust reads "+1" and "infinity" as well; a sign of its own after ours is nobody's number.
        let value = digits.parse::<f64>().ok().filter(|_| !digits.starts_with(['+', '-']));
        match value {
            Some(value) if negative => Ok(-value),
            Some(value) => Ok(value),
            None => Err(self.fault("not a number")),
        }
    }

    /// One or more adjacent string literals.
    fn string(&mut self) -> Result<String> {
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
            return Err(self.fault("a quoted string is missing"));
        }
        String::from_utf8(bytes).map_err(|_| self.fault("a string that is not UTF-8"))
    }

    fn literal(&mut self, quote: u8, out: &mut Vec<u8>) -> Result<()> {
        loop {
            let byte = self.peek().filter(|&b| b != b'\n').ok_or_else(|| self.fault("a string without its closing quote"))?;
            self.at += 1;
            match byte {
                _ if byte == quote => return Ok(()),
                b'\\' => self.escape(out)?,
                _ => out.push(byte),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let byte = self.peek().ok_or_else(|| self.fault("an escape without its character"))?;
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
                out.push(u8::try_from(value).map_err(|_| self.fault("an octal escape above \\377"))?);
            }
            b'x' | b'X' => {
                let value = self.digits(16, 1, 2)?;
                out.push(value as u8);
            }
            b'u' => self.scalar(4, out)?,
            b'U' => self.scalar(8, out)?,
            _ => return Err(self.fault("an unknown escape")),
        }
        Ok(())
    }

    fn digits(&mut self, radix: u32, least: usize, most: usize) -> Result<u32> {
        let length = self.rest().iter().take(most).take_while(|&&b| (b as char).is_digit(radix)).count();
        if length < least {
            return Err(self.fault("an escape with too few digits"));
        }
        let value = u32::from_str_radix(&self.text[self.at..self.at + length], radix)
            .map_err(|_| self.fault("an escape that is no number"))?;
        self.at += length;
        Ok(value)
    }

    fn scalar(&mut self, digits: usize, out: &mut Vec<u8>) -> Result<()> {
        let value = self.digits(16, digits, digits)?;
        let c = char::from_u32(value).ok_or_else(|| self.fault("an escape that is no Unicode character"))?;
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn latest(text: &str) -> Option<String> {
        StateFile::parse(text.as_bytes()).ok().map(|s| s.model_checkpoint_path)
    }

    #[test]
    fn what_a_manager_writes_is_read() {
        let state = StateFile::parse(
            b"model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-3\"\n\
              all_model_checkpoint_timestamps: 1795239397.292503\nall_model_checkpoint_timestamps: 1795239397.3085058\n\
              last_preserved_timestamp: 1795239396.23416\n",
        )
        .unwrap();
        assert_eq!(state.model_checkpoint_path, "ckpt-3");
        assert_eq!(state.all_model_checkpoint_paths, ["ckpt-2", "ckpt-3"]);
        assert_eq!(state.all_model_checkpoint_timestamps, [1795239397.292503, 1795239397.3085058]);
        assert_eq!(state.last_preserved_timestamp, Some(1795239396.23416));
    }

    #[test]
    fn every_spelling_of_a_string_is_read() {
        for (literal, value) in [
            (r#""a""#, "a"),
            ("'a'", "a"),
            (
                r#""a" 'b'  # and more
               "c""#,
                "abc",
            ),
            (r#""\303\274 \xc3\xbc \u00fc \U000000fc ü""#, "ü ü ü ü ü"),
            (r#""\a\b\f\n\r\t\v\\\'\"\?""#, "\x07\x08\x0c\n\r\t\x0b\\'\"?"),
            ("\"a\tb\"", "a\tb"),
            (r#""\1\12\0123""#, "\x01\n\n3"),
            ("'it\"s'", "it\"s"),
        ] {
            assert_eq!(latest(&format!("model_checkpoint_path:{literal}")).as_deref(), Some(value), "{literal}");
        }
        for literal in
            ["\"a\nb\"", "\"a", r#""\q""#, r#""\xzz""#, r#""\u00""#, r#""\400""#, r#""\377""#, r#""\ud800""#, "a", "[\"a\"]", ""]
        {
            assert_eq!(latest(&format!("model_checkpoint_path: {literal}")), None, "{literal}");
        }
    }

    #[test]
    fn lists_separators_comments_and_repetition_are_read() {
        let state = StateFile::parse(
            b"# made by hand\nmodel_checkpoint_path: \"a\";model_checkpoint_path: 'b',\nall_model_checkpoint_paths: [\"a\", 'b' \"c\"]\nall_model_checkpoint_paths: []\n\
              all_model_checkpoint_timestamps: [1, 2.5f, 1e+22, inf, -inf, 5e-324]",
        )
        .unwrap();
        assert_eq!(state.model_checkpoint_path, "b");
        assert_eq!(state.all_model_checkpoint_paths, ["a", "bc"]);
        assert_eq!(state.all_model_checkpoint_timestamps, [1.0, 2.5, 1e22, f64::INFINITY, f64::NEG_INFINITY, 5e-324]);
        assert_eq!(StateFile::parse(b"").unwrap(), StateFile::default());
    }

    #[test]
    fn anything_else_is_an_error_with_its_line() {
        for text in [
            "metric: 1",
            "model_checkpoint_path \"a\"",
            "all_model_checkpoint_paths: [\"a\"",
            "last_preserved_timestamp: x",
            "all_model_checkpoint_timestamps: --1",
            "\n\n{",
        ] {
            assert!(StateFile::parse(text.as_bytes()).is_err(), "{text}");
        }
        let error = StateFile::parse(b"\n\nmetric: 1").unwrap_err();
        assert!(error.to_string().contains("line 3"), "{error}");
        assert!(StateFile::parse(b"\xff").is_err());
    }
}
