//! Slices: boxes within a tensor, as callers specify them, as files store them, and resolved
//! against a shape.

use std::fmt;
use std::str::FromStr;

use super::bounds::Bounds;
use super::extent::{Extent, StoredExtent};
use super::shape::shape_text;
use crate::error::{Code, Error, Reason, Result};

/// A box within a tensor: one extent per dimension (`TensorSlice` in TensorFlow).
///
/// The text form is that of TensorFlow's `shape_and_slices`: extents joined by `:`, each `-` (the
/// whole dimension) or `start,length`.
///
/// ```
/// let slice: checkpoint::Slice = "0,4:-".parse().unwrap();
/// assert_eq!(slice.extents()[0], checkpoint::Extent::range(0, 4));
/// assert_eq!(slice.to_string(), "0,4:-");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice(Vec<Extent>);

impl Slice {
    /// Creates a slice of the given extents. Whether it fits a tensor is checked when it is used.
    pub fn new(extents: Vec<Extent>) -> Slice {
        Slice(extents)
    }

    /// Returns the slice that covers all of a tensor of `rank` dimensions.
    pub fn full(rank: usize) -> Slice {
        Slice(vec![Extent::FULL; rank])
    }

    /// Returns the extents, one per dimension.
    pub fn extents(&self) -> &[Extent] {
        &self.0
    }

    /// Parses the shape of a whole tensor and a slice of it, such as `5 10 -:0,1`: TensorFlow's
    /// `shape_and_slice`. Items are separated by exactly one space.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT`: the text is malformed, or the slice does not lie within the shape.
    pub fn parse_with_shape(text: &str) -> Result<(Vec<i64>, Slice)> {
        let fault = || {
            Error::argument("the text is not a shape and a slice")
                .expecting("dimensions and a slice, separated by single spaces", format!("\"{text}\""))
        };
        let (dims, slice) = text.rsplit_once(' ').ok_or_else(fault)?;
        let shape: Vec<i64> = dims.split(' ').map(|dim| dim.parse().map_err(|_| fault())).collect::<Result<_>>()?;
        if shape.iter().any(|&dim| dim < 0) {
            return Err(fault());
        }
        let slice: Slice = slice.parse()?;
        slice.within(&shape)?;
        Ok((shape, slice))
    }

    /// Checks that the slice lies within a tensor of this shape.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Shape`): the rank differs, a start or length is negative, or an
    ///   extent ends past its dimension.
    pub fn check(&self, shape: &[i64]) -> Result<()> {
        self.within(shape).map(drop)
    }

    /// Returns the box that this slice covers in a tensor of `shape`.
    ///
    /// # Errors
    /// * `INVALID_ARGUMENT` (`Shape`): the rank differs, a start or length is negative, or an
    ///   extent ends past its dimension.
    pub(crate) fn within(&self, shape: &[i64]) -> Result<Bounds> {
        let fault = |what: String| {
            Error::new(Code::InvalidArgument, Reason::Shape, what)
                .expecting(format!("a slice within shape {}", shape_text(shape)), format!("\"{self}\""))
        };
        if self.0.len() != shape.len() {
            return Err(fault(format!("the slice has {} dimensions, the tensor {}", self.0.len(), shape.len())));
        }
        let mut bounds = Bounds { start: Vec::with_capacity(shape.len()), length: Vec::with_capacity(shape.len()) };
        for (dim, (extent, &size)) in self.0.iter().zip(shape).enumerate() {
            let (start, length) = match extent.length {
                None => (extent.start, size),
                Some(length) => (extent.start, length),
            };
            let end = start.checked_add(length);
            if start < 0 || length < 0 || (extent.length.is_none() && start != 0) || end.is_none_or(|end| end > size) {
                return Err(fault(format!("the slice extends beyond dimension {dim}")));
            }
            bounds.start.push(start);
            bounds.length.push(length);
        }
        Ok(bounds)
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, extent) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(":")?;
            }
            match extent.length {
                None if extent.start == 0 => f.write_str("-")?,
                None => write!(f, "{},", extent.start)?,
                Some(length) => write!(f, "{},{}", extent.start, length)?,
            }
        }
        Ok(())
    }
}

impl FromStr for Slice {
    type Err = Error;

    /// Parses TensorFlow's text form. As in TensorFlow, empty items between colons are skipped.
    fn from_str(text: &str) -> Result<Slice> {
        let fault = |item: &str| {
            Error::argument("the text is not a slice")
                .expecting("\"-\" or \"start,length\" for each dimension, joined by \":\"", format!("\"{item}\""))
        };
        let mut extents = Vec::new();
        for item in text.split(':').filter(|item| !item.is_empty()) {
            if item == "-" {
                extents.push(Extent::FULL);
                continue;
            }
            let (start, length) = item.split_once(',').ok_or_else(|| fault(item))?;
            let start: i64 = start.parse().map_err(|_| fault(item))?;
            let length: i64 = length.parse().map_err(|_| fault(item))?;
            if start < 0 || length < 1 {
                return Err(fault(item));
            }
            extents.push(Extent::range(start, length));
        }
        Ok(Slice(extents))
    }
}

impl From<&[StoredExtent]> for Slice {
    fn from(extents: &[StoredExtent]) -> Slice {
        Slice(extents.iter().map(|&e| e.into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_as_tensorflow_reads_it() {
        for (text, extents) in [
            ("-", vec![Extent::FULL]),
            ("-:0,1", vec![Extent::FULL, Extent::range(0, 1)]),
            ("-:0,1:", vec![Extent::FULL, Extent::range(0, 1)]),
            ("", vec![]),
        ] {
            assert_eq!(text.parse::<Slice>().unwrap().extents(), extents, "{text}");
        }
        for text in ["0", "0,0", "-1,2", "a,b", "0,1,2", "--"] {
            assert_eq!(text.parse::<Slice>().unwrap_err().code(), Code::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn shape_and_slice_are_read_as_tensorflow_reads_them() {
        let (shape, slice) = Slice::parse_with_shape("5 10 -:0,1").unwrap();
        assert_eq!((shape, slice.to_string()), (vec![5, 10], "-:0,1".to_owned()));
        assert_eq!(Slice::parse_with_shape("0 10 -:0,5").unwrap().0, [0, 10]);
        for text in ["", "-", "5", "5 ", " 5 -", "5  -", "5 - ", "-5 -", "x -", "5 0,6", "5 0,0", "5 10 -", "5 -:-", "5 0"] {
            assert_eq!(Slice::parse_with_shape(text).unwrap_err().code(), Code::InvalidArgument, "{text}");
        }
    }

    #[test]
    fn a_slice_must_lie_within_the_shape() {
        let shape = [4, 6];
        for (slice, fits) in [
            (vec![Extent::FULL, Extent::range(2, 4)], true),
            (vec![Extent::range(4, 0), Extent::FULL], true),
            (vec![Extent::FULL, Extent::range(3, 4)], false),
            (vec![Extent::range(-1, 2), Extent::FULL], false),
            (vec![Extent::range(1, -1), Extent::FULL], false),
            (vec![Extent::range(i64::MAX, 2), Extent::FULL], false),
            (vec![Extent::FULL], false),
            (vec![Extent { start: 1, length: None }, Extent::FULL], false),
        ] {
            assert_eq!(Slice::new(slice.clone()).within(&shape).is_ok(), fits, "{slice:?}");
        }
    }
}
