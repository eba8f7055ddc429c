//! Text to token ids and back, through a `tokenizer.json`.

use std::fmt;
use std::sync::OnceLock;

use camino::Utf8Path;
use serde::Serialize;
use serde::ser::SerializeMap;

use crate::error::{LmError, Result};
use crate::pieces::Pieces;

/// A tokenizer, with the bytes of the `tokenizer.json` that it came from.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    json: Vec<u8>,
    /// Known once they were asked for.
    pieces: OnceLock<Pieces>,
}

impl fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokenizer").field("vocabulary", &self.vocabulary_size()).finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// [`LmError::Tokenizer`] when the bytes are not one.
    pub fn from_json(json: impl Into<Vec<u8>>) -> Result<Self> {
        let json = json.into();
        let inner = tokenizers::Tokenizer::from_bytes(&json).map_err(LmError::tokenizer)?;
        Ok(Self { inner, json, pieces: OnceLock::new() })
    }

    /// Reads the file `tokenizer.json`.
    ///
    /// # Errors
    /// [`LmError::Io`] or [`LmError::Tokenizer`].
    pub fn open(path: &Utf8Path) -> Result<Self> {
        Self::from_json(fs_err::read(path)?)
    }

    /// The bytes of the `tokenizer.json`, as they were read.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The number of ids, added tokens included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of a token by its exact text, as of `</think>`.
    ///
    /// # Errors
    /// [`LmError::UnknownToken`].
    pub fn id(&self, token: &str) -> Result<u32> {
        self.inner.token_to_id(token).ok_or_else(|| LmError::UnknownToken { token: token.to_owned() })
    }

    /// The ids of a text; special tokens in it are recognised, none is added.
    ///
    /// # Errors
    /// [`LmError::UnknownCharacter`] when the vocabulary has nothing for a character, instead of an
    /// unknown-token id.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        match self.inner.encode_fast(text, false) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => Err(self.explain(text, error)),
        }
    }

    /// The text of ids, special tokens included.
    ///
    /// # Errors
    /// [`LmError::UnknownId`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String> {
        if let Some(&id) = ids.iter().find(|id| self.inner.id_to_token(**id).is_none()) {
            return Err(LmError::UnknownId { id, vocabulary: self.vocabulary_size() });
        }
        self.inner.decode(ids, false).map_err(LmError::tokenizer)
    }

    /// The text of ids that a model wrote, special tokens included.
    ///
    /// Bytes that are no UTF-8, as where a text was cut off within a character, become U+FFFD. It differs from
    /// [`decode`](Self::decode) in one respect: ids without a token have no text. (Models often have more ids
    /// than their tokenizer.)
    ///
    /// # Errors
    /// [`LmError::Tokenizer`] if the tokenizer's decoder fails.
    pub fn text(&self, ids: &[u32]) -> Result<String> {
        self.inner.decode(ids, false).map_err(LmError::tokenizer)
    }

    /// The id of a text that is one token, such as a special token; `None` if it is none or several.
    pub fn single(&self, text: &str) -> Option<u32> {
        let encoding = self.inner.encode_fast(text, false).ok()?;
        match encoding.get_ids() {
            // An unknown-token id has another text.
            [id] if self.text(&[*id]).is_ok_and(|back| back == text) => Some(*id),
            _ => None,
        }
    }

    /// What each token adds to a text.
    pub(crate) fn pieces(&self) -> &Pieces {
        self.pieces.get_or_init(|| Pieces::of(&self.inner))
    }

    /// Finds the first character that is not part of an added token and cannot be encoded alone.
    fn explain(&self, text: &str, error: tokenizers::Error) -> LmError {
        let added: Vec<String> =
            self.inner.get_added_tokens_decoder().into_values().map(|token| token.content).collect();
        let mut offset = 0;
        while let Some(character) = text[offset..].chars().next() {
            let fitting = added.iter().filter(|token| text[offset..].starts_with(token.as_str()));
            if let Some(length) = fitting.map(String::len).max().filter(|length| *length > 0) {
                offset += length;
                continue;
            }
            let alone = character.to_string();
            if self.inner.encode_fast(alone.as_str(), false).is_err() {
                return LmError::UnknownCharacter { character, offset };
            }
            offset += alone.len();
        }
        LmError::tokenizer(error)
    }
}

/// The `tokenizer.json` of a vocabulary with one id per special token and per character.
///
/// Special tokens come first (ids `0..specials.len()`), then the characters in the order given. There is no
/// normaliser and no unknown token: a text with any other character is an error of [`Tokenizer::encode`].
/// Decoding puts the texts of the ids side by side. The same vocabulary always gives the same bytes.
///
/// # Errors
/// [`LmError::RepeatedToken`] when a token occurs twice.
pub fn character_tokenizer(specials: &[&str], characters: &str) -> Result<String> {
    let mut tokens: Vec<String> = specials.iter().map(|&s| s.to_owned()).collect();
    tokens.extend(characters.chars().map(String::from));
    for (i, token) in tokens.iter().enumerate() {
        if tokens[..i].contains(token) {
            return Err(LmError::RepeatedToken { token: token.clone() });
        }
    }
    let added = specials.iter().zip(0..).map(|(&content, id)| AddedToken::special(id, content)).collect();
    let file = TokenizerFile {
        version: "1.0",
        truncation: (),
        padding: (),
        added_tokens: added,
        normalizer: (),
        // Any character, line breaks too, is a piece of its own; the class works in every regex dialect.
        pre_tokenizer: Split {
            kind: "Split",
            pattern: Pattern { regex: r"[\s\S]" },
            behavior: "Isolated",
            invert: false,
        },
        post_processor: (),
        decoder: Kind { kind: "Fuse" },
        // An unknown token that is not in the vocabulary makes unknown text an error.
        model: WordLevel { kind: "WordLevel", vocab: Vocabulary(&tokens), unk_token: "<unk>" },
    };
    serde_json::to_string_pretty(&file).map_err(|e| LmError::tokenizer(e.into()))
}

#[derive(Serialize)]
struct TokenizerFile<'a> {
    version: &'static str,
    truncation: (),
    padding: (),
    added_tokens: Vec<AddedToken<'a>>,
    normalizer: (),
    pre_tokenizer: Split,
    post_processor: (),
    decoder: Kind,
    model: WordLevel<'a>,
}

#[derive(Serialize)]
struct AddedToken<'a> {
    id: u32,
    content: &'a str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

impl<'a> AddedToken<'a> {
    fn special(id: u32, content: &'a str) -> Self {
        Self {
            id,
            content,
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        }
    }
}

#[derive(Serialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Split {
    #[serde(rename = "type")]
    kind: &'static str,
    pattern: Pattern,
    behavior: &'static str,
    invert: bool,
}

#[derive(Serialize)]
struct Pattern {
    #[serde(rename = "Regex")]
    regex: &'static str,
}

#[derive(Serialize)]
struct WordLevel<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    vocab: Vocabulary<'a>,
    unk_token: &'static str,
}

/// Serialises as `{token: id}` in the order of ids.
struct Vocabulary<'a>(&'a [String]);

impl Serialize for Vocabulary<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (id, token) in self.0.iter().enumerate() {
            map.serialize_entry(token, &id)?;
        }
        map.end()
    }
}
