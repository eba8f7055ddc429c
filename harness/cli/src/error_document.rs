//! A failure as a JSON document, which `--json` prints on standard error.

use assay_flow::{Diagnostic, ErrorClass, FlowError, Location, StepFailure};
use assay_import::ImportError;
use assay_sandbox::rows::RowsError;
use clap::error::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;

use crate::document::escaped;
use crate::failure::Failure;

/// The version of [`ErrorDocument`].
const ERROR_FORMAT: u32 = 1;

/// Before the remedy, in messages that have one.
const HELP: &str = "\n  help: ";

/// Why a command did not do what it was asked to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ErrorDocument {
    /// The version of this form.
    #[schemars(extend("const" = ERROR_FORMAT))]
    format: u32,
    /// The failure.
    error: ErrorReport,
}

/// A failure.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorReport {
    /// Who has to act.
    kind: ErrorClass,
    /// The exit code of the command.
    exit_code: u8,
    /// What is wrong: the first of the diagnostics, where there are some.
    message: String,
    /// The causes of what the message says, each the cause of the one before.
    causes: Vec<String>,
    /// Where it is wrong, if that is a place in a file.
    place: Option<ErrorPlace>,
    /// What to do about it.
    remedy: Option<String>,
    /// Everything that is wrong with recipes, tables or steps; empty for other failures.
    diagnostics: Vec<ErrorDiagnostic>,
}

/// A place in a file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorPlace {
    /// The file; of recipes, from the workspace's root.
    file: String,
    /// Line, from 1; `null` where it is not known.
    line: Option<u64>,
    /// Column in characters, from 1; `null` where it is not known.
    column: Option<u64>,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorDiagnostic {
    /// Who has to act.
    kind: ErrorClass,
    /// What is wrong.
    message: String,
    /// Where.
    place: Option<ErrorPlace>,
    /// What to do about it.
    remedy: Option<String>,
    /// Other places that belong to it.
    notes: Vec<ErrorNote>,
}

/// A second place that helps to understand a diagnostic.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct ErrorNote {
    /// What is there.
    message: String,
    /// Where.
    place: ErrorPlace,
}

impl ErrorDocument {
    /// The document of a failure.
    pub(crate) fn of(failure: &Failure) -> Self {
        let said = failure.to_string();
        let (message, help) = match said.split_once(HELP) {
            Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
            None => (said, None),
        };
        let causes = failure.causes();
        let mut error = ErrorReport {
            kind: failure.class(),
            exit_code: failure.exit_code(),
            message,
            causes,
            place: place(failure),
            remedy: failure.remedy().or(help),
            diagnostics: diagnostics(failure),
        };
        if let Some(first) = error.diagnostics.first() {
            (error.message, error.place) = (first.message.clone(), first.place.clone());
            error.remedy = first.remedy.clone();
        } else if let Some(rest) = error.place.as_ref().and_then(|place| without(place, &error.message)) {
            error.message = rest;
        }
        Self { format: ERROR_FORMAT, error }
    }

    /// The document of arguments that cannot be read.
    pub(crate) fn of_arguments(error: &clap::Error) -> Self {
        let shown = error.render().to_string();
        let paragraph = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut parts = shown.split("\n\n");
        let first = paragraph(parts.next().unwrap_or_default());
        let message = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".to_owned(),
            _ => first.strip_prefix("error: ").unwrap_or(&first).to_owned(),
        };
        let tips = parts.filter_map(|part| part.trim_start().strip_prefix("tip: "));
        let tips: Vec<String> = tips.map(paragraph).collect();
        let remedy =
            if tips.is_empty() { "`--help` lists the arguments".to_owned() } else { tips.join("; ") };
        let error = ErrorReport {
            kind: ErrorClass::User,
            exit_code: 2,
            message,
            causes: Vec::new(),
            place: None,
            remedy: Some(remedy),
            diagnostics: Vec::new(),
        };
        Self { format: ERROR_FORMAT, error }
    }

    /// The document in one line. What acts on a terminal is written as JSON's escapes.
    pub(crate) fn to_line(&self) -> String {
        // Every key is a string and no value is a number that JSON lacks, so this cannot fail.
        escaped(serde_json::to_string(self).unwrap_or_default())
    }
}

