//! Paths to values inside a file: `rows[2].evaluation`.

use std::fmt;

/// One step of a [`ValuePath`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// Into a table.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// A path to a value below another one; empty for the value itself.
///
/// Written `a.b[2].c`. A key with other characters than letters, digits, `_` and `-` stands in double quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValuePath(Vec<Segment>);

impl ValuePath {
    /// The path of one key.
    pub fn key(key: impl Into<String>) -> Self {
        Self(vec![Segment::Key(key.into())])
    }

    /// This path, then `key`.
    #[must_use]
    pub fn then(mut self, key: impl Into<String>) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This path, then the item at `index`.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Segment::Index(index));
        self
    }

    /// From the outside in.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// True for the value itself.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path without its last segment.
    pub(crate) fn parent(&self) -> Self {
        Self(self.0.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec()))
    }

    /// Adds a segment at the end.
    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// Puts a segment in front, for errors that travel outwards.
    pub(crate) fn prepend(&mut self, segment: Segment) {
        self.0.insert(0, segment);
    }
}

impl From<Vec<Segment>> for ValuePath {
    fn from(segments: Vec<Segment>) -> Self {
        Self(segments)
    }
}

impl From<&str> for ValuePath {
    /// Reads a written path. Text that is not well formed becomes part of a key, so that nothing is lost.
    fn from(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            if let Some((index, tail)) = split_index(rest) {
                segments.push(Segment::Index(index));
                rest = tail;
            } else if let Some((key, tail)) = rest.strip_prefix('"').and_then(|r| r.split_once('"')) {
                segments.push(Segment::Key(key.to_owned()));
                rest = tail;
            } else {
                let end = rest.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '[')).map(|(i, _)| i);
                let (key, tail) = rest.split_at(end.unwrap_or(rest.len()));
                segments.push(Segment::Key(key.to_owned()));
                rest = tail;
            }
        }
        Self(segments)
    }
}

impl From<String> for ValuePath {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Splits `[2]rest`.
fn split_index(text: &str) -> Option<(usize, &str)> {
    let (number, tail) = text.strip_prefix('[')?.split_once(']')?;
    Some((number.parse().ok()?, tail))
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => {
                    let dot = if i > 0 { "." } else { "" };
                    let bare = !key.is_empty()
                        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '@' | ' '));
                    if bare { write!(f, "{dot}{key}")? } else { write!(f, "{dot}\"{key}\"")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Segment, ValuePath};

    #[test]
    fn written_paths_read_back() {
        for text in ["", "a", "a.b", "rows[2].evaluation", "[0]", "a[1][2].b", "\"x.y\".z", "AIME 24.pass@1"]
        {
            assert_eq!(ValuePath::from(text).to_string(), text);
        }
        let path = ValuePath::key("rows").index(2).then("a.b");
        assert_eq!(path.to_string(), "rows[2].\"a.b\"");
        assert_eq!(
            ValuePath::from("a[x]"),
            vec![Segment::Key("a".into()), Segment::Key("[x]".into())].into()
        );
    }
}
