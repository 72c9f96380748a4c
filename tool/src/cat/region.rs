//! `--slice`: NumPy's basic indexing, such as `0:4,:,-1`.

use crate::pieces::Region;

/// The selection of `--slice`: a box of the tensor and the shape of the result.
pub struct Selection {
    /// The box, which has all dimensions of the tensor.
    pub region: Region,
    /// The shape of the result, without the dimensions that a single index removes.
    pub shape: Vec<i64>,
}

impl Selection {
    /// Selects a whole tensor.
    pub fn whole(shape: &[i64]) -> Selection {
        Selection { region: Region::whole(shape), shape: shape.to_vec() }
    }

    /// Parses NumPy's notation for a tensor of a given shape. As in NumPy, `start:stop` is clipped
    /// to the dimension, negative numbers count from its end, a single index removes its dimension,
    /// `...` stands for the dimensions in between, and dimensions that are not mentioned are
    /// selected whole.
    pub fn parse(text: &str, shape: &[i64]) -> Result<Selection, String> {
        let wrong = |why: String| format!("--slice {text:?}: {why}");
        let items: Vec<&str> = match text.trim() {
            "" => Vec::new(),
            text => text.strip_suffix(',').unwrap_or(text).split(',').map(str::trim).collect(),
        };
        let dots = items.iter().filter(|item| **item == "...").count();
        let given = items.len() - dots;
        if dots > 1 {
            return Err(wrong("\"...\" may occur only once".to_owned()));
        }
        if given > shape.len() {
            return Err(wrong(format!("{given} indices for a tensor of {} dimensions", shape.len())));
        }

        let mut selection = Selection { region: Region { start: Vec::new(), length: Vec::new() }, shape: Vec::new() };
        for item in items.iter().copied().chain((dots == 0).then_some("...")) {
            if item == "..." {
                for _ in given..shape.len() {
                    let dim = selection.region.start.len();
                    selection.take(0, shape[dim], true);
                }
                continue;
            }
            let dim = selection.region.start.len();
            let (start, length, kept) = extent(item, shape[dim]).map_err(|why| wrong(format!("dimension {dim}: {why}")))?;
            selection.take(start, length, kept);
        }
        Ok(selection)
    }

    fn take(&mut self, start: i64, length: i64, kept: bool) {
        self.region.start.push(start);
        self.region.length.push(length);
        if kept {
            self.shape.push(length);
        }
    }
}

/// Parses one item for a dimension of `size`. Returns the first index, the number of indices, and
/// whether the dimension remains.
fn extent(item: &str, size: i64) -> Result<(i64, i64, bool), String> {
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("{item:?} is neither an index nor start:stop"));
    let Some((start, stop)) = item.split_once(':') else {
        let index = number(item)?;
        let from_start = if index < 0 { index.saturating_add(size) } else { index };
        return if (0..size).contains(&from_start) {
            Ok((from_start, 1, false))
        } else {
            Err(format!("index {index} is out of range, the size is {size}"))
        };
    };
    let stop = match stop.split_once(':') {
        None => stop,
        Some((stop, step)) if matches!(step.trim(), "" | "1") => stop,
        Some(_) => return Err(format!("{item:?} has a step, and only steps of 1 are supported")),
    };
    let clipped = |text: &str, default: i64| -> Result<i64, String> {
        if text.trim().is_empty() {
            return Ok(default);
        }
        let index = number(text)?;
        Ok(if index < 0 { index.saturating_add(size) } else { index }.clamp(0, size))
    };
    let (start, stop) = (clipped(start, 0)?, clipped(stop, size)?);
    Ok((start.min(size), (stop - start).max(0), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_mean_what_they_mean_in_numpy() {
        // (text, start, length, shape) over np.zeros((5, 4, 3))
        type Row = (&'static str, [i64; 3], [i64; 3], &'static [i64]);
        let table: &[Row] = &[
            ("", [0, 0, 0], [5, 4, 3], &[5, 4, 3]),
            ("...", [0, 0, 0], [5, 4, 3], &[5, 4, 3]),
            ("0:4,:", [0, 0, 0], [4, 4, 3], &[4, 4, 3]),
            ("2", [2, 0, 0], [1, 4, 3], &[4, 3]),
            ("-1,1:", [4, 1, 0], [1, 3, 3], &[3, 3]),
            ("-2:,:-1", [3, 0, 0], [2, 3, 3], &[2, 3, 3]),
            ("...,-1", [0, 0, 2], [5, 4, 1], &[5, 4]),
            ("1,...,0:2", [1, 0, 0], [1, 4, 2], &[4, 2]),
            ("0,0,0", [0, 0, 0], [1, 1, 1], &[]),
            ("1:100,-100:2", [1, 0, 0], [4, 2, 3], &[4, 2, 3]),
            ("3:1", [3, 0, 0], [0, 4, 3], &[0, 4, 3]),
            ("9:", [5, 0, 0], [0, 4, 3], &[0, 4, 3]),
            (" 1 : 2 , 0::1 ,", [1, 0, 0], [1, 4, 3], &[1, 4, 3]),
        ];
        for (text, start, length, shape) in table {
            let selection = Selection::parse(text, &[5, 4, 3]).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(selection.region, Region { start: start.to_vec(), length: length.to_vec() }, "{text}");
            assert_eq!(&selection.shape, shape, "{text}");
        }
    }

    #[test]
    fn wrong_slices_are_refused() {
        for text in ["5", "-6", "0,0,0,0", "a", "1:b", "::2", "::-1", "...,...", "0,,0", "1.5", "9223372036854775808"] {
            assert!(Selection::parse(text, &[5, 4, 3]).is_err(), "{text}");
        }
        assert!(Selection::parse("0", &[]).is_err());
    }
}
