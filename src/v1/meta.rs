//! The first record of a V1 file: the tensors and slices that it contains (`SavedTensorSliceMeta`).

use std::collections::BTreeMap;

use crate::allocate::{with_room, Room, TryPush};
use crate::error::{Error, Reason, Result};
use crate::format::message::{check_version, known_dtype, parse_shape, parse_slice, validated_elements, Version};
use crate::format::proto::Fields;
use crate::table::Budget;
use crate::tensor::{shape_text, Bounds, DType, Slice, StoredExtent};

/// A tensor of a V1 checkpoint.
#[derive(Debug)]
pub(crate) struct Described {
    pub dtype: DType,
    pub shape: Vec<i64>,
    /// The slices that make up the tensor. A tensor stored whole has one slice, full in every
    /// dimension.
    pub slices: Vec<Located>,
}

impl Described {
    /// Returns the bytes of memory beside the description that it takes.
    pub fn memory_size(&self) -> usize {
        let slices = self.slices.iter().map(|slice| slice.extents.capacity() * size_of::<StoredExtent>()).sum::<usize>();
        self.shape.capacity() * size_of::<i64>() + self.slices.capacity() * size_of::<Located>() + slices
    }
}

/// A stored slice, and the file that contains it.
#[derive(Debug)]
pub(crate) struct Located {
    pub extents: Vec<StoredExtent>,
    /// The index of the file in the checkpoint.
    pub file: usize,
}

impl Located {
    pub fn slice(&self) -> Slice {
        self.extents[..].into()
    }

    pub fn bounds(&self, shape: &[i64]) -> Bounds {
        Bounds::stored(&self.extents, shape)
    }
}

impl Described {
    /// Returns whether one record holds the whole tensor.
    pub fn is_whole(&self) -> bool {
        matches!(&self.slices[..], [only] if only.extents.iter().all(|e| e.is_full()))
    }
}

/// Tensors by name, over all files of a checkpoint.
pub(crate) type Tensors = BTreeMap<Vec<u8>, Described>;

/// Adds the tensors that the meta record `bytes` of file number `file` describes. The slices of a
/// tensor may be in several files, but all files must agree on its dtype and shape.
pub(crate) fn add_described(bytes: &[u8], file: usize, tensors: &mut Tensors, budget: &mut Budget) -> Result<Version> {
    let mut version = Version::default();
    let mut found = false;
    for field in Fields::of(bytes) {
        if let (1, v) = field? {
            found = true;
            for field in Fields::of(v.bytes()?) {
                match field? {
                    (1, v) => add_tensor(v.bytes()?, file, tensors, budget)?,
                    (2, v) => version = check_version(v.bytes()?)?,
                    _ => {}
                }
            }
        }
    }
    if found {
        Ok(version)
    } else {
        Err(Error::malformed(
            "the first record does not describe the tensors of a V1 checkpoint: the file may be the index of a V2 checkpoint",
        ))
    }
}

fn add_tensor(bytes: &[u8], file: usize, tensors: &mut Tensors, budget: &mut Budget) -> Result<()> {
    let mut name = &[][..];
    for field in Fields::of(bytes) {
        if let (1, v) = field? {
            name = v.bytes()?;
        }
    }
    let named = |e: Error| e.for_tensor(name);
    let (mut dtype, mut shape, mut slices) = (0, Vec::new(), 0u64);
    for field in Fields::of(bytes) {
        match field? {
            (2, v) => v.bytes().and_then(|b| parse_shape(b, 0, &mut shape)).map_err(named)?,
            (3, v) => dtype = v.varint().map_err(named)?,
            (4, _) => slices += 1,
            _ => {}
        }
    }
    if name.is_empty() {
        return Err(Error::malformed("a tensor has no name"));
    }
    let dtype = known_dtype(dtype).map_err(named)?;
    validated_elements(&shape, dtype).map_err(named)?;
    let each = (size_of::<Located>() + shape.len() * size_of::<StoredExtent>()) as u64;
    // The map's nodes may be half full, and the map is later copied into a list.
    let place = 3 * size_of::<(Vec<u8>, Described)>();
    budget.charge((place + name.len() + shape.len() * size_of::<i64>()) as u64)?;
    budget.charge(each.saturating_mul(slices))?;
    let mut located = with_room(slices as usize)?;
    for field in Fields::of(bytes) {
        if let (4, v) = field? {
            let mut extents = Vec::with_capacity(shape.len());
            v.bytes().and_then(|b| parse_slice(b, &shape, &mut extents)).map_err(named)?;
            if extents.iter().any(|e| e.length == 0) {
                return Err(named(Error::malformed("a stored slice is empty in some dimension").because(Reason::Shape)));
            }
            located.try_push(Located { extents, file })?;
        }
    }
    let known = tensors.entry(name.to_owned()).or_insert_with(|| Described { dtype, shape: shape.clone(), slices: Vec::new() });
    if known.dtype != dtype {
        return Err(named(
            Error::malformed("the tensor is listed with different dtypes").because(Reason::DType).expecting(known.dtype, dtype),
        ));
    }
    if known.shape != shape {
        return Err(named(
            Error::malformed("the tensor is listed with different shapes")
                .because(Reason::Shape)
                .expecting(shape_text(&known.shape), shape_text(&shape)),
        ));
    }
    if known.slices.is_empty() {
        known.slices = located;
    } else {
        budget.charge((known.slices.len() as u64).saturating_mul(size_of::<Located>() as u64))?;
        known.slices.make_room(located.len())?;
        known.slices.append(&mut located);
    }
    Ok(())
}
