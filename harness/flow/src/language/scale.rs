//! `recipes/scale/NAME.toml`: the sizes and settings that a pipeline's `$path` references take.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::locate::{Fields, Keys, Part, diagnose};
use crate::language::syntax::{mark_as_set, parse_argument};
use crate::values::location::Location;
use crate::values::names::{likely, near, quoted};
use crate::values::path::{Segment, ValuePath};
use crate::values::value::{Located, Value};

/// Keys of the format; all others are values.
const KNOWN: [&str; 2] = ["title", SEEDS];

/// The key of the seeds.
const SEEDS: &str = "seeds";

/// A scale with the values that arguments replaced.
#[derive(Clone, Debug)]
pub struct Scale {
    /// The file's name without `.toml`.
    pub name: String,
    /// The file, relative to the workspace's root.
    pub file: Utf8PathBuf,
    /// `title`.
    pub title: String,
    /// `path=value` arguments that were applied, in order.
    pub sets: Vec<String>,
    /// `seeds`, each with its place.
    pub(crate) seeds: Vec<(u64, Located)>,
    root: Located,
}

impl Scale {
    /// Reads a scale from its parsed file and applies `sets`.
    pub(crate) fn read(
        name: &str,
        file: &Utf8Path,
        mut root: Located,
        sets: &[String],
        problems: &mut Diagnostics,
    ) -> Option<Self> {
        let mut earlier: Vec<(&str, ValuePath)> = Vec::new();
        for set in sets {
            if let Err(diagnostic) = apply(&mut root, set, &mut earlier) {
                problems.push(diagnostic);
            }
        }
        let mut fields = Fields::open(&root, "a scale", Keys::Also(&KNOWN), problems)?;
        let title = fields.required("title");
        let seeds = match fields.optional::<Vec<u64>>(SEEDS) {
            Some(seeds) => {
                let places = fields.raw(SEEDS).and_then(|s| s.value.as_list()).unwrap_or_default();
                let is_set = |i: usize| places.get(i).is_some_and(|seed| seed.origin.location().is_none());
                let mut met = BTreeMap::new();
                for (i, seed) in seeds.iter().enumerate() {
                    let Some(first) = met.insert(seed, i) else { continue };
                    // What an argument replaced is to blame, and not what the file has.
                    let wrong = if is_set(first) && !is_set(i) { first } else { i };
                    let message = format!("seed {seed} is listed twice");
                    fields.report(&ValuePath::key(SEEDS).index(wrong), message, None);
                }
                seeds.into_iter().zip(places.iter().cloned()).collect()
            }
            None => Vec::new(),
        };
        Some(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            title: title?,
            sets: sets.to_vec(),
            seeds,
            root,
        })
    }

    /// The seeds, in order.
    pub fn seeds(&self) -> impl Iterator<Item = u64> {
        self.seeds.iter().map(|(seed, _)| *seed)
    }

    /// The value at a dotted path.
    pub fn value(&self, path: &str) -> Option<&Located> {
        self.root.at(path)
    }

    /// The first seed, or one that stands for any where there is none.
    pub(crate) fn some_seed(&self) -> (u64, Located) {
        let stand_in = || (1, Located { value: Value::Int(1), ..self.root.clone() });
        self.seeds.first().cloned().unwrap_or_else(stand_in)
    }

    /// That there are no seeds although `step`, which is defined at `at`, runs once for each.
    pub(crate) fn without_seeds(&self, step: &str, at: &Location) -> Diagnostic {
        let keys = self.root.value.as_table().into_iter().flatten().map(|(key, _)| key.as_str());
        let misspelt = near(SEEDS, keys.filter(|key| !KNOWN.contains(key)));
        let (key, message, help) = match (self.root.at(SEEDS), misspelt) {
            (Some(_), _) => (SEEDS, "`seeds` lists no seed".to_owned(), "write `seeds = [1, 2, 3]`"),
            (None, Some(misspelt)) => {
                (misspelt, format!("the scale has `{misspelt}` but no `seeds`"), "did you mean `seeds`?")
            }
            (None, None) => (SEEDS, "the scale has no `seeds`".to_owned(), "add `seeds = [1, 2, 3]`"),
        };
        diagnose(&self.root, &ValuePath::key(key), Part::Key, message, Some(help.to_owned()))
            .note(at, format!("`{step}` runs once for each seed"))
    }

    /// All values.
    pub(crate) fn root(&self) -> &Located {
        &self.root
    }

    /// The file's first place.
    pub(crate) fn start(&self) -> Location {
        Location { file: self.file.as_str().into(), line: 1, column: 1 }
    }
}

