//! Converts the elements of tensors, in loops without branches: a block of elements becomes
//! integers or floating-point numbers that have all their values, and those become elements of the
//! other dtype. What is common takes one step.

use super::small_float::{narrow_bfloat16, widen_half, Format};
use super::DType;

/// The number of elements in a block. All of its forms are in the first-level cache at once.
const BLOCK: usize = 512;

/// Converts `stored` to `out`, which has as many elements. Integers must fit; what else there is no
/// exact result for is rounded as TensorFlow rounds it.
pub(super) fn cast(from: DType, to: DType, stored: &[u8], out: &mut [u8]) {
    let (from_size, to_size) = (from.size().unwrap_or(1), to.size().unwrap_or(1));
    let blocks = stored.chunks(BLOCK * from_size).zip(out.chunks_mut(BLOCK * to_size));
    match (part(from), part(to)) {
        _ if from == to => out.copy_from_slice(stored), // the parts of a complex number
        (Some(from), Some(to)) => cast(from, to, stored, out),
        (None, Some(real)) => {
            let mut parts = [0; BLOCK * 8];
            let size = to_size / 2;
            for (stored, out) in blocks {
                let parts = &mut parts[..out.len() / 2];
                cast(from, real, stored, parts);
                for (number, part) in out.chunks_exact_mut(to_size).zip(parts.chunks_exact(size)) {
                    number[..size].copy_from_slice(part);
                    number[size..].fill(0);
                }
            }
        }
        _ if Format::of(from).is_some() => blocks.for_each(|(stored, out)| cast_floats(from, to, stored, out)),
        _ => blocks.for_each(|(stored, out)| cast_integers(from, to, stored, out)),
    }
}

/// Returns the dtype of the two parts of a complex number.
pub(super) fn part(dtype: DType) -> Option<DType> {
    match dtype {
        DType::Complex64 => Some(DType::Float),
        DType::Complex128 => Some(DType::Double),
        _ => None,
    }
}

/// Returns the smallest and the largest integer of a dtype; `None` for dtypes that are not of
/// integers.
pub(super) fn limits(dtype: DType) -> Option<(i128, i128)> {
    let signed = |bits: u32| (-(1 << (bits - 1)), (1 << (bits - 1)) - 1);
    let unsigned = |bits: u32| (0, (1 << bits) - 1);
    Some(match dtype {
        DType::Int2 => signed(2),
        DType::Int4 => signed(4),
        DType::Int8 => signed(8),
        DType::Int16 => signed(16),
        DType::Int32 => signed(32),
        DType::Int64 => signed(64),
        DType::Uint2 => unsigned(2),
        DType::Uint4 => unsigned(4),
        DType::Uint8 => unsigned(8),
        DType::Uint16 => unsigned(16),
        DType::Uint32 => unsigned(32),
        DType::Uint64 => unsigned(64),
        _ => return None,
    })
}

/// Returns the position of the first integer that `to` does not have, and the integer.
pub(super) fn first_unfit(from: DType, to: DType, stored: &[u8]) -> Option<(usize, i128)> {
    let (least, most) = limits(to)?;
    let mut block = [0i64; BLOCK];
    for (number, stored) in stored.chunks(BLOCK * from.size().unwrap_or(1)).enumerate() {
        let integers = decode_i64(from, stored, &mut block);
        let value = |&integer: &i64| if from == DType::Uint64 { i128::from(integer as u64) } else { i128::from(integer) };
        let mut values = integers.iter().map(value).enumerate();
        if let Some((place, value)) = values.find(|(_, value)| !(least..=most).contains(value)) {
            return Some((number * BLOCK + place, value));
        }
    }
    None
}

