//! Structs of values that are saved, restored and loaded by the names of their fields.
//!
//! A graph keeps its variables for as long as it likes, and Rust owns its values: so they are moved
//! into the graph when a call begins, and back when it ends. Nothing is copied but what lies in the
//! struct itself, scalars and arrays.

mod array;
mod held;
mod load;
mod member;
mod members;
#[cfg(feature = "ndarray")]
mod ndarrays;
mod objects;
mod state;
mod tensors;
mod tracker;
mod walk;

pub use array::Array;
pub use load::{load, load_partial, load_with, write};
pub use members::{Member, Members};
pub use tracker::Tracker;

use crate::error::Result;

/// A struct whose fields are saved under their names, as the attributes of a `tf.Module` are.
///
/// `#[derive(Track)]`, of the feature `derive`, implements it. [`load`] and [`write`]
/// take such a struct at once; a [`Tracker`] saves and restores it again and again.
///
#[cfg_attr(feature = "derive", doc = "```")]
#[cfg_attr(not(feature = "derive"), doc = "```ignore")]
/// use checkpoint::{Array, Track};
///
/// #[derive(Track, Default)]
/// struct Layer {
///     kernel: Array<f32>, // values with a shape
///     bias: Vec<f32>,
/// }
///
/// #[derive(Track, Default)]
/// #[track(numbered = "layer_with_weights-")] // the fields are numbered
/// struct Net {
///     convolution: Layer,
///     #[track(skip)]
///     calls: usize,
///     norm: Norm,
///     head: Layer,
/// }
///
/// #[derive(Track, Default)]
/// struct Norm {
///     gamma: Vec<f32>,
///     beta: Vec<f32>,
///     #[track(rename = "moving_mean")]
///     mean: Vec<f32>,
///     #[track(rename = "moving_variance")]
///     variance: Vec<f32>,
/// }
///
/// let mut net = Net::default();
/// checkpoint::load("tests/data/tf_keras_net", &mut net)?; // what tf_keras wrote
/// assert_eq!(net.convolution.kernel.shape(), [2, 2, 1, 3]);
/// # Ok::<(), checkpoint::Error>(())
/// ```
///
/// # Fields
/// What is a field is a member:
///
/// | type | is saved as | takes from the checkpoint |
/// |---|---|---|
/// | an [`Element`](crate::Element): `f32`, `i64`, `bool`, … | a scalar | a scalar |
/// | `[f32; 5]`, `[[f32; 3]; 2]` | a tensor of these dimensions | these dimensions |
/// | `Vec<f32>` | a tensor of one dimension | any length; [`load`] takes any shape, row-major |
/// | `Vec<[f32; 3]>` | a tensor `[n, 3]` | any `n` |
/// | [`Array<f32>`](Array) | a tensor of its shape | any shape |
/// | `ndarray::Array` (feature `ndarray`) | a tensor of its shape | any shape of that rank |
/// | another such struct, `Box` of one | an object | |
/// | `[Struct; 4]` | a list | exactly its elements |
/// | `Vec<Struct>` | an object with the edges `0`, `1`, … | [`load`] takes the number of elements |
/// | `HashMap<String, Struct>`, `BTreeMap` | a dict | [`load`] takes the keys |
/// | `Option` of any of these | nothing, or what it holds | [`load`] takes whether it is there |
///
/// `Vec`, maps and `Option` need `Default` of what they hold, to make it. Everything else is no
/// member, which the compiler says in one sentence: `String`, `usize`, references, enumerations.
///
/// A checkpoint does not tell a `Vec` of structs or a map that was empty from one that was not
/// there. [`load`] refuses it, [`load_partial`] leaves the member as it is. What may be empty is an
/// `Option` of such a member: it is loaded as `None`.
///
/// Structs may hold structs of their own kind, in an `Option`, a `Vec` or a map. Objects that lie
/// more than 200 levels deep are refused: `RESOURCE_EXHAUSTED` ([`Reason::Limit`]).
///
/// # Attributes of the derive
/// On the struct:
/// * `#[track(numbered = "PREFIX")]`: the fields are the edges `PREFIX0`, `PREFIX1`, …; a `Vec` of
///   structs has a number for each of its elements, and must be the last field.
/// * `#[track(crate = "PATH")]`: the path of this crate, if it is not `::checkpoint`.
///
/// On a field:
/// * `#[track(skip)]`: it is no member.
/// * `#[track(rename = "NAME")]`: its name in the checkpoint.
/// * `#[track(shape = [10, 100])]`: a `Vec` of elements is saved with this shape and takes no
///   other.
/// * `#[track(state)]`: it is a [`State`](crate::State) that implements `Default`, and says itself
///   how it is saved; `#[track(state = "NAME")]` with
///   [`StateOptions::legacy_name`](crate::StateOptions::legacy_name).
/// * `#[track(slots = "PATH")]`: its members are the slots that this object, an optimizer, keeps
///   for the variable at this path from the root: `net/kernel`, `blocks/0/kernel`.
///
/// # By hand
/// Without the derive, an implementation names the members, always all and in the same order:
///
/// ```
/// use checkpoint::{Members, Result, Track};
///
/// #[derive(Default)]
/// struct Layer {
///     kernel: Vec<[f32; 5]>,
///     bias: Vec<f32>,
/// }
///
/// impl Track for Layer {
///     fn members(&mut self, members: &mut Members<'_>) -> Result<()> {
///         members.add("kernel", &mut self.kernel)?;
///         members.add("bias", &mut self.bias)
///     }
/// }
/// ```
///
/// [`Reason::Limit`]: crate::Reason::Limit
/// [`load`]: fn@load
/// [`write`]: fn@write
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tracked struct",
    note = "use `#[derive(Track)]` on the struct, with the feature `derive`, or implement `checkpoint::Track`"
)]
pub trait Track {
    /// Whether the object keeps slots for variables ([`Members::slots`]), as an optimizer does.
    const OWNS_SLOTS: bool = false;

    /// Names each member. Called with the lock of a graph held, which the method must not use.
    ///
    /// # Errors
    /// Those of the methods of `members`, which it must return.
    fn members(&mut self, members: &mut Members<'_>) -> Result<()>;
}

impl<T: Track> Track for Box<T> {
    const OWNS_SLOTS: bool = T::OWNS_SLOTS;

    fn members(&mut self, members: &mut Members<'_>) -> Result<()> {
        (**self).members(members)
    }
}
