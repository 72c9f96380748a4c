//! `ckpt cat`: prints the values of one tensor.

mod array;
mod float;
mod format;
mod region;
pub mod value;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use checkpoint::{DType, Strings, Tensor};

use self::array::View;
use self::region::Selection;
use self::value::Values;
use crate::failure::{Failure, Outcome};
use crate::pieces::{Region, Source};
use crate::term::{self, Screen};
use crate::{npy, opening, output};

/// Print the values of a tensor, or write them as raw bytes or as a NumPy file.
///
/// Values are printed as NumPy prints arrays: if there are more than 1000 elements, only the first
/// and last three of each dimension are shown. Strings are printed as Python's b'...'; a string of
/// more than 1000 bytes is cut after 500. On a terminal, a heading shows key, dtype and shape.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The checkpoint: a prefix, an .index file, a directory, …
    path: PathBuf,
    /// Key of the tensor, as listed by `ckpt ls`; or the path of a variable, which lacks the
    /// trailing /.ATTRIBUTES/VARIABLE_VALUE; or its full name
    key: OsString,
    /// Part of the tensor, in NumPy's notation: `0:4,:`, `-1`, `...,0`
    ///
    /// `start:stop` selects a range, clipped to the dimension; a single index selects one element
    /// and removes the dimension; negative numbers count from the end; `...` stands for the
    /// dimensions in between; dimensions that are not mentioned are selected whole. Steps are not
    /// supported.
    #[arg(long, allow_hyphen_values = true)]
    slice: Option<String>,
    /// Write the bytes to standard output: row-major, little-endian
    ///
    /// A scalar string is written as it is. For strings with dimensions, each element is written as
    /// its length in 8 little-endian bytes followed by its bytes. Types smaller than a byte take
    /// one byte per element, as in the checkpoint.
    #[arg(long, conflicts_with = "npy")]
    raw: bool,
    /// Write a NumPy file; `-` is standard output
    ///
    /// bfloat16, float8, int4 and similar types are written as void, as np.save writes arrays of
    /// the Python package ml_dtypes; read them with np.load(FILE).view(ml_dtypes.bfloat16). Strings
    /// are written with a fixed width; this fails if a string ends with a zero byte.
    #[arg(long, value_name = "FILE")]
    npy: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  ckpt cat run/ckpt-7 net/l1/kernel
  ckpt cat run/ckpt-7 net/l1/kernel --slice 0:4,:
  ckpt cat run/ckpt-7 net/l1/kernel --npy kernel.npy
  ckpt cat run/ckpt-7 _CHECKPOINTABLE_OBJECT_GRAPH --raw | protoc --decode_raw";

pub fn run(args: &Args, screen: &mut Screen) -> Outcome {
    let to_stdout = args.raw || args.npy.as_deref() == Some(Path::new("-"));
    if to_stdout && screen.is_terminal() {
        return Err(Failure::Usage(
            "refusing to write binary data to a terminal: redirect the output to a file or a pipe".to_owned(),
        ));
    }
    let reader = opening::open(&args.path)?;
    let tensor = reader.get(args.key.as_encoded_bytes())?;
    let selection = match &args.slice {
        None => Selection::whole(tensor.shape()),
        Some(text) => Selection::parse(text, tensor.shape()).map_err(Failure::Usage)?,
    };
    match &args.npy {
        _ if args.raw => write_raw(&tensor, &selection, screen),
        Some(file) if !to_stdout => output::write_file(file, |out| write_npy(&tensor, &selection, out)),
        Some(_) => write_npy(&tensor, &selection, screen),
        None => print(&tensor, &selection, screen),
    }
}

fn print(tensor: &Tensor<'_>, selection: &Selection, screen: &mut Screen) -> Outcome {
    let values = shown_values(tensor, &selection.region)?;
    if screen.is_terminal() {
        let about = format!("  {} {}", tensor.dtype(), term::shape(&selection.shape));
        let key = screen.paint(term::HEADING, &term::printable(tensor.key()));
        let about = screen.paint(term::FAINT, &about);
        writeln!(screen, "{key}{about}")?;
    }
    let texts = format::texts(&values, selection.shape.is_empty());
    View::of(&selection.shape).write(&texts, screen)?;
    writeln!(screen)?;
    Ok(())
}

