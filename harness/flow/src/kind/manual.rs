//! What a step kind says about itself, for people and as JSON.

use serde::Serialize;
use serde_json::Value;

use crate::kind::{Arity, InputSpec, StepKind};

/// How deep parameters are listed that are parts of others.
const DEPTH: usize = 4;

/// A step kind with its inputs, the types of its artefacts and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Manual {
    /// Its name in `kind = "..."`.
    pub name: &'static str,
    /// What such a step does, in one sentence.
    pub about: &'static str,
    /// The version of its code.
    pub version: u32,
    /// The type of artefact that it makes.
    pub makes: &'static str,
    /// What it takes.
    pub inputs: Vec<ManualInput>,
    /// Its parameters, each before its own parts.
    pub parameters: Vec<ManualParameter>,
    /// The JSON schema that the parameters were read from.
    pub schema: Value,
}

/// An input of a [`Manual`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ManualInput {
    /// Its name in `inputs = { ... }`.
    pub name: &'static str,
    /// The type of artefact that it takes.
    pub takes: &'static str,
    /// `one`, `one or none`, `one or more`, or `any number`.
    pub number: &'static str,
    /// Whether the kind reads which model and seed an artefact is of.
    pub labelled: bool,
    /// What it is for; may be empty.
    pub about: &'static str,
}

/// A parameter of a [`Manual`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ManualParameter {
    /// Its path, such as `training.epochs`; `[]` stands for each item of a list, `*` for any key.
    pub path: String,
    /// Its type in the words of TOML: `string`, `integer`, `number`, `boolean`, `list`, `table`, or the strings
    /// that it may be.
    pub takes: String,
    /// Whether it must be given, wherever its parent is.
    pub required: bool,
    /// What it means, in plain text; may be empty.
    pub about: String,
}

impl Manual {
    /// Asks a step kind.
    pub fn of(kind: &dyn StepKind) -> Self {
        let schema = kind.parameters();
        let mut parameters = Vec::new();
        Schema { root: &schema, found: &mut parameters }.properties(&schema, "", DEPTH);
        Self {
            name: kind.name(),
            about: kind.about(),
            version: kind.version(),
            makes: kind.output().0,
            inputs: kind.inputs().iter().map(ManualInput::of).collect(),
            parameters,
            schema,
        }
    }
}

impl ManualInput {
    fn of(spec: &InputSpec) -> Self {
        let number = match spec.arity {
            Arity::One => "one",
            Arity::Optional => "one or none",
            Arity::Many => "one or more",
            Arity::Any => "any number",
        };
        let InputSpec { name, takes, labelled, about, .. } = *spec;
        Self { name, takes: takes.0, number, labelled, about }
    }
}

/// Walks a JSON schema.
struct Schema<'s, 'f> {
    root: &'s Value,
    found: &'f mut Vec<ManualParameter>,
}

impl<'s> Schema<'s, '_> {
    /// Lists the properties of a table, and their parts.
    fn properties(&mut self, schema: &'s Value, parent: &str, depth: usize) {
        let schema = self.followed(schema);
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            let is_required = required.iter().any(|required| required.as_str() == Some(name));
            self.parameter(property, path, is_required, depth);
        }
        // One table for each form that a value may have.
        for form in ["oneOf", "anyOf"].iter().flat_map(|key| schema[*key].as_array().into_iter().flatten()) {
            self.properties(form, parent, depth);
        }
    }

    fn parameter(&mut self, property: &'s Value, path: String, required: bool, depth: usize) {
        let schema = self.followed(property);
        let about =
            [property, schema].into_iter().find_map(|s| s["description"].as_str()).unwrap_or_default();
        let about = plain(about);
        self.found.push(ManualParameter { path: path.clone(), takes: self.takes(property), required, about });
        if depth == 0 {
            return;
        }
        self.properties(schema, &path, depth - 1);
        if schema["items"].is_object() {
            self.properties(&schema["items"], &format!("{path}[]"), depth - 1);
        }
        if schema["additionalProperties"].is_object() {
            self.properties(&schema["additionalProperties"], &format!("{path}.*"), depth - 1);
        }
    }

    /// Follows a schema to the definition that it names, and an optional value to the schema of the value.
    fn followed(&self, schema: &'s Value) -> &'s Value {
        let mut schema = schema;
        // More references than any schema of a parameter has one after the other.
        for _ in 0..8 {
            let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#'));
            let forms = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
            let there: Vec<&Value> = forms.iter().filter(|form| form["type"] != "null").collect();
            schema = match (name.and_then(|pointer| self.root.pointer(pointer)), &there[..]) {
                (Some(next), _) => next,
                (None, [one]) => one,
                _ => return schema,
            };
        }
        schema
    }

    /// The type in the words of TOML.
    fn takes(&self, schema: &'s Value) -> String {
        let schema = self.followed(schema);
        let strings = |values: &Value| -> Vec<String> {
            values
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|v| Some(format!("\"{}\"", v.as_str()?)))
                .collect()
        };
        let forms: Vec<String> = ["oneOf", "anyOf"]
            .iter()
            .flat_map(|key| schema[*key].as_array().into_iter().flatten())
            .map(|form| self.takes(form))
            .collect();
        let mut all = strings(&schema["enum"]);
        all.extend(schema["const"].as_str().map(|value| format!("\"{value}\"")));
        all.extend(forms);
        all.dedup();
        if !all.is_empty() {
            return all.join(" or ");
        }
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let words: Vec<String> = types
            .into_iter()
            .filter(|name| *name != "null")
            .map(|name| match name {
                "array" if schema["items"].is_object() => format!("list of {}", self.takes(&schema["items"])),
                "array" => "list".to_owned(),
                "object" if schema["additionalProperties"].is_object() => {
                    format!("table of {}", self.takes(&schema["additionalProperties"]))
                }
                "object" => "table".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        if words.is_empty() { "any value".to_owned() } else { words.join(" or ") }
    }
}

/// The text of a doc comment without line breaks and links: "[`Row`](crate::Row)" becomes "`Row`".
fn plain(comment: &str) -> String {
    let comment = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    let (mut text, mut rest) = (String::new(), comment.as_str());
    while let Some((before, (name, after))) =
        rest.split_once("[`").and_then(|(before, link)| Some((before, link.split_once("`]")?)))
    {
        text.push_str(&format!("{before}`{name}`"));
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        rest = target.map_or(after, |(_, after)| after);
    }
    text + rest
}
