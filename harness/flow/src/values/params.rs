//! A step's parameters, as its kind sees them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::values::de::{self, Misfit};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Table, Value};

/// A step's resolved parameters: every `$path` is replaced by the scale's value. Everything that can be read
/// here is part of the step's key.
#[derive(Clone, Debug)]
pub struct Params {
    /// Always a table.
    pub(crate) root: Arc<Located>,
    pub(crate) seed: Option<u64>,
    /// Of the labelled inputs, by name.
    pub(crate) labels: BTreeMap<String, Vec<Label>>,
}

/// Which model and seed an artefact is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Label {
    /// The model's name; the step's where no model is behind it.
    pub name: String,
    /// The seed of a step that runs once per seed.
    pub seed: Option<u64>,
}

impl fmt::Display for Label {
    /// `NAME`, or `NAME[seed=1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "{}[seed={seed}]", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// For kinds without parameters: `params.parse::<NoParams>()` reports any that are given.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

impl Params {
    /// Reads all parameters into `T`. Keys that `T` does not know are errors, nested ones too.
    ///
    /// Numbers: an integer does where `T` has a float, not the other way round.
    ///
    /// # Errors
    /// The first thing that does not fit, with its path and the likely meant name.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParamError> {
        de::read(&self.root).map_err(ParamError::from)
    }

    /// Reads the value at a dotted path into `T`, as [`parse`](Self::parse) reads all of them; `None` if there is none.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_at<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ParamError> {
        self.get(path)
            .map(|value| de::read(value).map_err(|misfit| ParamError::from(misfit).under(path)))
            .transpose()
    }

    /// The seed of a step that runs once per seed.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// The labels of the artefacts that a labelled input takes, in the order of the definition, and of the
    /// seeds for a step that runs once per seed. Empty for an input without labels, or one that is not
    /// connected.
    pub fn labels(&self, input: &str) -> &[Label] {
        self.labels.get(input).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Located> {
        self.root.at(path)
    }

    /// All values.
    pub fn table(&self) -> &Table {
        static EMPTY: Table = Table::new();
        match &self.root.value {
            Value::Table(table) => table,
            _ => &EMPTY,
        }
    }

    /// The same as one located value, for walking it.
    pub fn root(&self) -> &Located {
        &self.root
    }
}

/// A parameter that a step kind cannot use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParamError {
    /// From the parameters' table; empty for the table itself. A path that does not exist is reported at the
    /// deepest part that does.
    pub path: ValuePath,
    /// What is wrong, as a fragment.
    pub message: String,
    /// What was probably meant, as a fragment.
    pub suggestion: Option<String>,
    /// Where in the string at `path` the mistake begins, in bytes; `None` for the string as a whole or another
    /// value.
    pub offset: Option<usize>,
    /// True if the key at `path` is wrong rather than its value.
    pub(crate) key: bool,
    /// More that is wrong.
    pub(crate) others: Vec<ParamError>,
}

impl ParamError {
    /// The value at `path` (such as `recipe.rows[2].evaluation`) is wrong.
    pub fn new(path: impl Into<ValuePath>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        Self { path, message, suggestion: None, offset: None, key: false, others: Vec::new() }
    }

    /// The key at `path` is wrong, rather than its value.
    pub fn of_key(path: impl Into<ValuePath>, message: impl Into<String>) -> Self {
        Self { key: true, ..Self::new(path, message) }
    }

    /// There should be no key at `path`; near names of `known` are suggested.
    pub fn unknown_key<'a>(path: impl Into<ValuePath>, known: impl IntoIterator<Item = &'a str>) -> Self {
        let path = path.into();
        let name = match path.segments().last() {
            Some(crate::values::path::Segment::Key(key)) => key.clone(),
            _ => path.to_string(),
        };
        Self::of_key(path, format!("unknown key `{name}`")).meant(&name, known)
    }

    /// The mistake begins at this byte of the string at `path`.
    #[must_use]
    pub fn at_offset(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// Adds what was probably meant.
    #[must_use]
    pub fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    /// Adds those of `known` that are near `name`, or all if none is and they are few.
    #[must_use]
    pub fn meant<'a>(mut self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        self.suggestion = crate::values::names::likely(name, known);
        self
    }

    /// `Ok` if the list is empty, else one error that reports them all.
    ///
    /// # Errors
    /// The first, which carries the rest.
    pub fn all(errors: Vec<ParamError>) -> Result<(), ParamError> {
        let mut errors = errors.into_iter();
        match errors.next() {
            None => Ok(()),
            Some(mut first) => {
                first.others.extend(errors);
                Err(first)
            }
        }
    }

    /// This error and those that it carries.
    pub(crate) fn flatten(self) -> Vec<ParamError> {
        let mut flat = Vec::new();
        let mut queue = vec![self];
        while let Some(mut error) = queue.pop() {
            queue.extend(std::mem::take(&mut error.others).into_iter().rev());
            flat.push(error);
        }
        flat
    }

    /// Puts a path in front, for an error about a part that was checked on its own.
    #[must_use]
    pub fn under(mut self, parent: impl Into<ValuePath>) -> Self {
        let parent = parent.into();
        for error in std::iter::once(&mut self.path).chain(self.others.iter_mut().map(|o| &mut o.path)) {
            let mut path = parent.clone();
            error.segments().iter().for_each(|segment| path.push(segment.clone()));
            *error = path;
        }
        self
    }
}

impl From<Misfit> for ParamError {
    fn from(misfit: Misfit) -> Self {
        let Misfit { path, message, suggestion, key, .. } = misfit;
        Self { path, message, suggestion, offset: None, key, others: Vec::new() }
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message)?,
            false => write!(f, "`{}`: {}", self.path, self.message)?,
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, " ({suggestion})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParamError {}
