//! The `checkpoint` state file: TensorFlow's `CheckpointState` as protobuf text.
//!
//! Versions of protobuf differ in the text that they write. The reader accepts all of their output:
//! both quotes, adjacent literals, all escapes, comments, list form, separators. As in protobuf, an
//! unknown field is an error. The writer produces text that every version reads.

use std::ffi::OsString;

use super::protobuf_text::{double, parse_fields, put_string, Field, FieldValue, Unknown};
use crate::allocate::{Room, TryPush};
use crate::error::Result;

/// The content of a `checkpoint` state file. Paths are as written; a relative path is relative to
/// the directory of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateFile {
    /// The latest checkpoint.
    pub model_checkpoint_path: OsString,
    /// All kept checkpoints, oldest first.
    pub all_model_checkpoint_paths: Vec<OsString>,
    /// When each of these checkpoints was written, in seconds since the epoch.
    pub all_model_checkpoint_timestamps: Vec<f64>,
    /// When the last permanently kept checkpoint was written, in seconds since the epoch.
    pub last_preserved_timestamp: Option<f64>,
}

impl StateFile {
    /// Parses the text of a state file. A path that is not UTF-8 is accepted if its bytes are
    /// escaped, as by [`StateFile::to_text`]; TensorFlow ignores such a file.
    ///
    /// # Errors
    /// * `DATA_LOSS`: the text is not UTF-8, is not protobuf text, or has an unknown field. The
    ///   message names the line.
    pub fn parse(text: &[u8]) -> Result<StateFile> {
        let mut state = StateFile::default();
        for (field, value) in parse_fields(text, &FIELDS, Unknown::Refused)? {
            match (field, value) {
                (0, FieldValue::Text(path)) => state.model_checkpoint_path = path,
                (1, FieldValue::Text(path)) => state.all_model_checkpoint_paths.try_push(path)?,
                (2, FieldValue::Number(time)) => state.all_model_checkpoint_timestamps.try_push(time)?,
                (_, FieldValue::Number(time)) => state.last_preserved_timestamp = Some(time),
                _ => {}
            }
        }
        Ok(state)
    }

    /// Replaces each path by what `change` makes of it.
    pub fn with_paths(mut self, change: &mut dyn FnMut(OsString) -> OsString) -> StateFile {
        self.model_checkpoint_path = change(self.model_checkpoint_path);
        self.all_model_checkpoint_paths.iter_mut().for_each(|path| *path = change(std::mem::take(path)));
        self
    }

    /// Returns the text of a state file, as TensorFlow writes it: singular fields that are empty or
    /// zero are omitted. The text is ASCII; all other bytes are escaped, which every version of
    /// protobuf reads.
    ///
    /// # Errors
    /// * `RESOURCE_EXHAUSTED`: there is no memory for it.
    pub fn to_text(&self) -> Result<String> {
        let mut text = String::new();
        // An escaped byte takes up to four, a line with a number less than 100.
        let paths = self.all_model_checkpoint_paths.iter().chain([&self.model_checkpoint_path]);
        let lines = paths.map(|path| 4 * path.len() + 100).fold(100, usize::saturating_add);
        text.make_room(lines.saturating_add(100 * self.all_model_checkpoint_timestamps.len()))?;
        if !self.model_checkpoint_path.is_empty() {
            put_string(&mut text, "model_checkpoint_path", &self.model_checkpoint_path);
        }
        for path in &self.all_model_checkpoint_paths {
            put_string(&mut text, "all_model_checkpoint_paths", path);
        }
        let timestamps = self.all_model_checkpoint_timestamps.iter().map(|t| ("all_model_checkpoint_timestamps", *t));
        let preserved = self.last_preserved_timestamp.filter(|time| time.to_bits() != 0);
        let preserved = preserved.iter().map(|t| ("last_preserved_timestamp", *t));
        for (name, value) in timestamps.chain(preserved) {
            text.push_str(&format!("{name}: {}\n", double(value)));
        }
        Ok(text)
    }
}

/// The fields of a state file.
const FIELDS: [Field; 4] = [
    Field { name: "model_checkpoint_path", is_text: true, is_repeated: false },
    Field { name: "all_model_checkpoint_paths", is_text: true, is_repeated: true },
    Field { name: "all_model_checkpoint_timestamps", is_text: false, is_repeated: true },
    Field { name: "last_preserved_timestamp", is_text: false, is_repeated: false },
];

#[cfg(test)]
mod tests {
    use crate::os_bytes::OsStringExt;
    use std::ffi::OsStr;

    use super::*;

    fn latest(text: &str) -> Option<OsString> {
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
            (r#""\q\z\ü""#, r"\q\z\ü"),
        ] {
            assert_eq!(latest(&format!("model_checkpoint_path:{literal}")).as_deref(), Some(OsStr::new(value)), "{literal}");
        }
        for literal in ["\"a\nb\"", "\"a", "\"a\\\nb\"", r#""\xzz""#, r#""\u00""#, r#""\400""#, r#""\ud800""#, "a", "[\"a\"]", ""]
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
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(latest("\u{feff}model_checkpoint_path: 'a'").as_deref(), Some(OsStr::new("a")));
        assert_eq!(latest("model_checkpoint_path: 'a'\u{feff}"), None);
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

    /// The expectations are `text_format.MessageToString(state, as_utf8=False)`.
    #[test]
    fn text_is_what_tensorflow_writes() {
        let state = StateFile {
            model_checkpoint_path: "a\"b'\\\t\n\r\u{1}\u{7f}\u{b}\0ü€".into(),
            all_model_checkpoint_paths: vec!["ckpt-1".into(), "".into()],
            all_model_checkpoint_timestamps: vec![1795239397.292503, 2000.0],
            last_preserved_timestamp: Some(-0.0),
        };
        assert_eq!(
            state.to_text().unwrap(),
            "model_checkpoint_path: \"a\\\"b\\'\\\\\\t\\n\\r\\001\\177\\013\\000\\303\\274\\342\\202\\254\"\n\
             all_model_checkpoint_paths: \"ckpt-1\"\nall_model_checkpoint_paths: \"\"\n\
             all_model_checkpoint_timestamps: 1795239397.292503\nall_model_checkpoint_timestamps: 2000.0\n\
             last_preserved_timestamp: -0.0\n"
        );
        assert_eq!(StateFile::parse(state.to_text().unwrap().as_bytes()).unwrap(), state);
        let state =
            StateFile { last_preserved_timestamp: Some(0.0), all_model_checkpoint_timestamps: vec![0.0], ..StateFile::default() };
        assert_eq!(state.to_text().unwrap(), "all_model_checkpoint_timestamps: 0.0\n");
    }

    #[test]
    fn doubles_are_written_as_python_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (1e22, "1e+22"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (5e-324, "5e-324"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (0.00001234, "1.234e-05"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (f64::MAX, "1.7976931348623157e+308"),
            (1795239397.292503, "1795239397.292503"),
            (-3.5, "-3.5"),
            (9999999999999998.0, "9999999999999998.0"),
            (99999999999999990.0, "9.999999999999998e+16"),
        ] {
            assert_eq!(double(value), text);
        }
    }

    #[test]
    fn a_path_of_any_bytes_is_read_back() {
        let path = OsString::from_vec((0..=255).collect());
        let state = StateFile { model_checkpoint_path: path, ..StateFile::default() };
        assert_eq!(StateFile::parse(state.to_text().unwrap().as_bytes()).unwrap(), state);
    }
}
