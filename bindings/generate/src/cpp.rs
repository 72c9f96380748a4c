//! The constants and the options of C++.

use crate::abi::{Abi, Named, Parameter};
use crate::options::{self, Options, Setter};
use crate::text::{comment, Language};
use crate::{naming, DERIVED};

const CPP: Language = Language { class: str::to_owned, method: str::to_owned, joint: "::", constant };

fn constant(of: &Named, constant: &str) -> String {
    match constant {
        "CKPT_DTYPE_FLOAT" => "float32".to_owned(),
        "CKPT_DTYPE_DOUBLE" => "float64".to_owned(),
        "CKPT_DTYPE_HALF" => "float16".to_owned(),
        "CKPT_DTYPE_BOOL" => "boolean".to_owned(),
        other => other[of.name.len() + 1..].to_lowercase(),
    }
}

fn doc(abi: &Abi, doc: &str, indent: &str) -> String {
    comment(&CPP.adapted(abi, doc), &format!("{indent}/// "))
}

/// A header around what is made.
fn header(name: &str, about: &str, includes: &str, body: &str) -> String {
    let guard = format!("CHECKPOINT_{name}_HPP");
    let head = format!("// {DERIVED}\n// {about}\n#ifndef {guard}\n#define {guard}\n\n{includes}");
    format!("{head}\nnamespace checkpoint {{\n{body}\n}}  // namespace checkpoint\n\n#endif\n")
}

pub fn constants(abi: &Abi) -> String {
    let mut made = String::new();
    for of in &abi.enums {
        let (raw, name, naming) = (&of.name, &of.name["ckpt_".len()..], naming(abi, of));
        made += &format!("\n{}enum class {name} : std::int32_t {{\n", doc(abi, &of.doc, ""));
        for c in &of.constants {
            made += &format!("{}    {} = {},\n", doc(abi, &c.doc, "    "), constant(of, &c.name), c.name);
        }
        made += &format!("}};\n\n{}", doc(abi, &naming.doc, ""));
        made += &format!(
            "inline std::string_view name({name} value) noexcept {{\n    return {}(static_cast<{raw}>(value));\n}}\n",
            naming.name
        );
    }
    let includes = "#include <checkpoint.h>\n\n#include <cstdint>\n#include <string_view>\n";
    header("CONSTANTS", "The constants of the C API as scoped enumerations, and their names.", includes, &made)
}

pub fn options(abi: &Abi) -> String {
    let made: String = options::all(abi).map(|options| class_of(abi, &options)).collect();
    let about = "Options that are set by plain values. Those that take more are completed where they are used.";
    header("OPTIONS", about, "#include <checkpoint/core.hpp>\n", &made)
}

fn class_of(abi: &Abi, options: &Options) -> String {
    let (name, raw) = (options.name, format!("ckpt_{}", options.name));
    let (class, own, this) = match options.is_whole {
        true => (name.to_owned(), name, "*this"),
        false => (format!("basic_{name}"), "Self", "static_cast<Self &>(*this)"),
    };
    let mut made = match options.is_whole {
        true => format!("\n{}", doc(abi, options.doc, "")),
        false => format!("\n/// The part of {name} that is set by plain values.\ntemplate <typename Self>\n"),
    };
    made += &format!("class {class} {{\n   public:\n");
    let mut making = format!("    {raw} *make() {{ return handle_.make({raw}_new); }}\n");
    if let [given] = &options.new.parameters[..] {
        let what = options.new.doc.split("; to be freed").next().unwrap_or_default().trim_end_matches('.');
        made += &doc(abi, &format!("{what}."), "    ");
        let (parameter, argument) = (parameter(abi, given), argument(abi, given));
        made += &format!("    explicit {class}({parameter}) : handle_({raw}_new({argument})) {{}}\n");
        making = format!("    {raw} *make() noexcept {{ return handle_.get(); }}\n");
    }
    made.extend(options.setters.iter().map(|setter| setter_of(abi, setter, own, this)));
    made += &format!(
        "    /// The handle; NULL for the defaults.\n    const {raw} *get() const noexcept {{ return handle_.get(); }}\n"
    );
    made +=
        &if options.is_whole { format!("\n   private:\n{making}") } else { format!("\n   protected:\n{making}\n   private:\n") };
    made + &format!("    detail::handle<{raw}, {raw}_free> handle_;\n}};\n")
}

fn setter_of(abi: &Abi, setter: &Setter, own: &str, this: &str) -> String {
    let join = |of: fn(&Abi, &Parameter) -> String| setter.values.iter().map(|p| of(abi, p)).collect::<Vec<_>>().join(", ");
    let (doc, name, raw) = (doc(abi, &setter.function.doc, "    "), setter.name, &setter.function.name);
    let (parameters, arguments) = (join(parameter), join(argument));
    format!("{doc}    {own} &{name}({parameters}) {{\n        detail::call({raw}, make(), {arguments});\n        return {this};\n    }}\n")
}

fn parameter(abi: &Abi, parameter: &Parameter) -> String {
    let of = match (parameter.role, &*parameter.rust) {
        ("text", _) => "std::string_view ",
        (_, "bool") => "bool ",
        (_, "f64") => "double ",
        (_, "u32") => "std::uint32_t ",
        (_, "u64") => "std::uint64_t ",
        (_, "i64") => "std::int64_t ",
        (_, "usize") => "std::size_t ",
        (_, "ckpt_node") => "::checkpoint::node ",
        (_, of) if abi.is_enum(of) => &format!("::checkpoint::{} ", &of["ckpt_".len()..]),
        (_, of) => panic!("{of}: not in C++ yet"),
    };
    format!("{of}{}", parameter.name)
}

fn argument(abi: &Abi, parameter: &Parameter) -> String {
    let name = &parameter.name;
    match (parameter.role, &*parameter.rust) {
        ("text", _) => format!("{name}.data(), {name}.size()"),
        (_, "ckpt_node") => format!("{name}.id"),
        (_, of) if abi.is_enum(of) => format!("static_cast<{of}>({name})"),
        _ => name.clone(),
    }
}
