//! Whether a value that a function returned is the expected one. All comparison is on the host: expected
//! answers never enter a guest.

use std::iter::Peekable;
use std::str::Chars;

/// Compares a value that a function returned, as JSON text, with the expected one; see [`same_json`].
pub fn same_value(expected: &serde_json::Value, actual: &str) -> bool {
    same_json(&expected.to_string(), actual)
}

/// Compares two values in the JSON that Python writes, as Python's `==` does.
///
/// Numbers are equal if their values are, whatever their size (`2` is `2.0`, `1` is `true`); there is no
/// tolerance. `NaN` equals nothing, nor does text that is no JSON. Lists are compared in order, objects by
/// their keys. A tuple arrives as a list.
pub fn same_json(expected: &str, actual: &str) -> bool {
    let Some((expected, parts)) = parse(expected, usize::MAX) else { return false };
    // A value with more parts is another one. It is not even read: that would take many times the size of its
    // text, which a hostile program has written.
    parse(actual, parts).is_some_and(|(actual, _)| equal(&expected, &actual))
}

/// Whether a text is JSON as Python reads it, nested as deep as it may be.
pub(crate) fn is_json(text: &str) -> bool {
    let mut reader = Reader { rest: text.chars().peekable(), depth: 0, left: usize::MAX };
    reader.skim().is_some_and(|()| reader.rest.next().is_none())
}

/// Whether a text is JSON that a value can be compared with: not nested deeper than any that is read.
pub(crate) fn is_comparable(text: &str) -> bool {
    parse(text, usize::MAX).is_some()
}

/// Values nested deeper than this are not read.
const MAX_DEPTH: u32 = 1000;

#[derive(Debug, PartialEq)]
enum Value {
    Null,
    Bool(bool),
    /// Digits without leading zeros, with a minus sign if need be.
    Int(String),
    Float(f64),
    /// UTF-16, because Python's texts may hold half a surrogate pair.
    Text(Vec<u16>),
    List(Vec<Value>),
    Dict(Vec<(Vec<u16>, Value)>),
}

fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
        }
        (Value::Dict(left), Value::Dict(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((key, value), (other_key, other))| key == other_key && equal(value, other))
        }
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Float(float), other) | (other, Value::Float(float)) => {
            whole(other).is_some_and(|whole| is_whole(*float, whole))
        }
        (left, right) => match (whole(left), whole(right)) {
            (Some(left), Some(right)) => left == right,
            (None, None) => left == right,
            _ => false,
        },
    }
}

/// The integer that a value is; a truth value is 0 or 1.
fn whole(value: &Value) -> Option<&str> {
    match value {
        Value::Int(digits) => Some(digits),
        Value::Bool(truth) => Some(if *truth { "1" } else { "0" }),
        _ => None,
    }
}

/// Whether a float is exactly this integer. Formatting without decimals is exact for floats that are whole.
fn is_whole(float: f64, digits: &str) -> bool {
    float.is_finite()
        && float.fract() == 0.0
        && format!("{:.0}", float.abs() * if float < 0.0 { -1.0 } else { 1.0 }) == digits
}

