//! The derive of `checkpoint::Track`, which documents it. Programs depend on `libcheckpoint` with
//! its feature `derive`, not on this crate.

#![forbid(unsafe_code)]

mod attributes;
mod expand;

use proc_macro::TokenStream;

/// Implements `checkpoint::Track` for a struct with named fields: each is a member under its name.
/// The documentation of the trait says what the attributes `#[track(…)]` do.
#[proc_macro_derive(Track, attributes(track))]
pub fn derive_track(input: TokenStream) -> TokenStream {
    let expanded = syn::parse(input).and_then(|input| expand::track(&input));
    expanded.unwrap_or_else(|error| error.to_compile_error()).into()
}
