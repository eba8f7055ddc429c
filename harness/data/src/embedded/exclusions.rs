//! Keeping test questions out of everything that is trained on.

use std::collections::BTreeMap;

use crate::Item;

/// The questions that no training text may contain.
///
/// A text contains a question when the question's stem occurs in it as a whole expression: the question
/// without its final `?` and, if it starts with `f:`, without that, so that showing a program's points
/// (`1>3,2>5,4>9`) in another layout counts too. Digits may not continue the stem: `12+30-7` is contained in
/// `5+12+30-7+1` but not in `12+30-75`.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    /// Stems by their first bytes, so that a text is searched in one pass.
    stems: BTreeMap<[u8; KEY], Vec<String>>,
    /// Stems that are shorter than that. The embedded world has none: its shortest is like `1+1-1`.
    short: Vec<String>,
}

const KEY: usize = 4;

impl Exclusions {
    /// Excludes the questions of these items.
    pub fn new<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut excluded = Self::default();
        for item in items {
            let stem = stem(&item.question).to_owned();
            match stem.as_bytes().first_chunk() {
                Some(&key) => excluded.stems.entry(key).or_default().push(stem),
                None if stem.is_empty() => {}
                None => excluded.short.push(stem),
            }
        }
        excluded
    }

    /// Whether the text contains one of the questions.
    pub fn contains(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let long = bytes.windows(KEY).enumerate().any(|(at, window)| {
            let stems = <[u8; KEY]>::try_from(window).ok().and_then(|key| self.stems.get(&key));
            stems.is_some_and(|stems| stems.iter().any(|stem| stands_at(bytes, at, stem.as_bytes())))
        });
        let stands = |stem: &String| (0..bytes.len()).any(|at| stands_at(bytes, at, stem.as_bytes()));
        long || self.short.iter().any(stands)
    }
}

fn stem(question: &str) -> &str {
    question.strip_prefix("f:").unwrap_or(question).trim_end_matches('?')
}

/// Whether the stem stands here, with no digit that continues it on either side.
fn stands_at(text: &[u8], at: usize, stem: &[u8]) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text[at..].starts_with(stem)
        && !(at > 0 && digit(text.get(at - 1)) && digit(stem.first()))
        && !(digit(text.get(at + stem.len())) && digit(stem.last()))
}
