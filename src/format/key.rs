//! The keys of the values of an object graph: the escaped names of edges, joined by `/`.

use std::borrow::Cow;

/// Separates the path of an object from its attribute in a key.
pub(crate) const ATTRIBUTES: &str = "/.ATTRIBUTES/";
/// The attribute that holds the value of a variable.
pub(crate) const VARIABLE_VALUE: &str = "VARIABLE_VALUE";
/// The attribute that holds the value of an object that is a single string.
pub(crate) const PY_STATE: &str = "py_state";

/// Appends a name as it appears in a path: `.` becomes `..` and `/` becomes `.S`. All other
/// characters are kept; the empty name stays empty.
pub(crate) fn push_escaped(out: &mut String, name: &str) {
    if !name.contains(['.', '/']) {
        return out.push_str(name);
    }
    for c in name.chars() {
        match c {
            '.' => out.push_str(".."),
            '/' => out.push_str(".S"),
            c => out.push(c),
        }
    }
}

/// Returns a name as it appears in a path.
pub(crate) fn escape(name: &str) -> String {
    let mut out = String::new();
    push_escaped(&mut out, name);
    out
}

/// Returns the name that `escaped` stands for in a path; `None` if no name is escaped this way.
pub(crate) fn unescape(escaped: &str) -> Option<Cow<'_, str>> {
    if !escaped.contains(['.', '/']) {
        return Some(Cow::Borrowed(escaped));
    }
    let mut name = String::with_capacity(escaped.len());
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' => match chars.next()? {
                '.' => name.push('.'),
                'S' => name.push('/'),
                _ => return None,
            },
            '/' => return None,
            c => name.push(c),
        }
    }
    Some(Cow::Owned(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TensorFlow's testVariableNameEscaping and semantics of `escape_local_name`.
    #[test]
    fn names_are_escaped_as_in_tensorflow() {
        for (name, escaped) in [
            ("a/b/c", "a.Sb.Sc"),
            ("c/", "c.S"),
            ("d/.S", "d.S..S"),
            ("d/.ATTRIBUTES/f", "d.S..ATTRIBUTES.Sf"),
            (".x", "..x"),
            ("", ""),
            ("ü x", "ü x"),
        ] {
            assert_eq!(escape(name), escaped);
            assert_eq!(unescape(escaped).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_no_name_becomes_is_not_unescaped() {
        for text in [".", "a.", "a.b", "...", ".s", "a/b"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }
}
