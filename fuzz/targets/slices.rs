//! Partitioned tensors: any list of slices, any request. What is read must be what a plain model
//! has.
#![no_main]

use checkpoint::{Reader, Slice};
use checkpoint_fuzz::common::bundle::Bundle;
use checkpoint_fuzz::common::ordered_code::slice_key;
use checkpoint_fuzz::common::proto::Extent::{self, Full, Part, StartOnly};
use checkpoint_fuzz::common::{dtypes, naive};
use checkpoint_fuzz::input::Input;
use checkpoint_fuzz::{exercise, scratch};
use libfuzzer_sys::fuzz_target;

fn extent(input: &mut Input<'_>, size: i64) -> Extent {
    match input.byte() % 16 {
        // A start of 0 without a length is the whole dimension.
        0 => StartOnly(input.number() | 1),
        1 => Part(input.number(), input.number()),
        2..5 => Full,
        _ => {
            let start = input.below(size as u64 + 1) as i64;
            Part(start, input.below((size - start) as u64 + 1) as i64)
        }
    }
}

/// Whether the model can cut this.
fn fits(shape: &[i64], extents: &[Extent]) -> bool {
    shape.iter().zip(extents).all(|(&size, &extent)| match extent {
        Full => true,
        Part(start, length) => start >= 0 && length >= 0 && start.checked_add(length).is_some_and(|end| end <= size),
        StartOnly(_) => false,
    })
}

fn as_slice(extents: &[Extent]) -> Slice {
    let one = |extent: &Extent| match *extent {
        Full => checkpoint::Extent { start: 0, length: None },
        Part(start, length) => checkpoint::Extent { start, length: Some(length) },
        StartOnly(start) => checkpoint::Extent { start, length: None },
    };
    Slice::new(extents.iter().map(one).collect())
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let dtypes: Vec<_> = dtypes::fixed().collect();
    let dtype = dtypes[input.below(dtypes.len() as u64) as usize];
    let mut bundle = if input.flag() { Bundle::big_endian() } else { Bundle::new() };
    let shape: Vec<i64> = (0..1 + input.below(4)).map(|_| input.below(6) as i64).collect();
    let elements: i64 = shape.iter().product();
    let value: Vec<u8> = (0..elements as usize * dtype.size).map(|i| (i * 7 + i / 251) as u8).collect();
    let mut slices = Vec::new();
    for _ in 0..1 + input.below(8) {
        let extents: Vec<Extent> = shape.iter().map(|&size| extent(&mut input, size)).collect();
        let sound = fits(&shape, &extents);
        let key = slice_key(b"t", &extents);
        if bundle.records.iter().all(|record| record.0 != key) && input.byte() % 16 != 0 {
            let part = if sound { naive::cut(&value, dtype.size, &shape, &extents) } else { Vec::new() };
            let mut sizes: Vec<i64> = shape.iter().zip(&extents).map(|(&size, extent)| extent.within(size).1).collect();
            if input.byte() % 16 == 0 {
                sizes.reverse();
            }
            bundle.put_numbers(&key, dtype.number, &sizes, &part);
        }
        slices.push(extents);
    }
    bundle.partitioned("t", dtype.number, &shape, &slices);
    let prefix = scratch::bundle(&bundle.index(), &bundle.shards[0]);
    exercise::everything(&prefix, 0);
    let Ok(reader) = Reader::open(&prefix) else { return };
    exercise::many(&reader);
    let tensor = reader.get("t").unwrap();
    if let Ok(read) = tensor.read() {
        assert!(read == value, "the whole tensor");
    }
    for _ in 0..4 {
        let request: Vec<Extent> = shape.iter().map(|&size| extent(&mut input, size)).collect();
        if let Ok(read) = tensor.read_slice(&as_slice(&request)) {
            assert!(fits(&shape, &request), "{request:?} of {shape:?} was read");
            assert!(read == naive::cut(&value, dtype.size, &shape, &request), "{request:?} of {shape:?}");
        }
    }
});
