//! One record of any bytes in a sound table; the first byte says how the bundle is stored.
#![no_main]

use checkpoint_fuzz::common::bundle::{header, Bundle};
use checkpoint_fuzz::{exercise, mend, scratch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, value)) = bytes.split_first() else { return };
    let mut bundle = Bundle::new();
    bundle.header = header(1 + i64::from(how >> 4), how & 1 == 1);
    bundle.raw(b"k", value);
    let mut data: Vec<u8> = (0..255).collect();
    let mut index = bundle.index();
    mend::bundle(&mut index, &mut data);
    exercise::everything(&scratch::bundle(&index, &data), index.len());
});
