//! The C ABI, read from its Rust source. Who owns what follows from the types: `*mut *mut T` is a
//! place for a handle that the caller frees, `*mut *const T` one for something lent; `*mut T` that
//! is returned is owned, `*const T` is lent.

use std::path::Path;

use serde::Serialize;
use syn::{Attribute, Expr, ExprLit, Ident, Item, Lit, ReturnType, Type};

#[derive(Serialize)]
pub struct Parameter {
    /// What it is for: a `handle`, an `owned output` and so on.
    pub role: &'static str,
    pub name: String,
    /// In Rust's spelling, e.g. `*const ckpt_reader`.
    #[serde(rename = "type")]
    pub rust: String,
}

#[derive(Serialize)]
pub struct Function {
    pub name: String,
    /// In Rust's spelling; empty for nothing.
    pub returns: String,
    /// Of what is returned: `owned`, `lent`, or nothing of values.
    pub ownership: &'static str,
    pub doc: String,
    pub parameters: Vec<Parameter>,
}

#[derive(Serialize)]
pub struct Constant {
    pub value: i64,
    pub name: String,
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
    pub handles: Vec<Named>,
    pub callbacks: Vec<Function>,
    pub functions: Vec<Function>,
    /// Constants of no enum.
    pub constants: Vec<Constant>,
}

/// A name without the library's prefix.
pub fn short(name: &str) -> &str {
    name.strip_prefix("ckpt_").unwrap_or(name)
}

impl Parameter {
    /// The type without its stars.
    pub fn base(&self) -> &str {
        self.rust.rsplit(' ').next().unwrap_or_default()
    }
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
        let (mut items, mut abi) = (modules.flatten().collect::<Vec<_>>(), Abi::default());
        items.sort_by_key(|item| matches!(item, Item::Fn(_) | Item::Const(_))); // types first
        items.iter().for_each(|item| abi.add(item));
        abi
    }

    pub fn is_enum(&self, name: &str) -> bool {
        self.enums.iter().any(|e| e.name == name)
    }

    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }

    /// The function that names the constants of a type.
    pub fn naming(&self, of: &Named) -> &Function {
        self.function(&format!("{}_name", of.name)).expect("constants have names")
    }

    /// The description as text in which everything that has a name has a line.
    pub fn described(&self) -> String {
        let text = serde_json::to_string(self).expect("it is plain");
        let lines = [("{\"name\"", "\n  {\"name\""), ("{\"role\"", "\n    {\"role\""), ("{\"value\"", "\n    {\"value\"")];
        lines.iter().fold(text, |text, (from, to)| text.replace(from, to)) + "\n"
    }

    fn add(&mut self, item: &Item) {
        match item {
            Item::Struct(s) if s.ident.to_string().starts_with("ckpt_") => self.handles.push(named(&s.ident, &s.attrs)),
            Item::Type(t) if t.ident.to_string().starts_with("ckpt_") => match callback(&t.ty) {
                Some(f) => {
                    let name = |input: &syn::BareFnArg| input.name.as_ref().map(|(name, _)| name.to_string()).unwrap_or_default();
                    let given = f.inputs.iter().map(|i| Parameter { role: "given", name: name(i), rust: spelled(&i.ty) });
                    self.callbacks.push(function(&t.ident, &t.attrs, given.collect(), &f.output));
                }
                None if spelled(&t.ty) == "i32" => self.enums.push(named(&t.ident, &t.attrs)),
                None => (),
            },
            Item::Fn(f) if f.sig.abi.is_some() => {
                self.functions.push(function(&f.sig.ident, &f.attrs, self.parameters(&f.sig), &f.sig.output));
            }
            Item::Const(c) if c.ident.to_string().starts_with("CKPT_") => {
                let (Named { name, doc, .. }, of) = (named(&c.ident, &c.attrs), spelled(&c.ty));
                let Expr::Lit(ExprLit { lit: Lit::Int(value), .. }) = &*c.expr else { panic!("{name} is no number") };
                let made = Constant { value: value.base10_parse().expect("it fits"), name, doc };
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
            let syn::Pat::Ident(name) = &**pat else { panic!("{}: a parameter without a name", signature.ident) };
            Parameter { role: "", name: name.ident.to_string(), rust: spelled(ty) }
        };
        let mut parameters: Vec<Parameter> = signature.inputs.iter().map(input).collect();
        for at in 0..parameters.len() {
            let name = &parameters[at].name;
            let is_text = parameters.get(at + 1).is_some_and(|next| next.name == "len" || next.name == format!("{name}_len"));
            let is_length = at > 0 && *name == format!("{}_len", parameters[at - 1].name);
            let role = self.role(&parameters[at], is_text, signature.ident.to_string().ends_with("_free"));
            parameters[at].role = if is_length { "length" } else { role };
        }
        parameters
    }

    fn role(&self, parameter: &Parameter, is_text: bool, frees: bool) -> &'static str {
        let (rust, base) = (&parameter.rust, parameter.base());
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

fn named(name: &Ident, attributes: &[Attribute]) -> Named {
    Named { name: name.to_string(), doc: doc(attributes), constants: Vec::new() }
}

fn function(name: &Ident, attributes: &[Attribute], parameters: Vec<Parameter>, output: &ReturnType) -> Function {
    let returns = if let ReturnType::Type(_, of) = output { spelled(of) } else { String::new() };
    let ownership = match &*returns {
        pointer if pointer.starts_with("*mut ") => "owned",
        pointer if pointer.starts_with("*const ") || pointer == "ckpt_bytes" => "lent",
        _ => "",
    };
    Function { name: name.to_string(), returns, ownership, doc: doc(attributes), parameters }
}

/// The function in an `Option<extern "C" fn(...)>`.
fn callback(of: &Type) -> Option<&syn::TypeBareFn> {
    let Type::Path(path) = of else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else { return None };
    let syn::GenericArgument::Type(Type::BareFn(function)) = arguments.args.first()? else { return None };
    Some(function)
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
fn doc(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta.require_name_value().ok()?.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
        _ => None,
    };
    let lines: Vec<String> = attributes.iter().filter_map(line).collect();
    let paragraphs: Vec<String> = lines.split(String::is_empty).map(|paragraph| paragraph.join(" ")).collect();
    paragraphs.join("\n").replace(" * ", "\n* ")
}
