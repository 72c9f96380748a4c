//! The C ABI, read from its Rust source. Who owns what follows from the types: `*mut *mut T` is a place for a handle that the caller
//! frees, `*mut *const T` one for something lent; `*mut T` that is returned is owned, `*const T` is lent.

use std::path::Path;

use serde::Serialize;
use syn::{Expr, ExprLit, Item, Lit, Meta, ReturnType, Type};

#[derive(Serialize)]
pub struct Parameter {
    pub name: String,
    /// In Rust's spelling, e.g. `*const ckpt_reader`.
    #[serde(rename = "type")]
    pub rust: String,
    /// What it is for: a `handle`, an `owned output` and so on.
    pub role: &'static str,
}

#[derive(Serialize)]
pub struct Function {
    pub name: String,
    pub doc: String,
    pub parameters: Vec<Parameter>,
    /// In Rust's spelling; empty for nothing.
    pub returns: String,
    /// Of what is returned: `owned`, `lent`, or nothing of values.
    pub ownership: &'static str,
}

#[derive(Serialize)]
pub struct Constant {
    pub name: String,
    pub value: i64,
    pub doc: String,
}

/// A type of constants, or that of a handle, which has none.
#[derive(Serialize)]
pub struct Named {
    pub name: String,
    pub doc: String,
    pub constants: Vec<Constant>,
}

#[derive(Default, Serialize)]
pub struct Abi {
    pub enums: Vec<Named>,
    /// Constants of no enum.
    pub constants: Vec<Constant>,
    pub handles: Vec<Named>,
    pub callbacks: Vec<Function>,
    pub functions: Vec<Function>,
}

impl Abi {
    /// Reads the modules in the order in which `lib.rs` has them.
    pub fn read(source: &Path) -> Abi {
        let parse = |file: &str| {
            let text = std::fs::read_to_string(source.join(file)).expect("the source is there");
            syn::parse_file(&text).expect("it is Rust").items
        };
        let modules = parse("lib.rs").into_iter().filter_map(|item| match item {
            Item::Mod(module) => Some(parse(&format!("{}.rs", module.ident))),
            _ => None,
        });
        let items: Vec<Item> = modules.flatten().collect();
        let mut abi = Abi::default();
        items.iter().for_each(|item| abi.add_type(item));
        items.iter().for_each(|item| abi.add_value(item));
        abi
    }

    pub fn is_enum(&self, name: &str) -> bool {
        self.enums.iter().any(|e| e.name == name)
    }

    fn add_type(&mut self, item: &Item) {
        match item {
            Item::Struct(s) if s.ident.to_string().starts_with("ckpt_") => self.handles.push(named(&s.ident, &s.attrs)),
            Item::Type(t) if t.ident.to_string().starts_with("ckpt_") => match callback(&t.ty) {
                Some(f) => {
                    let name = |input: &syn::BareFnArg| input.name.as_ref().map(|(name, _)| name.to_string()).unwrap_or_default();
                    let given =
                        f.inputs.iter().map(|input| Parameter { name: name(input), rust: spelled(&input.ty), role: "given" });
                    self.callbacks.push(function(&t.ident, &t.attrs, given.collect(), &f.output));
                }
                None if spelled(&t.ty) == "i32" => self.enums.push(named(&t.ident, &t.attrs)),
                None => (),
            },
            _ => (),
        }
    }

    fn add_value(&mut self, item: &Item) {
        match item {
            Item::Fn(f) if f.sig.abi.is_some() => {
                let parameters = self.parameters(&f.sig);
                self.functions.push(function(&f.sig.ident, &f.attrs, parameters, &f.sig.output));
            }
            Item::Const(c) if c.ident.to_string().starts_with("CKPT_") => {
                let (made, of) = (named(&c.ident, &c.attrs), spelled(&c.ty));
                let Expr::Lit(ExprLit { lit: Lit::Int(value), .. }) = &*c.expr else { panic!("{} is no number", made.name) };
                let made = Constant { name: made.name, value: value.base10_parse().expect("it fits"), doc: made.doc };
                let Some(found) = self.enums.iter_mut().find(|e| e.name == of) else { return self.constants.push(made) };
                assert!(made.name.starts_with(&(of.to_uppercase() + "_")), "{} has not the prefix of {of}", made.name);
                found.constants.push(made);
            }
            _ => (),
        }
    }

