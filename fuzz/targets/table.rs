//! An index file of any bytes, its block checksums mended.
#![no_main]

use checkpoint_fuzz::{exercise, mend, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut index = bytes.to_vec();
    mend::table(&mut index);
    exercise::everything(&scratch::bundle(&index, &[0; 64]), index.len());
});
