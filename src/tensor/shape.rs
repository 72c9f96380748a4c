//! Shapes: lists of non-negative dimensions whose product does not overflow.

/// The maximum number of dimensions of a tensor: TensorFlow's own limit
/// (`TensorShape::MaxDimensions`).
pub const MAX_RANK: usize = 254;

/// Returns the number of elements of `shape`. Every partial product is checked, as in TensorFlow,
/// so `[2^40, 2^40, 0]` is refused. `None` if a dimension is negative or a product overflows.
pub(crate) fn checked_elements(shape: &[i64]) -> Option<u64> {
    let mut count: i64 = 1;
    for &dim in shape {
        if dim < 0 {
            return None;
        }
        count = count.checked_mul(dim)?;
    }
    u64::try_from(count).ok()
}

/// Returns the number of elements of a valid shape. `[0, 2^40, 2^40]` is valid, so zeros are looked
/// for before anything is multiplied.
pub(crate) fn elements(shape: &[i64]) -> u64 {
    if shape.contains(&0) {
        return 0;
    }
    shape.iter().map(|&n| n as u64).product()
}

/// Returns a shape as TensorFlow prints it, e.g. `[2,3]`; a scalar is `[]`.
pub(crate) fn shape_text(shape: &[i64]) -> String {
    let dims: Vec<String> = shape.iter().map(i64::to_string).collect();
    format!("[{}]", dims.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_checked_in_order() {
        let big = 1i64 << 40;
        assert_eq!(checked_elements(&[]), Some(1));
        assert_eq!(checked_elements(&[2, 0, 3]), Some(0));
        assert_eq!(checked_elements(&[big, big, 0]), None);
        assert_eq!(checked_elements(&[0, big, big]), Some(0));
        assert_eq!(checked_elements(&[3, -1]), None);
    }
}
