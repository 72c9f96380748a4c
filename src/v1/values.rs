//! The value of one stored slice: a `TensorProto`, of which only the typed lists of values are
//! used.

use crate::error::{Code, Error, Reason, Result};
use crate::format::proto::{take_varint, Fields, Value};
use crate::tensor::DType;

/// Returns the `TensorProto` within a data record (`SavedTensorSlices.data.data`).
fn tensor_proto(record: &[u8]) -> Result<&[u8]> {
    let mut tensor = None;
    for field in Fields::of(record) {
        if let (2, v) = field? {
            for field in Fields::of(v.bytes()?) {
                if let (3, v) = field? {
                    tensor = Some(v.bytes()?);
                }
            }
        }
    }
    tensor.ok_or_else(|| Error::malformed("the record of a slice contains no data"))
}

/// The encoding of a list of values, and the number of its field in `TensorProto`.
enum Coding {
    /// Little-endian units of `unit` bytes, one or more per element.
    Fixed { field: u32, unit: usize },
    /// Varints from `least` to `most`.
    Varint { field: u32, least: i64, most: i64 },
    /// Varints of unsigned 64-bit numbers.
    Unsigned64 { field: u32 },
}

fn coding(dtype: DType) -> Result<Coding> {
    let varint = |field, least, most| Ok(Coding::Varint { field, least, most });
    match dtype {
        DType::Float => Ok(Coding::Fixed { field: 5, unit: 4 }),
        DType::Double => Ok(Coding::Fixed { field: 6, unit: 8 }),
        DType::Complex64 => Ok(Coding::Fixed { field: 9, unit: 4 }),
        DType::Complex128 => Ok(Coding::Fixed { field: 12, unit: 8 }),
        DType::Int32 | DType::Qint32 => varint(7, i32::MIN.into(), i32::MAX.into()),
        DType::Int16 => varint(7, i16::MIN.into(), i16::MAX.into()),
        DType::Uint16 => varint(7, 0, u16::MAX.into()),
        DType::Int8 | DType::Qint8 => varint(7, i8::MIN.into(), i8::MAX.into()),
        DType::Uint8 | DType::Quint8 => varint(7, 0, u8::MAX.into()),
        DType::Int64 => varint(10, i64::MIN, i64::MAX),
        DType::Bool => varint(11, 0, 1),
        DType::Half => varint(13, 0, u16::MAX.into()),
        DType::Uint32 => varint(16, 0, u32::MAX.into()),
        DType::Uint64 => Ok(Coding::Unsigned64 { field: 17 }),
        _ => Err(unsupported(dtype)),
    }
}

/// Returns the error for a dtype that no V1 checkpoint can contain.
pub(crate) fn unsupported(dtype: DType) -> Error {
    Error::new(Code::Unimplemented, Reason::Unsupported, "V1 checkpoints cannot hold this dtype")
        .expecting("a dtype that TensorFlow writes in V1", dtype)
}

/// Decodes the values of a data record into `out`. They must fill it exactly.
pub(crate) fn decode(record: &[u8], dtype: DType, out: &mut [u8]) -> Result<()> {
    let coding = coding(dtype)?;
    let size = dtype.size().unwrap_or(1);
    let expected = out.len() / size;
    let mut sink = Sink { at: 0, out };
    for field in Fields::of(tensor_proto(record)?) {
        let (number, value) = field?;
        match coding {
            Coding::Fixed { field, unit } if field == number => match value {
                Value::Bytes(packed) if packed.len() % unit == 0 => sink.push(packed),
                Value::Fixed32(v) if unit == 4 => sink.push(&v.to_le_bytes()),
                Value::Fixed64(v) if unit == 8 => sink.push(&v.to_le_bytes()),
                _ => return Err(Error::malformed("a list of values has the wrong encoding")),
            },
            Coding::Varint { field, least, most } if field == number => each_varint(value, |v| {
                if (v as i64) < least || (v as i64) > most {
                    return Err(Error::malformed("a value is out of range for the dtype")
                        .expecting(format_args!("{least} to {most}"), v as i64));
                }
                sink.push(&v.to_le_bytes()[..size]);
                Ok(())
            })?,
            Coding::Unsigned64 { field } if field == number => each_varint(value, |v| {
                sink.push(&v.to_le_bytes());
                Ok(())
            })?,
            _ => {}
        }
    }
    if sink.at != sink.out.len() {
        return Err(wrong_count(expected as u64, (sink.at / size) as u64));
    }
    Ok(())
}

