//! What a recipe says about a dialect.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::checks::{self, TextFault};

/// A dialect as a recipe names it: `"embedded"`, `"embedded-worked"`, or a table with `kind = "chat"`.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum DialectSpec {
    /// One of the embedded world.
    Embedded(EmbeddedName),
    /// A conversation with a chat model.
    Chat(Box<ChatSpec>),
}

impl<'de> Deserialize<'de> for DialectSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrTable)
    }
}

/// Tells the two forms apart by their type, so that a mistake in a table is reported as what it is.
struct NameOrTable;

impl<'de> Visitor<'de> for NameOrTable {
    type Value = DialectSpec;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("\"embedded\", \"embedded-worked\" or a table with kind = \"chat\"")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<DialectSpec, E> {
        match name {
            "embedded" => Ok(DialectSpec::Embedded(EmbeddedName::Embedded)),
            "embedded-worked" => Ok(DialectSpec::Embedded(EmbeddedName::EmbeddedWorked)),
            other => Err(E::unknown_variant(other, &["embedded", "embedded-worked"])),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<DialectSpec, A::Error> {
        let spec = ChatSpec::deserialize(MapAccessDeserializer::new(table))?;
        Ok(DialectSpec::Chat(Box::new(spec)))
    }
}

/// The names of the embedded world's dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum EmbeddedName {
    /// `<bos>x<think>z</think><ans>y</ans>`.
    Embedded,
    /// `<bos>x;step;step;y<eos>`, as base models are pretrained.
    EmbeddedWorked,
}

/// The kind of a dialect that has settings.
///
/// It is a field like any other, and not the tag of an enum: serde reads a tagged enum by way of a copy, in which
/// the places of mistakes are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DialectKind {
    /// A conversation with a chat model.
    Chat,
}

/// The texts of a dialect for chat models.
///
/// What can be said of one text alone is checked while it is read, so that a mistake has the place of that text.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatSpec {
    /// Always `chat`.
    pub kind: DialectKind,
    /// The model's chat template: a text in Jinja, or `{ from = "checkpoint" }` for the one that the model's checkpoint brings.
    pub template: TemplateSpec,
    /// What the template knows as `bos_token`, in the place of what a checkpoint says.
    #[serde(default)]
    pub bos_token: Option<String>,
    /// What the template knows as `eos_token`, in the place of what a checkpoint says.
    #[serde(default)]
    pub eos_token: Option<String>,
    /// Further variables of the template, such as `enable_thinking`.
    #[serde(default)]
    pub variables: BTreeMap<String, serde_json::Value>,
    /// What `strftime_now` gives in the template, such as `26 Jul 2024`; without it there is no such
    /// function.
    #[serde(default)]
    pub date: Option<String>,
    /// Special tokens that the tokenizer must have. None may occur in what a user or a model writes.
    #[serde(default, deserialize_with = "not_empty_each")]
    pub requires: Vec<String>,
    /// More stop strings, beside the closing texts. A thought or answer that one of them ends is unfinished.
    #[serde(default, deserialize_with = "not_empty_each")]
    pub stops: Vec<String>,
    /// How a question is put, by benchmark: a text with `{question}`. Other benchmarks' questions stand
    /// alone.
    #[serde(default, deserialize_with = "question_each")]
    pub questions: BTreeMap<String, String>,
    /// Whether a reply without its delimiters, or cut off, is still read: then all of it is the answer.
    #[serde(default = "yes")]
    pub lenient: bool,
    /// What the reasoner pi is shown.
    #[serde(deserialize_with = "without_hint")]
    pub reasoner: PromptSpec,
    /// What the posterior q is shown, for each place of the hint.
    pub posterior: PosteriorSpecs,
    /// The texts around an answer.
    pub solution: SolutionSpec,
}

/// Where the chat template is from.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum TemplateSpec {
    /// The recipe: Jinja.
    Text(String),
    /// The model's checkpoint.
    Checkpoint(FromCheckpoint),
}

/// A template that the recipe does not have itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FromCheckpoint {
    /// Who has it.
    pub from: TemplateOrigin,
}

/// Who has a chat template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TemplateOrigin {
    /// The model's checkpoint: its `chat_template.jinja`, or `chat_template` of its `tokenizer_config.json`.
    Checkpoint,
}

impl<'de> Deserialize<'de> for TemplateSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrTable)
    }
}

/// Tells the two forms of a template apart by their type.
struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = TemplateSpec;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a text in Jinja, or { from = \"checkpoint\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TemplateSpec, E> {
        Ok(TemplateSpec::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<TemplateSpec, A::Error> {
        FromCheckpoint::deserialize(MapAccessDeserializer::new(table)).map(TemplateSpec::Checkpoint)
    }
}

fn yes() -> bool {
    true
}

/// A prompt up to the thought, and the text that ends the thought.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptSpec {
    /// The system prompt; without it there is no such message.
    #[serde(default)]
    pub system: Option<String>,
    /// The user's message: a text with `{question}`, and with `{hint}` if the hint is shown here.
    #[serde(default = "question_alone", deserialize_with = "question_once")]
    pub user: String,
    /// How the assistant's turn begins: it opens the thought, and has `{hint}` if the hint is shown here.
    #[serde(deserialize_with = "no_question")]
    pub open: String,
    /// What ends the thought.
    #[serde(deserialize_with = "not_empty")]
    pub close: String,
}

fn question_alone() -> String {
    "{question}".to_owned()
}

/// The posterior's prompts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PosteriorSpecs {
    /// The paper's prompt A: the solution, then an explanation of it.
    #[serde(rename = "A", deserialize_with = "with_hint")]
    pub a: PromptSpec,
    /// The paper's prompt B: the solution, then a thought.
    #[serde(rename = "B", deserialize_with = "with_hint")]
    pub b: PromptSpec,
}

/// The texts around an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SolutionSpec {
    /// The text between the end of a thought and the answer.
    #[serde(deserialize_with = "not_empty")]
    pub begin: String,
    /// What ends the answer.
    #[serde(deserialize_with = "not_empty")]
    pub end: String,
    /// Whether a model that is to answer after a thought is given `begin`, or writes it.
    #[serde(default)]
    pub given: bool,
}

fn checked<'de, D, T>(deserializer: D, check: impl Fn(&T) -> Result<(), TextFault>) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let value = T::deserialize(deserializer)?;
    check(&value).map_err(de::Error::custom)?;
    Ok(value)
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |text: &String| checks::not_empty(text))
}

fn question_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |text: &String| checks::questions(text, 1))
}

fn no_question<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(deserializer, |text: &String| checks::questions(text, 0))
}

fn with_hint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PromptSpec, D::Error> {
    checked(deserializer, |prompt| checks::hints(prompt, 1))
}

fn without_hint<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PromptSpec, D::Error> {
    checked(deserializer, |prompt| checks::hints(prompt, 0))
}

/// A text that is checked while it is read, for lists and tables, where each has a place of its own.
struct Delimiter(String);

impl<'de> Deserialize<'de> for Delimiter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        not_empty(deserializer).map(Self)
    }
}

/// How the questions of a benchmark are put.
struct Question(String);

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer, |text: &String| checks::question_alone(text)).map(Self)
    }
}

fn not_empty_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<Delimiter>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|Delimiter(text)| text).collect())
}

fn question_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let texts = BTreeMap::<String, Question>::deserialize(deserializer)?;
    Ok(texts.into_iter().map(|(benchmark, Question(text))| (benchmark, text)).collect())
}