/// The message without the place that it begins with.
fn without(place: &ErrorPlace, message: &str) -> Option<String> {
    let rest = message.strip_prefix(&place.file)?;
    let numbered = |rest: &str, number: Option<u64>| match number {
        Some(number) => rest.strip_prefix(&format!(":{number}")).map(str::to_owned),
        None => Some(rest.to_owned()),
    };
    let rest = numbered(&numbered(rest, place.line)?, place.column)?;
    rest.strip_prefix(": ").map(str::to_owned)
}

fn diagnostics(failure: &Failure) -> Vec<ErrorDiagnostic> {
    match failure {
        Failure::Diagnostics(diagnostics) => diagnostics.iter().map(ErrorDiagnostic::of).collect(),
        Failure::Flow(FlowError::Failed { failures, .. }) => {
            failures.iter().map(ErrorDiagnostic::of_step).collect()
        }
        Failure::Repeated(failure) => vec![ErrorDiagnostic::of_step(failure)],
        _ => Vec::new(),
    }
}

fn place(failure: &Failure) -> Option<ErrorPlace> {
    let known = |number: u64| (number > 0).then_some(number);
    match failure {
        Failure::Import(
            ImportError::Content { place, .. } | ImportError::Duplicate { second: place, .. },
        ) => {
            let (line, column) = (known(place.line), known(place.column));
            Some(ErrorPlace { file: place.file.clone(), line, column })
        }
        Failure::Rows(
            RowsError::Encoding { place, .. }
            | RowsError::Syntax { place, .. }
            | RowsError::Form { place, .. }
            | RowsError::Id { place, .. }
            | RowsError::Twice { place, .. },
        ) => {
            let (line, column) = (known(place.line as u64), known(place.column as u64));
            Some(ErrorPlace { file: place.path.to_string(), line, column })
        }
        Failure::Lock(error) => {
            let (line, column) = (known(error.line as u64), known(error.column as u64));
            Some(ErrorPlace { file: error.file.clone(), line, column })
        }
        _ => None,
    }
}

impl From<&Location> for ErrorPlace {
    fn from(at: &Location) -> Self {
        let (line, column) = (Some(at.line.into()), Some(at.column.into()));
        Self { file: at.file.to_string(), line, column }
    }
}

impl ErrorDiagnostic {
    fn of(diagnostic: &Diagnostic) -> Self {
        let note = |note: &assay_flow::Note| ErrorNote {
            message: note.message.clone(),
            place: ErrorPlace::from(&note.location),
        };
        Self {
            kind: diagnostic.class,
            message: diagnostic.message.clone(),
            place: diagnostic.location.as_ref().map(ErrorPlace::from),
            remedy: diagnostic.help.clone(),
            notes: diagnostic.notes.iter().map(note).collect(),
        }
    }

    fn of_step(failure: &StepFailure) -> Self {
        Self {
            kind: failure.class,
            message: format!("step {} failed: {}", failure.step, failure.message),
            place: None,
            remedy: failure.remedy.clone(),
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::visible::acts;

    /// Writes the schema where it is not current, and fails then.
    #[test]
    fn the_committed_schema_is_current() {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/error.schema.json");
        let schema = format!("{:#}\n", schemars::schema_for!(ErrorDocument).to_value());
        if fs_err::read_to_string(&path).unwrap_or_default() != schema {
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, schema).unwrap();
            panic!("{} was not current and has been written: review and commit it", path.display());
        }
    }

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_nothing_is_lost() {
        let message = "a\u{1b}[31m\u{9b}\u{202e}\"b\"\n";
        let line = ErrorDocument::of(&Failure::Internal(message.to_owned())).to_line();
        assert!(!line.chars().any(acts), "{line}");
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["error"]["message"], format!("internal error: {message}"));
        assert_eq!((&read["error"]["kind"], &read["error"]["exit_code"]), (&"internal".into(), &4.into()));
    }
}
