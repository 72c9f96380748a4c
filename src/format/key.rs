//! The keys under which an object graph's values are stored: escaped names of edges, joined by `/`.

use std::borrow::Cow;

/// Follows the path of an object in the key of its value.
pub(crate) const ATTRIBUTES: &str = "/.ATTRIBUTES/";
/// The attribute of a variable.
pub(crate) const VARIABLE_VALUE: &str = "VARIABLE_VALUE";
/// The attribute of an object that is one string.
pub(crate) const PY_STATE: &str = "py_state";

/// Appends a name as paths have it: `.` is doubled, then `/` is `.S`. Everything else, the empty name too, stands for itself.
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

/// A name as paths have it.
pub(crate) fn escape(name: &str) -> String {
    let mut out = String::new();
    push_escaped(&mut out, name);
    out
}

/// The name that paths have as `escaped`; none when no name is escaped so.
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
