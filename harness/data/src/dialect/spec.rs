//! What a recipe says about a dialect.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

/// A dialect as a recipe names it: `"embedded"`, or a table with `kind = "chat"`.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum DialectSpec {
    /// That of the embedded world.
    Embedded(EmbeddedName),
    /// A conversation with a chat model.
    Chat(Box<KindSpec>),
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
        out.write_str("\"embedded\" or a table with kind = \"chat\"")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<DialectSpec, E> {
        match name {
            "embedded" => Ok(DialectSpec::Embedded(EmbeddedName::Embedded)),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<DialectSpec, A::Error> {
        let spec = KindSpec::deserialize(MapAccessDeserializer::new(table))?;
        Ok(DialectSpec::Chat(Box::new(spec)))
    }
}

/// The name of the embedded world's dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum EmbeddedName {
    /// `<bos>x<think>z</think><ans>y</ans>`.
    Embedded,
}

/// Dialects that have settings, by kind.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum KindSpec {
    /// A conversation with a chat model.
    Chat(ChatSpec),
}

/// The texts of a dialect for chat models.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatSpec {
    /// The model's chat template, in Jinja.
    pub template: String,
    /// What the template knows as `bos_token`.
    #[serde(default)]
    pub bos_token: Option<String>,
    /// What the template knows as `eos_token`.
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
    #[serde(default)]
    pub requires: Vec<String>,
    /// More stop strings, beside the closing texts. A thought or answer that one of them ends is unfinished.
    #[serde(default)]
    pub stops: Vec<String>,
    /// How a question is put, by benchmark: a text with `{question}`. Other benchmarks' questions stand
    /// alone.
    #[serde(default)]
    pub questions: BTreeMap<String, String>,
    /// Whether a reply without its delimiters, or cut off, is still read: then all of it is the answer.
    #[serde(default = "yes")]
    pub lenient: bool,
    /// What the reasoner pi is shown.
    pub reasoner: PromptSpec,
    /// What the posterior q is shown, for each place of the hint.
    pub posterior: PosteriorSpecs,
    /// The texts around an answer.
    pub solution: SolutionSpec,
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
    #[serde(default = "question_alone")]
    pub user: String,
    /// How the assistant's turn begins: it opens the thought, and has `{hint}` if the hint is shown here.
    pub open: String,
    /// What ends the thought.
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
    #[serde(rename = "A")]
    pub a: PromptSpec,
    /// The paper's prompt B: the solution, then a thought.
    #[serde(rename = "B")]
    pub b: PromptSpec,
}

/// The texts around an answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SolutionSpec {
    /// The text between the end of a thought and the answer.
    pub begin: String,
    /// What ends the answer.
    pub end: String,
    /// Whether a model that is to answer after a thought is given `begin`, or writes it.
    #[serde(default)]
    pub given: bool,
}
