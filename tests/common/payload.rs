//! How string and variant tensors are stored, and what their checksums cover.

use super::crc::{extend, mask};
use super::proto::varint;

/// Stored bytes and the entry's checksum, which is not over those bytes.
pub struct Payload {
    pub bytes: Vec<u8>,
    pub masked_crc: u32,
}

/// A tensor of strings.
pub fn strings(elements: &[&[u8]], big_endian: bool) -> Payload {
    let mut bytes: Vec<u8> = elements.iter().flat_map(|element| varint(element.len() as u64)).collect();
    let mut crc = 0;
    for element in elements {
        let length = element.len() as u64;
        crc = match (u32::try_from(length), big_endian) {
            (Ok(short), false) => extend(crc, &short.to_le_bytes()),
            (Ok(short), true) => extend(crc, &short.to_be_bytes()),
            (Err(_), false) => extend(crc, &length.to_le_bytes()),
            (Err(_), true) => extend(crc, &length.to_be_bytes()),
        };
    }
    let stored = if big_endian { mask(crc).to_be_bytes() } else { mask(crc).to_le_bytes() };
    bytes.extend(stored);
    crc = extend(crc, &stored);
    for element in elements {
        bytes.extend(*element);
        crc = extend(crc, element);
    }
    Payload { bytes, masked_crc: mask(crc) }
}

/// A tensor of variants, each given as its serialized `VariantTensorDataProto`.
pub fn variants(elements: &[&[u8]]) -> Payload {
    let mut bytes = Vec::new();
    let mut crc = 0;
    for element in elements {
        bytes.extend(varint(element.len() as u64));
        crc = extend(crc, &(element.len() as u64).to_le_bytes());
        bytes.extend(*element);
        crc = extend(crc, element);
        let stored = mask(crc).to_le_bytes();
        bytes.extend(stored);
        crc = extend(crc, &stored);
    }
    Payload { bytes, masked_crc: mask(crc) }
}