/// Applies one `path=value`. `earlier` has the arguments that were applied before, each with its path.
fn apply<'s>(
    root: &mut Located,
    set: &'s str,
    earlier: &mut Vec<(&'s str, ValuePath)>,
) -> Result<(), Diagnostic> {
    let problem = |message: String| Diagnostic::user(format!("`--set {set}`: {message}"));
    let Some((path, text)) = set.split_once('=') else {
        return Err(problem("expected `path=value`, such as `reasoner.epochs=8`".into()));
    };
    let (path, text) = (path.trim(), text.trim());
    let wanted = ValuePath::from(path);
    let help = likely_path([&*root], path);
    let Some(old) = find_mut(root, wanted.segments()).filter(|_| !path.split('.').any(str::is_empty)) else {
        return Err(problem(format!("the scale has no value `{path}`")).maybe_help(help));
    };
    if let Some((first, _)) = earlier.iter().find(|(_, other)| overlap(other, &wanted)) {
        return Err(
            problem(format!("`--set {first}` gives this value already")).help("leave out one of them")
        );
    }
    let mut new = match (parse_argument(text), &old.value) {
        // Quotes rarely survive a shell, so where a string is wanted, anything else is taken as one.
        (Some(new @ Value::Str(_)), Value::Str(_)) => new,
        (_, Value::Str(_)) => Value::Str(text.to_owned()),
        (Some(new), _) => new,
        (None, old) if text.is_empty() => {
            return Err(problem(format!("the value is empty; expected {}", old.type_name())));
        }
        (None, old) => return Err(problem(format!("expected {}, found `{text}`", old.type_name()))),
    };
    fit(&mut new, &old.value).map_err(problem)?;
    old.value = new;
    mark_as_set(old, path);
    earlier.push((set, wanted));
    Ok(())
}

/// Whether one of two paths leads to the other's value or into it.
fn overlap(one: &ValuePath, other: &ValuePath) -> bool {
    one.segments().starts_with(other.segments()) || other.segments().starts_with(one.segments())
}

/// Checks that a value can stand for another one. An integer where a number was becomes one, so that its
/// key is that of the same number written in the file.
fn fit(new: &mut Value, old: &Value) -> Result<(), String> {
    match (&mut *new, old) {
        (Value::Table(_), _) | (_, Value::Table(_)) => {
            Err("whole tables cannot be set; set their values one by one".into())
        }
        (Value::Int(int), Value::Float(_)) => {
            #[expect(clippy::cast_precision_loss, reason = "checked on the next line")]
            let float = *int as f64;
            if float.abs() > 9e15 {
                return Err(format!("{int} is too large for an exact number"));
            }
            *new = Value::Float(float);
            Ok(())
        }
        (Value::List(items), Value::List(old_items)) => match old_items.first() {
            Some(first) => items.iter_mut().try_for_each(|item| fit(&mut item.value, &first.value)),
            None => Ok(()),
        },
        (new, old) if std::mem::discriminant(new) == std::mem::discriminant(old) => Ok(()),
        (new, old) => Err(format!("expected {}, found {}", old.type_name(), new.type_name())),
    }
}

fn find_mut<'l>(here: &'l mut Located, path: &[Segment]) -> Option<&'l mut Located> {
    let Some((first, rest)) = path.split_first() else { return Some(here) };
    let next = match (&mut here.value, first) {
        (Value::Table(table), Segment::Key(key)) => table.get_mut(key),
        (Value::List(items), Segment::Index(index)) => items.get_mut(*index),
        _ => None,
    };
    find_mut(next?, rest)
}

/// Help for a path that none of the roots has: paths that end in it, or else near ones, or else paths that end in
/// something near.
pub(crate) fn likely_path<'l>(roots: impl IntoIterator<Item = &'l Located>, path: &str) -> Option<String> {
    let mut paths = Vec::new();
    roots.into_iter().for_each(|root| collect_paths(root, &ValuePath::default(), &mut paths));
    let tail = format!(".{path}");
    let longer: Vec<&str> = paths.iter().map(String::as_str).filter(|known| known.ends_with(&tail)).collect();
    if !longer.is_empty() {
        return Some(format!("did you mean {}?", quoted(&longer, " or ")));
    }
    let all = || paths.iter().map(String::as_str);
    if near(path, all()).is_some() {
        return likely(path, all());
    }
    let Some(end) = near(path, all().filter_map(|known| known.rsplit_once('.')).map(|(_, end)| end)) else {
        return likely(path, all());
    };
    let ending: Vec<&str> = all().filter(|known| known.rsplit('.').next() == Some(end)).collect();
    Some(format!("did you mean {}?", quoted(&ending, " or ")))
}

fn collect_paths(here: &Located, path: &ValuePath, paths: &mut Vec<String>) {
    if !path.is_empty() {
        paths.push(path.to_string());
    }
    if let Value::Table(table) = &here.value {
        for (key, value) in table {
            collect_paths(value, &path.clone().then(key), paths);
        }
    }
}
