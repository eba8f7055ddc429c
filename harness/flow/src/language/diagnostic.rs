//! Messages about the user's files.

use std::fmt;

use assay_store::ErrorClass;

use crate::values::location::Location;
use crate::values::names::likely;

/// A second place that helps to understand a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Where to look.
    pub location: Location,
    /// What is there.
    pub message: String,
}

/// One thing that is wrong, where it is, and what was probably meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Who has to act.
    pub class: ErrorClass,
    /// What is wrong, as a fragment without a final full stop.
    pub message: String,
    /// The place, when it is in a file (and not, say, in an argument).
    pub location: Option<Location>,
    /// Other places that belong to the story.
    pub notes: Vec<Note>,
    /// A likely remedy, as a fragment.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake of the user's that is not tied to a place in a file.
    pub fn user(message: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::User,
            message: message.into(),
            location: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// There is no `what` of this name; near ones are suggested.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::user(format!("unknown {what} `{name}`")).maybe_help(likely(name, known))
    }

    /// The machine kept us from reading a file.
    pub fn environment(message: impl Into<String>) -> Self {
        Self { class: ErrorClass::Environment, ..Self::user(message) }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, location: &Location) -> Self {
        self.location = Some(location.clone());
        self
    }

    /// Adds a second place.
    #[must_use]
    pub fn note(mut self, location: &Location, message: impl Into<String>) -> Self {
        self.notes.push(Note { location: location.clone(), message: message.into() });
        self
    }

    /// Adds the likely remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the likely remedy if there is one.
    #[must_use]
    pub(crate) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: message`, then indented notes and help, without a final line break.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        f.write_str(&self.message)?;
        for note in &self.notes {
            write!(f, "\n  note: {}: {}", note.location, note.message)?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with the files read so far; never the same thing twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one. Where the same is said of the same place already, as for a value that several models and seeds
    /// share, only its notes are added.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let same = |known: &&mut Diagnostic| {
            known.message == diagnostic.message && known.location == diagnostic.location
        };
        match self.items.iter_mut().find(same) {
            Some(known) => {
                let new: Vec<Note> =
                    diagnostic.notes.into_iter().filter(|note| !known.notes.contains(note)).collect();
                known.notes.extend(new);
                known.class = known.class.max(diagnostic.class);
                known.help = known.help.take().or(diagnostic.help);
            }
            None => self.items.push(diagnostic),
        }
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// In order of discovery.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.items.iter()
    }

    /// The gravest class among them; [`ErrorClass::User`] when empty.
    pub fn class(&self) -> ErrorClass {
        self.items.iter().map(|d| d.class).max().unwrap_or(ErrorClass::User)
    }

    /// `value` if nothing is wrong, else the diagnostics.
    pub(crate) fn or_ok<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { items: vec![diagnostic] }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.items.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
impl std::error::Error for Diagnostic {}
