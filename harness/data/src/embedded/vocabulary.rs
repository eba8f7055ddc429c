//! The 45 symbols: 13 specials and 32 characters, each character a symbol of its own.
//!
//! A text names its specials inline: `<bos>12+30-7?<think>12+30=42;42-7=35</think><ans>35</ans>`. [`encode`]
//! defines what any tokenizer of this vocabulary has to do.

/// The specials, in the order of their ids from 0.
pub const SPECIALS: [&str; 13] = [
    "<pad>", "<bos>", "<think>", "</think>", "<ans>", "</ans>", "<hint>", "</hint>", "<expl>", "</expl>",
    "<qa>", "<qb>", "<eos>",
];

/// The characters, in the order of their ids from 13. `|` occurs in pretraining documents only.
pub const CHARACTERS: &str = "0123456789+-*/%=()x;,:>!?.abcd|f";

/// How many symbols there are.
pub const SIZE: usize = SPECIALS.len() + CHARACTERS.len();

/// Padding.
pub const PAD: &str = SPECIALS[0];
/// Begins every row and document.
pub const BOS: &str = SPECIALS[1];
/// Opens a thought.
pub const THINK: &str = SPECIALS[2];
/// Closes a thought.
pub const END_THINK: &str = SPECIALS[3];
/// Opens an answer.
pub const ANS: &str = SPECIALS[4];
/// Closes an answer.
pub const END_ANS: &str = SPECIALS[5];
/// Opens the hint of posterior template B.
pub const HINT: &str = SPECIALS[6];
/// Closes the hint of posterior template B.
pub const END_HINT: &str = SPECIALS[7];
/// Opens the explanation of posterior template A.
pub const EXPL: &str = SPECIALS[8];
/// Closes the explanation of posterior template A.
pub const END_EXPL: &str = SPECIALS[9];
/// Marks posterior template A.
pub const QA: &str = SPECIALS[10];
/// Marks posterior template B.
pub const QB: &str = SPECIALS[11];
/// Ends a pretraining document.
pub const EOS: &str = SPECIALS[12];

/// A character that is no symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("character {character:?} at byte {offset} is not in the vocabulary")]
pub struct OutsideVocabulary {
    /// The character.
    pub character: char,
    /// Where it stands, in bytes from the start of the text.
    pub offset: usize,
}

/// All symbols in the order of their ids.
pub fn symbols() -> impl Iterator<Item = &'static str> {
    let characters = (0..CHARACTERS.len()).map(|at| &CHARACTERS[at..=at]);
    SPECIALS.into_iter().chain(characters)
}

/// The ids of a text's symbols.
pub fn encode(text: &str) -> Result<Vec<u32>, OutsideVocabulary> {
    let mut ids = Vec::with_capacity(text.len());
    let mut offset = 0;
    while let Some(character) = text[offset..].chars().next() {
        let special = special_at(&text[offset..]);
        let id = special.or_else(|| CHARACTERS.find(character).map(|at| SPECIALS.len() + at));
        ids.push(id.ok_or(OutsideVocabulary { character, offset })? as u32);
        offset += special.map_or(character.len_utf8(), |id| SPECIALS[id].len());
    }
    Ok(ids)
}

/// How many symbols a text has: one for each special, one for each other character.
pub fn symbol_count(text: &str) -> usize {
    let mut rest = text.chars();
    let mut count = 0;
    loop {
        if let Some(id) = special_at(rest.as_str()) {
            rest = rest.as_str()[SPECIALS[id].len()..].chars();
        } else if rest.next().is_none() {
            return count;
        }
        count += 1;
    }
}

/// Whether a special occurs anywhere in the text.
pub fn has_special(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| special_at(&text[at..]).is_some())
}

/// The id of the special that the text starts with.
fn special_at(text: &str) -> Option<usize> {
    text.starts_with('<').then(|| SPECIALS.iter().position(|special| text.starts_with(special))).flatten()
}
