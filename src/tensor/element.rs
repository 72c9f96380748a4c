//! Which Rust types are elements of tensors, and their memory as bytes.

use std::any::Any;

use bytemuck::{NoUninit, Pod};

use super::DType;
use crate::error::{Error, Result};

/// A Rust type whose values are elements of tensors: `f32`, `f64`, the integers of 8 to 64 bits,
/// and `bool`. With the feature `half` also `half::f16` and `half::bf16`, with `num-complex`
/// `Complex<f32>` and `Complex<f64>`.
///
/// Unsigned integers also stand for the bits of a dtype of their size that has no Rust type
/// ([`DType::fits`]): `u8` for `float8_e5m2`, `u16` for `bfloat16`.
///
/// The trait is sealed.
///
/// ```
/// use checkpoint::{DType, Element};
///
/// assert_eq!(f32::DTYPE, DType::Float);
/// assert_eq!(bool::DTYPE, DType::Bool);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the type of a tensor's elements",
    note = "elements are f32, f64, i8 to i64, u8 to u64 and bool; with features, half::f16, half::bf16 and num_complex::Complex"
)]
pub trait Element: Item + NoUninit {
    /// The dtype of tensors with these elements.
    const DTYPE: DType;
}

/// What the memory of a tensor is a run of: an element, or an array of items. Public for bounds, in
/// a module that is not.
pub trait Item: Copy + Send + Sync + 'static {
    /// A type of the same size and alignment of which all bits are values, to read into.
    type Bits: Pod + Send + Sync;

    /// The dtype of the elements.
    fn dtype() -> DType;

    /// Appends the dimensions of one item.
    fn push_dimensions(dimensions: &mut Vec<i64>);

    /// Returns the bits of a value.
    fn to_bits(self) -> Self::Bits;

    /// Returns the value of bits, which may come from a file.
    fn of_bits(bits: Self::Bits) -> Self;

    /// Returns items as bytes to write into; `None` if not all bytes are values.
    fn bytes_mut(items: &mut [Self]) -> Option<&mut [u8]>;
}

macro_rules! elements {
    ($($type:ty: $dtype:ident),+ $(,)?) => {$(
        impl Element for $type {
            const DTYPE: DType = DType::$dtype;
        }

        impl Item for $type {
            type Bits = $type;

            fn dtype() -> DType {
                DType::$dtype
            }

            fn push_dimensions(_: &mut Vec<i64>) {}

            fn to_bits(self) -> $type {
                self
            }

            fn of_bits(bits: $type) -> $type {
                bits
            }

            fn bytes_mut(items: &mut [$type]) -> Option<&mut [u8]> {
                Some(bytemuck::cast_slice_mut(items))
            }
        }
    )+};
}

elements! {
    f32: Float, f64: Double,
    i8: Int8, i16: Int16, i32: Int32, i64: Int64,
    u8: Uint8, u16: Uint16, u32: Uint32, u64: Uint64,
}
#[cfg(feature = "half")]
elements! { half::f16: Half, half::bf16: Bfloat16 }
#[cfg(feature = "num-complex")]
elements! { num_complex::Complex<f32>: Complex64, num_complex::Complex<f64>: Complex128 }

impl Element for bool {
    const DTYPE: DType = DType::Bool;
}

// A file may have any byte for a bool.
impl Item for bool {
    type Bits = u8;

    fn dtype() -> DType {
        DType::Bool
    }

    fn push_dimensions(_: &mut Vec<i64>) {}

    fn to_bits(self) -> u8 {
        self.into()
    }

    fn of_bits(bits: u8) -> bool {
        bits != 0
    }

    fn bytes_mut(_: &mut [bool]) -> Option<&mut [u8]> {
        None
    }
}

impl<I: Item, const N: usize> Item for [I; N] {
    type Bits = [I::Bits; N];

    fn dtype() -> DType {
        I::dtype()
    }

    fn push_dimensions(dimensions: &mut Vec<i64>) {
        dimensions.push(N as i64);
        I::push_dimensions(dimensions);
    }

