//! What each token adds to a text, in bytes.

use tokenizers::DecoderWrapper;

/// How the texts of tokens make the text of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Pieces {
    /// Each token adds the same bytes wherever it stands; bytes that are no UTF-8 read as U+FFFD.
    Joined {
        /// The bytes of all tokens, in the order of their ids.
        bytes: Vec<u8>,
        /// For each id, where its bytes end.
        ends: Vec<usize>,
    },
    /// What a token adds depends on its neighbours, as where a decoder strips spaces: sequences have to be
    /// decoded as a whole.
    Whole,
}

impl Pieces {
    /// The pieces of a tokenizer whose decoder joins tokens as they are (`Fuse`) or as byte-level BPE
    /// (`ByteLevel`).
    pub(crate) fn of(tokenizer: &tokenizers::Tokenizer) -> Self {
        let piece: &dyn Fn(String) -> Vec<u8> = match tokenizer.get_decoder() {
            Some(DecoderWrapper::Fuse(_)) => &String::into_bytes,
            Some(DecoderWrapper::ByteLevel(_)) => {
                let bytes_of = byte_characters();
                &move |token: String| byte_level(&bytes_of, token)
            }
            _ => return Self::Whole,
        };
        let ids = tokenizer.get_vocab(true).into_values().max().map_or(0..0, |last| 0..last + 1);
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(ids.len()));
        for id in ids {
            bytes.extend(tokenizer.id_to_token(id).map(piece).unwrap_or_default());
            ends.push(bytes.len());
        }
        Self::Joined { bytes, ends }
    }

    /// What a token adds: nothing, for an id without a token or if sequences have to be decoded as a whole.
    pub(crate) fn bytes(&self, token: u32) -> &[u8] {
        let Self::Joined { bytes, ends } = self else { return &[] };
        let token = token as usize;
        let start = if token == 0 { 0 } else { ends.get(token - 1).copied().unwrap_or(bytes.len()) };
        &bytes[start..ends.get(token).copied().unwrap_or(start)]
    }
}

/// The bytes of a token of byte-level BPE. As in the library, a token with any other character than those that
/// stand for bytes stands for itself.
fn byte_level(byte_of: &[Option<u8>; BYTE_CHARACTERS], token: String) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = token.chars().map(|character| *byte_of.get(character as usize)?).collect();
    bytes.unwrap_or_else(|| token.into_bytes())
}

/// One more than the highest character that stands for a byte.
const BYTE_CHARACTERS: usize = 256 + 68;

/// The byte that a character stands for in the vocabularies of byte-level BPE: printable characters of Latin-1
/// stand for themselves; the other 68 bytes, in their order, are the characters from U+0100 (GPT-2's
/// `encoder.py`, `bytes_to_unicode`).
fn byte_characters() -> [Option<u8>; BYTE_CHARACTERS] {
    let mut byte_of = [None; BYTE_CHARACTERS];
    let mut next = 256;
    for byte in 0..=255u8 {
        if matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF) {
            byte_of[usize::from(byte)] = Some(byte);
        } else {
            byte_of[next] = Some(byte);
            next += 1;
        }
    }
    byte_of
}
