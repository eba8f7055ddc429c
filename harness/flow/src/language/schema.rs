//! Parameters that are not all known yet, against the JSON schema of their step kind.
//!
//! A template that no model uses has placeholders where values would be, so its step kinds cannot read its
//! parameters. Their schemas still tell which keys and which types of values there are.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::language::placeholder::{self, Piece};
use crate::language::template::ValueType;
use crate::values::names::near;
use crate::values::params::ParamError;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// The parameters of a template that take a value of a type, by name.
pub(crate) type Holes = BTreeMap<String, ValueType>;

/// How many references of a schema are followed, one after the other.
const FOLLOWED: usize = 8;

/// What of `params` does not fit a schema. A string that is one placeholder stands for a value of the
/// placeholder's type; what is below a form of schema that is not known here fits.
pub(crate) fn misfits(schema: &Json, params: &Located, holes: &Holes) -> Vec<ParamError> {
    Check { root: schema, holes }.value(schema, params, &ValuePath::default())
}

#[derive(Clone, Copy)]
struct Check<'s> {
    root: &'s Json,
    holes: &'s Holes,
}

impl<'s> Check<'s> {
    fn value(self, schema: &'s Json, located: &Located, path: &ValuePath) -> Vec<ParamError> {
        let forms = self.forms(schema, FOLLOWED);
        let made = self.types(&located.value);
        let fitting: Vec<&Json> =
            forms.iter().copied().filter(|form| made.iter().any(|made| allows(form, made))).collect();
        if fitting.is_empty() {
            let wanted: Vec<&str> =
                forms.iter().flat_map(|form| types(form)).filter(|name| *name != "null").map(shown).collect();
            let found = match &located.value {
                Value::Str(text) => format!("`{text}`"),
                other => other.type_name().to_owned(),
            };
            return vec![ParamError::new(
                path.clone(),
                format!("expected {}, found {found}", wanted.join(" or ")),
            )];
        }
        match &located.value {
            Value::Str(text) if placeholder::names(text).next().is_none() => word(text, &fitting, path),
            Value::Table(table) => fewest(fitting.iter().map(|form| self.table(form, table, path))),
            Value::List(items) => fewest(fitting.iter().map(|form| self.list(form, items, path))),
            _ => Vec::new(),
        }
    }

    /// The schemas that a value may follow, references followed.
    fn forms(self, schema: &'s Json, followed: usize) -> Vec<&'s Json> {
        let Some(left) = followed.checked_sub(1) else { return vec![schema] };
        if let Some(next) =
            schema["$ref"].as_str().and_then(|name| self.root.pointer(name.strip_prefix('#')?))
        {
            return self.forms(next, left);
        }
        let several = || ["anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array());
        if several().next().is_none() || schema["properties"].is_object() {
            return vec![schema];
        }
        several().flatten().flat_map(|form| self.forms(form, left)).collect()
    }

    /// The types that a value has, in the words of JSON schemas.
    fn types(self, value: &Value) -> &'static [&'static str] {
        match value {
            Value::Bool(_) => &["boolean"],
            Value::Int(_) => &["integer", "number"],
            Value::Float(_) => &["number"],
            Value::List(_) => &["array"],
            Value::Table(_) => &["object"],
            Value::Str(text) => match placeholder::pieces(text)[..] {
                [Piece::Placeholder { name, .. }] => match self.holes.get(name) {
                    Some(ValueType::Integer) => &["integer", "number"],
                    // A whole number does for it, so it may be one.
                    Some(ValueType::Number) => &["number", "integer"],
                    Some(ValueType::Boolean) => &["boolean"],
                    Some(ValueType::List) => &["array"],
                    Some(ValueType::Table) => &["object"],
                    Some(ValueType::String) | None => &["string"],
                },
                _ => &["string"],
            },
        }
    }

    fn table(self, form: &'s Json, table: &Table, path: &ValuePath) -> Vec<ParamError> {
        let mut found = Vec::new();
        // Tables that are put together from several schemas are left to the step kind.
        if ["allOf", "anyOf", "oneOf"].iter().any(|key| form[*key].is_array()) {
            return found;
        }
        let properties = form["properties"].as_object();
        let known = || properties.into_iter().flatten().map(|(name, _)| name.as_str());
        let others = &form["additionalProperties"];
        let is_open = others == &Json::Bool(true) || properties.is_none() && others.is_null();
        let mut unknown = Vec::new();
        for (key, value) in table {
            let below = path.clone().then(key);
            match properties.and_then(|properties| properties.get(key)) {
                Some(property) => found.extend(self.value(property, value, &below)),
                None if others.is_object() => found.extend(self.value(others, value, &below)),
                None if is_open => {}
                None => {
                    unknown.push(key.as_str());
                    found.push(ParamError::unknown_key(below, known()));
                }
            }
        }
        let required = form["required"].as_array().into_iter().flatten().filter_map(Json::as_str);
        for key in required.filter(|key| !table.contains_key(*key)) {
            // One that is nearly the same is a misspelling, which is reported already.
            if near(key, unknown.iter().copied()).is_none() {
                found.push(ParamError::new(path.clone(), format!("key `{key}` is missing")));
            }
        }
        found
    }

    fn list(self, form: &'s Json, items: &[Located], path: &ValuePath) -> Vec<ParamError> {
        if !form["items"].is_object() {
            return Vec::new();
        }
        let item = |(i, item)| self.value(&form["items"], item, &path.clone().index(i));
        items.iter().enumerate().flat_map(item).collect()
    }
}

/// What does not fit the form that fits best.
fn fewest(forms: impl Iterator<Item = Vec<ParamError>>) -> Vec<ParamError> {
    forms.min_by_key(Vec::len).unwrap_or_default()
}

/// Whether a string is one of those that are allowed, where not all are.
fn word(text: &str, forms: &[&Json], path: &ValuePath) -> Vec<ParamError> {
    let mut allowed = Vec::new();
    for form in forms {
        let words = form["enum"].as_array().into_iter().flatten().chain([&form["const"]]);
        let words: Vec<&str> = words.filter_map(Json::as_str).collect();
        if words.is_empty() || words.contains(&text) {
            return Vec::new();
        }
        allowed.extend(words);
    }
    vec![ParamError::new(path.clone(), format!("unknown value `{text}`")).meant(text, allowed)]
}

/// The types that a form names; none if it allows all.
fn types(form: &Json) -> Vec<&str> {
    match &form["type"] {
        Json::String(one) => vec![one.as_str()],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ if form["const"].is_string() || form["enum"].is_array() => vec!["string"],
        _ => Vec::new(),
    }
}

fn allows(form: &Json, made: &str) -> bool {
    let types = types(form);
    types.is_empty() || types.contains(&made)
}

/// A type in the words of messages.
fn shown(name: &str) -> &str {
    match name {
        "boolean" => "a boolean",
        "integer" => "an integer",
        "number" => "a number",
        "string" => "a string",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}
