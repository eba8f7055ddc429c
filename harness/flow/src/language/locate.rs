//! From "this value does not fit" to the place where a user can mend it.

use serde::de::DeserializeOwned;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::values::de::{self, Misfit};
use crate::values::location::Location;
use crate::values::names::likely;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Origin, Table, Value};

/// What is wrong with the value at `path` below `root`, at that value's own place: in the scale's file if it
/// was taken from there, named by its argument if it was given by `--set`.
///
/// `key` says that the key is wrong and not the value under it. For a path that does not exist, the place is
/// that of the deepest table or list that does.
pub(crate) fn diagnose(
    root: &Located,
    path: &ValuePath,
    key: bool,
    message: String,
    help: Option<String>,
) -> Diagnostic {
    let mut here = root;
    let mut via = root.via.as_deref();
    let mut whole = true;
    for segment in path.segments() {
        let Some(next) = here.child(segment) else {
            whole = false;
            break;
        };
        here = next;
        via = here.via.as_deref().or(via);
    }
    let diagnostic = match (&here.origin, &here.key) {
        (Origin::Set { path }, _) => Diagnostic::user(format!("`--set {path}`: {message}")),
        (Origin::File { .. }, Some(place)) if key && whole => Diagnostic::user(message).at(place),
        (Origin::File { at, .. }, _) => Diagnostic::user(message).at(at),
    };
    let diagnostic = diagnostic.maybe_help(help);
    match via {
        Some(reference) => diagnostic.note(&reference.at, format!("taken from here by `{}`", reference.text)),
        None => diagnostic,
    }
}

/// The place of a value: its own if it stands in a file, else that of `fallback`.
pub(crate) fn place<'l>(located: &'l Located, fallback: &'l Location) -> &'l Location {
    located.origin.location().unwrap_or(fallback)
}

/// The value as a table; anything else is reported. `what` names it in the message (`a step`).
pub(crate) fn expect_table<'a>(
    located: &'a Located,
    what: &str,
    problems: &mut Diagnostics,
) -> Option<&'a Table> {
    if let Value::Table(table) = &located.value {
        return Some(table);
    }
    let message = format!("expected a table for {what}, found {}", located.value.type_name());
    problems.push(diagnose(located, &ValuePath::default(), false, message, None));
    None
}

/// A table of our own files, read strictly: unknown keys are reported when it is opened, all of them.
pub(crate) struct Fields<'a, 'p> {
    root: &'a Located,
    table: &'a Table,
    problems: &'p mut Diagnostics,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Opens a table. `what` names it in messages (`a step`). With `known`, other keys are reported.
    pub(crate) fn open(
        root: &'a Located,
        what: &str,
        known: Option<&[&str]>,
        problems: &'p mut Diagnostics,
    ) -> Option<Self> {
        let table = expect_table(root, what, problems)?;
        for key in table.keys() {
            if let Some(known) = known.filter(|known| !known.contains(&key.as_str())) {
                let message = format!("unknown key `{key}` in {what}");
                let help = likely(key, known.iter().copied());
                problems.push(diagnose(root, &ValuePath::key(key), true, message, help));
            }
        }
        Some(Self { root, table, problems })
    }

    /// The raw value of a key.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a Located> {
        self.table.get(key)
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if self.raw(key).is_none() {
            self.report(&ValuePath::default(), format!("key `{key}` is missing"), None);
        }
        self.optional(key)
    }

    /// The value of a key that may be left out. A value that does not fit is reported.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        match de::read::<T>(self.table.get(key)?) {
            Ok(value) => Some(value),
            Err(Misfit { path, message, suggestion, key: of_key }) => {
                let mut full = ValuePath::key(key);
                path.segments().iter().for_each(|segment| full.push(segment.clone()));
                let message = if of_key { message } else { format!("`{full}`: {message}") };
                self.problems.push(diagnose(self.root, &full, of_key, message, suggestion));
                None
            }
        }
    }

    /// Reports something about the value at `path`.
    pub(crate) fn report(&mut self, path: &ValuePath, message: String, help: Option<String>) {
        self.problems.push(diagnose(self.root, path, false, message, help));
    }

    /// To read a value below with another `Fields`.
    pub(crate) fn problems(&mut self) -> &mut Diagnostics {
        self.problems
    }
}
