//! Keeping test questions out of everything that is trained on.

use super::Question;
use super::problem::{Problem, points_text};
use std::collections::BTreeMap;

/// The questions that no training text may contain.
///
/// A text contains a question when the question's stem occurs in it as a whole expression: the text without
/// its `?`, and for code the points alone (`1>3,2>5,4>9`), so that showing a program's points in another
/// layout counts too. Digits may not continue the stem: `12+30-7` is contained in `5+12+30-7+1` but not in
/// `12+30-75`.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    /// Stems by their first bytes, so that a text is searched in one pass.
    stems: BTreeMap<[u8; KEY], Vec<String>>,
}

const KEY: usize = 4;

impl Exclusions {
    /// Excludes these questions.
    pub fn new<'a>(questions: impl IntoIterator<Item = &'a Question>) -> Self {
        let mut stems: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for question in questions {
            let stem = stem(question);
            // Every family's stem is longer than the key: the shortest, of a chain of two, is like `1+1-1`.
            if let Some(&key) = stem.as_bytes().first_chunk() {
                stems.entry(key).or_default().push(stem);
            }
        }
        Self { stems }
    }

    /// Whether the text contains one of the questions.
    pub fn contains(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        bytes.windows(KEY).enumerate().any(|(at, window)| {
            let stems = <[u8; KEY]>::try_from(window).ok().and_then(|key| self.stems.get(&key));
            stems.is_some_and(|stems| stems.iter().any(|stem| stands_at(bytes, at, stem.as_bytes())))
        })
    }
}

fn stem(question: &Question) -> String {
    match question.problem() {
        Problem::Code(code) => points_text(&code.points()),
        _ => question.text().trim_end_matches('?').to_owned(),
    }
}

/// Whether the stem stands here, with no digit that continues it on either side.
fn stands_at(text: &[u8], at: usize, stem: &[u8]) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    text[at..].starts_with(stem)
        && !(at > 0 && digit(text.get(at - 1)) && digit(stem.first()))
        && !(digit(text.get(at + stem.len())) && digit(stem.last()))
}
