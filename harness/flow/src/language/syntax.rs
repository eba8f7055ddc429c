//! From TOML text to located values.

use std::ops::Range;

use camino::Utf8Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::duplicate::{DUPLICATE, Duplicate, duplicates};
use crate::values::location::Location;
use crate::values::path::ValuePath;
use crate::values::text::SharedText;
use crate::values::value::{Located, Origin, Table, Value};

/// Parses a whole file into a table. Every syntax error goes to `problems`, and then there is no table:
/// what a parser guesses after an error only leads to misleading messages.
pub(crate) fn parse_file(file: &Utf8Path, text: &str, problems: &mut Diagnostics) -> Option<Located> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { source: Source::new(file, text), bad: Vec::new() };
    let at = |offset: usize| reader.source.location(offset);
    let mut bad: Vec<Diagnostic> = Vec::new();
    for error in errors.iter().filter(|error| error.message() != DUPLICATE || error.span().is_none()) {
        let location = at(error.span().map_or(text.len(), |span| span.start));
        bad.push(Diagnostic::user(format!("not valid TOML: {}", error.message())).at(&location));
    }
    let twice = errors.iter().filter(|error| error.message() == DUPLICATE).filter_map(|error| error.span());
    for Duplicate { key, second, first } in duplicates(text, twice) {
        let found = Diagnostic::user(format!("`{key}` is defined twice")).at(&at(second));
        bad.push(match first {
            Some(first) => found.note(&at(first), "first defined here"),
            None => found,
        });
    }
    reader.bad = bad;
    let root = Located {
        value: Value::Bool(false),
        origin: Origin::File { at: reader.source.location(0), path: "".into() },
        key: None,
        via: Vec::new(),
        exact: false,
    };
    let table = errors.is_empty().then(|| reader.table(document.get_ref(), &ValuePath::default()));
    let failed = !reader.bad.is_empty();
    // Tables are read by key; a reader of messages goes by line.
    reader.bad.sort_by(|a, b| a.location.cmp(&b.location));
    reader.bad.into_iter().for_each(|d| problems.push(d));
    table.filter(|_| !failed).map(|table| Located { value: Value::Table(table), ..root })
}

/// Parses the value of a `--set path=value` argument; `None` if it is no value of TOML's, or one that is not
/// used here.
pub(crate) fn parse_argument(text: &str) -> Option<Value> {
    let parsed = DeValue::parse(text).ok()?;
    let mut reader = Reader { source: Source::new(Utf8Path::new(""), text), bad: Vec::new() };
    let located = reader.value(&parsed, &ValuePath::default(), None);
    reader.bad.is_empty().then_some(located.value)
}

/// Marks a value and all below it as given by `--set path`.
pub(crate) fn mark_as_set(located: &mut Located, path: &str) {
    located.origin = Origin::Set { path: path.into() };
    located.key = None;
    match &mut located.value {
        Value::List(items) => items.iter_mut().for_each(|item| mark_as_set(item, path)),
        Value::Table(table) => table.values_mut().for_each(|item| mark_as_set(item, path)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => {}
    }
}

struct Reader<'t> {
    source: Source<'t>,
    bad: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &ValuePath) -> Table {
        table
            .iter()
            .map(|(key, value)| {
                let place = self.source.location(key.span().start);
                let path = path.clone().then(key.get_ref().as_ref());
                (key.get_ref().to_string(), self.value(value, &path, Some(place)))
            })
            .collect()
    }

    fn value(&mut self, spanned: &Spanned<DeValue<'_>>, path: &ValuePath, key: Option<Location>) -> Located {
        let at = self.source.location(spanned.span().start);
        let value = match spanned.get_ref() {
            DeValue::Boolean(value) => Value::Bool(*value),
            DeValue::String(value) => Value::Str(value.to_string()),
            DeValue::Integer(value) => match i64::from_str_radix(value.as_str(), value.radix()) {
                Ok(value) => Value::Int(value),
                Err(_) => self.refuse(&at, format!("{value} does not fit a 64-bit integer")),
            },
            DeValue::Float(value) => match value.as_str().parse::<f64>() {
                Ok(value) if value.is_finite() => Value::Float(value),
                _ => self.refuse(&at, format!("{value} is not a finite number")),
            },
            DeValue::Datetime(value) => {
                self.refuse(&at, format!("dates such as {value} are not used here; write a string in quotes"))
            }
            DeValue::Array(items) => Value::List(
                items.iter().enumerate().map(|(i, v)| self.value(v, &path.clone().index(i), None)).collect(),
            ),
            DeValue::Table(table) => Value::Table(self.table(table, path)),
        };
        let exact = match &value {
            Value::Str(text) => self.source.is_exact(spanned.span(), text),
            _ => false,
        };
        Located {
            value,
            origin: Origin::File { at, path: path.to_string().into() },
            key,
            via: Vec::new(),
            exact,
        }
    }

    /// Notes why a value cannot be used; the placeholder never leaves this module.
    fn refuse(&mut self, at: &Location, message: String) -> Value {
        self.bad.push(Diagnostic::user(message).at(at));
        Value::Bool(false)
    }
}