    fn to_bits(self) -> [I::Bits; N] {
        self.map(I::to_bits)
    }

    fn of_bits(bits: [I::Bits; N]) -> [I; N] {
        bits.map(I::of_bits)
    }

    fn bytes_mut(items: &mut [[I; N]]) -> Option<&mut [u8]> {
        I::bytes_mut(items.as_flattened_mut())
    }
}

/// Allocates `count` zero items. The system supplies zeroed pages, so none is touched before it is
/// used.
pub(crate) fn zeroed<I: Item>(count: usize) -> Result<Vec<I::Bits>> {
    let items = bytemuck::allocation::try_zeroed_slice_box(count);
    items.map(<[_]>::into_vec).map_err(|()| Error::out_of_memory((count as u64).saturating_mul(size_of::<I>() as u64)))
}

/// Returns items as their bits, in the same memory.
pub(crate) fn into_bits<I: Item>(items: Vec<I>) -> Vec<I::Bits> {
    converted(items, I::to_bits)
}

/// Returns bits as items, in the same memory.
pub(crate) fn of_bits<I: Item>(bits: Vec<I::Bits>) -> Vec<I> {
    converted(bits, I::of_bits)
}

/// Converts each value of a list. Mostly the types are the same, and there is nothing to do.
fn converted<A: 'static, B: 'static>(list: Vec<A>, convert: impl FnMut(A) -> B) -> Vec<B> {
    let mut list = Some(list);
    match (&mut list as &mut dyn Any).downcast_mut::<Option<Vec<B>>>() {
        Some(same) => same.take(),
        None => list.map(|list| list.into_iter().map(convert).collect()),
    }
    .unwrap_or_default()
}

/// Returns a copy of bytes as elements.
pub(crate) fn copy_values<T: Element>(bytes: &[u8]) -> Result<Vec<T>> {
    let mut bits = zeroed::<T>(bytes.len() / size_of::<T>())?;
    let out = bytemuck::cast_slice_mut(&mut bits);
    out.copy_from_slice(&bytes[..out.len()]);
    Ok(of_bits(bits))
}

/// Has `read` fill the memory of items.
pub(crate) fn fill<I: Item>(items: &mut [I], read: impl FnOnce(&mut [u8]) -> Result<()>) -> Result<()> {
    if let Some(bytes) = I::bytes_mut(items) {
        return read(bytes);
    }
    let mut bits = zeroed::<I>(items.len())?;
    read(bytemuck::cast_slice_mut(&mut bits))?;
    items.iter_mut().zip(bits).for_each(|(item, bits)| *item = I::of_bits(bits));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_and_their_bits_share_memory() {
        fn turn<I: Item + PartialEq + std::fmt::Debug>(items: Vec<I>) {
            let (copy, address) = (items.clone(), items.as_ptr().cast::<u8>());
            let bits = into_bits(items);
            assert_eq!(bits.as_ptr().cast(), address);
            let again = of_bits::<I>(bits);
            assert_eq!((again.as_ptr().cast(), &again), (address, &copy));
        }
        turn(vec![1f32, -2.0]);
        turn(vec![[1u16, 2], [3, 4]]);
        turn(vec![true, false]);
        turn(vec![[[true, false]], [[false, true]]]);
        turn::<[f32; 0]>(vec![[], []]);
    }

    #[test]
    fn every_byte_but_zero_is_true() {
        assert_eq!(of_bits::<bool>(vec![0, 1, 2, 255]), [false, true, true, true]);
        let mut flags = [true; 3];
        fill(&mut flags, |bytes| {
            bytes.copy_from_slice(&[7, 0, 1]);
            Ok(())
        })
        .unwrap();
        assert_eq!(flags, [true, false, true]);
    }

    #[test]
    fn arrays_have_the_dimensions_of_their_items() {
        let mut dimensions = Vec::new();
        <[[f32; 3]; 2]>::push_dimensions(&mut dimensions);
        assert_eq!((dimensions, <[[f32; 3]; 2]>::dtype()), (vec![2, 3], DType::Float));
    }
}
