//! The implementation of the trait for a struct.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{quote, quote_spanned, ToTokens};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{parse_quote, Data, DeriveInput, Error, Field, Fields, LitStr, Path, Result, WherePredicate};

use crate::attributes::{OfField, OfStruct};

/// Expands the derive.
pub fn track(input: &DeriveInput) -> Result<TokenStream> {
    let of_struct = OfStruct::of(&input.attrs)?;
    let library = of_struct.library.clone().unwrap_or_else(|| parse_quote!(::checkpoint));
    let mut names = Vec::new();
    let (mut members, mut bounds, mut owns_slots) = (Vec::new(), Vec::<WherePredicate>::new(), false);
    let itself = {
        let (name, (_, generics, _)) = (&input.ident, input.generics.split_for_impl());
        quote!(#name #generics)
    };
    for field in fields(input)? {
        let of_field = OfField::of(field)?;
        let ty = &field.ty;
        match &of_field {
            OfField::Skipped => continue,
            // It is a member if the struct is one. What holds it makes it.
            OfField::Member(_) if names_struct(ty.to_token_stream(), &input.ident) => {
                bounds.push(parse_quote!(#itself: ::core::default::Default));
            }
            OfField::Member(_) => bounds.push(parse_quote!(#ty: #library::Member)),
            OfField::Slots(_) => bounds.push(parse_quote!(#ty: #library::Track)),
            OfField::Shaped(..) | OfField::State(..) => {}
        }
        owns_slots |= matches!(of_field, OfField::Slots(_));
        members.push(member(field, &of_field, of_struct.numbered.as_ref(), &library, &mut names)?);
    }

    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        generics.make_where_clause().predicates.extend(bounds);
    }
    let name = &input.ident;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let number = of_struct.numbered.as_ref().map(|_| quote!(let mut number = 0usize;));
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #library::Track for #name #ty_generics #where_clause {
            const OWNS_SLOTS: bool = #owns_slots;

            #[allow(unused_mut, unused_variables, unused_assignments, unused_parens, clippy::unnecessary_cast)]
            fn members(&mut self, members: &mut #library::Members<'_>) -> #library::Result<()> {
                #number
                #(#members)*
                ::core::result::Result::Ok(())
            }
        }
    })
}

/// Whether a type names the struct itself: a bound on it would be one on the struct.
fn names_struct(ty: TokenStream, own: &Ident) -> bool {
    let mut is_in_path = false;
    ty.into_iter().any(|token| {
        let is_after_colon = is_in_path;
        is_in_path = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
        match token {
            TokenTree::Ident(ident) => !is_after_colon && (ident == "Self" || ident == *own),
            TokenTree::Group(group) => names_struct(group.stream(), own),
            _ => false,
        }
    })
}

fn fields(input: &DeriveInput) -> Result<impl Iterator<Item = &Field>> {
    let refused = |what: &str| Err(Error::new(input.ident.span(), format!("Track: {what}")));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unnamed(_) => refused("the fields need names, which are their names in a checkpoint"),
            fields => Ok(fields.iter()),
        },
        Data::Enum(_) => refused("an enumeration has no members; keep its number in an integer field"),
        Data::Union(_) => refused("a union has no members"),
    }
}

/// The statement that names a member.
fn member(
    field: &Field,
    of_field: &OfField,
    numbered: Option<&LitStr>,
    library: &Path,
    names: &mut Vec<String>,
) -> Result<TokenStream> {
    let own = field.ident.as_ref().ok_or_else(|| Error::new(field.span(), "Track: the field needs a name"))?;
    // What the compiler has to say about the type is said there.
    let span = field.ty.span().resolved_at(Span::call_site());
    let mut named = |rename: &Option<LitStr>| {
        let name = rename.as_ref().map_or_else(|| own.unraw().to_string(), LitStr::value);
        let at = rename.as_ref().map_or(own.span(), LitStr::span);
        if names.contains(&name) {
            Err(Error::new(at, format!("Track: two members are named \"{name}\"")))
        } else if name.is_empty() {
            Err(Error::new(at, "Track: the name is empty"))
        } else {
            names.push(name.clone());
            Ok(name)
        }
    };
    match (of_field, numbered) {
        (OfField::Skipped, _) => Ok(TokenStream::new()),
        (OfField::Slots(path), _) => Ok(quote_spanned! {span=> members.slots(#path, &mut self.#own)?; }),
        (OfField::Member(None), Some(prefix)) => Ok(quote_spanned! {span=>
            #library::Members::add_numbered(members, #prefix, &mut number, &mut self.#own)?;
        }),
        (OfField::Member(Some(name)) | OfField::Shaped(_, Some(name)) | OfField::State(_, Some(name)), Some(_)) => {
            Err(Error::new(name.span(), "Track: the fields of this struct have numbers, not names"))
        }
        (OfField::Shaped(..), Some(_)) => Err(Error::new(span, "Track: a field that has a number takes no shape")),
        (OfField::State(..), Some(_)) => Err(Error::new(span, "Track: state has a name, not a number")),
        (OfField::State(legacy, rename), None) => {
            let name = named(rename)?;
            let legacy = legacy.iter();
            Ok(quote_spanned! {span=>
                let options = #library::StateOptions::new() #(.legacy_name(#legacy))*;
                #library::Members::add_state(members, #name, &options, &mut self.#own)?;
            })
        }
        (OfField::Member(rename), None) => {
            let name = named(rename)?;
            Ok(quote_spanned! {span=> #library::Members::add(members, #name, &mut self.#own)?; })
        }
        (OfField::Shaped(shape, rename), None) => {
            let name = named(rename)?;
            Ok(quote_spanned! {span=>
                #library::Members::add_shaped(members, #name, &[#((#shape) as i64),*], &mut self.#own)?;
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_derived_is_refused_in_one_sentence() {
        for (code, expected) in [
            ("enum E { A }", "an enumeration has no members; keep its number in an integer field"),
            ("union U { a: u8 }", "a union has no members"),
            ("struct S(f32);", "the fields need names, which are their names in a checkpoint"),
            ("struct S { #[track(skipp)] a: f32 }", "unknown attribute of a field: expected `skip`"),
            ("#[track(rename = \"x\")] struct S { a: f32 }", "unknown attribute of a struct: expected `numbered"),
            ("struct S { #[track(skip, skip)] a: f32 }", "the attribute is there twice"),
            ("struct S { #[track(skip, rename = \"b\")] a: f32 }", "a field that is skipped has no other attribute"),
            ("struct S { #[track(slots = \"v\", rename = \"b\")] a: M }", "slots have the names of their members"),
            ("struct S { #[track(rename = \"b\")] a: f32, b: f32 }", "two members are named \"b\""),
            ("struct S { #[track(rename = \"\")] a: f32 }", "the name is empty"),
            ("struct S { #[track(state, shape = [3])] a: A }", "an object with state has no shape"),
            ("#[track(numbered = \"l\")] struct S { #[track(state)] a: A }", "state has a name, not a number"),
            ("struct S { #[track(shape = 3)] a: Vec<f32> }", "a shape is a list of dimensions: [10, 100]"),
            ("#[track(numbered = \"l\")] struct S { #[track(rename = \"b\")] a: L }", "have numbers, not names"),
            ("#[track(numbered = \"l\")] struct S { #[track(shape = [3])] a: Vec<f32> }", "takes no shape"),
        ] {
            let input: DeriveInput = syn::parse_str(code).unwrap();
            let message = track(&input).unwrap_err().to_string();
            assert!(message.starts_with("Track: ") && message.contains(expected), "{code}: {message}");
        }
    }

    #[test]
    fn members_have_the_names_that_are_said() {
        for (code, expected) in [
            ("struct S { r#type: f32 }", vec!["add (members , \"type\" , & mut self . r#type)"]),
            (
                "struct S { #[track(rename = \"b\")] a: f32, #[track(skip)] c: String }",
                vec!["add (members , \"b\" , & mut self . a)"],
            ),
            (
                "#[track(numbered = \"l-\")] struct S { a: L, b: L }",
                vec!["add_numbered (members , \"l-\" , & mut number , & mut self . a)", "& mut self . b"],
            ),
            ("struct S { #[track(shape = [2, N])] a: Vec<f32> }", vec!["& [(2) as i64 , (N) as i64]"]),
            ("struct S { #[track(slots = \"net/w\")] a: M }", vec!["OWNS_SLOTS : bool = true", "slots (\"net/w\""]),
            (
                "struct S { #[track(state = \"ITERATOR\")] a: A }",
                vec!["legacy_name (\"ITERATOR\")", "add_state (members , \"a\""],
            ),
            ("#[track(crate = \"my::ckpt\")] struct S;", vec!["my :: ckpt :: Track for S", "OWNS_SLOTS : bool = false"]),
            (
                "struct S<T> { a: T, next: Option<Box<S<T>>>, of: Vec<other::S> }",
                vec!["where T : :: checkpoint :: Member , S < T > : :: core :: default :: Default , Vec < other :: S > :"],
            ),
            ("struct S<'a, T> { a: T, #[track(skip)] b: &'a u8 }", vec!["where T : :: checkpoint :: Member {"]),
        ] {
            let input: DeriveInput = syn::parse_str(code).unwrap();
            let made = track(&input).unwrap().to_string();
            for part in expected {
                assert!(made.contains(part), "{code}: {made}");
            }
            assert!(!made.contains("self . c"), "{made}");
        }
    }
}
