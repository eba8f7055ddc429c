//! From "this value does not fit" to the place where a user can mend it.

use serde::de::DeserializeOwned;

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::values::de::{self, Misfit};
use crate::values::location::Location;
use crate::values::names::{likely, near};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Origin, Reference, Table, Value};

/// What of a value is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The value.
    Value,
    /// The key that it stands under.
    Key,
    /// What begins at this byte of a string.
    Offset(usize),
}

/// What is wrong with the value at `path` below `root`, at that value's own place: in the scale's file if it
/// was taken from there, named by its argument if it was given by `--set`.
///
/// For a path that does not exist, the place is that of the deepest table or list that does. For a place inside
/// a string it is the string's start where that is all that is known.
pub(crate) fn diagnose(
    root: &Located,
    path: &ValuePath,
    part: Part,
    message: String,
    help: Option<String>,
) -> Diagnostic {
    let mut here = root;
    let mut via: Vec<&Reference> = Vec::new();
    let mut whole = true;
    for segment in path.segments() {
        let Some(next) = here.child(segment) else {
            whole = false;
            break;
        };
        via.extend(&here.via);
        here = next;
    }
    // A wrong key is wrong wherever its value came from.
    if part != Part::Key || !whole {
        via.extend(&here.via);
    }
    let diagnostic = match (&here.origin, &here.key, part) {
        (Origin::Set { path }, _, _) => Diagnostic::user(format!("`--set {path}`: {message}")),
        (Origin::File { .. }, Some(place), Part::Key) if whole => Diagnostic::user(message).at(place),
        (Origin::File { at, .. }, _, Part::Offset(offset)) if whole => {
            Diagnostic::user(message).at(&inside(here, at, offset))
        }
        (Origin::File { at, .. }, _, _) => Diagnostic::user(message).at(at),
    };
    via.iter().rev().fold(diagnostic.maybe_help(help), |diagnostic, reference| {
        diagnostic.note(&reference.at, format!("taken from here by `{}`", reference.text))
    })
}

/// The place of a byte of a string.
fn inside(string: &Located, at: &Location, offset: usize) -> Location {
    let before = string.value.as_str().filter(|_| string.exact).and_then(|text| text.get(..offset));
    let characters = before.map_or(0, |before| before.chars().count() + 1);
    Location { column: at.column.saturating_add(u32::try_from(characters).unwrap_or(0)), ..at.clone() }
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
    problems.push(diagnose(located, &ValuePath::default(), Part::Value, message, None));
    None
}

/// The keys of a table of our own files.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys<'k> {
    /// These; others are reported.
    Only(&'k [&'k str]),
    /// These, and others that somebody else reads.
    Also(&'k [&'k str]),
}

/// A table of our own files, read strictly: unknown keys are reported when it is opened, all of them.
pub(crate) struct Fields<'a, 'p> {
    root: &'a Located,
    table: &'a Table,
    /// Names the table in messages (`a step`).
    what: &'static str,
    keys: Keys<'a>,
    problems: &'p mut Diagnostics,
}

impl<'a, 'p> Fields<'a, 'p> {
    /// Opens a table. `what` names it in messages (`a step`).
    pub(crate) fn open(
        root: &'a Located,
        what: &'static str,
        keys: Keys<'a>,
        problems: &'p mut Diagnostics,
    ) -> Option<Self> {
        let table = expect_table(root, what, problems)?;
        let mut fields = Self { root, table, what, keys, problems };
        if let Keys::Only(known) = keys {
            for key in fields.others() {
                fields.report_unknown(key, likely(key, known.iter().copied()));
            }
        }
        Some(fields)
    }

    /// Keys of the table that are not among the known ones.
    fn others(&self) -> Vec<&'a str> {
        let (Keys::Only(known) | Keys::Also(known)) = self.keys;
        self.table.keys().map(String::as_str).filter(|key| !known.contains(key)).collect()
    }

    fn report_unknown(&mut self, key: &str, help: Option<String>) {
        let message = format!("unknown key `{key}` in {}", self.what);
        self.problems.push(diagnose(self.root, &ValuePath::key(key), Part::Key, message, help));
    }

    /// The raw value of a key.
    pub(crate) fn raw(&self, key: &str) -> Option<&'a Located> {
        self.table.get(key)
    }

    /// The value of a key that must be there. If it is not, and one that is nearly the same is, the latter is
    /// reported as a misspelling.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        if self.raw(key).is_none() {
            match (near(key, self.others()), self.keys) {
                (Some(misspelt), Keys::Also(_)) => {
                    self.report_unknown(misspelt, Some(format!("did you mean `{key}`?")));
                }
                // Reported already.
                (Some(_), Keys::Only(_)) => {}
                (None, _) => self.report(&ValuePath::default(), format!("key `{key}` is missing"), None),
            }
        }
        self.optional(key)
    }

    /// The value of a key that may be left out. A value that does not fit is reported.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        match de::read::<T>(self.table.get(key)?) {
            Ok(value) => Some(value),
            Err(Misfit { path, message, suggestion, key: of_key, .. }) => {
                let mut full = ValuePath::key(key);
                path.segments().iter().for_each(|segment| full.push(segment.clone()));
                let (part, message) = match of_key {
                    true => (Part::Key, message),
                    false => (Part::Value, format!("`{full}`: {message}")),
                };
                self.problems.push(diagnose(self.root, &full, part, message, suggestion));
                None
            }
        }
    }

    /// Reports something about the value at `path`.
    pub(crate) fn report(&mut self, path: &ValuePath, message: String, help: Option<String>) {
        self.problems.push(diagnose(self.root, path, Part::Value, message, help));
    }

    /// To read a value below with another `Fields`.
    pub(crate) fn problems(&mut self) -> &mut Diagnostics {
        self.problems
    }
}