/// Returns the elements of a region that an abridged print shows.
fn shown_values(tensor: &Tensor<'_>, region: &Region) -> Outcome<Values> {
    let dtype = tensor.dtype();
    if region.elements() == 0 {
        // Not one index of the other dimensions, of which there may be any number.
        return Ok(Values::Integers(Vec::new()));
    }
    let view = View::of(&region.length);
    let Some(element_size) = dtype.size() else {
        let strings = read_strings(tensor, region)?;
        return Ok(Values::of_strings(dtype, &strings, &positions(&region.length, &view, 0)));
    };
    let bytes = shown_bytes(&mut Source::new(*tensor), element_size, region, &view, 0)?;
    Values::decode(dtype, &bytes).ok_or_else(|| Failure::Problem(format!("cannot print values of type {dtype}")))
}

/// Returns the bytes of the shown elements. A region that is too large to be read at once is split
/// along its first dimensions, and only the shown indices are read. `dim` is the first dimension
/// that is not split yet.
fn shown_bytes(source: &mut Source<'_>, element_size: usize, region: &Region, view: &View, dim: usize) -> Outcome<Vec<u8>> {
    let mut out = Vec::new();
    if source.fits(region) {
        let bytes = source.read(region)?;
        for position in positions(&region.length, view, dim) {
            out.extend_from_slice(&bytes[position * element_size..][..element_size]);
        }
        return Ok(out);
    }
    for index in view.shown(dim) {
        let mut row = region.clone();
        row.start[dim] += index;
        row.length[dim] = 1;
        out.extend(shown_bytes(source, element_size, &row, view, dim + 1)?);
    }
    Ok(out)
}

/// Returns the row-major positions of the shown elements, in a region whose dimensions before `dim`
/// have one index.
fn positions(lengths: &[i64], view: &View, dim: usize) -> Vec<usize> {
    let mut positions = vec![0];
    for (dim, &length) in lengths.iter().enumerate().skip(dim) {
        let shown = view.shown(dim);
        positions = positions.iter().flat_map(|p| shown.iter().map(move |&i| p * length as usize + i as usize)).collect();
    }
    positions
}

/// Reads the elements of a region of a string or variant tensor.
fn read_strings(tensor: &Tensor<'_>, region: &Region) -> Outcome<Strings> {
    if region.is_whole(tensor.shape()) {
        Ok(tensor.read_strings()?)
    } else if region.elements() == 0 {
        Ok(Strings::default())
    } else {
        Ok(tensor.read_strings_slice(&region.slice())?)
    }
}

fn write_raw(tensor: &Tensor<'_>, selection: &Selection, out: &mut dyn Write) -> Outcome {
    if tensor.dtype().size().is_some() {
        return Source::new(*tensor).for_each(&selection.region, |bytes| Ok(out.write_all(bytes)?));
    }
    let strings = read_strings(tensor, &selection.region)?;
    for element in strings.iter() {
        if !selection.shape.is_empty() {
            out.write_all(&(element.len() as u64).to_le_bytes())?;
        }
        out.write_all(element)?;
    }
    Ok(())
}

fn write_npy(tensor: &Tensor<'_>, selection: &Selection, out: &mut dyn Write) -> Outcome {
    let dtype = tensor.dtype();
    if let Some(descriptor) = npy::descriptor(dtype) {
        npy::write_header(descriptor, &selection.shape, out)?;
        return Source::new(*tensor).for_each(&selection.region, |bytes| Ok(out.write_all(bytes)?));
    }
    let refused =
        |why: String| Failure::Problem(format!("a .npy file cannot hold this {dtype} tensor: {why}; use --raw to get its bytes"));
    if dtype != DType::String {
        return Err(refused("NumPy has no such type".to_owned()));
    }
    let strings = read_strings(tensor, &selection.region)?;
    let strings: Vec<&[u8]> = strings.iter().collect();
    let width = npy::string_width(&strings).map_err(refused)?;
    npy::write_header(&format!("|S{width}"), &selection.shape, out)?;
    npy::write_strings(&strings, width, out)?;
    Ok(())
}
