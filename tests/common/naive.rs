//! Plain, slow models: a table reader that trusts its input, and slicing by hand.

use super::proto::Extent;

fn varint(bytes: &[u8], at: &mut usize) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return value;
        }
    }
    unreachable!()
}

fn block(file: &[u8], offset: u64, size: u64) -> Vec<(Vec<u8>, Vec<u8>)> {
    let block = &file[offset as usize..][..size as usize];
    assert_eq!(file[(offset + size) as usize], 0, "a compressed block");
    let restarts = u32::from_le_bytes(block[block.len() - 4..].try_into().unwrap()) as usize;
    let entries = &block[..block.len() - 4 - 4 * restarts];
    let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut at = 0;
    while at < entries.len() {
        let shared = varint(entries, &mut at) as usize;
        let unshared = varint(entries, &mut at) as usize;
        let value = varint(entries, &mut at) as usize;
        let mut key = rows.last().map(|row| row.0[..shared].to_vec()).unwrap_or_default();
        key.extend(&entries[at..at + unshared]);
        at += unshared;
        rows.push((key, entries[at..at + value].to_vec()));
        at += value;
    }
    rows
}

/// The rows of a table that is known to be whole.
pub fn rows(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let footer = &file[file.len() - 48..];
    let mut at = 0;
    let _metaindex = (varint(footer, &mut at), varint(footer, &mut at));
    let (offset, size) = (varint(footer, &mut at), varint(footer, &mut at));
    let handles = block(file, offset, size).into_iter().map(|row| row.1);
    let handles = handles.map(|handle| {
        let mut at = 0;
        (varint(&handle, &mut at), varint(&handle, &mut at))
    });
    handles.flat_map(|(offset, size)| block(file, offset, size)).collect()
}

/// The row-major indexes of the elements that a slice of a tensor takes, in the slice's order.
pub fn elements(shape: &[i64], slice: &[Extent]) -> Vec<usize> {
    let ranges: Vec<(i64, i64)> = shape.iter().zip(slice).map(|(&size, extent)| extent.within(size)).collect();
    let mut indexes = vec![0_usize];
    for (&size, (start, length)) in shape.iter().zip(ranges) {
        let step = |index: usize| (start..start + length).map(move |i| index * size as usize + i as usize);
        indexes = indexes.into_iter().flat_map(step).collect();
    }
    indexes
}

/// The bytes of a slice of a tensor of fixed-size elements.
pub fn cut(bytes: &[u8], width: usize, shape: &[i64], slice: &[Extent]) -> Vec<u8> {
    elements(shape, slice).into_iter().flat_map(|i| bytes[i * width..(i + 1) * width].to_vec()).collect()
}
