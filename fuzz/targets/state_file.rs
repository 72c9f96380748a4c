//! The text of a state file.
#![no_main]

use checkpoint::state_file::StateFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(state) = StateFile::parse(bytes) else { return };
    // No string is longer than the text, and what is read does not depend on what surrounds it.
    assert!(state.model_checkpoint_path.len() <= bytes.len());
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes); // a byte-order mark is one at the beginning alone
    let surrounded = [b"# first\n ", text, b"\n# last"].concat();
    let again = StateFile::parse(&surrounded).unwrap();
    assert_eq!(format!("{state:?}"), format!("{again:?}"));
    // What is written is read back; by way of text, as a timestamp may be no number.
    let written = StateFile::parse(state.to_text().unwrap().as_bytes()).unwrap();
    let state =
        StateFile { last_preserved_timestamp: state.last_preserved_timestamp.filter(|time| time.to_bits() != 0), ..state };
    assert_eq!(format!("{state:?}"), format!("{written:?}"));
});
