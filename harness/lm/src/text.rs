//! Texts in parts, and their tokens.

use crate::error::{LmError, Result};
use crate::model::Model;
use crate::score::Scored;
use crate::tokenizer::Tokenizer;
use crate::train::Example;

/// A piece of text, tokenised on its own.
///
/// The tokens of a row are those of its parts, side by side: no token reaches over the border of two parts.
/// (Tokenizers of the SentencePiece kind may begin each part with a space of their own.)
///
/// Special tokens are written in the text. One that occurs in a text from elsewhere, such as `<|endoftext|>` in
/// a question, is read as that token too, as Hugging Face's tokenizers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// The text.
    pub text: &'a str,
    /// Whether its tokens are trained on, or scored.
    pub loss: bool,
}

impl Tokenizer {
    /// The tokens of the parts, side by side.
    ///
    /// # Errors
    /// Those of [`encode`](Self::encode).
    pub fn join(&self, parts: &[Part<'_>]) -> Result<Vec<u32>> {
        let mut tokens = Vec::new();
        for part in parts {
            tokens.extend(self.encode(part.text)?);
        }
        Ok(tokens)
    }

    /// The tokens of the parts and, as the range, those of the parts with [`loss`](Part::loss). Without such
    /// tokens the range is empty and lies at the end.
    ///
    /// # Errors
    /// [`LmError::ScatteredLoss`] if tokens without loss lie between tokens with loss,
    /// [`LmError::LossAtStart`] if nothing precedes the first token with loss, and those of
    /// [`encode`](Self::encode).
    pub fn scored(&self, parts: &[Part<'_>]) -> Result<Scored> {
        scored(parts, |text| self.encode(text))
    }
}

/// [`Tokenizer::scored`], by whatever gives the tokens of a text.
pub(crate) fn scored(parts: &[Part<'_>], mut encode: impl FnMut(&str) -> Result<Vec<u32>>) -> Result<Scored> {
    let mut tokens = Vec::new();
    let mut range: Option<std::ops::Range<usize>> = None;
    for (index, part) in parts.iter().enumerate() {
        let start = tokens.len();
        tokens.extend(encode(part.text)?);
        if !part.loss || tokens.len() == start {
            continue;
        }
        let first = range.as_ref().map_or(start, |range| range.start);
        if range.is_some_and(|range| range.end != start) {
            return Err(LmError::ScatteredLoss { part: index });
        }
        range = Some(first..tokens.len());
    }
    let range = range.unwrap_or(tokens.len()..tokens.len());
    if range.start == 0 && !range.is_empty() {
        return Err(LmError::LossAtStart);
    }
    Ok(Scored { tokens, range })
}

impl Model {
    /// A row of training data: its tokens, those of the parts with [`loss`](Part::loss) supervised, with
    /// weight 1.
    ///
    /// # Errors
    /// [`LmError::NoLoss`] if there is no token to be learned, and those of [`Tokenizer::scored`].
    pub fn example(&self, parts: &[Part<'_>]) -> Result<Example> {
        let Scored { tokens, range } = self.tokenizer.scored(parts)?;
        if range.is_empty() {
            return Err(LmError::NoLoss);
        }
        Ok(Example { tokens, supervised: range, weight: 1.0 })
    }
}