fn cast_floats(from: DType, to: DType, stored: &[u8], out: &mut [u8]) {
    match (from, to) {
        (DType::Bfloat16, DType::Float) => return direct(stored, out, |bytes| widen_bfloat16(bytes).to_ne_bytes()),
        (DType::Half, DType::Float) => return direct(stored, out, |bytes| widen_half(u16::from_ne_bytes(bytes)).to_ne_bytes()),
        (DType::Float, DType::Bfloat16) => {
            return direct(stored, out, |bytes| narrow_bfloat16(f32::from_ne_bytes(bytes)).to_ne_bytes())
        }
        _ => {}
    }
    let mut singles = [0f32; BLOCK];
    if from == DType::Double {
        let mut doubles = [0f64; BLOCK];
        let (numbers, _) = stored.as_chunks::<8>();
        doubles.iter_mut().zip(numbers).for_each(|(double, bytes)| *double = f64::from_ne_bytes(*bytes));
        let doubles = &doubles[..numbers.len()];
        match (to, Format::of(to)) {
            (DType::Float8E5m2 | DType::Float8E4m3fn, Some(format)) => {
                out.iter_mut().zip(doubles).for_each(|(out, double)| *out = format.narrow(*double) as u8);
            }
            _ => {
                // TensorFlow and ml_dtypes round to float32 first.
                singles.iter_mut().zip(doubles).for_each(|(single, double)| *single = *double as f32);
                encode_f32(to, &singles[..doubles.len()], out);
            }
        }
        return;
    }
    encode_f32(to, decode_f32(from, stored, &mut singles), out);
}

fn cast_integers(from: DType, to: DType, stored: &[u8], out: &mut [u8]) {
    let is_wide = |dtype| matches!(dtype, DType::Uint32 | DType::Int64 | DType::Uint64);
    let is_float = Format::of(to).is_some();
    if is_wide(from) || is_wide(to) {
        let mut block = [0i64; BLOCK];
        let integers = decode_i64(from, stored, &mut block);
        if is_float {
            put(out, integers, |integer| (integer as f64).to_ne_bytes());
        } else {
            encode_i64(to, integers, out);
        }
        return;
    }
    let mut block = [0i32; BLOCK];
    let integers = decode_i32(from, stored, &mut block);
    if to == DType::Double {
        put(out, integers, |integer| f64::from(integer).to_ne_bytes());
    } else if is_float {
        let mut singles = [0f32; BLOCK];
        singles.iter_mut().zip(integers).for_each(|(single, integer)| *single = *integer as f32);
        encode_f32(to, &singles[..integers.len()], out);
    } else {
        encode_i32(to, integers, out);
    }
}

#[inline(always)]
fn widen_bfloat16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_ne_bytes(bytes)) << 16)
}

fn decode_f32<'b>(from: DType, stored: &[u8], block: &'b mut [f32; BLOCK]) -> &'b [f32] {
    match from {
        DType::Float => take(stored, block, f32::from_ne_bytes),
        DType::Bfloat16 => take(stored, block, widen_bfloat16),
        DType::Half => take(stored, block, |bytes| widen_half(u16::from_ne_bytes(bytes))),
        _ => {
            let format = Format::of(from);
            let table: [f32; 256] = std::array::from_fn(|bits| format.map_or(0.0, |format| format.widen(bits as u32)));
            take(stored, block, |[byte]| table[usize::from(byte)])
        }
    }
}

fn encode_f32(to: DType, singles: &[f32], out: &mut [u8]) {
    match (to, Format::of(to)) {
        (DType::Double, _) => put(out, singles, |single| f64::from(single).to_ne_bytes()),
        (DType::Float, _) => put(out, singles, f32::to_ne_bytes),
        (DType::Bfloat16, _) => put(out, singles, |single| narrow_bfloat16(single).to_ne_bytes()),
        (DType::Half, Some(half)) => put(out, singles, |single| (half.narrow(single.into()) as u16).to_ne_bytes()),
        (_, Some(format)) => put(out, singles, |single| [format.narrow(single.into()) as u8]),
        (_, None) => {}
    }
}