    fn parameters(&self, signature: &syn::Signature) -> Vec<Parameter> {
        let input = |input: &syn::FnArg| {
            let syn::FnArg::Typed(syn::PatType { pat, ty, .. }) = input else { panic!("{} is a method", signature.ident) };
            let syn::Pat::Ident(pattern) = &**pat else { panic!("{}: a parameter without a name", signature.ident) };
            Parameter { name: pattern.ident.to_string(), rust: spelled(ty), role: "" }
        };
        let mut parameters: Vec<Parameter> = signature.inputs.iter().map(input).collect();
        for at in 0..parameters.len() {
            let name = &parameters[at].name;
            let is_text = parameters.get(at + 1).is_some_and(|next| next.name == "len" || next.name == format!("{name}_len"));
            let is_length = at > 0 && *name == format!("{}_len", parameters[at - 1].name);
            let role = self.role(&parameters[at].rust, is_text, signature.ident.to_string().ends_with("_free"));
            parameters[at].role = if is_length { "length" } else { role };
        }
        parameters
    }

    fn role(&self, rust: &str, is_text: bool, frees: bool) -> &'static str {
        let base = rust.rsplit(' ').next().unwrap_or_default();
        let is_handle = self.handles.iter().any(|handle| handle.name == base);
        match (rust.matches('*').count(), rust.starts_with("*mut ")) {
            (0, _) if base.ends_with("_callback") => "callback",
            (0, _) => "value",
            (1, true) if is_handle && frees => "freed",
            (1, true) if is_handle => "changed",
            (1, false) if is_handle => "handle",
            (1, false) if base == "c_char" && is_text => "text",
            (1, false) if base == "c_char" => "path",
            (1, true) if base == "c_void" => "memory",
            (1, true) => "output",
            (_, true) if base == "ckpt_error" => "error",
            (_, true) if rust.starts_with("*mut *mut ") && base != "c_void" => "owned output",
            (_, true) => "lent output",
            (_, false) => "array",
        }
    }
}

fn named(name: &syn::Ident, attributes: &[syn::Attribute]) -> Named {
    Named { name: name.to_string(), doc: doc(attributes), constants: Vec::new() }
}

fn function(name: &syn::Ident, attributes: &[syn::Attribute], parameters: Vec<Parameter>, output: &ReturnType) -> Function {
    let returns = if let ReturnType::Type(_, of) = output { spelled(of) } else { String::new() };
    let ownership = match &*returns {
        pointer if pointer.starts_with("*mut ") => "owned",
        pointer if pointer.starts_with("*const ") || pointer == "ckpt_bytes" => "lent",
        _ => "",
    };
    Function { name: name.to_string(), doc: doc(attributes), parameters, returns, ownership }
}

/// The function in an `Option<extern "C" fn(...)>`.
fn callback(of: &Type) -> Option<&syn::TypeBareFn> {
    let Type::Path(path) = of else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        syn::GenericArgument::Type(Type::BareFn(function)) => Some(function),
        _ => None,
    }
}

fn spelled(of: &Type) -> String {
    match of {
        Type::Ptr(pointer) if pointer.mutability.is_some() => format!("*mut {}", spelled(&pointer.elem)),
        Type::Ptr(pointer) => format!("*const {}", spelled(&pointer.elem)),
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default(),
        _ => panic!("a type that the C ABI has not"),
    }
}

/// A comment, with a line for each paragraph and each entry of a list.
fn doc(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        let Meta::NameValue(syn::MetaNameValue { value: Expr::Lit(ExprLit { lit: Lit::Str(text), .. }), .. }) = &attribute.meta
        else {
            return None;
        };
        Some(text.value().trim().to_owned())
    });
    let lines: Vec<String> = lines.collect();
    let paragraphs: Vec<String> = lines.split(String::is_empty).map(|paragraph| paragraph.join(" ")).collect();
    paragraphs.join("\n").replace(" * ", "\n* ")
}

/// The description as text in which a change is a line or two.
pub fn described(abi: &Abi) -> String {
    let description = serde_json::to_value(abi).expect("it is plain");
    let list = |(key, list): (&String, &serde_json::Value)| {
        let entries: Vec<String> = list.as_array().into_iter().flatten().map(entry).collect();
        format!("  \"{key}\": [\n{}\n  ]", entries.join(",\n"))
    };
    let lists: Vec<String> = description.as_object().into_iter().flatten().map(list).collect();
    format!("{{\n{}\n}}\n", lists.join(",\n"))
}

fn entry(entry: &serde_json::Value) -> String {
    let field = |(key, value): (&String, &serde_json::Value)| match value.as_array() {
        Some(list) if !list.is_empty() => {
            let lines: Vec<String> = list.iter().map(|one| format!("        {one}")).collect();
            format!("      \"{key}\": [\n{}\n      ]", lines.join(",\n"))
        }
        _ => format!("      \"{key}\": {value}"),
    };
    let fields: Vec<String> = entry.as_object().into_iter().flatten().filter(|(_, value)| *value != "").map(field).collect();
    format!("    {{\n{}\n    }}", fields.join(",\n"))
}
