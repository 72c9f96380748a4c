//! Patterns of `ckpt rename`: names in which a star stands for any part.

use std::collections::HashSet;

use checkpoint::ObjectGraph;

use crate::names;

/// Stands for a star that is not escaped: a noncharacter of Unicode, which nobody types.
pub const STAR: char = '\u{10fffe}';

/// OLD and NEW with stars. What the first star of OLD stands for is put in place of the first one
/// of NEW, and so on.
#[derive(Debug)]
pub struct Pattern<'t> {
    old: &'t str,
    new: &'t str,
}

/// A pattern of keys: one star on each side.
#[derive(Debug)]
pub struct KeyPattern<'t> {
    old: (&'t str, &'t str),
    new: (&'t str, &'t str),
}

impl<'t> Pattern<'t> {
    /// Returns a pattern; `None` if there is no star. An error if the numbers of stars differ.
    pub fn new(old: &'t str, new: &'t str) -> Result<Option<Pattern<'t>>, String> {
        let stars = |text: &str| text.matches(STAR).count();
        match (stars(old), stars(new)) {
            (0, 0) => Ok(None),
            (of_old, of_new) if of_old == of_new => Ok(Some(Pattern { old, new })),
            _ => Err(format!("{}={}: as many stars are needed on both sides of =", shown(old), shown(new))),
        }
    }

    /// Returns the pattern for keys. An error unless there is one star.
    pub fn of_keys(self) -> Result<KeyPattern<'t>, String> {
        match (self.old.split_once(STAR), self.new.split_once(STAR)) {
            (Some(old), Some(new)) if !old.1.contains(STAR) => Ok(KeyPattern { old, new }),
            _ => Err(format!("{}: for keys of a name-based checkpoint one star is allowed", shown(self.old))),
        }
    }

    /// Returns the paths in a graph that match, and the new path of each. A star stands for a part
    /// of one name. Of several paths to one object the first counts, so that no edge is renamed
    /// twice, and a graph with cycles has no more matches than edges.
    pub fn in_graph(&self, graph: &ObjectGraph) -> Vec<(String, String)> {
        let old = names::path(self.old);
        let mut steps = old.split('/').peekable();
        // The objects that the first names lead to, the path to each, and what its stars stand for.
        let mut found = vec![(0, String::new(), Vec::new())];
        while let Some(name) = steps.next() {
            let is_last = steps.peek().is_none();
            let (mut next, mut seen) = (Vec::new(), HashSet::new());
            for (node, before, stars) in &found {
                for edge in graph.node(*node).into_iter().flat_map(|node| node.children()) {
                    let child = names::escaped(edge.name);
                    let Some(parts) = parts_of(&child, name) else { continue };
                    if is_last || seen.insert(edge.node) {
                        let path = if before.is_empty() { child.clone() } else { format!("{before}/{child}") };
                        let parts = parts.into_iter().map(str::to_owned);
                        next.push((edge.node, path, stars.iter().cloned().chain(parts).collect::<Vec<String>>()));
                    }
                }
            }
            found = next;
        }
        let new = names::path(self.new);
        let put = |stars: Vec<String>| {
            let mut literals = new.split(STAR);
            let first = literals.next().unwrap_or_default().to_owned();
            stars.iter().zip(literals).fold(first, |path, (star, literal)| path + star + literal)
        };
        found.into_iter().map(|(_, path, stars)| (path, put(stars))).collect()
    }
}

impl KeyPattern<'_> {
    /// Returns the new key of one that matches; never an empty one.
    pub fn new_key(&self, key: &[u8]) -> Option<Vec<u8>> {
        let part = key.strip_prefix(self.old.0.as_bytes())?.strip_suffix(self.old.1.as_bytes())?;
        let new = [self.new.0.as_bytes(), part, self.new.1.as_bytes()].concat();
        (!new.is_empty()).then_some(new)
    }
}

/// Returns what each star of a pattern stands for in a name that it matches: as little as possible.
fn parts_of<'n>(name: &'n str, pattern: &str) -> Option<Vec<&'n str>> {
    let mut literals = pattern.split(STAR);
    let mut rest = name.strip_prefix(literals.next()?)?;
    let mut parts = Vec::new();
    let mut literals = literals.peekable();
    while let Some(literal) = literals.next() {
        let end = match literals.peek() {
            None => rest.strip_suffix(literal)?.len(),
            Some(_) => rest.find(literal)?,
        };
        parts.push(&rest[..end]);
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(parts)
}

/// Returns a pattern as it was typed.
pub fn shown(text: &str) -> String {
    text.replace(STAR, "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_parts_of_names() {
        for (pattern, name, parts) in [
            ("*", "a", Some(&["a"][..])),
            ("layer-*", "layer-12", Some(&["12"])),
            ("layer-*", "layer-", Some(&[""])),
            ("dense*", "dense", Some(&[""])),
            ("*_*", "a_b_c", Some(&["a", "b_c"])),
            ("*_*", "_", Some(&["", ""])),
            ("*_x", "a_x_x", Some(&["a_x"])),
            ("a*b*", "aabbb", Some(&["a", "bb"])),
            ("a*b*", "ab", Some(&["", ""])),
            ("ab", "ab", Some(&[])),
            ("ab", "abc", None),
            ("*", "", Some(&[""])),
            ("*", "é", Some(&["é"])),
        ] {
            assert_eq!(parts_of(name, &pattern.replace('*', &STAR.to_string())).as_deref(), parts, "{pattern} {name}");
        }
    }

    #[test]
    fn keys_match_as_a_whole() {
        let pattern = |old: &str, new: &str| [old, new].map(|text| text.replace('*', &STAR.to_string()));
        let [old, new] = pattern("*/ExponentialMovingAverage", "ema/*");
        let keys = Pattern::new(&old, &new).unwrap().unwrap().of_keys().unwrap();
        assert_eq!(keys.new_key(b"a/b/ExponentialMovingAverage").as_deref(), Some(&b"ema/a/b"[..]));
        assert_eq!(keys.new_key(b"/ExponentialMovingAverage").as_deref(), Some(&b"ema/"[..]));
        assert_eq!(keys.new_key(b"a/ExponentialMovingAverage/b"), None);
        let [old, new] = pattern("*/*", "*/x/*");
        assert!(Pattern::new(&old, &new).unwrap().unwrap().of_keys().unwrap_err().contains("one star"));
        let [old, new] = pattern("*", "x");
        assert!(Pattern::new(&old, &new).unwrap_err().contains("as many stars"));
    }
}
