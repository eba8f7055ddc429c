//! Reading typed parameters out of located values with serde, strictly, keeping the path of what fails.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};

use crate::values::names::{likely, near};
use crate::values::path::{Segment, ValuePath};
use crate::values::value::{Located, Table, Value};

/// What did not fit, with the path to it from the value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) path: ValuePath,
    pub(crate) message: String,
    pub(crate) suggestion: Option<String>,
    /// True if the key itself is wrong rather than the value under it.
    pub(crate) key: bool,
    /// The key that is unknown or missing, while it is not known which table it belongs to.
    name: Option<String>,
}

/// Reads `T` from a value. A key that `T` does not know is an error even where `T` would skip it.
pub(crate) fn read<'v, T: Deserialize<'v>>(located: &'v Located) -> Result<T, Misfit> {
    read_value(PhantomData::<T>, &located.value)
}

impl Misfit {
    fn new(message: impl Into<String>) -> Self {
        Self { path: ValuePath::default(), message: message.into(), suggestion: None, key: false, name: None }
    }

    fn under(mut self, segment: Segment) -> Self {
        self.path.prepend(segment);
        self.name = None;
        self
    }

    /// Finds the key of `table` that is meant by an error about one of its keys. Where a key is missing and
    /// one that is nearly the same is there, that one is taken for a misspelling.
    fn in_table(mut self, table: &Table) -> Self {
        let Some(name) = self.name.take().filter(|_| self.path.is_empty()) else { return self };
        if self.key {
            return if table.contains_key(&name) { self.under(Segment::Key(name)) } else { self };
        }
        match near(&name, table.keys().map(String::as_str)) {
            Some(found) => {
                let suggestion = Some(format!("did you mean `{name}`?"));
                let message = format!("unknown key `{found}`");
                Self { key: true, suggestion, ..Self::new(message) }.under(Segment::Key(found.to_owned()))
            }
            None => self,
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", plain(expected), shown(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {}", plain(expected), shown(found)))
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {}, found {length} values", plain(expected)))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let suggestion = likely(variant, expected.iter().copied());
        Self { suggestion, ..Self::new(format!("unknown value `{variant}`")) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let suggestion = likely(field, expected.iter().copied());
        let name = Some(field.to_owned());
        Self { suggestion, key: true, name, ..Self::new(format!("unknown key `{field}`")) }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { name: Some(field.to_owned()), ..Self::new(format!("key `{field}` is missing")) }
    }
}

/// A value as its writer knows it.
fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("`{value}`"),
        Unexpected::Signed(value) => format!("`{value}`"),
        Unexpected::Float(value) => format!("`{value:?}`"),
        Unexpected::Str(value) => format!("{value:?}"),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// Rust's names of number types say nothing to a reader of TOML.
fn plain(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "u8" => "an integer from 0 to 255".into(),
        "u16" => "an integer from 0 to 65535".into(),
        "u32" | "u64" | "usize" => "an integer, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer".into(),
        "f32" | "f64" => "a number".into(),
        "a sequence" => "a list".into(),
        text if text.starts_with("struct ") || text == "a map" => "a table".into(),
        text if text.starts_with("nonzero ") || text.starts_with("a nonzero ") => {
            "an integer, 1 or more".into()
        }
        text => text.to_owned(),
    }
}

/// Reads a table whose keys are among `fields`, if these are known.
fn read_table<'de, V: Visitor<'de>>(
    table: &'de Table,
    fields: &'static [&'static str],
    visitor: V,
) -> Result<V::Value, Misfit> {
    visitor.visit_map(Entries::new(table, fields))
}

/// Reads a value. What is found out after its table was read, as for enums that are told apart by a key, is
/// tied to that table here.
fn read_value<'de, S: DeserializeSeed<'de>>(seed: S, value: &'de Value) -> Result<S::Value, Misfit> {
    seed.deserialize(Source(value)).map_err(|error| match value {
        Value::Table(table) => error.in_table(table),
        _ => error,
    })
}

/// A value that is being read.
struct Source<'v>(&'v Value);

impl<'de> Deserializer<'de> for Source<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visitor.visit_i64(*value),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(value) => visitor.visit_borrowed_str(value),
            Value::List(items) => {
                let mut access = Items { items: items.iter(), index: 0 };
                let read = visitor.visit_seq(&mut access)?;
                if access.items.next().is_some() {
                    let message = format!("expected {} values, found {}", access.index, items.len());
                    return Err(Misfit::new(message));
                }
                Ok(read)
            }
            Value::Table(table) => read_table(table, &[], visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Table(table) => read_table(table, fields, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Str(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Value::Table(table) if table.len() == 1 => {
                visitor.visit_enum(de::value::MapAccessDeserializer::new(Entries::new(table, &[])))
            }
            other => {
                let suggestion = likely("", variants.iter().copied());
                let message = format!("expected one of its names, found {}", other.type_name());
                Err(Misfit { suggestion, ..Misfit::new(message) })
            }
        }
    }

    /// Reached when a type skips a key; nothing here may be skipped.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Misfit> {
        Err(Misfit { key: true, ..Misfit::new("unknown key") })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map identifier
    }
}

struct Items<'v> {
    items: std::slice::Iter<'v, Located>,
    index: usize,
}

impl<'v> de::SeqAccess<'v> for &mut Items<'v> {
    type Error = Misfit;

    fn next_element_seed<S: DeserializeSeed<'v>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let index = self.index;
        self.index += 1;
        read_value(seed, &item.value).map(Some).map_err(|e| e.under(Segment::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'v> {
    entries: std::collections::btree_map::Iter<'v, String, Located>,
    current: Option<(&'v str, &'v Located)>,
    /// The keys that are wanted, if they are known.
    fields: &'static [&'static str],
}

impl<'v> Entries<'v> {
    fn new(table: &'v Table, fields: &'static [&'static str]) -> Self {
        Self { entries: table.iter(), current: None, fields }
    }
}

impl<'v> de::MapAccess<'v> for Entries<'v> {
    type Error = Misfit;

    fn next_key_seed<S: DeserializeSeed<'v>>(&mut self, seed: S) -> Result<Option<S::Value>, Misfit> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.current = Some((key, value));
        let key_value: de::value::StrDeserializer<'_, Misfit> = key.as_str().into_deserializer();
        seed.deserialize(key_value).map(Some).map_err(|e| e.under(Segment::Key(key.clone())))
    }

    fn next_value_seed<S: DeserializeSeed<'v>>(&mut self, seed: S) -> Result<S::Value, Misfit> {
        let Some((key, value)) = self.current.take() else {
            return Err(Misfit::new("a value was asked for before its key"));
        };
        read_value(seed, &value.value).map_err(|mut error| {
            if error.key && error.path.is_empty() && error.message == "unknown key" {
                error.message = format!("unknown key `{key}`");
                error.suggestion = likely(key, self.fields.iter().copied());
            }
            error.under(Segment::Key(key.to_owned()))
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}
