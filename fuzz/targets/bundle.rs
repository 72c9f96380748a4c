//! A whole bundle of any bytes: two bytes give the length of the index, the rest is the data file.
//! All checksums mended.
#![no_main]

use checkpoint_fuzz::{exercise, mend, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return };
    let (index, data) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
    let (mut index, mut data) = (index.to_vec(), data.to_vec());
    mend::bundle(&mut index, &mut data);
    let prefix = scratch::bundle(&index, &data);
    exercise::everything(&prefix, index.len());
    if let Ok(reader) = checkpoint::Reader::open(&prefix) {
        exercise::many(&reader);
    }
});
