//! The constants of Go, and what sets its options.

use crate::abi::{Abi, Named, Parameter};
use crate::options::{self, Setter};
use crate::text::{comment, member, pascal, Language};
use crate::{naming, DERIVED};

const GO: Language = Language { class, method: pascal, joint: ".", constant };

fn class(name: &str) -> String {
    if name == "dtype" {
        "DType".to_owned()
    } else {
        pascal(name)
    }
}

fn constant(of: &Named, constant: &str) -> String {
    let prefix = match &*of.name {
        "ckpt_code" | "ckpt_dtype" => "",
        "ckpt_restore_kind" => "Restore",
        "ckpt_row_state" => "Row",
        name => &class(&name["ckpt_".len()..]),
    };
    prefix.to_owned() + &member(of, constant).replace("Ok", "OK")
}

/// A comment without marks.
fn doc(abi: &Abi, text: &str, prefix: &str) -> String {
    comment(&GO.adapted(abi, text).replace('`', ""), prefix)
}

fn file(body: String) -> String {
    format!("// {DERIVED}\n\npackage checkpoint\n\n/*\n#include <checkpoint.h>\n*/\nimport \"C\"\n{body}")
}

pub fn constants(abi: &Abi) -> String {
    let mut made = String::new();
    for of in &abi.enums {
        let (name, naming) = (class(&of.name["ckpt_".len()..]), naming(abi, of));
        let about = of.doc[..1].to_lowercase() + &of.doc[1..];
        let verb = if about.starts_with("the ") { "is" } else { "says" };
        made += &format!(
            "\n{}type {name} int32\n\n// Those that there are.\nconst (\n",
            doc(abi, &format!("{name} {verb} {about}"), "// ")
        );
        for c in &of.constants {
            made += &format!("{}\t{} {name} = C.{}\n", doc(abi, &c.doc, "\t// "), constant(of, &c.name), c.name);
        }
        made += &format!(")\n\n{}", doc(abi, &naming.doc.replacen("The name", "String gives the name", 1), "// "));
        made += &format!("func (x {name}) String() string {{\n\treturn C.GoString(C.{}(C.{}(x)))\n}}\n", naming.name, of.name);
    }
    file(made)
}

pub fn options(abi: &Abi) -> String {
    let mut made = String::new();
    for options in options::all(abi) {
        let (class, settings) =
            (pascal(options.name), options.setters.iter().map(|setter| setting(abi, setter)).collect::<String>());
        made += "\n// set sets all but callbacks, other options, paths and arrays, and says whether that went well.\n";
        made += &format!(
            "func (o *{class}) set(made *C.ckpt_{}, e **C.ckpt_error) bool {{\n{settings}\treturn true\n}}\n",
            options.name
        );
    }
    file(made)
}

fn setting(abi: &Abi, setter: &Setter) -> String {
    let (field, go, raw) = (format!("o.{}", setter.go.name()), &setter.go, &setter.function.name);
    let (wanted, first) = match (&*setter.values[0].rust, setter.values[0].role) {
        _ if setter.adds => (String::new(), "each".to_owned()),
        _ if go.is('?') => (format!("{field} != nil && "), if go.is('~') { field.clone() } else { format!("*{field}") }),
        (_, "text") => (format!("{field} != \"\" && "), field.clone()),
        ("bool", _) => (format!("{field} && "), field.clone()),
        _ => (format!("{field} != 0 && "), field.clone()),
    };
    let argument = |(at, value): (usize, &&Parameter)| {
        let given = match (at, setter.values.len()) {
            (_, 2..) if setter.adds => format!("each.{}", pascal(&value.name)),
            (0, _) => first.clone(),
            _ => format!("o.{}", pascal(&value.name)),
        };
        match value.role {
            _ if go.is('!') => "false".to_owned(),
            "text" => format!("chars({given}), C.size_t(len({given}))"),
            _ => format!("C.{}({given}{})", c_type(abi, &value.rust), if go.is('~') { ".Seconds()" } else { "" }),
        }
    };
    let arguments: Vec<String> = setter.values.iter().enumerate().map(argument).collect();
    let set = |tabs: &str| {
        let call = format!("C.{raw}(made, {}, e) != C.CKPT_CODE_OK", arguments.join(", "));
        format!("{tabs}if {wanted}{call} {{\n{tabs}\treturn false\n{tabs}}}\n")
    };
    if setter.adds {
        format!("\tfor _, each := range {field} {{\n{}\t}}\n", set("\t\t"))
    } else {
        set("\t")
    }
}

fn c_type<'a>(abi: &Abi, rust: &'a str) -> &'a str {
    match rust {
        "bool" => "bool",
        "f64" => "double",
        "u32" => "uint32_t",
        "u64" => "uint64_t",
        "i64" => "int64_t",
        "usize" => "size_t",
        of if of == "ckpt_node" || abi.is_enum(of) => of,
        of => panic!("{of}: not in Go yet"),
    }
}
