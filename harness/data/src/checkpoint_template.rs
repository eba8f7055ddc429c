//! The chat template that a checkpoint brings, as Hugging Face lays checkpoints out.

use std::collections::BTreeMap;

use assay_store::ErrorClass;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

/// The file that holds a template and nothing else. It counts before the other one.
const JINJA: &str = "chat_template.jinja";
/// The tokenizer's configuration: it may hold a template, and names the special tokens that templates know.
const CONFIG: &str = "tokenizer_config.json";
/// The key of a template there, and of the name of one among several.
const TEMPLATE: &str = "chat_template";
/// Which of several templates is meant.
const DEFAULT: &str = "default";

/// What `transformers` hands to a template of the special tokens.
const TOKENS: [&str; 7] =
    ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// What it hands over besides; nobody gives a model tools or documents here.
const NOTHING: [&str; 2] = ["tools", "documents"];

/// Why a checkpoint's chat template cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointTemplateError {
    /// There is no file that could hold it.
    #[error("the checkpoint has neither {JINJA} nor {CONFIG}")]
    Missing,
    /// The tokenizer's configuration has no template.
    #[error("{file} has no `{TEMPLATE}`")]
    None {
        /// The file.
        file: String,
    },
    /// It has several, and none that is meant where nothing is said.
    #[error("{file} has several templates ({}), and none is called `{DEFAULT}`", names.join(", "))]
    Several {
        /// The file.
        file: String,
        /// Their names.
        names: Vec<String>,
    },
    /// The file is not what it should be.
    #[error("{file}{}: {message}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
    Malformed {
        /// The file.
        file: String,
        /// The line in it, from 1, where it is known.
        line: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// The machine kept us from reading it.
    #[error("{file} cannot be read: {message}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the machine says.
        message: String,
    },
}

impl CheckpointTemplateError {
    /// Whose mistake it is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Unreadable { .. } => ErrorClass::Environment,
            _ => ErrorClass::User,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Missing => {
                "take tokenizer_config.json into the model's folder, connect it as the input `template`, or write the \
                 template into the recipe"
            }
            Self::None { .. } | Self::Several { .. } => {
                "connect a file that is the template alone as the input `template`, or write it into the recipe"
            }
            Self::Malformed { .. } => "fetch the checkpoint's file again",
            Self::Unreadable { .. } => "see to the file and its rights, then run again",
        }
    }
}

/// A chat template as a checkpoint brings it, with what it knows of the tokenizer.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckpointTemplate {
    /// What errors call it.
    pub(crate) file: String,
    pub(crate) source: String,
    /// Special tokens, and what else `transformers` hands to a template.
    pub(crate) variables: BTreeMap<String, Value>,
}

impl CheckpointTemplate {
    /// The template of a checkpoint: `path` gives the place of a file of it, if it has that file.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is in a file that is not what it should be.
    pub fn of_folder(path: &dyn Fn(&str) -> Option<Utf8PathBuf>) -> Result<Self, CheckpointTemplateError> {
        let config = path(CONFIG).map(|path| config(CONFIG, &read(CONFIG, &path)?)).transpose()?;
        if let Some(path) = path(JINJA) {
            let variables = variables(config.as_ref());
            return Ok(Self { file: JINJA.to_owned(), source: plain(&read(JINJA, &path)?), variables });
        }
        Self::of_config(CONFIG, &config.ok_or(CheckpointTemplateError::Missing)?)
    }

    /// The template in a file: a tokenizer's configuration, or a template alone, which then knows no special tokens.
    /// `name` is what errors call it.
    ///
    /// # Errors
    /// As [`of_folder`](Self::of_folder).
    pub fn of_file(name: &str, path: &Utf8Path) -> Result<Self, CheckpointTemplateError> {
        let text = read(name, path)?;
        // A tag, an expression and a comment begin with a brace too.
        let is_json =
            text.trim_start().strip_prefix('{').is_some_and(|rest| !rest.starts_with(['%', '{', '#']));
        match is_json {
            true => Self::of_config(name, &config(name, &text)?),
            false => Ok(Self { file: name.to_owned(), source: plain(&text), variables: variables(None) }),
        }
    }

    fn of_config(file: &str, config: &Value) -> Result<Self, CheckpointTemplateError> {
        let none = || CheckpointTemplateError::None { file: file.to_owned() };
        let source = match config.get(TEMPLATE).ok_or_else(none)? {
            Value::String(source) => source,
            Value::Array(named) => {
                let name = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(DEFAULT);
                let names =
                    || named.iter().filter_map(|one| Some(one.get("name")?.as_str()?.to_owned())).collect();
                let several = || CheckpointTemplateError::Several { file: file.to_owned(), names: names() };
                let found = named.iter().find(name).ok_or_else(several)?;
                found.get("template").and_then(Value::as_str).ok_or_else(several)?
            }
            _ => return Err(none()),
        };
        let file = format!("`{TEMPLATE}` of {file}");
        Ok(Self { file, source: plain(source), variables: variables(Some(config)) })
    }
}

fn read(file: &str, path: &Utf8Path) -> Result<String, CheckpointTemplateError> {
    let unreadable = |error: std::io::Error| CheckpointTemplateError::Unreadable {
        file: file.to_owned(),
        message: error.to_string(),
    };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| CheckpointTemplateError::Malformed {
        file: file.to_owned(),
        line: Some(error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count()),
        message: "is not UTF-8 text".to_owned(),
    })
}

/// The tokenizer's configuration.
fn config(file: &str, text: &str) -> Result<Value, CheckpointTemplateError> {
    let malformed = |line: Option<usize>, message: String| CheckpointTemplateError::Malformed {
        file: file.to_owned(),
        line,
        message,
    };
    let config: Value =
        serde_json::from_str(text).map_err(|error| malformed(Some(error.line()), error.to_string()))?;
    if config.is_object() { Ok(config) } else { Err(malformed(None, "is no JSON object".to_owned())) }
}

/// What a template knows beside the conversation. A token is a text, or an object with its `content`.
fn variables(config: Option<&Value>) -> BTreeMap<String, Value> {
    let token = |name: &str| {
        let token = config?.get(name)?;
        Some((name.to_owned(), token.get("content").unwrap_or(token).as_str()?.into()))
    };
    let nothing = NOTHING.map(|name| (name.to_owned(), Value::Null));
    TOKENS.into_iter().filter_map(token).chain(nothing).collect()
}

/// A template without the marks of what the assistant generates, which are an extension of Hugging Face's and print nothing
/// themselves.
fn plain(source: &str) -> String {
    let (mut text, mut rest) = (String::new(), source);
    while let Some(start) = rest.find("{%") {
        let end = rest[start..].find("%}").map_or(rest.len(), |end| start + end + 2);
        let (before, tag) = rest[..end].split_at(start);
        text.push_str(before);
        let word = tag.trim_start_matches("{%").trim_end_matches("%}").trim_matches(['-', '+']).trim();
        match word {
            "generation" => text.push_str(&tag.replacen("generation", "if true", 1)),
            "endgeneration" => text.push_str(&tag.replacen("endgeneration", "endif", 1)),
            _ => text.push_str(tag),
        }
        rest = &rest[end..];
    }
    text + rest
}
