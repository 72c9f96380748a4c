//! The constants, the declarations and the options of C#.

use crate::abi::{short, Abi, Constant, Function, Parameter};
use crate::options::{self, Options, Setter};
use crate::spellings::SPELLINGS;
use crate::text::{comment, pascal, quoted, Language};
use crate::DERIVED;

const CSHARP: Language = Language { column: 2, case: pascal, joint: ".", has_prefixes: false };

fn summary(abi: &Abi, doc: &str, indent: &str) -> String {
    let text = CSHARP.adapted(abi, doc).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text = quoted(&text, |part| format!("<c>{part}</c>"));
    comment(&format!("<summary>{text}</summary>"), &format!("{indent}/// "))
}

fn file(usings: &str, body: &[String]) -> String {
    format!("// {DERIVED}\n{usings}namespace LibCheckpoint\n{{\n{}}}\n", body.join("\n"))
}

/// A type, whose members are separated by empty lines.
fn class_of(head: &str, members: &[String]) -> String {
    format!("    {head}\n    {{\n{}    }}\n", members.join("\n"))
}

pub fn constants(abi: &Abi) -> String {
    let (mut classes, mut names) = (Vec::new(), Vec::new());
    for of in &abi.enums {
        let (class, naming) = (CSHARP.class(&of.name), abi.naming(of));
        let constant = |c: &Constant| format!("        {} = {},\n", CSHARP.constant(of, &c.name), c.value);
        let constants = of.constants.iter().map(|c| summary(abi, &c.doc, "        ") + &constant(c)).collect::<Vec<_>>();
        classes.push(summary(abi, &of.doc, "    ") + &class_of(&format!("public enum {class}"), &constants));
        let name = format!("Name(this {class} value) => Utf8.Decode(NativeMethods.{}(value))", naming.name);
        names.push(summary(abi, &naming.doc, "        ") + &format!("        public static string {name};\n"));
    }
    let about = "    /// <summary>What constants are called.</summary>\n";
    classes.push(about.to_owned() + &class_of("public static class Names", &names));
    let value = |name: &str| abi.constants.iter().find(|c| c.name == name).expect("the header has it").value;
    let [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(|part| value(&format!("CKPT_VERSION_{part}")));
    let version = format!("        internal const string Version = \"{major}.{minor}.{patch}\";\n");
    let numbers = [("Major", major), ("Minor", minor), ("Patch", patch), ("MaxRank", value("CKPT_MAX_RANK"))]
        .map(|(name, value)| format!("        internal const int {name} = {value};\n"));
    classes.push(class_of("internal static class Header", &[version + &numbers.concat()]));
    file("", &classes)
}

/// A type that is no pointer.
fn value(abi: &Abi, rust: &str) -> Option<String> {
    let is_own = matches!(rust, "ckpt_node" | "ckpt_bytes") || rust.ends_with("_callback") || abi.is_enum(rust);
    is_own.then(|| CSHARP.class(rust)).or_else(|| SPELLINGS.csharp_numbers.get(rust).cloned())
}

/// The class of a handle, if it has one.
fn handle(abi: &Abi, rust: &str) -> Option<String> {
    let own = short(rust.rsplit(' ').next().unwrap_or_default());
    let is_kept = abi.function(&format!("ckpt_{own}_free")).is_some() && !SPELLINGS.csharp_copied.contains(own);
    is_kept.then(|| pascal(own) + "Handle")
}

fn parameter(abi: &Abi, function: &str, parameter: &Parameter) -> String {
    let (base, name) = (parameter.base(), pascal(&parameter.name));
    let name = (name[..1].to_lowercase() + &name[1..]).replace("string", "@string");
    let is_array = SPELLINGS.csharp_arrays.contains(&format!("{function}.{}", parameter.name));
    let (value, pointer) = (value(abi, base), handle(abi, base).unwrap_or_else(|| "IntPtr".to_owned()));
    let marshal = if value.as_deref() == Some("bool") { "[MarshalAs(UnmanagedType.I1)] " } else { "" };
    let of = match (parameter.role, value) {
        ("value" | "callback" | "length" | "given", Some(value)) if base == parameter.rust => format!("{marshal}{value}"),
        ("text" | "path", _) => "byte[]".to_owned(),
        ("owned output", _) => format!("out {pointer}"),
        ("error" | "lent output", _) => "out IntPtr".to_owned(),
        ("handle" | "changed", _) => pointer,
        ("array", _) if parameter.rust.matches('*').count() > 1 => "IntPtr[]".to_owned(),
        ("array", Some(value)) => format!("{value}[]"),
        ("output", Some(value)) if is_array => format!("[In, Out] {value}[]"),
        ("output", Some(value)) => format!("{marshal}out {value}"),
        _ => "IntPtr".to_owned(),
    };
    format!("{of} {name}")
}

fn result(abi: &Abi, function: &Function) -> String {
    match (&*function.returns, function.ownership) {
        ("", _) => "void".to_owned(),
        (pointer, "owned") => handle(abi, pointer).unwrap_or_else(|| "IntPtr".to_owned()),
        (pointer, "lent") if pointer.starts_with('*') => "IntPtr".to_owned(),
        (of, _) => value(abi, of).expect("a value"),
    }
}

/// A declaration with its attributes.
fn external(abi: &Abi, function: &Function, [indent, attribute, keywords]: [&str; 3], name: &str) -> String {
    let parameters: Vec<String> = function.parameters.iter().map(|p| parameter(abi, &function.name, p)).collect();
    let (of, parameters) = (result(abi, function), parameters.join(", "));
    let marshal = if of == "bool" { format!("{indent}[return: MarshalAs(UnmanagedType.I1)]\n") } else { String::new() };
    format!("{indent}[{attribute}CallingConvention.Cdecl)]\n{marshal}{indent}internal {keywords} {of} {name}({parameters});\n")
}

pub fn native_methods(abi: &Abi) -> String {
    let delegate = ["    ", "UnmanagedFunctionPointer(", "delegate"];
    let callbacks = abi.callbacks.iter().map(|f| external(abi, f, delegate, &CSHARP.class(&f.name)));
    let handles = abi.functions.iter().filter_map(|f| {
        let own = short(&f.name).strip_suffix("_free").filter(|own| *own != "status")?; // written by hand
        let class = handle(abi, own)?;
        let none = format!("        internal static readonly {class} None = new {class}(); // stands for NULL\n");
        let none = if own.ends_with("_options") || own == "cancel" { &none } else { "" };
        let free = format!("        protected override void Free() => NativeMethods.{}(handle);\n", f.name);
        Some(class_of(&format!("internal sealed class {class} : Handle"), &[none.to_owned() + &free]))
    });
    let functions: Vec<String> = abi.functions.iter().map(|f| declared(abi, f)).collect();
    let methods = class_of("internal static partial class NativeMethods", &functions);
    let all: Vec<String> = callbacks.chain(handles).chain([methods]).collect();
    file("using System;\nusing System.Runtime.InteropServices;\n\n", &all)
}

/// A parameter of a method that is no import, and how it is passed on.
fn passed(abi: &Abi, function: &str, one: &Parameter) -> [String; 2] {
    let declared = parameter(abi, function, one).replace("[MarshalAs(UnmanagedType.I1)] ", "").replace("[In, Out] ", "");
    let own = declared.rsplit(' ').next().unwrap_or_default().to_owned();
    let out = if declared.starts_with("out ") { "out " } else { "" };
    [declared, format!("{out}{own}")]
}

/// An import. What it uses may have been disposed of: then a method stands before it which says of
/// which public class that is.
fn imported(abi: &Abi, function: &Function) -> String {
    let name = &function.name;
    let is_disposable = |p: &Parameter| {
        let is_handle = matches!(p.role, "handle" | "changed") && parameter(abi, name, p).contains("Handle ");
        is_handle && !p.base().ends_with("_options") // which live as long as a call
    };
    if !function.parameters.iter().any(is_disposable) {
        return external(abi, function, ["        ", "DllImport(Name, CallingConvention = ", "static extern"], name);
    }
    let raw = name.replacen("ckpt_", "raw_", 1);
    let attribute = format!("DllImport(Name, EntryPoint = \"{name}\", CallingConvention = ");
    let made = external(abi, function, ["        ", &attribute, "static extern"], &raw)
        .replace("internal static extern", "private static extern");
    let (mut given, mut arguments) = (Vec::new(), Vec::new());
    for one in &function.parameters {
        let [declared, argument] = passed(abi, name, one);
        given.push(declared);
        arguments.push(if is_disposable(one) { argument + ".Open()" } else { argument });
    }
    let (of, given, arguments) = (result(abi, function), given.join(", "), arguments.join(", "));
    format!("{made}\n        internal static {of} {name}({given}) =>\n            {raw}({arguments});\n")
}

/// A function, and one that throws its error and knows how long its texts are.
fn declared(abi: &Abi, function: &Function) -> String {
    let name = &function.name;
    let made = imported(abi, function);
    if function.parameters.last().is_none_or(|last| last.role != "error") {
        return made;
    }
    let (mut given, mut arguments) = (Vec::new(), String::new());
    for one in function.parameters.iter().filter(|p| p.role != "error") {
        let [declared, argument] = passed(abi, name, one);
        if one.role == "length" {
            arguments += &format!("{}.Length, ", argument.trim_end_matches("Len"));
        } else {
            given.push(declared);
            arguments += &format!("{argument}, ");
        }
    }
    let throws = format!("        internal static void {name}({}) =>\n", given.join(", "));
    format!("{made}\n{throws}            CheckpointException.Check({name}({arguments}out IntPtr e), e);\n")
}

pub fn options(abi: &Abi) -> String {
    let class = |options: Options| {
        let handle = pascal(options.name);
        let mut members: Vec<String> = options.setters.iter().map(|setter| property(abi, setter)).collect();
        let settings: String = options.setters.iter().map(|setter| setting(abi, setter)).collect();
        let set = format!("        private void SetPlain({handle}Handle made)\n        {{\n{settings}        }}\n");
        let about = "        // Sets all but callbacks, other options, paths and arrays.\n";
        members.push(about.to_owned() + &set);
        class_of(&format!("public sealed partial class {}", CSHARP.class(options.name)), &members)
    };
    file("using System;\nusing System.Collections.Generic;\n\n", &options::all(abi).map(class).collect::<Vec<_>>())
}

/// The type of the elements of what is added.
fn element(setter: &Setter) -> String {
    let name = if setter.values.len() > 1 { options::name(&setter.csharp).trim_end_matches('s') } else { "string" };
    name.to_owned()
}

fn property(abi: &Abi, setter: &Setter) -> String {
    let (field, name) = (&setter.csharp, options::name(&setter.csharp));
    let of = match CSHARP.value(abi, setter.values[0], field.ends_with('~'), name) {
        _ if setter.adds => format!("IList<{}>", element(setter)),
        [of, ..] => of,
    };
    let doc = setter.function.doc.split('\n').next().unwrap_or_default(); // the rest is about failures
    let (mark, note) = match &*of {
        _ if field.contains('?') => ("?", " Null for the default."),
        "int" | "long" if setter.default.is_empty() && !doc.contains("0, the default") => ("", " 0 for the default."),
        _ => ("", ""),
    };
    let accessors = match &*setter.default {
        _ if setter.adds => format!("{{ get; }} = new List<{}>();", element(setter)),
        "" => "{ get; set; }".to_owned(),
        default => format!("{{ get; set; }} = {default};"),
    };
    let made = summary(abi, &format!("{doc}{note}"), "        ") + &format!("        public {of}{mark} {name} {accessors}\n");
    let others = setter.values[1..].iter().filter(|_| !setter.adds).map(|other| {
        let of = abi.enums.iter().find(|e| e.name == other.rust).expect("a constant");
        let doc = summary(abi, &format!("{}, for `{name}`.", CSHARP.adapted(abi, &of.doc).trim_end_matches('.')), "        ");
        let (class, name, first) = (CSHARP.class(&of.name), pascal(&other.name), CSHARP.constant(of, &of.constants[0].name));
        format!("\n{doc}        public {class} {name} {{ get; set; }} = {class}.{first};\n")
    });
    made + &others.collect::<String>()
}

fn setting(abi: &Abi, setter: &Setter) -> String {
    let (field, name) = (&setter.csharp, options::name(&setter.csharp));
    let first = field.replace("?", ".Value").replace("~", "");
    let values = setter.spelled(abi, &CSHARP, field.ends_with('~'), [&first, ""]);
    let arguments: Vec<&str> = values.iter().map(|[.., argument]| &**argument).collect();
    let call = format!("NativeMethods.{}(made, {});\n", setter.function.name, arguments.join(", "));
    let head = match &values[0] {
        _ if setter.adds => format!("foreach ({} each in {name})", element(setter)),
        _ if field.contains('?') => format!("if ({name} != null)"),
        [_, wanted, _] if wanted.is_empty() || !setter.default.is_empty() => return format!("            {call}"),
        [_, wanted, _] => format!("if ({wanted})"),
    };
    format!("            {head}\n            {{\n                {call}            }}\n")
}
