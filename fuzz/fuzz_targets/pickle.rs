//! Bytes as a pickle and as a payload; and what a small pickler writes is read back.

#![no_main]

use assay_sandbox::rows::{decode_payload, read_pickled_text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec_zlib;

fuzz_target!(|bytes: &[u8]| {
    let read = read_pickled_text(bytes);
    // With the armour that a payload has: the text itself, base64, base64 of zlib.
    _ = decode_payload(&String::from_utf8_lossy(bytes));
    _ = decode_payload(&STANDARD.encode(bytes));
    assert_eq!(decode_payload(&STANDARD.encode(compress_to_vec_zlib(bytes, 1))), read);

    let Some((choices, text)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(text).into_owned();
    assert_eq!(read_pickled_text(&pickled(&text, *choices)), Ok(text));
});

/// The text as a pickle, in one of the ways that the bits of `choices` select: with or without protocol,
/// frame and memo, and with each of the three opcodes for texts.
fn pickled(text: &str, choices: u8) -> Vec<u8> {
    let mut body = match (choices & 3, text.len()) {
        (0, length @ 0..=255) => vec![0x8c, length as u8],
        (1, length) => [&[0x8d][..], &(length as u64).to_le_bytes()].concat(),
        (_, length) => [&b"X"[..], &(length as u32).to_le_bytes()].concat(),
    };
    body.extend(text.bytes());
    let memo: [&[u8]; 4] = [b"", &[0x94], b"q\x07", b"r\x00\x01\x02\x03"];
    body.extend(memo[usize::from(choices >> 2 & 3)]);
    body.push(b'.');
    let protocol: &[u8] = if choices & 16 == 0 { b"" } else { &[0x80, 4] };
    let length = (body.len() as u64).to_le_bytes();
    let frame = if choices & 32 == 0 { Vec::new() } else { [&[0x95][..], &length].concat() };
    [protocol, &frame, &body].concat()
}