/// Reads the JSON that Python's `json` writes and reads: with `NaN`, `Infinity` and integers of any size.
/// Gives the value and the number of its parts, itself included, if that is at most `most`.
fn parse(text: &str, most: usize) -> Option<(Value, usize)> {
    let mut reader = Reader { rest: text.chars().peekable(), depth: 0, left: most };
    let value = reader.value()?;
    reader.space();
    reader.rest.next().is_none().then_some((value, most - reader.left))
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: u32,
    /// Values that may still be read.
    left: usize,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|next| matches!(next, ' ' | '\t' | '\n' | '\r')).is_some() {}
    }

    fn eat(&mut self, wanted: char) -> Option<()> {
        self.rest.next_if_eq(&wanted).map(drop)
    }

    /// Passes over a value without making it, and without a stack of its own for each level.
    fn skim(&mut self) -> Option<()> {
        let mut open = Vec::new();
        loop {
            self.space();
            let end = match self.rest.peek()? {
                '[' => Some(']'),
                '{' => Some('}'),
                _ => self.value().map(|_| None)?,
            };
            if let Some(end) = end {
                self.rest.next();
                self.space();
                if self.eat(end).is_none() {
                    open.push(end);
                    self.key_of(end)?;
                    continue;
                }
            }
            // A value has ended, and perhaps those that it is in.
            loop {
                self.space();
                let Some(&end) = open.last() else { return Some(()) };
                if self.eat(',').is_some() {
                    self.key_of(end)?;
                    break;
                }
                self.eat(end)?;
                open.pop();
            }
        }
    }

    /// Passes over the key of an entry, where this is the end of an object.
    fn key_of(&mut self, end: char) -> Option<()> {
        if end == '}' {
            self.space();
            self.text()?;
            self.space();
            self.eat(':')?;
        }
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        self.space();
        match self.rest.peek()? {
            '"' => self.text().map(Value::Text),
            '[' => self.nested(Self::list),
            '{' => self.nested(Self::dict),
            '-' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = if self.depth <= MAX_DEPTH { read(self) } else { None };
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Option<Value> {
        self.eat('[')?;
        let mut items = Vec::new();
        self.space();
        if self.eat(']').is_some() {
            return Some(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.eat(']').is_some() {
                return Some(Value::List(items));
            }
            self.eat(',')?;
        }
    }

    /// Entries sorted by key; of two with one key the last counts, as in Python.
    fn dict(&mut self) -> Option<Value> {
        self.eat('{')?;
        let mut items = std::collections::BTreeMap::new();
        self.space();
        if self.eat('}').is_none() {
            loop {
                self.space();
                let key = self.text()?;
                self.space();
                self.eat(':')?;
                items.insert(key, self.value()?);
                self.space();
                if self.eat('}').is_some() {
                    break;
                }
                self.eat(',')?;
            }
        }
        Some(Value::Dict(items.into_iter().collect()))
    }

    fn text(&mut self) -> Option<Vec<u16>> {
        self.eat('"')?;
        let mut units = Vec::new();
        loop {
            let unit = match self.rest.next()? {
                '"' => return Some(units),
                '\\' => match self.rest.next()? {
                    'u' => self.four_digits()?,
                    'b' => 8,
                    'f' => 12,
                    'n' => 10,
                    'r' => 13,
                    't' => 9,
                    plain @ ('"' | '\\' | '/') => plain as u16,
                    _ => return None,
                },
                control if control < ' ' => return None,
                plain => {
                    units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
                    continue;
                }
            };
            units.push(unit);
        }
    }

    fn four_digits(&mut self) -> Option<u16> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit << 4 | self.rest.next()?.to_digit(16)? as u16;
        }
        Some(unit)
    }

    fn number(&mut self) -> Option<Value> {
        let negative = self.eat('-').is_some();
        if negative && self.rest.peek() == Some(&'I') {
            return match self.word()? {
                Value::Float(float) => Some(Value::Float(-float)),
                _ => None,
            };
        }
        let mut text = self.digits()?;
        if text.len() > 1 && text.starts_with('0') {
            return None;
        }
        let mut is_int = true;
        if self.eat('.').is_some() {
            is_int = false;
            text = text + "." + &self.digits()?;
        }
        if self.rest.next_if(|next| matches!(next, 'e' | 'E')).is_some() {
            is_int = false;
            let sign = self.rest.next_if(|next| matches!(next, '+' | '-'));
            text.push('e');
            text.extend(sign);
            text += &self.digits()?;
        }
        if is_int {
            return Some(Value::Int(if negative && text != "0" { format!("-{text}") } else { text }));
        }
        let float: f64 = text.parse().ok()?;
        Some(Value::Float(if negative { -float } else { float }))
    }

    /// At least one digit.
    fn digits(&mut self) -> Option<String> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        (!digits.is_empty()).then_some(digits)
    }

    fn word(&mut self) -> Option<Value> {
        let mut word = String::new();
        while let Some(next) = self.rest.next_if(char::is_ascii_alphabetic) {
            word.push(next);
        }
        Some(match word.as_str() {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "NaN" => Value::Float(f64::NAN),
            "Infinity" => Value::Float(f64::INFINITY),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_compared_by_value_and_kind() {
        let same = [
            (json!(3), "3"),
            (json!(2), "2.0"),
            (json!([1, "a", null]), "[1, \"a\", null]"),
            (json!({"a": 1, "b": [true]}), "{\"b\":[true],\"a\":1}"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(0.5), "5e-1"),
            (json!(1), "true"),
            (json!("é😀"), "\"\\u00e9\\ud83d\\ude00\""),
            (json!(-0.0), "0"),
        ];
        for (expected, actual) in same {
            assert!(same_value(&expected, actual), "{expected} {actual}");
        }
        let different = [
            (json!("1"), "1"),
            (json!([1, 2]), "[2, 1]"),
            (json!([1]), "[1, 1]"),
            (json!({"a": 1}), "{\"a\":1,\"b\":1}"),
            (json!(u64::MAX), "18446744073709551616"),
            (json!(5), "not JSON: 5"),
            (json!(5), ""),
            (json!(0), "null"),
            (json!(9_007_199_254_740_993_i64), "9007199254740992.0"),
        ];
        for (expected, actual) in different {
            assert!(!same_value(&expected, actual), "{expected} {actual}");
        }
    }

    #[test]
    fn what_json_lacks_and_python_writes_is_compared_too() {
        let big = format!("1{}", "0".repeat(400));
        let same = [
            ("Infinity", "1e999"),
            ("-Infinity", "-Infinity"),
            (big.as_str(), big.as_str()),
            ("100000000000000000000", "1e20"),
            ("\"\\ud800\"", "\"\\ud800\""),
            ("{\"a\": 1, \"a\": 2}", "{\"a\": 2}"),
            ("[[], {}]", " [ [ ] , { } ] "),
        ];
        for (expected, actual) in same {
            assert!(same_json(expected, actual), "{expected} {actual}");
        }
        let different = [
            ("NaN", "NaN"),
            (big.as_str(), "1e400"),
            ("Infinity", "-Infinity"),
            ("100000000000000000001", "1e20"),
            ("[1, 2", "[1, 2"),
            ("\"a\"", "\"a\" x"),
            ("{\"a\": 2}", "{\"a\": 1, \"a\": 2}"),
            ("[1, 2]", "[1, 2, 3]"),
            ("", ""),
            ("--1", "--1"),
            ("-+1", "-1"),
            ("01", "1"),
            ("1.", "1"),
            ("-.5", "-0.5"),
            ("1e", "1"),
            ("\"\n\"", "\"\\n\""),
        ];
        for (expected, actual) in different {
            assert!(!same_json(expected, actual), "{expected} {actual}");
        }
        for (left, right) in same.into_iter().chain(different) {
            assert_eq!([left, right].map(is_json), [left, right].map(is_comparable), "{left} {right}");
        }
        let deep = "[".repeat(100_000);
        assert!(!same_json(&deep, &deep));
        assert!(!is_json(&deep) && is_json(&format!("{deep}{{\"a\": [1, []]}}{}", "]".repeat(100_000))));
    }

    proptest! {
        /// Integers are equal exactly if they are the same integer.
        #[test]
        fn integers_are_compared_exactly(left in any::<i64>(), right in any::<i64>()) {
            prop_assert!(same_value(&json!(left), &left.to_string()));
            prop_assert_eq!(same_value(&json!(left), &right.to_string()), left == right);
        }

        /// What serde_json writes is read, and equals itself.
        #[test]
        fn a_value_equals_itself(left in any::<Vec<(String, i64, f64, bool)>>()) {
            let text = json!(left).to_string();
            prop_assert!(same_json(&text, &text));
        }
    }
}
