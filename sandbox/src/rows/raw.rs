//! JSON as it is written, by Python above all. Integers beyond 64 bits and the order of keys matter to programs;
//! a parsed value has neither. Python's `json` also writes `NaN` and `Infinity`, numbers beyond every float, and
//! nests as deep as it is asked to.
//!
//! These functions, but for [`read`], are for text that is known to be such JSON.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// Values nested deeper than this are `null` where a parsed value is wanted; no row has anything to be read
/// there.
const READ_DEPTH: usize = 100;

/// Parses JSON as Python writes it. `NaN`, which stands for a missing value, is `null`; numbers that no float
/// holds are the largest ones. What they are for a program, only the text says.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(json).or_else(|error| match strict(json) {
        Cow::Owned(strict) => serde_json::from_str(&strict),
        Cow::Borrowed(_) => Err(error),
    })
}

/// The same text without what Python's JSON has beyond the standard's, and without what is nested too deep.
fn strict(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut strict, mut copied, mut at, mut depth) = (String::new(), 0, 0, 0_usize);
    while at < bytes.len() {
        let start = at;
        at = token_end(json, at);
        match bytes[start] {
            b'[' | b'{' if depth == READ_DEPTH => {
                at = first_end(json, start);
                strict.push_str(&json[copied..start]);
                strict.push_str("null");
                copied = at;
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {
                if let Some(other) = standard(&json[start..at]) {
                    strict.push_str(&json[copied..start]);
                    strict.push_str(other);
                    copied = at;
                }
            }
        }
    }
    if copied == 0 { Cow::Borrowed(json) } else { Cow::Owned(strict + &json[copied..]) }
}

/// What the standard has in the place of a token of Python's.
fn standard(token: &str) -> Option<&'static str> {
    let number = token.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    match token {
        "NaN" => Some("null"),
        "Infinity" => Some("1e308"),
        "-Infinity" => Some("-1e308"),
        _ if number && is_beyond_floats(token) => {
            Some(if token.starts_with('-') { "-1e308" } else { "1e308" })
        }
        _ => None,
    }
}

/// Whether a number is larger than every float.
pub(crate) fn is_beyond_floats(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// The end of the token that starts at a place: a text, a bracket or another sign, a word, a number, or space.
fn token_end(json: &str, start: usize) -> usize {
    let bytes = json.as_bytes();
    let end = |belongs: fn(&u8) -> bool| {
        let more = bytes[start..].iter().position(|byte| !belongs(byte));
        more.map_or(bytes.len(), |length| start + length)
    };
    match bytes[start] {
        b'"' => {
            let mut at = start + 1;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => return at + 1,
                    b'\\' => at += 2,
                    _ => at += 1,
                }
            }
            bytes.len()
        }
        b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            end(|byte| matches!(byte, b'-' | b'+' | b'.') || byte.is_ascii_alphanumeric())
        }
        b' ' | b'\t' | b'\n' | b'\r' => end(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')),
        // Whatever else stands there, it ends with a character.
        _ => start + json[start..].chars().next().map_or(1, char::len_utf8),
    }
}

/// The end of the value that starts at a place.
fn first_end(json: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while at < json.len() {
        match json.as_bytes()[at] {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = token_end(json, at);
        if depth == 0 {
            break;
        }
    }
    at
}

/// The items of a list; `None` if it is no list.
pub(super) fn items(list: &str) -> Option<Vec<&str>> {
    let mut rest = list.trim_start().strip_prefix('[')?;
    let mut items = Vec::new();
    while let Some((item, after)) = first(rest) {
        items.push(item);
        rest = after.strip_prefix(',').unwrap_or_default();
    }
    Some(items)
}

/// The value of a key of an object, the last one if there are several; `None` if it has none or is no object.
pub(crate) fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = object.trim_start().strip_prefix('{')?;
    let mut found = None;
    while let Some((name, after)) = first(rest) {
        let (value, after) = first(after.strip_prefix(':')?)?;
        if serde_json::from_str::<String>(name).is_ok_and(|name| name == key) {
            found = Some(value);
        }
        rest = after.strip_prefix(',').unwrap_or_default();
    }
    found
}

/// The value that a text starts with, and what comes after it; `None` at a bracket's or the text's end.
fn first(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if text.is_empty() || text.starts_with([']', '}', ',', ':']) {
        return None;
    }
    let (value, after) = text.split_at(first_end(text, 0));
    Some((value, after.trim_start()))
}

/// Whether a number is written as an integer, of any size.
pub(crate) fn is_integer(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// JSON in which each escape of a lone surrogate (Python's `json.dumps` writes them, `"\ud800"`) is one of
/// U+FFFD; `None` if there is none.
pub(super) fn without_lone_surrogates(json: &str) -> Option<String> {
    let mut mended = String::new();
    let (mut copied, mut at) = (0, 0);
    // Escapes stand in texts only.
    while let Some(found) = json[at..].find('\\') {
        at += found;
        at += match surrogate(&json[at..]) {
            Some(0xd800..=0xdbff) if matches!(surrogate(&json[at + 6..]), Some(0xdc00..)) => 12,
            Some(_) => {
                mended.push_str(&json[copied..at]);
                mended.push_str("\\ufffd");
                copied = at + 6;
                6
            }
            // The character after it, whatever it is, starts no escape.
            None => 1 + json[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
    }
    (copied > 0).then(|| mended + &json[copied..])
}

/// The surrogate whose escape a text starts with.
fn surrogate(json: &str) -> Option<u32> {
    let digits = json.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..=0xdfff).contains(code))
}
