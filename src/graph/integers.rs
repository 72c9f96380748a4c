//! Reading and writing integer scalars of any integer dtype, such as steps and counters.

use super::node_id::NodeId;
use super::nodes::Nodes;
use super::variable::{not_shaped, Data};
use crate::error::{Error, Reason, Result};
use crate::tensor::{shape_text, DType};

impl Nodes {
    /// The value of an integer scalar.
    pub fn read_integer(&self, variable: NodeId) -> Result<i64> {
        let found = self.variable(variable)?;
        let what = || self.describe(variable);
        let (dtype, shape) = found.spec().ok_or_else(|| not_shaped(&what()))?;
        let wrong = || {
            Error::argument(format!("{} is not an integer scalar in the range of int64", what()))
                .because(Reason::DType)
                .expecting("an integer []", format_args!("{dtype} {}", shape_text(&shape)))
        };
        let mut bytes = [0u8; 8];
        let size = dtype.size().filter(|&size| size <= 8 && shape.is_empty()).ok_or_else(wrong)?;
        let value = &mut bytes[..size];
        match &found.data {
            Data::Owned(buffer) => value.copy_from_slice(buffer.bytes()),
            Data::Resizable(memory) if memory.bytes().len() != size => return Err(wrong()),
            Data::Resizable(memory) => value.copy_from_slice(memory.bytes()),
            Data::Borrowed(memory) => value.copy_from_slice(memory.bytes()),
            Data::Device(device) => {
                device.read_at(0, value).map_err(|e| Error::callback(format_args!("{}: the device callback", what()), e))?
            }
            Data::None | Data::Strings(_) => return Err(wrong()),
        }
        integer_of(dtype, bytes).ok_or_else(wrong)
    }

    /// Sets an integer scalar of any integer dtype.
    pub fn write_integer(&mut self, variable: NodeId, value: i64) -> Result<()> {
        let (dtype, shape) = self.variable(variable)?.spec().ok_or_else(|| not_shaped(&self.describe(variable)))?;
        let bytes = value.to_le_bytes();
        let size = dtype.size().unwrap_or(0).min(8);
        let mut padded = [0; 8];
        padded[..size].copy_from_slice(&bytes[..size]);
        if integer_of(dtype, padded) != Some(value) {
            return Err(Error::argument("the number does not fit the dtype of the variable")
                .because(Reason::DType)
                .expecting(dtype, value));
        }
        self.variable_mut(variable)?.assign(dtype, &shape, &bytes[..size])
    }
}

/// Whether integer scalars of a dtype can be read and written as numbers.
pub(crate) fn is_integer(dtype: DType) -> bool {
    integer_of(dtype, [0; 8]).is_some()
}

/// The integer of a dtype that `bytes` hold in little-endian order, padded with zeros; `None` if
/// the dtype is not an integer or the value does not fit an `i64`.
fn integer_of(dtype: DType, bytes: [u8; 8]) -> Option<i64> {
    let wide = i64::from_le_bytes(bytes);
    Some(match dtype {
        DType::Int64 => wide,
        DType::Int32 => i64::from(wide as i32),
        DType::Int16 => i64::from(wide as i16),
        DType::Int8 => i64::from(wide as i8),
        DType::Uint8 | DType::Uint16 | DType::Uint32 => wide,
        DType::Uint64 => i64::try_from(wide as u64).ok()?,
        _ => return None,
    })
}
