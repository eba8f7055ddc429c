//! `--set path=value`: values that an argument replaces.

use crate::language::diagnostic::{Diagnostic, Diagnostics};
use crate::language::scale::likely_path;
use crate::language::syntax::{mark_as_set, parse_argument};
use crate::values::path::{Segment, ValuePath};
use crate::values::value::{Located, Value};

/// The arguments of a command, applied to one file of values after the other. Each replaces a value of the first that has
/// its path.
pub(crate) struct Sets<'s> {
    all: &'s [String],
    /// Those that are well formed and were not applied yet, each with its path and its text.
    left: Vec<(&'s str, &'s str, &'s str)>,
    /// Those that were, each with its path.
    applied: Vec<(&'s str, ValuePath)>,
}

impl<'s> Sets<'s> {
    /// Takes the arguments apart. One without `=` is reported.
    pub(crate) fn new(all: &'s [String], problems: &mut Diagnostics) -> Self {
        let mut left = Vec::new();
        for set in all {
            match set.split_once('=') {
                Some((path, text)) => left.push((set.as_str(), path.trim(), text.trim())),
                None => {
                    let message = "expected `path=value`, such as `reasoner.epochs=8`".to_owned();
                    problems.push(problem(set, message));
                }
            }
        }
        Self { all, left, applied: Vec::new() }
    }

    /// All arguments, as they were given.
    pub(crate) fn all(&self) -> &'s [String] {
        self.all
    }

    /// Applies those whose path `root` has.
    pub(crate) fn apply(&mut self, root: &mut Located, problems: &mut Diagnostics) {
        self.apply_with("", root, problems);
    }

    /// Applies those whose path begins with `name` and goes on with a path that `root` has.
    pub(crate) fn apply_below(&mut self, name: &str, root: &mut Located, problems: &mut Diagnostics) {
        self.apply_with(&format!("{name}."), root, problems);
    }

    fn apply_with(&mut self, prefix: &str, root: &mut Located, problems: &mut Diagnostics) {
        for (set, path, text) in std::mem::take(&mut self.left) {
            let plain = !path.split('.').any(str::is_empty);
            let below = path.strip_prefix(prefix).filter(|_| plain);
            let old = below.and_then(|below| find_mut(root, ValuePath::from(below).segments()));
            let Some(old) = old else {
                self.left.push((set, path, text));
                continue;
            };
            let wanted = ValuePath::from(path);
            if let Some((first, _)) = self.applied.iter().find(|(_, other)| overlap(other, &wanted)) {
                let message = format!("`--set {first}` gives this value already");
                problems.push(problem(set, message).help("leave out one of them"));
                continue;
            }
            match replace(old, path, text) {
                Ok(()) => self.applied.push((set, wanted)),
                Err(message) => problems.push(problem(set, message)),
            }
        }
    }

    /// Reports those that were not applied; `roots` are the values that there are.
    pub(crate) fn report_unknown(&self, roots: &[&Located], problems: &mut Diagnostics) {
        for (set, path, _) in &self.left {
            let help = likely_path(roots.iter().copied(), path);
            problems.push(problem(set, format!("the scale has no value `{path}`")).maybe_help(help));
        }
    }
}

fn problem(set: &str, message: String) -> Diagnostic {
    Diagnostic::user(format!("`--set {set}`: {message}"))
}

/// Replaces a value by the one that a text stands for.
fn replace(old: &mut Located, path: &str, text: &str) -> Result<(), String> {
    let mut new = match (parse_argument(text), &old.value) {
        // Quotes rarely survive a shell, so where a string is wanted, anything else is taken as one.
        (Some(new @ Value::Str(_)), Value::Str(_)) => new,
        (_, Value::Str(_)) => Value::Str(text.to_owned()),
        (Some(new), _) => new,
        (None, old) if text.is_empty() => {
            return Err(format!("the value is empty; expected {}", old.type_name()));
        }
        (None, old) => return Err(format!("expected {}, found `{text}`", old.type_name())),
    };
    fit(&mut new, &old.value)?;
    old.value = new;
    mark_as_set(old, path);
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
