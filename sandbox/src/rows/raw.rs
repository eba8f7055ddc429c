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
pub(super) fn member<'a>(object: &'a str, key: &str) -> Option<&'a str> {
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
