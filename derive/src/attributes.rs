//! What `#[track(…)]` says, on a struct and on a field.

use syn::meta::ParseNestedMeta;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::token::Bracket;
use syn::{bracketed, Attribute, Error, Expr, Field, LitStr, Path, Result, Token};

/// What is said of a struct.
#[derive(Default)]
pub struct OfStruct {
    /// The path of the library.
    pub library: Option<Path>,
    /// The fields are edges of this name and a number.
    pub numbered: Option<LitStr>,
}

/// What is said of a field.
pub enum OfField {
    Skipped,
    /// A member, perhaps of another name than the field's.
    Member(Option<LitStr>),
    /// A vector of one shape, perhaps of another name.
    Shaped(Vec<Expr>, Option<LitStr>),
    /// An object with state, perhaps with the name of its one attribute, and perhaps of another
    /// name.
    State(Option<LitStr>, Option<LitStr>),
    /// Slots for the variable at a path.
    Slots(LitStr),
}

impl OfStruct {
    pub fn of(attributes: &[Attribute]) -> Result<OfStruct> {
        let mut found = OfStruct::default();
        each(attributes, |meta| {
            if meta.path.is_ident("crate") {
                once(&mut found.library, &meta, meta.value()?.parse::<LitStr>()?.parse()?)
            } else if meta.path.is_ident("numbered") {
                once(&mut found.numbered, &meta, meta.value()?.parse()?)
            } else {
                Err(meta.error("Track: unknown attribute of a struct: expected `numbered = \"PREFIX\"` or `crate = \"PATH\"`"))
            }
        })?;
        Ok(found)
    }
}

impl OfField {
    pub fn of(field: &Field) -> Result<OfField> {
        let (mut skip, mut rename, mut shape, mut slots, mut state) = (None, None, None, None, None);
        each(&field.attrs, |meta| {
            if meta.path.is_ident("skip") {
                once(&mut skip, &meta, ())
            } else if meta.path.is_ident("rename") {
                once(&mut rename, &meta, meta.value()?.parse::<LitStr>()?)
            } else if meta.path.is_ident("shape") {
                once(&mut shape, &meta, dimensions(meta.value()?)?)
            } else if meta.path.is_ident("state") {
                let legacy = if meta.input.peek(Token![=]) { Some(meta.value()?.parse::<LitStr>()?) } else { None };
                once(&mut state, &meta, legacy)
            } else if meta.path.is_ident("slots") {
                once(&mut slots, &meta, meta.value()?.parse::<LitStr>()?)
            } else {
                let expected = "`skip`, `rename = \"NAME\"`, `shape = [N, …]`, `state` or `slots = \"PATH\"`";
                Err(meta.error(format!("Track: unknown attribute of a field: expected {expected}")))
            }
        })?;
        match (skip, rename, shape, slots, state) {
            (Some(()), None, None, None, None) => Ok(OfField::Skipped),
            (None, rename, None, None, None) => Ok(OfField::Member(rename)),
            (None, rename, Some(shape), None, None) => Ok(OfField::Shaped(shape, rename)),
            (None, rename, None, None, Some(legacy)) => Ok(OfField::State(legacy, rename)),
            (None, None, None, Some(path), None) => Ok(OfField::Slots(path)),
            (Some(()), ..) => Err(Error::new(field.span(), "Track: a field that is skipped has no other attribute")),
            (_, _, _, None, _) => Err(Error::new(field.span(), "Track: an object with state has no shape")),
            _ => Err(Error::new(field.span(), "Track: slots have the names of their members, and their shapes")),
        }
    }
}

/// Reads each item of the attributes `track`.
fn each(attributes: &[Attribute], mut read: impl FnMut(ParseNestedMeta<'_>) -> Result<()>) -> Result<()> {
    let own = attributes.iter().filter(|attribute| attribute.path().is_ident("track"));
    own.into_iter().try_for_each(|attribute| attribute.parse_nested_meta(&mut read))
}

fn once<T>(place: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(meta.error("Track: the attribute is there twice")),
    }
}

fn dimensions(value: ParseStream<'_>) -> Result<Vec<Expr>> {
    if !value.peek(Bracket) {
        return Err(value.error("Track: a shape is a list of dimensions: [10, 100]"));
    }
    let list;
    bracketed!(list in value);
    Ok(Punctuated::<Expr, Token![,]>::parse_terminated(&list)?.into_iter().collect())
}
