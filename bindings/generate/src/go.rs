//! The constants of Go, and what sets its options.

use crate::abi::Abi;
use crate::options::{self, Options, Setter};
use crate::text::{comment, pascal, Language};
use crate::DERIVED;

const GO: Language = Language { column: 1, case: pascal, joint: ".", has_prefixes: true };

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
        let (name, naming) = (GO.class(&of.name), abi.naming(of));
        let about = of.doc[..1].to_lowercase() + &of.doc[1..];
        let verb = if about.starts_with("the ") { "is" } else { "says" };
        let about = doc(abi, &format!("{name} {verb} {about}"), "// ");
        made += &format!("\n{about}type {name} int32\n\n// Those that there are.\nconst (\n");
        for c in &of.constants {
            made += &format!("{}\t{} {name} = C.{}\n", doc(abi, &c.doc, "\t// "), GO.constant(of, &c.name), c.name);
        }
        made += &format!(")\n\n{}", doc(abi, &naming.doc.replacen("The name", "String gives the name", 1), "// "));
        made += &format!("func (x {name}) String() string {{\n\treturn C.GoString(C.{}(C.{}(x)))\n}}\n", naming.name, of.name);
    }
    file(made)
}

pub fn options(abi: &Abi) -> String {
    let about = "// set sets all but callbacks, other options, paths and arrays, and says whether that went well.";
    let set = |options: Options| {
        let settings: String = options.setters.iter().map(|setter| setting(abi, setter)).collect();
        let head = format!("func (o *{}) set(made *C.ckpt_{}, e **C.ckpt_error) bool", pascal(options.name), options.name);
        format!("\n{about}\n{head} {{\n{settings}\treturn true\n}}\n")
    };
    file(options::all(abi).map(set).collect())
}

fn setting(abi: &Abi, setter: &Setter) -> String {
    let (go, field) = (&setter.go, format!("o.{}", options::name(&setter.go)));
    let first = if go.ends_with('?') { format!("*{field}") } else { field.clone() };
    let values = setter.spelled(abi, &GO, go.ends_with('~'), [&first, "o."]);
    let wanted = match &values[0] {
        _ if setter.adds => String::new(),
        _ if go.contains('?') => format!("{field} != nil && "),
        [_, wanted, _] => format!("{wanted} && "),
    };
    let arguments: Vec<&str> = values.iter().map(|[.., argument]| if go.starts_with('!') { "false" } else { argument }).collect();
    let call = format!("C.{}(made, {}, e) != C.CKPT_CODE_OK", setter.function.name, arguments.join(", "));
    let set = |tabs: &str| format!("{tabs}if {wanted}{call} {{\n{tabs}\treturn false\n{tabs}}}\n");
    if setter.adds {
        format!("\tfor _, each := range {field} {{\n{}\t}}\n", set("\t\t"))
    } else {
        set("\t")
    }
}
