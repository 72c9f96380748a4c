//! Puts right checksums where the fuzzer changed what they cover, so that its changes get past
//! them.

use crate::common::{crc, dtypes};

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Where a block lies in the file, if it does.
fn block(file: &[u8], offset: u64, size: u64) -> Option<std::ops::Range<usize>> {
    let end = offset.checked_add(size)?.checked_add(5)?;
    (end <= file.len() as u64).then_some(offset as usize..(offset + size) as usize)
}

fn mend_block(file: &mut [u8], range: std::ops::Range<usize>) {
    let trailer = range.end + 1;
    let masked = crc::masked(&file[range.start..trailer]);
    file[trailer..trailer + 4].copy_from_slice(&masked.to_le_bytes());
}

/// The entries of an uncompressed block, as far as they can be told: key and the place of the value
/// in the file.
fn entries(file: &[u8], range: std::ops::Range<usize>) -> Vec<(Vec<u8>, std::ops::Range<usize>)> {
    let mut found = Vec::new();
    let contents = &file[range.clone()];
    if contents.len() < 4 || file[range.end] != 0 {
        return found;
    }
    let (mut at, mut key) = (0, Vec::new());
    while at + 4 < contents.len() && found.len() < 1000 {
        let mut next = || varint(contents, &mut at);
        let (Some(shared), Some(unshared), Some(value)) = (next(), next(), next()) else { break };
        let room = (contents.len() - at) as u64;
        if shared > key.len() as u64 || unshared.saturating_add(value) > room {
            break;
        }
        key.truncate(shared as usize);
        key.extend(&contents[at..at + unshared as usize]);
        at += unshared as usize;
        found.push((key.clone(), range.start + at..range.start + at + value as usize));
        at += value as usize;
    }
    found
}

/// The blocks that a table's index lists.
fn blocks(file: &[u8]) -> (Option<std::ops::Range<usize>>, Vec<std::ops::Range<usize>>) {
    if file.len() < 48 {
        return (None, Vec::new());
    }
    let mut at = file.len() - 48;
    let mut next = || varint(file, &mut at).unwrap_or(u64::MAX);
    let (metaindex, index) = ((next(), next()), (next(), next()));
    let mut listed: Vec<_> = block(file, metaindex.0, metaindex.1).into_iter().collect();
    let Some(index) = block(file, index.0, index.1) else { return (None, listed) };
    for (_, value) in entries(file, index.clone()) {
        let mut at = value.start;
        let (Some(offset), Some(size)) = (varint(file, &mut at), varint(file, &mut at)) else { continue };
        listed.extend(block(file, offset, size));
    }
    (Some(index), listed)
}

/// Mends the footer's magic number and the checksum of every block that can be found.
pub fn table(file: &mut [u8]) {
    let length = file.len();
    if length >= 48 {
        file[length - 8..].copy_from_slice(&crate::common::table::MAGIC.to_le_bytes());
    }
    let (index, listed) = blocks(file);
    for range in listed {
        mend_block(file, range);
    }
    if let Some(index) = index {
        mend_block(file, index);
    }
}

/// The fields of an entry that its checksum depends on, and where the checksum is.
#[derive(Default)]
struct Fields {
    dtype: u64,
    elements: u64,
    offset: u64,
    size: u64,
    crc_at: Option<usize>,
}

fn fields(file: &[u8], range: std::ops::Range<usize>) -> Option<Fields> {
    let mut fields = Fields { elements: 1, ..Fields::default() };
    let bytes = &file[..range.end];
    let mut at = range.start;
    while at < range.end {
        let tag = varint(bytes, &mut at)?;
        match tag & 7 {
            0 => {
                let value = varint(bytes, &mut at)?;
                match tag >> 3 {
                    1 => fields.dtype = value,
                    4 => fields.offset = value,
                    5 => fields.size = value,
                    _ => {}
                }
            }
            2 => {
                let length = varint(bytes, &mut at)?;
                let end = (at as u64).checked_add(length).filter(|&end| end <= range.end as u64)? as usize;
                if tag >> 3 == 2 {
                    let mut dim = at;
                    while dim < end {
                        // Each a message of one number.
                        let (_, length) = (varint(bytes, &mut dim)?, varint(bytes, &mut dim)?);
                        let mut size = 0;
                        if length >= 2 {
                            let mut inner = dim + 1;
                            size = varint(bytes, &mut inner)?;
                        }
                        fields.elements = fields.elements.saturating_mul(size);
                        dim = dim.checked_add(usize::try_from(length).ok()?)?;
                    }
                }
                at = end;
            }
            5 => {
                if tag >> 3 == 6 && at + 4 <= range.end {
                    fields.crc_at = Some(at);
                }
                at += 4;
            }
            1 => at += 8,
            _ => return None,
        }
    }
    Some(fields)
}

/// Mends a bundle: the checksums of tensors, then those of blocks.
pub fn bundle(index: &mut [u8], data: &mut [u8]) {
    let (_, listed) = blocks(index);
    for range in listed {
        for (_, value) in entries(index, range) {
            let Some(Fields { dtype, elements, offset, size, crc_at: Some(at) }) = fields(index, value) else { continue };
            let Some(end) = offset.checked_add(size).filter(|&end| end <= data.len() as u64) else { continue };
            let stored = &mut data[offset as usize..end as usize];
            let masked = match u32::try_from(dtype) {
                Ok(dtypes::STRING) => strings(stored, elements),
                Ok(dtypes::VARIANT) => variants(stored, elements),
                _ => Some(crc::masked(stored)),
            };
            if let Some(masked) = masked {
                index[at..at + 4].copy_from_slice(&masked.to_le_bytes());
            }
        }
    }
    table(index);
}

/// Mends the checksum of the lengths in a string payload; returns that of the whole.
pub fn strings(stored: &mut [u8], elements: u64) -> Option<u32> {
    let (mut at, mut sum) = (0, 0);
    for _ in 0..elements.min(stored.len() as u64) {
        let length = varint(stored, &mut at)?;
        sum = match u32::try_from(length) {
            Ok(short) => crc::extend(sum, &short.to_le_bytes()),
            Err(_) => crc::extend(sum, &length.to_le_bytes()),
        };
    }
    let checksum = crc::mask(sum).to_le_bytes();
    stored.get_mut(at..at + 4)?.copy_from_slice(&checksum);
    Some(crc::mask(crc::extend(crc::extend(sum, &checksum), &stored[at + 4..])))
}

/// Mends the checksum of each element in a variant payload; returns that of the whole.
pub fn variants(stored: &mut [u8], elements: u64) -> Option<u32> {
    let (mut at, mut sum) = (0, 0);
    for _ in 0..elements.min(stored.len() as u64) {
        let length = varint(stored, &mut at)?;
        let end = (at as u64).checked_add(length).filter(|end| end + 4 <= stored.len() as u64)? as usize;
        sum = crc::extend(crc::extend(sum, &length.to_le_bytes()), &stored[at..end]);
        let checksum = crc::mask(sum).to_le_bytes();
        stored[end..end + 4].copy_from_slice(&checksum);
        sum = crc::extend(sum, &checksum);
        at = end + 4;
    }
    Some(crc::mask(sum))
}
