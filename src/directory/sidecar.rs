//! The file `checkpoint.manager`, which stores what TensorFlow's state file has no fields for:
//! metrics, and why checkpoints are kept that the state file no longer lists.
//!
//! It is a separate file because TensorFlow ignores a state file that has any other field.

use std::ffi::OsString;

use super::retention::{Entry, Kept, Managed, Why};
use crate::allocate::TryPush;
use crate::error::Result;
use crate::format::protobuf_text::{double, parse_fields, put_string, Field, FieldValue, Unknown};

/// The name of the file.
pub(super) const SIDECAR: &str = "checkpoint.manager";

/// The fields of a record. Each record begins with `checkpoint`.
const FIELDS: [Field; 4] = [
    Field { name: "checkpoint", is_text: true, is_repeated: false },
    Field { name: "timestamp", is_text: false, is_repeated: false },
    Field { name: "metric", is_text: false, is_repeated: false },
    Field { name: "kept", is_text: true, is_repeated: false },
];

/// A record of the file: one checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub entry: Entry,
    /// Why the checkpoint is kept although the state file does not list it; `None` if the state
    /// file lists it.
    pub kept: Option<Why>,
}

/// The values of `kept`: why a checkpoint is kept that the state file does not list.
const REASONS: [(&str, Why); 3] =
    [("while it is held", Why::Held), ("for its metric", Why::Metric), ("for good", Why::Preserved)];

/// Parses the file. A later version may have written fields and reasons that are unknown here: such
/// fields are ignored, and a record whose `kept` has an unknown value is kept permanently
/// (docs/on-disk.md).
pub(super) fn parse(text: &[u8]) -> Result<Vec<Record>> {
    let mut records: Vec<Record> = Vec::new();
    for (field, value) in parse_fields(text, &FIELDS, Unknown::Skipped)? {
        match (field, value, records.last_mut()) {
            (0, FieldValue::Text(path), _) => {
                records.try_push(Record { entry: Entry { path, time: f64::NAN, metric: None }, kept: None })?;
            }
            (1, FieldValue::Number(time), Some(record)) => record.entry.time = time,
            (2, FieldValue::Number(metric), Some(record)) => record.entry.metric = Some(metric),
            (3, FieldValue::Text(why), Some(record)) => {
                record.kept = Some(REASONS.iter().find(|(text, _)| why == **text).map_or(Why::Preserved, |(_, why)| *why));
            }
            _ => {}
        }
    }
    Ok(records)
}

/// The text of the file; `None` if there is no record to store.
pub(super) fn text_of(managed: &Managed) -> Option<String> {
    let mut text = String::from("# Written by libcheckpoint: what TensorFlow's state file beside this one has no fields for.\n");
    let empty = text.len();
    for Kept { entry, why } in &managed.kept {
        put(&mut text, entry);
        let reason = REASONS.iter().find(|(_, reason)| reason == why).map_or("", |(text, _)| *text);
        put_string(&mut text, "kept", &OsString::from(reason));
    }
    managed.window.iter().filter(|entry| entry.metric.is_some()).for_each(|entry| put(&mut text, entry));
    (text.len() > empty).then_some(text)
}

fn put(text: &mut String, entry: &Entry) {
    put_string(text, "checkpoint", &entry.path);
    text.push_str(&format!("timestamp: {}\n", double(entry.time)));
    if let Some(metric) = entry.metric {
        text.push_str(&format!("metric: {}\n", double(metric)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, time: f64, metric: Option<f64>) -> Entry {
        Entry { path: path.into(), time, metric }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let managed = Managed {
            window: vec![entry("ckpt-8", 8.0, None), entry("ckpt-9", 9.25, Some(-0.5))],
            kept: vec![
                Kept { entry: entry("ckpt-1", 1.5, Some(1e-7)), why: Why::Metric },
                Kept { entry: entry("\u{fc}-2", 2.0, Some(f64::INFINITY)), why: Why::Preserved },
                Kept { entry: entry("ckpt-3", 3.0, None), why: Why::Held },
            ],
            last_preserved: 0.0,
        };
        let record = |entry: &Entry, kept| Record { entry: entry.clone(), kept };
        assert_eq!(
            parse(text_of(&managed).unwrap().as_bytes()).unwrap(),
            [
                record(&managed.kept[0].entry, Some(Why::Metric)),
                record(&managed.kept[1].entry, Some(Why::Preserved)),
                record(&managed.kept[2].entry, Some(Why::Held)),
                record(&managed.window[1], None)
            ]
        );
    }

    #[test]
    fn a_reason_that_nobody_knows_is_for_good() {
        let records = parse(b"checkpoint: 'ckpt-1' timestamp: 1 kept: 'since it is blue'").unwrap();
        assert_eq!(records, [Record { entry: entry("ckpt-1", 1.0, None), kept: Some(Why::Preserved) }]);
    }

    #[test]
    fn fields_of_a_later_version_are_ignored() {
        let text = b"sizes: [1, 'a']\ncheckpoint: 'ckpt-1' colour: \"blue\" timestamp: 1 size: -2.5e3 kept: 'for its metric'";
        let records = parse(text).unwrap();
        assert_eq!(records, [Record { entry: entry("ckpt-1", 1.0, None), kept: Some(Why::Metric) }]);
        for malformed in ["colour", "colour: blue", "colour: [1", "{ }"] {
            assert!(parse(malformed.as_bytes()).is_err(), "{malformed}");
        }
    }

    #[test]
    fn nothing_to_say_is_no_file() {
        assert_eq!(text_of(&Managed { window: vec![entry("ckpt-1", 1.0, None)], ..Managed::default() }), None);
    }

    #[test]
    fn what_belongs_to_no_checkpoint_is_passed_over() {
        assert_eq!(parse(b"metric: 1 timestamp: 2 kept: 'x'").unwrap(), []);
        assert!(parse(b"checkpoint 'ckpt-1'").is_err());
    }
}
