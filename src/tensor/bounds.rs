//! Boxes within tensors, and iteration over their runs of consecutive elements.

use super::extent::StoredExtent;
use super::shape::elements;

/// A box within a tensor: a slice resolved against a shape, so it is known to lie within the shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// The first index in each dimension.
    pub start: Vec<i64>,
    /// The number of indices in each dimension.
    pub length: Vec<i64>,
}

impl Bounds {
    /// Returns the box that covers all of `shape`.
    pub fn whole(shape: &[i64]) -> Bounds {
        Bounds { start: vec![0; shape.len()], length: shape.to_vec() }
    }

    /// Returns the box of a stored slice, which must lie within a tensor of `shape`.
    pub fn stored(extents: &[StoredExtent], shape: &[i64]) -> Bounds {
        Bounds {
            start: extents.iter().map(|e| e.start).collect(),
            length: extents.iter().zip(shape).map(|(e, &dim)| if e.is_full() { dim } else { e.length }).collect(),
        }
    }

    /// Returns the number of elements in the box.
    pub fn elements(&self) -> u64 {
        elements(&self.length)
    }

    /// Returns the intersection of two boxes; `None` if they share no element.
    pub fn intersect(&self, other: &Bounds) -> Option<Bounds> {
        let mut both = Bounds { start: Vec::with_capacity(self.start.len()), length: Vec::with_capacity(self.start.len()) };
        for d in 0..self.start.len() {
            let start = self.start[d].max(other.start[d]);
            let end = (self.start[d] + self.length[d]).min(other.start[d] + other.length[d]);
            if end <= start {
                return None;
            }
            both.start.push(start);
            both.length.push(end - start);
        }
        Some(both)
    }

    pub(super) fn overlaps(&self, other: &Bounds) -> bool {
        (0..self.start.len()).all(|d| {
            let start = self.start[d].max(other.start[d]);
            let end = (self.start[d] + self.length[d]).min(other.start[d] + other.length[d]);
            start < end
        })
    }

    /// Returns the runs of consecutive elements that copy the box `self` from `from` to `to`. Both
    /// contain `self`; both are stored in row-major order. The runs ascend in both.
    pub fn runs(&self, from: &Bounds, to: &Bounds) -> Runs {
        if self.elements() == 0 {
            return Runs { from: 0, to: 0, run: 0, steps: Vec::new(), done: true };
        }
        // The dimensions from `inner` on are taken whole on both sides. Together with the dimension
        // before them, which may be cut, they form one run.
        let rank = self.length.len();
        let mut inner = rank;
        while inner > 0 && self.length[inner - 1] == from.length[inner - 1] && self.length[inner - 1] == to.length[inner - 1] {
            inner -= 1;
        }
        let outer = inner.saturating_sub(1);
        let (mut from_stride, mut to_stride) = (1u64, 1u64);
        let mut run = 1u64;
        let mut steps = Vec::with_capacity(outer);
        let (mut from_at, mut to_at) = (0u64, 0u64);
        for d in (0..rank).rev() {
            from_at += (self.start[d] - from.start[d]) as u64 * from_stride;
            to_at += (self.start[d] - to.start[d]) as u64 * to_stride;
            if d >= outer {
                run *= self.length[d] as u64;
            } else {
                steps.push(Step { count: self.length[d] as u64, at: 0, from: from_stride, to: to_stride });
            }
            from_stride = from_stride.wrapping_mul(from.length[d] as u64);
            to_stride = to_stride.wrapping_mul(to.length[d] as u64);
        }
        Runs { from: from_at, to: to_at, run, steps, done: false }
    }
}

/// Consecutive elements: `length` elements, at index `from` of the source and index `to` of the
/// target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub from: u64,
    pub to: u64,
    pub length: u64,
}

/// One outer dimension of the iteration, which advances like an odometer. The innermost comes
/// first.
#[derive(Debug)]
struct Step {
    /// The number of indices.
    count: u64,
    /// The current index.
    at: u64,
    /// The stride in the source, in elements.
    from: u64,
    /// The stride in the target, in elements.
    to: u64,
}

/// Iterator over the runs of a box.
#[derive(Debug)]
pub(crate) struct Runs {
    /// The start of the next run in the source.
    from: u64,
    /// The start of the next run in the target.
    to: u64,
    /// The length of each run.
    run: u64,
    steps: Vec<Step>,
    done: bool,
}

impl Iterator for Runs {
    type Item = Run;

    fn next(&mut self) -> Option<Run> {
        if self.done {
            return None;
        }
        let run = Run { from: self.from, to: self.to, length: self.run };
        self.done = true;
        for step in &mut self.steps {
            step.at += 1;
            self.from += step.from;
            self.to += step.to;
            if step.at < step.count {
                self.done = false;
                break;
            }
            step.at = 0;
            self.from -= step.from * step.count;
            self.to -= step.to * step.count;
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(parts: &[(i64, i64)]) -> Bounds {
        Bounds { start: parts.iter().map(|p| p.0).collect(), length: parts.iter().map(|p| p.1).collect() }
    }

    #[test]
    fn runs_cover_the_box_once_in_order() {
        let from = bounds(&[(2, 3), (0, 4), (1, 5)]);
        let to = bounds(&[(0, 10), (1, 2), (1, 5)]);
        let both = from.intersect(&to).unwrap();
        let mut expected = Vec::new();
        for i in 2..5 {
            for j in 1..3 {
                for k in 1..6 {
                    let at = |b: &Bounds| {
                        (((i - b.start[0]) * b.length[1] + (j - b.start[1])) * b.length[2] + (k - b.start[2])) as u64
                    };
                    expected.push((at(&from), at(&to)));
                }
            }
        }
        let got: Vec<(u64, u64)> =
            both.runs(&from, &to).flat_map(|r| (0..r.length).map(move |n| (r.from + n, r.to + n))).collect();
        assert_eq!(got, expected);
        let whole = Bounds::whole(&[3, 4]);
        assert_eq!(whole.runs(&whole, &whole).collect::<Vec<_>>(), [Run { from: 0, to: 0, length: 12 }]);
        let scalar = Bounds::whole(&[]);
        assert_eq!(scalar.runs(&scalar, &scalar).collect::<Vec<_>>(), [Run { from: 0, to: 0, length: 1 }]);
    }
}
