//! Chat templates, rendered as Hugging Face's `apply_chat_template` does.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Enumerator, Kwargs, Object, Rest, Serde};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::checkpoint_template::CheckpointTemplate;

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`.
    pub role: String,
    /// What is said: data, in which nothing is interpreted.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

impl Object for Message {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "role" => Some(Value::from(self.role.as_str())),
            "content" => Some(Value::from(self.content.as_str())),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["role", "content"])
    }
}

/// Why a chat template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the chat template{}{} refuses: {message}",
    .file.as_ref().map(|file| format!(", {file}")).unwrap_or_default(),
    .line.map(|line| format!(", line {line},")).unwrap_or_default()
)]
pub struct TemplateError {
    /// What the template says, or what is wrong with it.
    pub message: String,
    /// The line of the template, from 1, where it is known.
    pub line: Option<usize>,
    /// Where it is from, where that is a file of a checkpoint.
    pub file: Option<String>,
}

/// A chat template: Jinja, with what Hugging Face adds to it and no more.
///
/// As there, the line end after a tag and the space before it do not count (`trim_blocks`, `lstrip_blocks`),
/// an unknown variable is empty (but asking it for an attribute fails), `tojson` writes the JSON of Python's
/// `json.dumps` without ASCII escapes, `raise_exception` refuses, loops have `break` and `continue`, and
/// values of Python's types have Python's methods. `strftime_now` exists only if a date is given, and is
/// always that date: what a clock says would make the same recipe render differently tomorrow.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    variables: Value,
    /// Where it is from, where that is a file of a checkpoint.
    file: Option<String>,
}

/// The only template of its environment.
const NAME: &str = "chat template";

impl ChatTemplate {
    /// Compiles a template. `variables` are handed to it beside `messages` and `add_generation_prompt`, such
    /// as `bos_token`, `eos_token` or `enable_thinking`; `date` is what `strftime_now` gives, whatever its
    /// format.
    ///
    /// # Errors
    /// [`TemplateError`]: it is not a Jinja template.
    pub fn new(
        source: &str,
        variables: &BTreeMap<String, serde_json::Value>,
        date: Option<&str>,
    ) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        let syntax =
            SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(refused)?;
        environment.set_syntax(syntax);
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_unknown_method_callback(unknown_method_callback);
        environment.add_filter("tojson", to_json);
        environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, message))
        });
        if let Some(date) = date {
            let date = date.to_owned();
            environment.add_function("strftime_now", move |_: Rest<Value>| date.clone());
        }
        environment.add_template_owned(NAME, source.to_owned()).map_err(refused)?;
        Ok(Self { environment, variables: Value::from(Serde(variables)), file: None })
    }

    /// Compiles the template of a checkpoint. `variables` count before what the checkpoint says.
    ///
    /// # Errors
    /// As [`new`](Self::new), with the file.
    pub fn of_checkpoint(
        template: &CheckpointTemplate,
        variables: &BTreeMap<String, serde_json::Value>,
        date: Option<&str>,
    ) -> Result<Self, TemplateError> {
        let CheckpointTemplate { file, source, variables: own } = template;
        let mut all = own.clone();
        all.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        let compiled = Self::new(source, &all, date);
        let compiled = compiled.map_err(|error| TemplateError { file: Some(file.clone()), ..error })?;
        Ok(Self { file: Some(file.clone()), ..compiled })
    }

    /// The text of a conversation; with `add_generation_prompt`, up to where the assistant's reply begins.
    ///
    /// # Errors
    /// [`TemplateError`]: the template refuses the conversation, or asks for what does not exist.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, TemplateError> {
        let messages: Vec<Value> = messages.iter().cloned().map(Value::from_object).collect();
        let rendered = self.environment.get_template(NAME).and_then(|template| {
            template.render(context! { messages, add_generation_prompt, ..self.variables.clone() })
        });
        rendered.map_err(|error| TemplateError { file: self.file.clone(), ..refused(error) })
    }
}

fn refused(error: Error) -> TemplateError {
    // A message of `raise_exception` is the whole detail; others need their kind.
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::InvalidOperation, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    TemplateError { message, line: error.line(), file: None }
}

/// `json.dumps(value, ensure_ascii=False, indent=indent)`.
fn to_json(value: &Value, indent: Option<usize>, named: Kwargs) -> Result<Value, Error> {
    let indent = match indent {
        Some(indent) => Some(indent),
        None => named.get::<Option<usize>>("indent")?,
    };
    // Python's own default, which templates spell out.
    _ = named.get::<Option<bool>>("ensure_ascii")?;
    named.assert_all_used()?;
    let mut json = Vec::new();
    let written = match indent {
        Some(indent) => {
            let indent = " ".repeat(indent.min(16));
            let formatter = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, formatter))
        }
        None => value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Spaced)),
    };
    let text = written
        .map_err(|error| error.to_string())
        .and_then(|()| String::from_utf8(json).map_err(|error| error.to_string()));
    text.map(Value::from).map_err(|message| Error::new(ErrorKind::BadSerialization, message))
}

/// JSON with a space after each comma and colon, as Python writes it.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        out: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}
