//! Names in paths of objects, as people type them.

/// Returns a path as the library takes it, without slashes at its end: as it is, if its names are
/// escaped; else each name escaped, because the dots in it are dots.
pub fn path(text: &str) -> String {
    let text = text.trim_end_matches('/');
    if text.split('/').all(is_escaped) {
        return text.to_owned();
    }
    text.split('/').map(escaped).collect::<Vec<_>>().join("/")
}

fn is_escaped(name: &str) -> bool {
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        if c == '.' && !matches!(chars.next(), Some('.' | 'S')) {
            return false;
        }
    }
    true
}

/// Returns a name as it stands in paths.
pub fn escaped(name: &str) -> String {
    name.replace('.', "..").replace('/', ".S")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_are_not_escaped_are_taken_as_they_are() {
        for (text, wanted) in
            [("a/b", "a/b"), ("a..b/c.Sd", "a..b/c.Sd"), ("a.b/c/", "a..b/c"), ("a./b", "a../b"), ("a.Sb.c", "a..Sb..c")]
        {
            assert_eq!(path(text), wanted);
        }
    }
}
