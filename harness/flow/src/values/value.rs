//! Values as they stand in a file, each with its place.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::location::Location;
use crate::values::path::{Segment, ValuePath};
use crate::values::text::SharedText;

/// Where a value was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In a file.
    File {
        /// The place of the value.
        at: Location,
        /// The value's path inside that file, such as `reasoner.epochs`.
        path: SharedText,
    },
    /// In an argument, `--set path=value`.
    Set {
        /// The path inside the scale.
        path: SharedText,
    },
}

impl Origin {
    /// The place in a file, if it is in one.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::File { at, .. } => Some(at),
            Self::Set { .. } => None,
        }
    }

    /// Whether this is another source than `other`: an argument and not a file, another file, or another path
    /// in it. Lines and columns do not count: they move whenever a file is edited.
    pub(crate) fn is_elsewhere(&self, other: &Self) -> bool {
        let file = |origin: &Self| origin.location().map(|at| at.file.clone());
        (file(self), self.path()) != (file(other), other.path())
    }

    /// The path inside the file or the scale.
    pub fn path(&self) -> &str {
        match self {
            Self::File { path, .. } | Self::Set { path } => path,
        }
    }
}

impl fmt::Display for Origin {
    /// `file:line path`, or `--set path`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { at, path } => write!(f, "{}:{} {path}", at.file, at.line),
            Self::Set { path } => write!(f, "--set {path}"),
        }
    }
}

/// A value of TOML's, less dates.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// An integer. It is kept apart from [`Value::Float`]: `1` and `1.0` have different keys.
    Int(i64),
    /// A 64-bit float, compared and hashed by its bits.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    List(Vec<Located>),
    /// A table. Order is by name; TOML gives the order of keys no meaning.
    Table(Table),
}

/// A table of located values.
pub type Table = BTreeMap<String, Located>;

impl Value {
    /// The type's name as users know it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The table, if this is one.
    pub fn as_table(&self) -> Option<&Table> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Whether both are the same value, wherever they were written. Floats are compared by their bits.
    pub(crate) fn is_written_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(one), Self::Float(other)) => one.to_bits() == other.to_bits(),
            (Self::List(one), Self::List(other)) => {
                let same = |(one, other): (&Located, &Located)| one.value.is_written_as(&other.value);
                one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (Self::Table(one), Self::Table(other)) => {
                let same = |((key, one), (other_key, other)): ((&String, &Located), (&String, &Located))| {
                    key == other_key && one.value.is_written_as(&other.value)
                };
                one.len() == other.len() && one.iter().zip(other).all(same)
            }
            (one, other) => one == other,
        }
    }

    /// The list, if this is one.
    pub fn as_list(&self) -> Option<&[Located]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    /// On one line, as it could be written in TOML. Different values have different texts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            // The shortest text that reads back to the same bits, always with a point or an exponent.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(value) => write!(f, "{value:?}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{}", if i > 0 { ", " } else { "" }, item.value)?;
                }
                f.write_str("]")
            }
            Self::Table(table) => {
                f.write_str("{")?;
                for (i, (key, item)) in table.iter().enumerate() {
                    let key = ValuePath::key(key);
                    write!(f, "{}{key} = {}", if i > 0 { ", " } else { " " }, item.value)?;
                }
                f.write_str(if table.is_empty() { "}" } else { " }" })
            }
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
    /// The place of the key that it was given under; `None` for list items and whole files.
    pub key: Option<Location>,
    /// How the value came to stand where it is used: each `$path` and each placeholder that was replaced on the
    /// way, the one that is nearest to the use first. Empty for a value that is used where it is written.
    pub via: Vec<Reference>,
    /// For a string: whether the file has its characters one by one after the opening quote, on one line and
    /// without escapes, so that a place inside it is known.
    pub exact: bool,
}

/// A `$path` or a placeholder that was replaced by a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Where it stands.
    pub at: Location,
    /// As it is written, such as `$reasoner.epochs` or `{training}`.
    pub text: String,
}

impl Located {
    /// The value at `path` below this one.
    pub fn get(&self, path: &ValuePath) -> Option<&Located> {
        self.walk(path).filter(|(_, rest)| rest.is_empty()).map(|(found, _)| found)
    }

    /// The value at a dotted path such as `reasoner.epochs` or `rows[2].name`.
    pub fn at(&self, path: &str) -> Option<&Located> {
        self.get(&ValuePath::from(path))
    }

    /// Follows `path` as far as it exists: the deepest value met and the segments left over.
    pub(crate) fn walk<'p>(&self, path: &'p ValuePath) -> Option<(&Located, &'p [Segment])> {
        let mut here = self;
        let segments = path.segments();
        for (i, segment) in segments.iter().enumerate() {
            match here.child(segment) {
                Some(next) => here = next,
                None => return Some((here, &segments[i..])),
            }
        }
        Some((here, &[]))
    }

    /// The value one step below.
    pub(crate) fn child(&self, segment: &Segment) -> Option<&Located> {
        match (&self.value, segment) {
            (Value::Table(table), Segment::Key(key)) => table.get(key),
            (Value::List(items), Segment::Index(index)) => items.get(*index),
            _ => None,
        }
    }
}