/// Passes each string of a data record to `see`. There must be `count` of them.
pub(crate) fn decode_strings<'a>(record: &'a [u8], count: u64, mut see: impl FnMut(u64, &'a [u8])) -> Result<()> {
    let mut found = 0;
    for field in Fields::of(tensor_proto(record)?) {
        if let (8, v) = field? {
            let element = v.bytes()?;
            if found < count {
                see(found, element);
            }
            found += 1;
        }
    }
    if found == count {
        Ok(())
    } else {
        Err(wrong_count(count, found))
    }
}

fn wrong_count(expected: u64, found: u64) -> Error {
    Error::malformed("the number of values of a stored slice does not match its shape")
        .because(Reason::Shape)
        .expecting(expected, found)
}

fn each_varint(value: Value<'_>, mut see: impl FnMut(u64) -> Result<()>) -> Result<()> {
    match value {
        Value::Varint(v) => see(v),
        Value::Bytes(mut packed) => {
            while !packed.is_empty() {
                see(take_varint(&mut packed).ok_or_else(|| Error::malformed("a list of values is truncated"))?)?;
            }
            Ok(())
        }
        _ => Err(Error::malformed("a list of values has the wrong encoding")),
    }
}

/// Writes to a buffer. Bytes that do not fit are only counted.
struct Sink<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Sink<'_> {
    fn push(&mut self, bytes: &[u8]) {
        if let Some(place) = self.out.get_mut(self.at..self.at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        self.at += bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a data record with the given fields of a `TensorProto`.
    fn record(tensor: &[u8]) -> Vec<u8> {
        let mut slice = vec![0x1a, tensor.len() as u8];
        slice.extend_from_slice(tensor);
        let mut record = vec![0x12, slice.len() as u8];
        record.extend_from_slice(&slice);
        record
    }

    #[test]
    fn values_in_range_are_read_and_others_refused() {
        for (dtype, tensor, expected) in [
            (DType::Uint8, &[0x3a, 2, 0xff, 0x01][..], Some(&[0xff][..])),
            (DType::Uint8, &[0x3a, 2, 0xac, 0x02], None), // 300
            (DType::Int8, &[0x3a, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(&[0xff])),
            (DType::Bool, &[0x5a, 1, 2], None),
            (DType::Half, &[0x6a, 2, 0x80, 0x78], Some(&[0x00, 0x3c])),
            (DType::Half, &[0x6a, 3, 0x80, 0x80, 0x04], None),
            (DType::Float, &[0x2d, 0, 0, 0x80, 0x3f], Some(&[0, 0, 0x80, 0x3f])), // unpacked
            (DType::Float, &[0x2a, 3, 0, 0, 0], None),
            (DType::Int32, &[0x38, 7], Some(&[7, 0, 0, 0])),
            (DType::Int32, &[0x3a, 2, 7, 8], None),
            (DType::Int32, &[], None),
            (DType::Uint64, &[0x8a, 0x01, 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Some(&[0xff; 8])),
            (DType::Bfloat16, &[0x6a, 1, 0], None),
        ] {
            let mut out = vec![0; dtype.size().unwrap()];
            let result = decode(&record(tensor), dtype, &mut out);
            assert_eq!(result.ok().map(|()| &out[..]), expected, "{dtype} {tensor:?}");
        }
    }
}