macro_rules! integers {
    ($decode:ident, $encode:ident, $integer:ty) => {
        fn $decode<'b>(from: DType, stored: &[u8], block: &'b mut [$integer; BLOCK]) -> &'b [$integer] {
            match from {
                DType::Bool => take(stored, block, |[byte]| (byte != 0).into()),
                DType::Int2 => take(stored, block, |[byte]| ((byte << 6) as i8 >> 6).into()),
                DType::Uint2 => take(stored, block, |[byte]| (byte & 3).into()),
                DType::Int4 => take(stored, block, |[byte]| ((byte << 4) as i8 >> 4).into()),
                DType::Uint4 => take(stored, block, |[byte]| (byte & 15).into()),
                DType::Int8 => take(stored, block, |bytes| i8::from_ne_bytes(bytes).into()),
                DType::Uint8 => take(stored, block, |bytes| u8::from_ne_bytes(bytes).into()),
                DType::Int16 => take(stored, block, |bytes| i16::from_ne_bytes(bytes).into()),
                DType::Uint16 => take(stored, block, |bytes| u16::from_ne_bytes(bytes).into()),
                DType::Int32 => take(stored, block, |bytes| i32::from_ne_bytes(bytes) as $integer),
                DType::Uint32 => take(stored, block, |bytes| u32::from_ne_bytes(bytes) as $integer),
                _ => take(stored, block, |bytes| i64::from_ne_bytes(bytes) as $integer),
            }
        }

        /// The integers fit.
        fn $encode(to: DType, integers: &[$integer], out: &mut [u8]) {
            match to {
                DType::Int2 | DType::Uint2 => put(out, integers, |integer| [integer as u8 & 3]),
                DType::Int4 | DType::Uint4 => put(out, integers, |integer| [integer as u8 & 15]),
                _ => match to.size() {
                    Some(1) => put(out, integers, |integer| (integer as u8).to_ne_bytes()),
                    Some(2) => put(out, integers, |integer| (integer as u16).to_ne_bytes()),
                    Some(4) => put(out, integers, |integer| (integer as u32).to_ne_bytes()),
                    _ => put(out, integers, |integer| (integer as u64).to_ne_bytes()),
                },
            }
        }
    };
}

integers!(decode_i32, encode_i32, i32);
integers!(decode_i64, encode_i64, i64);

/// Decodes elements of `SIZE` bytes to the beginning of a block.
#[inline(always)]
fn take<'b, T, const SIZE: usize>(stored: &[u8], block: &'b mut [T; BLOCK], decode: impl Fn([u8; SIZE]) -> T) -> &'b [T] {
    let (elements, _) = stored.as_chunks::<SIZE>();
    let block = &mut block[..elements.len()];
    each(elements, block, decode);
    block
}

/// Encodes numbers as elements of `SIZE` bytes.
#[inline(always)]
fn put<T: Copy, const SIZE: usize>(out: &mut [u8], numbers: &[T], encode: impl Fn(T) -> [u8; SIZE]) {
    let (elements, _) = out.as_chunks_mut::<SIZE>();
    each(numbers, elements, encode);
}

/// Converts elements of one size to elements of another one.
#[inline(always)]
fn direct<const FROM: usize, const TO: usize>(stored: &[u8], out: &mut [u8], convert: impl Fn([u8; FROM]) -> [u8; TO]) {
    each(stored.as_chunks().0, out.as_chunks_mut().0, convert);
}

/// Eight at once: compilers that optimize for size, as they do for the shared library, neither
/// vectorize loops nor unroll them.
#[inline(always)]
fn each<A: Copy, B>(from: &[A], to: &mut [B], convert: impl Fn(A) -> B) {
    let ((eights, rest), (places, last)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    for (&[a, b, c, d, e, f, g, h], place) in eights.iter().zip(places) {
        *place = [convert(a), convert(b), convert(c), convert(d), convert(e), convert(f), convert(g), convert(h)];
    }
    rest.iter().zip(last).for_each(|(value, place)| *place = convert(*value));
}