/// A text and the byte offsets at which its lines begin.
struct Source<'t> {
    file: SharedText,
    text: &'t str,
    lines: Vec<usize>,
}

impl<'t> Source<'t> {
    fn new(file: &Utf8Path, text: &'t str) -> Self {
        let starts = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(i, _)| i + 1);
        Self { file: file.as_str().into(), text, lines: std::iter::once(0).chain(starts).collect() }
    }

    /// Whether a quoted string stands in the file as it is: one quote, its characters, one quote.
    fn is_exact(&self, span: Range<usize>, value: &str) -> bool {
        self.text.get(span.start + 1..span.end.saturating_sub(1)) == Some(value) && !value.contains('\n')
    }

    fn location(&self, offset: usize) -> Location {
        let line = self.lines.partition_point(|start| *start <= offset) - 1;
        let before = self.text.get(self.lines[line]..offset).unwrap_or_default();
        Location {
            file: self.file.clone(),
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use camino::Utf8Path;
    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::parse_file;
    use crate::language::diagnostic::Diagnostics;
    use crate::values::de::read;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Optim {
        rate: f64,
        epochs: Option<u32>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "kebab-case")]
    enum Rule {
        Plain,
        WeightedBy { power: f64 },
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Lenient {
        #[serde(default)]
        optim: BTreeMap<String, Optim>,
        rules: Vec<Rule>,
        pair: (i64, bool),
    }

    /// What serde reads by way of a table of its own making.
    #[derive(Debug, Deserialize, PartialEq)]
    struct Flattened {
        #[serde(flatten)]
        optim: Optim,
    }

    /// The same, by the value of a key.
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
    enum Tagged {
        Local { device: String },
    }

    fn check<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        let mut problems = Diagnostics::default();
        let Some(table) = parse_file(Utf8Path::new("t.toml"), text, &mut problems) else {
            return Err(problems.to_string());
        };
        read(&table).map_err(|e| match e.suggestion {
            Some(help) => format!("{}: {}; {help}", e.path, e.message),
            None => format!("{}: {}", e.path, e.message),
        })
    }

    #[test]
    fn reads_typed_values() {
        let text = "pair = [1, true]\nrules = ['plain', { weighted-by = { power = 2 } }]\noptim.a.rate = 1";
        let optim = BTreeMap::from([("a".to_owned(), Optim { rate: 1.0, epochs: None })]);
        let rules = vec![Rule::Plain, Rule::WeightedBy { power: 2.0 }];
        assert_eq!(check(text), Ok(Lenient { optim, rules, pair: (1, true) }));
    }

    #[test]
    fn names_the_path_of_what_does_not_fit() {
        let good = "pair = [1, true]\nrules = []\n";
        for (text, want) in [
            ("optim.a.rate = 'x'", "optim.a.rate: expected a number, found \"x\""),
            ("optim.a.rat = 1", "optim.a.rat: unknown key `rat`; did you mean `rate`?"),
            ("optim.a.epochs = 1", "optim.a: key `rate` is missing"),
            (
                "optim.a = { rate = 1, epochs = -1 }",
                "optim.a.epochs: expected an integer, 0 or more, found `-1`",
            ),
            ("extra = 1", "extra: unknown key `extra`; known here: `optim`, `pair`, `rules`"),
        ] {
            assert_eq!(check::<Lenient>(&format!("{good}{text}")), Err(want.to_owned()), "{text}");
        }
        for (text, want) in [
            ("rules = ['plian']\npair = [1, true]", "rules[0]: unknown value `plian`; did you mean `plain`?"),
            (
                "rules = [3]\npair = [1, true]",
                "rules[0]: expected one of its names, found an integer; known here: `plain`, `weighted-by`",
            ),
            ("rules = []\npair = [1]", "pair: expected a tuple of size 2, found 1 values"),
            ("rules = []\npair = [1, true, 2]", "pair: expected 2 values, found 3"),
        ] {
            assert_eq!(check::<Lenient>(text), Err(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_missing_key_is_found_where_it_is_misspelt() {
        let device = || Tagged::Local { device: "cpu".to_owned() };
        assert_eq!(check("kind = 'local'\ndevice = 'cpu'"), Ok(device()));
        for (text, want) in [
            ("kind = 'local'\ndevcie = 'cpu'", "devcie: unknown key `devcie`; did you mean `device`?"),
            (
                "kind = 'local'\nplace = 'cpu'\ndevice = 'x'",
                "place: unknown key `place`; known here: `device`",
            ),
            ("kind = 'local'", ": key `device` is missing"),
            ("knid = 'local'\ndevice = 'cpu'", "knid: unknown key `knid`; did you mean `kind`?"),
        ] {
            assert_eq!(check::<Tagged>(text), Err(want.to_owned()), "{text}");
        }
        for (text, want) in [
            ("raet = 1", "raet: unknown key `raet`; did you mean `rate`?"),
            ("epochs = 1", ": key `rate` is missing"),
        ] {
            assert_eq!(check::<Flattened>(text), Err(want.to_owned()), "{text}");
        }
    }
}
