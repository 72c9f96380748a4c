//! The constants and the options of C++.

use crate::abi::{short, Abi};
use crate::options::{self, Options, Setter};
use crate::text::{comment, Language};
use crate::DERIVED;

const CPP: Language = Language { column: 0, case: str::to_owned, joint: "::", has_prefixes: false };

fn doc(abi: &Abi, doc: &str, indent: &str) -> String {
    comment(&CPP.adapted(abi, doc), &format!("{indent}/// "))
}

/// A header around what is made.
fn header(name: &str, about: &str, includes: &str, body: &str) -> String {
    let guard = format!("CHECKPOINT_{name}_HPP");
    let head = format!("// {DERIVED}\n// {about}\n#ifndef {guard}\n#define {guard}\n\n{includes}");
    let (begin, end) = match name {
        "CONSTANTS" => ("namespace checkpoint {", "}  // namespace checkpoint"),
        _ => ("CHECKPOINT_BEGIN", "CHECKPOINT_END"), // with and without exceptions
    };
    format!("{head}\n{begin}\n{body}\n{end}\n\n#endif\n")
}

pub fn constants(abi: &Abi) -> String {
    let mut made = String::new();
    for of in &abi.enums {
        let (raw, name, naming) = (&of.name, short(&of.name), abi.naming(of));
        made += &format!("\n{}enum class {name} : std::int32_t {{\n", doc(abi, &of.doc, ""));
        for c in &of.constants {
            made += &format!("{}    {} = {},\n", doc(abi, &c.doc, "    "), CPP.constant(of, &c.name), c.name);
        }
        made += &format!("}};\n\n{}inline std::string_view name({name} value) noexcept {{\n", doc(abi, &naming.doc, ""));
        made += &format!("    return {}(static_cast<{raw}>(value));\n}}\n", naming.name);
    }
    let includes = "#include <checkpoint.h>\n\n#include <cstdint>\n#include <string_view>\n";
    header("CONSTANTS", "The constants of the C API as scoped enumerations, and their names.", includes, &made)
}

pub fn options(abi: &Abi) -> String {
    let made: String = options::all(abi).map(|options| class_of(abi, &options)).collect();
    header("OPTIONS", "What is set by plain values in the classes of options.", "#include <checkpoint/core.hpp>\n", &made)
}

fn class_of(abi: &Abi, options: &Options) -> String {
    let (name, raw) = (options.name, format!("ckpt_{}", options.name));
    let setters: String = options.setters.iter().map(|setter| setter_of(abi, setter)).collect();
    let base = format!("detail::settings<Self, {raw}, {raw}_free>");
    let begin = format!("template <typename Self>\nclass basic_{name} : public {base} {{\n   public:\n");
    let has_default = abi.function(&format!("{raw}_new")).is_some_and(|new| new.parameters.is_empty());
    let own = if has_default {
        format!("    /// The defaults.\n    basic_{name}() : basic_{name}::settings({raw}_new) {{}}\n")
    } else {
        format!("    using {base}::settings;  ///< Made of what they need.\n")
    };
    format!("\n/// What is set by plain values in checkpoint::{name}.\n{begin}{own}{setters}}};\n")
}

fn setter_of(abi: &Abi, setter: &Setter) -> String {
    let (mut parameters, mut arguments, mut captures) = (Vec::new(), Vec::new(), Vec::new());
    for value in &setter.values {
        let [of, _, argument] = CPP.value(abi, value, false, &value.name);
        let name = &value.name;
        // Copies of the options set the text again.
        captures.push(if value.role == "text" { format!("{name} = std::string({name})") } else { name.clone() });
        parameters.push(format!("{of} {name}"));
        arguments.push(argument);
    }
    let (doc, name, raw) = (doc(abi, &setter.function.doc, "    "), setter.name, &setter.function.name);
    let call = format!("            detail::call({raw}, raw, {});\n", arguments.join(", "));
    let set = format!("        return this->set([{}](auto *raw) {{\n{call}        }});\n", captures.join(", "));
    format!("{doc}    Self &{name}({}) {{\n{set}    }}\n", parameters.join(", "))
}
