//! Which types are members of a tracked struct, and what each is in the graph.

use super::members::{kind_of, Member, Members};
use super::objects::{number_objects, visit_list, visit_objects};
use super::tensors::{visit_values, Many, One};
use super::Track;
use crate::error::Result;
use crate::tensor::Item;

impl<T: Track> Member for T {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        to.object(name, kind_of::<T>, &mut |members| self.members(members))
    }
}

impl<T: InArray, const N: usize> Member for [T; N] {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        T::visit_array(self, name, to)
    }
}

impl<T: InVec> Member for Vec<T> {
    fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
        T::visit_vec(self, name, to)
    }

    fn visit_numbered(&mut self, prefix: &str, number: &mut usize, to: &mut Members<'_>) -> Result<()> {
        T::visit_vec_numbered(self, prefix, number, to)
    }
}

/// What arrays have as elements.
#[diagnostic::on_unimplemented(
    message = "an array of `{Self}` cannot be a member of a tracked struct",
    note = "arrays have elements of tensors (f32, i64, bool, …), arrays of them, or structs that implement `checkpoint::Track`"
)]
pub trait InArray: Sized {
    fn visit_array<const N: usize>(array: &mut [Self; N], name: &str, to: &mut Members<'_>) -> Result<()>;
}

/// What vectors have as elements.
#[diagnostic::on_unimplemented(
    message = "a vector of `{Self}` cannot be a member of a tracked struct",
    note = "vectors have elements of tensors (f32, i64, bool, …), arrays of them, or structs that implement `checkpoint::Track` \
            and `Default`, which makes the elements that a checkpoint has"
)]
pub trait InVec: Sized {
    fn visit_vec(vec: &mut Vec<Self>, name: &str, to: &mut Members<'_>) -> Result<()>;

    fn visit_vec_numbered(vec: &mut Vec<Self>, prefix: &str, number: &mut usize, to: &mut Members<'_>) -> Result<()> {
        let name = format!("{prefix}{number}");
        *number += 1;
        Self::visit_vec(vec, &name, to)
    }
}

impl<T: Track> InArray for T {
    fn visit_array<const N: usize>(array: &mut [T; N], name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_list(array, name, to)
    }
}

impl<T: Track + Default> InVec for T {
    fn visit_vec(vec: &mut Vec<T>, name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_objects(vec, name, to)
    }

    fn visit_vec_numbered(vec: &mut Vec<T>, prefix: &str, number: &mut usize, to: &mut Members<'_>) -> Result<()> {
        *number += number_objects(vec, prefix, prefix, *number, to)?;
        to.end(prefix)
    }
}

impl<I: Item, const M: usize> InArray for [I; M] {
    fn visit_array<const N: usize>(array: &mut [[I; M]; N], name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_values(&mut One(array), None, name, to)
    }
}

impl<I: Item, const M: usize> InVec for [I; M] {
    fn visit_vec(vec: &mut Vec<[I; M]>, name: &str, to: &mut Members<'_>) -> Result<()> {
        visit_values(&mut Many(vec), None, name, to)
    }
}

// Each by itself: the compiler does not know that an element is no tracked struct.
macro_rules! elements {
    ($($element:ty),+ $(,)?) => {$(
        impl Member for $element {
            fn visit(&mut self, name: &str, to: &mut Members<'_>) -> Result<()> {
                visit_values(&mut One(self), None, name, to)
            }
        }

        impl InArray for $element {
            fn visit_array<const N: usize>(array: &mut [$element; N], name: &str, to: &mut Members<'_>) -> Result<()> {
                visit_values(&mut One(array), None, name, to)
            }
        }

        impl InVec for $element {
            fn visit_vec(vec: &mut Vec<$element>, name: &str, to: &mut Members<'_>) -> Result<()> {
                visit_values(&mut Many(vec), None, name, to)
            }
        }
    )+};
}

elements! { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, bool }
#[cfg(feature = "half")]
elements! { half::f16, half::bf16 }
#[cfg(feature = "num-complex")]
elements! { num_complex::Complex<f32>, num_complex::Complex<f64> }
