//! The hidden tests of LiveCodeBench's rows: base64 of zlib of a pickled JSON text.
//!
//! A pickle is a program for a stack machine that may call anything. This one only ever holds one text, so
//! this reader knows the six opcodes that a text needs and refuses all others.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

/// Bytes that a payload may have when unpacked. The largest of the benchmark has some 130 MB; a few hundred
/// kilobytes may unpack to any number of them, of which a worker needs several copies.
const MAX_UNPACKED: usize = 256 << 20;

/// Why hidden tests could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// It is neither JSON nor base64.
    #[error("the hidden tests are neither JSON nor base64: {0}")]
    Base64(String),
    /// The base64 does not hold zlib data, or too much of it.
    #[error("the hidden tests are not zlib data of at most {MAX_UNPACKED} bytes: {0}")]
    Zlib(String),
    /// The pickle holds more than one text.
    #[error(
        "the hidden tests are pickled with opcode {opcode:#04x} at byte {at}; only a pickled text is read"
    )]
    Opcode {
        /// The opcode.
        opcode: u8,
        /// Where it is.
        at: usize,
    },
    /// The pickle ends early, or its text is not UTF-8.
    #[error("the hidden tests are a broken pickle: {0}")]
    Pickle(&'static str),
}

/// The JSON text in a row's `private_test_cases`: the text itself, or base64 of zlib of a pickled text.
///
/// # Errors
/// [`PayloadError`] if it is neither.
pub fn decode_payload(payload: &str) -> Result<String, PayloadError> {
    let payload = payload.trim();
    if payload.starts_with('[') {
        return Ok(payload.to_owned());
    }
    let packed = STANDARD.decode(payload).map_err(|error| PayloadError::Base64(error.to_string()))?;
    let mut pickle = decompress_to_vec_zlib_with_limit(&packed, MAX_UNPACKED)
        .map_err(|error| PayloadError::Zlib(error.to_string()))?;
    // The text stays where it is: it may be long.
    let text = pickled_text(&pickle)?;
    pickle.truncate(text.end);
    pickle.drain(..text.start);
    String::from_utf8(pickle).map_err(|_| NOT_UTF8)
}

const NOT_UTF8: PayloadError = PayloadError::Pickle("its text is not UTF-8");

/// Reads a pickle that holds nothing but one text (protocols 2 to 5).
///
/// # Errors
/// [`PayloadError::Opcode`] for any opcode that such a pickle does not need, [`PayloadError::Pickle`] if it
/// is cut short, holds no text or two, or has bytes after its end.
pub fn read_pickled_text(pickle: &[u8]) -> Result<String, PayloadError> {
    String::from_utf8(pickle[pickled_text(pickle)?].to_vec()).map_err(|_| NOT_UTF8)
}

/// Where the text of such a pickle is.
fn pickled_text(pickle: &[u8]) -> Result<Range<usize>, PayloadError> {
    let mut reader = Reader { bytes: pickle, at: 0 };
    let mut text = None;
    loop {
        let at = reader.at;
        let opcode = reader.take(1)?[0];
        let length = match opcode {
            // PROTO, with a version; FRAME, with a length that says nothing new; MEMOIZE.
            0x80 => reader.take(1).map(|_| None)?,
            0x95 => reader.take(8).map(|_| None)?,
            0x94 => None,
            // BINPUT and LONG_BINPUT, the MEMOIZE of older protocols.
            b'q' => reader.take(1).map(|_| None)?,
            b'r' => reader.take(4).map(|_| None)?,
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8.
            0x8c => Some(reader.length(1)?),
            b'X' => Some(reader.length(4)?),
            0x8d => Some(reader.length(8)?),
            // STOP.
            b'.' if reader.at == pickle.len() => return text.ok_or(PayloadError::Pickle("it holds no text")),
            b'.' => return Err(PayloadError::Pickle("it goes on after its end")),
            opcode => return Err(PayloadError::Opcode { opcode, at }),
        };
        if let Some(length) = length {
            let bytes = reader.take(length)?;
            std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)?;
            if text.replace(reader.at - length..reader.at).is_some() {
                return Err(PayloadError::Pickle("it holds more than one text"));
            }
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], PayloadError> {
        let end = self.at.checked_add(count);
        let taken = end.and_then(|end| self.bytes.get(self.at..end));
        self.at += count.min(self.bytes.len());
        taken.ok_or(PayloadError::Pickle("it is cut short"))
    }

    /// A little-endian number of `width` bytes.
    fn length(&mut self, width: usize) -> Result<usize, PayloadError> {
        let mut number = [0; 8];
        number[..width].copy_from_slice(self.take(width)?);
        usize::try_from(u64::from_le_bytes(number)).map_err(|_| PayloadError::Pickle("it is cut short"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    /// What CPython writes for a text with `pickle.dumps(text, protocol)`.
    fn pickled(text: &str, protocol: u8) -> Vec<u8> {
        let bytes = text.as_bytes();
        let mut body = match bytes.len() {
            length @ 0..=255 if protocol >= 4 => vec![0x8c, length as u8],
            length => [&b"X"[..], &(length as u32).to_le_bytes()].concat(),
        };
        body.extend(bytes);
        body.extend(if protocol >= 4 { &[0x94][..] } else { b"q\0" });
        body.push(b'.');
        let frame = [&[0x95][..], &(body.len() as u64).to_le_bytes()].concat();
        [&[0x80, protocol][..], if protocol >= 4 { &frame } else { &[] }, &body].concat()
    }

    #[test]
    fn a_payload_of_the_benchmark_is_read() {
        // `base64.b64encode(zlib.compress(pickle.dumps('[{"input": "1", "output": "2"}]', 4)))`, by CPython
        // 3.11.
        let payload = "eJxrYJmqzAABPfLR1UqZeQWlJUpWCkqGSjoKSvmlJVCukVJt7BQ9APfMC64=";
        assert_eq!(decode_payload(payload).unwrap(), r#"[{"input": "1", "output": "2"}]"#);
        let damaged = payload.replacen('J', "K", 1);
        assert!(matches!(decode_payload(&damaged), Err(PayloadError::Zlib(_))));
        assert_eq!(decode_payload(" [1] ").unwrap(), "[1]");
        assert!(matches!(decode_payload("{}"), Err(PayloadError::Base64(_))));
    }

    #[test]
    fn a_pickle_that_does_anything_else_is_refused() {
        // `pickle.dumps(os.system)` with an argument and a call: GLOBAL is the first opcode that is not a
        // text's.
        let attack = b"\x80\x04cposix\nsystem\n\x8c\x02id\x85R.";
        assert_eq!(read_pickled_text(attack), Err(PayloadError::Opcode { opcode: b'c', at: 2 }));
        let good = pickled("text", 4);
        for cut in 0..good.len() {
            assert!(read_pickled_text(&good[..cut]).is_err(), "{cut}");
        }
        for (bytes, what) in [
            (&b"\x80\x04."[..], "it holds no text"),
            (b"\x8c\x01a\x8c\x01b.", "it holds more than one text"),
            (b"\x8c\x01a..", "it goes on after its end"),
            (b"\x8c\x01\xff.", "its text is not UTF-8"),
            (b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "it is cut short"),
        ] {
            assert_eq!(read_pickled_text(bytes), Err(PayloadError::Pickle(what)));
        }
    }

    proptest! {
        #[test]
        fn texts_are_read_as_they_were_pickled(text in ".{0,400}", protocol in 2_u8..=5) {
            prop_assert_eq!(read_pickled_text(&pickled(&text, protocol)), Ok(text));
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
            _ = read_pickled_text(&bytes);
        }
    }
}
