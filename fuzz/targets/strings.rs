//! A payload of strings or variants of any bytes, checksums mended; the first bytes say of what it
//! is the payload.
#![no_main]

use checkpoint_fuzz::common::bundle::Bundle;
use checkpoint_fuzz::common::{dtypes, payload};
use checkpoint_fuzz::input::Input;
use checkpoint_fuzz::{exercise, mend, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let how = input.byte();
    let elements = input.below(300);
    let mut stored = input.0.to_vec();
    let (dtype, masked) = match how & 1 {
        0 => (dtypes::STRING, mend::strings(&mut stored, elements)),
        _ => (dtypes::VARIANT, mend::variants(&mut stored, elements)),
    };
    let mut bundle = Bundle::new();
    bundle.put(b"s", dtype, &[elements as i64], &stored, masked.unwrap_or(0));
    let prefix = scratch::bundle(&bundle.index(), &stored);
    exercise::everything(&prefix, 0);
    // What is read is what is stored: written again, it is the same but for numbers in more bytes
    // than they need.
    let Ok(reader) = checkpoint::Reader::open(&prefix) else { return };
    let Ok(strings) = reader.get("s").unwrap().read_strings() else { return };
    let elements: Vec<&[u8]> = strings.iter().collect();
    let again = match how & 1 {
        0 => payload::strings(&elements, false),
        _ => payload::variants(&elements),
    };
    assert!(again.bytes.len() <= stored.len() || stored.is_empty());
    if again.bytes.len() == stored.len() {
        assert!(again.bytes == stored && Some(again.masked_crc) == masked);
    }
});
