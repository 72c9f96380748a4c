//! A V1 file of any bytes, its block checksums mended.
#![no_main]

use checkpoint_fuzz::{exercise, mend, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    mend::table(&mut file);
    exercise::everything(&scratch::v1(&file), file.len());
});
