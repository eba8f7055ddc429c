//! Strings that end a sample, matched on its text across the borders of tokens.

use crate::error::{LmError, Result};
use crate::pieces::Pieces;
use crate::tokenizer::Tokenizer;

/// Strings that end a sample as soon as its text contains one of them.
///
/// Texts are read from left to right, and the stop string that is complete first counts; of several that are
/// complete at the same place, the longest. So where a text ends does not depend on how it was cut into
/// tokens. (vLLM differs where one token completes several stop strings: there the first of the list counts.)
///
/// A token costs a few comparisons for each of its bytes and each stop string. With tokenizers whose decoder
/// is neither `Fuse` nor `ByteLevel`, what a token adds to a text depends on other tokens; then the whole
/// sample is decoded anew after each token.
#[derive(Debug)]
pub struct Stops<'t> {
    tokenizer: &'t Tokenizer,
    stops: Vec<Pattern>,
}

/// A stop string that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its index in the list of stop strings.
    pub stop: usize,
    /// Where it begins in the text of the sample, in bytes, before bytes that are no UTF-8 were replaced.
    pub(crate) at: usize,
}

/// What a matcher has seen of one sample.
#[derive(Clone, Debug)]
pub struct Seen {
    /// For each stop string, how many of its bytes the text ends with.
    matched: Vec<usize>,
    /// Bytes of text so far.
    bytes: usize,
    /// The tokens so far, where they have to be decoded as a whole.
    tokens: Vec<u32>,
}

impl<'t> Stops<'t> {
    /// Matches stop strings in texts of a tokenizer.
    ///
    /// # Errors
    /// [`LmError::Setting`] for an empty stop string, or one with the character U+FFFD, which stands for bytes
    /// that are no text.
    pub fn new(tokenizer: &'t Tokenizer, stops: &[String]) -> Result<Self> {
        let problem = |problem: String| Err(LmError::Setting { field: "stop", problem });
        for stop in stops {
            if stop.is_empty() {
                return problem("has an empty string, which every text contains".to_owned());
            }
            if stop.contains(char::REPLACEMENT_CHARACTER) {
                return problem(format!("has {stop:?}, but U+FFFD stands for bytes that are no text"));
            }
        }
        Ok(Self { tokenizer, stops: stops.iter().map(|stop| Pattern::new(stop)).collect() })
    }

    /// The state before the first token of a sample.
    #[must_use]
    pub fn start(&self) -> Seen {
        Seen { matched: vec![0; self.stops.len()], bytes: 0, tokens: Vec::new() }
    }

    /// Takes the next token of a sample; tells if its text now contains a stop string. The sample then has
    /// ended.
    ///
    /// # Errors
    /// [`LmError::Tokenizer`] if the tokenizer's decoder fails.
    pub fn push(&self, seen: &mut Seen, token: u32) -> Result<Option<Found>> {
        if self.stops.is_empty() {
            return Ok(None);
        }
        let Pieces::Joined { .. } = self.tokenizer.pieces() else {
            seen.tokens.push(token);
            let text = self.tokenizer.text(&seen.tokens)?;
            return Ok(self.read(&mut self.start(), text.as_bytes()));
        };
        Ok(self.read(seen, self.tokenizer.pieces().bytes(token)))
    }

    /// The text of a sample's tokens before a stop string that was found in it.
    ///
    /// # Errors
    /// [`LmError::Tokenizer`] if the tokenizer's decoder fails.
    pub fn text_before(&self, tokens: &[u32], found: Found) -> Result<String> {
        let pieces = self.tokenizer.pieces();
        let mut bytes = match pieces {
            Pieces::Joined { .. } => tokens.iter().flat_map(|token| pieces.bytes(*token)).copied().collect(),
            Pieces::Whole => self.tokenizer.text(tokens)?.into_bytes(),
        };
        bytes.truncate(found.at);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn read(&self, seen: &mut Seen, piece: &[u8]) -> Option<Found> {
        for &byte in piece {
            seen.bytes += 1;
            let mut complete: Option<usize> = None;
            for (index, (stop, matched)) in self.stops.iter().zip(&mut seen.matched).enumerate() {
                *matched = stop.next(*matched, byte);
                let longer = |than: usize| self.stops[than].bytes.len() < stop.bytes.len();
                if *matched == stop.bytes.len() && complete.is_none_or(longer) {
                    complete = Some(index);
                }
            }
            if let Some(stop) = complete {
                return Some(Found { stop, at: seen.bytes - self.stops[stop].bytes.len() });
            }
        }
        None
    }
}

/// A string to be found in a stream of bytes (Knuth, Morris and Pratt 1977).
///
/// A string is found in the bytes exactly where it is found in the text that they are read as: a character
/// that follows damaged ones begins a new character, and none of the string's bytes is replaced.
#[derive(Debug)]
struct Pattern {
    bytes: Vec<u8>,
    /// For each number of bytes matched, the most that still match if the next byte does not fit.
    shorter: Vec<usize>,
}

impl Pattern {
    fn new(string: &str) -> Self {
        let bytes = string.as_bytes().to_vec();
        let mut pattern = Self { shorter: vec![0; 2.min(bytes.len())], bytes };
        for length in 1..pattern.bytes.len() - 1 {
            let next = pattern.next(pattern.shorter[length], pattern.bytes[length]);
            pattern.shorter.push(next);
        }
        pattern
    }

    /// How many bytes match after `byte`, if `matched` did before; `matched` is less than all.
    fn next(&self, mut matched: usize, byte: u8) -> usize {
        while self.bytes[matched] != byte {
            if matched == 0 {
                return 0;
            }
            matched = self.shorter[matched];
        }
        matched + 1
    }
}
