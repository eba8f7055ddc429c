//! JSON as it is written. Integers beyond 64 bits and the order of keys matter to programs; a parsed value
//! has neither.
//!
//! These functions are for text that is known to be JSON.

use serde::de::IgnoredAny;
use serde_json::Deserializer;

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

/// The value that a text starts with, and what comes after it.
fn first(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (value, after) = text.split_at(values.byte_offset());
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
