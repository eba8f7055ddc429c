//! `$path` and `${path}`: values of the scale and values that all recipes share.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use camino::Utf8PathBuf;

use crate::language::diagnostic::{Diagnostic, Diagnostics, Note};
use crate::language::locate::{Part, diagnose};
use crate::language::scale::{Scale, likely_path};
use crate::values::path::ValuePath;
use crate::values::value::{Located, Reference, Table, Value};

/// The folder of files that state what was fixed before the runs, from the root.
pub const CRITERIA: &str = "recipes/criteria";

/// The path that stands for the seed of a step that runs once for each.
pub(crate) const SEED: &str = "seed";

/// Where `$path` is looked up: in the scale, then among the shared values.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a> {
    pub(crate) scale: &'a Scale,
    pub(crate) shared: &'a Shared,
}

/// The values of `recipes/shared.toml`, and below the recipe's name those of its file in `recipes/criteria`, as far as there
/// are such files.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// The file, relative to the workspace's root.
    pub(crate) file: Utf8PathBuf,
    pub(crate) root: Option<Located>,
    /// The recipe whose criteria are looked up below its name.
    pub(crate) recipe: Option<String>,
}

impl Shared {
    /// Adds what was fixed beforehand for a recipe, below its name.
    pub(crate) fn add(&mut self, recipe: &str, criteria: Located, problems: &mut Diagnostics) {
        let named = Value::Table(Table::from([(recipe.to_owned(), criteria.clone())]));
        let named = Located { value: named, ..criteria };
        match &mut self.root {
            Some(root) => join(root, named, problems),
            None => self.root = Some(named),
        }
    }
}

/// Adds the keys of one table to another. A key that both have is reported with both places.
pub(crate) fn join(root: &mut Located, other: Located, problems: &mut Diagnostics) {
    let (Value::Table(root), Value::Table(other)) = (&mut root.value, other.value) else { return };
    for (key, value) in other {
        match root.get(&key) {
            Some(first) => {
                let message = format!("`{key}` has a value already");
                let found = diagnose(&value, &ValuePath::default(), Part::Key, message, None);
                problems.push(match first.origin.location() {
                    Some(at) => found.note(at, "the other one is here"),
                    None => found,
                });
            }
            None => {
                root.insert(key, value);
            }
        }
    }
}

impl<'a> Values<'a> {
    /// The value at a path, as it is written.
    pub(crate) fn get(&self, path: &str) -> Option<&'a Located> {
        if path.split('.').any(str::is_empty) {
            return None;
        }
        self.scale.value(path).or_else(|| self.shared.root.as_ref()?.at(path))
    }

    /// What to say of a path without a value, and the likely remedy.
    pub(crate) fn missing(&self, path: &str) -> (String, Option<String>) {
        if path.is_empty() {
            let help = "write `$path.to.value` for a value of the scale, and `$$` for a dollar sign";
            return ("`$` without the path of a value".to_owned(), Some(help.to_owned()));
        }
        if let Some((recipe, rest)) = self.of_criteria(path) {
            return self.missing_criterion(recipe, rest);
        }
        let scale = &self.scale.file;
        let message = match &self.shared.root {
            Some(_) => format!("neither {scale} nor {} has a value `{path}`", self.shared.file),
            None => format!("{scale} has no value `{path}`"),
        };
        let roots = [Some(self.scale.root()), self.shared.root.as_ref()];
        (message, likely_path(roots.into_iter().flatten(), path))
    }
}

impl Values<'_> {
    /// The recipe's name and the rest of a path of its criteria.
    fn of_criteria<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        let recipe = self.shared.recipe.as_deref()?;
        path.split_once('.').filter(|(first, _)| *first == recipe)
    }

    /// What to say of a value that the recipe's criteria lack.
    fn missing_criterion(&self, recipe: &str, path: &str) -> (String, Option<String>) {
        let file = format!("{CRITERIA}/{recipe}.toml");
        let criteria = self.shared.root.as_ref().and_then(|root| root.at(recipe));
        match criteria {
            Some(criteria) => {
                let help = likely_path([criteria], path).unwrap_or_else(|| format!("add `{path}` to {file}"));
                (format!("{file} has no value `{path}`"), Some(help))
            }
            None => {
                let help = Some(format!("write `{path}` there, or give the value in the recipe"));
                (format!("there is no file {file}, which would have the value `{path}`"), help)
            }
        }
    }
}

/// What `$seed` stands for.
#[derive(Clone, Copy)]
pub(crate) enum Seed<'a> {
    /// Nothing: the step does not run once per seed.
    None,
    /// This seed.
    Is(&'a Located),
    /// Itself: seeds and escaped dollar signs stay as they are written.
    Kept,
}

/// Replaces references below values.
pub(crate) struct Resolver<'a> {
    values: Values<'a>,
    seed: Seed<'a>,
    /// The paths of the scale that were looked up.
    used: RefCell<BTreeSet<String>>,
    /// The first keys of those of the shared values.
    shared: RefCell<BTreeSet<String>>,
    /// Whether `$seed` was.
    seeded: Cell<bool>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(values: Values<'a>, seed: Seed<'a>) -> Self {
        Self { values, seed, used: RefCell::default(), shared: RefCell::default(), seeded: Cell::new(false) }
    }

    /// Whether the seed was looked up so far.
    pub(crate) fn used_seed(&self) -> bool {
        self.seeded.get()
    }

    /// Whether shared values below this key were looked up so far.
    pub(crate) fn used_shared(&self, key: &str) -> bool {
        self.shared.borrow().contains(key)
    }

    /// The paths of the scale that were looked up so far.
    pub(crate) fn used(self) -> BTreeSet<String> {
        self.used.into_inner()
    }

    /// Replaces each `"$path"` below `located` by the value at that path, with the references in it replaced
    /// in turn; each `${path}` in a longer string by that value as text; and `$seed` by the seed. `$$` at the
    /// start of a string, and before a brace anywhere, stands for one dollar sign. What cannot be replaced is reported, with near paths.
    pub(crate) fn resolve(&self, located: &mut Located, problems: &mut Diagnostics) {
        self.replace(located, &mut Vec::new(), problems);
    }

    fn replace(&self, located: &mut Located, path: &mut Vec<Reference>, problems: &mut Diagnostics) {
        match &mut located.value {
            Value::Table(table) => table.values_mut().for_each(|v| self.replace(v, path, problems)),
            Value::List(items) => items.iter_mut().for_each(|v| self.replace(v, path, problems)),
            Value::Str(text) if text.contains('$') => match text.strip_prefix('$') {
                Some(target) if !target.starts_with(['{', '$']) => {
                    let target = target.to_owned();
                    if let Some(found) = self.look_up(&target, located, path, problems) {
                        *located = refer(located, found);
                    }
                }
                _ => self.interpolate(located, path, problems),
            },
            Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
        }
    }

    /// The value at a path with everything below it replaced; `path` holds the references on the way here.
    fn look_up(
        &self,
        target: &str,
        at: &Located,
        path: &mut Vec<Reference>,
        problems: &mut Diagnostics,
    ) -> Option<Located> {
        let mut report = |message: String, help: Option<String>| {
            problems.push(diagnose(at, &ValuePath::default(), Part::Value, message, help));
            None
        };
        if target == SEED {
            self.seeded.set(true);
            return match self.seed {
                Seed::Is(seed) => Some(seed.clone()),
                Seed::Kept => Some(Located { value: Value::Str("$seed".to_owned()), ..at.clone() }),
                Seed::None => {
                    let help = Some("give the step `each = \"seed\"`".to_owned());
                    report("`$seed` is only known to a step that runs once per seed".to_owned(), help)
                }
            };
        }
        let Some(found) = self.values.get(target) else {
            let (message, help) = self.values.missing(target);
            return report(message, help);
        };
        if self.values.scale.value(target).is_some() {
            self.used.borrow_mut().insert(target.to_owned());
        } else {
            let key = target.split(['.', '[']).next().unwrap_or_default();
            self.shared.borrow_mut().insert(key.to_owned());
        }
        let text = format!("${target}");
        if let Some(start) = path.iter().position(|reference| reference.text == text) {
            problems.push(circle(&path[start..], at, &text));
            return None;
        }
        let mut found = Located { via: at.via.clone(), ..found.clone() };
        // A reference that was given by `--set` has no place in a file.
        let place = at.origin.location();
        let reference = Reference { at: place.unwrap_or(&self.values.scale.start()).clone(), text };
        found.via.extend(place.map(|_| reference.clone()));
        path.push(reference);
        self.replace(&mut found, path, problems);
        path.pop();
        Some(found)
    }

    /// Replaces each `${path}` in a string.
    fn interpolate(&self, located: &mut Located, path: &mut Vec<Reference>, problems: &mut Diagnostics) {
        let Value::Str(text) = &located.value else { return };
        let kept = matches!(self.seed, Seed::Kept);
        let mut filled = String::new();
        let mut rest = text.as_str();
        if let Some(tail) = rest.strip_prefix("$$").filter(|tail| !tail.starts_with('{')) {
            filled.push_str(if kept { "$$" } else { "$" });
            rest = tail;
        }
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            if before.ends_with('$') {
                // An escaped one: `$${`.
                if !kept {
                    filled.pop();
                }
                filled.push_str("${");
                rest = after;
                continue;
            }
            let Some((target, after)) = after.split_once('}').filter(|(target, _)| may_be_path(target))
            else {
                let offset = text.len() - rest.len() + before.len();
                let message = "`${` without a closing `}`".to_owned();
                let help = Some("write `$${` where it is text".to_owned());
                problems.push(diagnose(located, &ValuePath::default(), Part::Offset(offset), message, help));
                return;
            };
            let Some(value) = self.look_up(target, located, path, problems) else { return };
            match value.value {
                Value::Str(value) if kept => filled.push_str(&written_inside(&value, filled.is_empty())),
                Value::Str(value) => filled.push_str(&value),
                Value::List(_) | Value::Table(_) => {
                    let message =
                        format!("`{target}` is {}, which cannot stand in a string", value.value.type_name());
                    problems.push(diagnose(located, &ValuePath::default(), Part::Value, message, None));
                    return;
                }
                value => filled.push_str(&value.to_string()),
            }
            rest = after;
        }
        filled.push_str(rest);
        if filled != *text {
            located.value = Value::Str(filled);
            located.exact = false;
        }
    }
}

/// Whether a text between `${` and `}` can be a path. If not, the brace belongs to something further on.
fn may_be_path(text: &str) -> bool {
    text.trim() == text && !text.contains(['{', '$', '\n'])
}

/// How a string that is kept as written is written inside a longer one, at its start or further on.
fn written_inside(value: &str, start: bool) -> String {
    match value.strip_prefix("$$").filter(|rest| !rest.starts_with('{') && !start) {
        Some(rest) => format!("${rest}"),
        None if value == "$seed" => "${seed}".to_owned(),
        None => value.to_owned(),
    }
}

fn circle(path: &[Reference], at: &Located, text: &str) -> Diagnostic {
    let texts: Vec<&str> = path.iter().map(|reference| reference.text.as_str()).chain([text]).collect();
    let message = format!("values refer to each other: {}", texts.join(" -> "));
    let mut found = diagnose(at, &ValuePath::default(), Part::Value, message, None);
    found.notes = path
        .iter()
        .map(|reference| Note {
            location: reference.at.clone(),
            message: format!("`{}` is used here", reference.text),
        })
        .collect();
    found
}

/// The found value in the reference's stead: it keeps its own place and remembers who asked for it.
fn refer(reference: &Located, found: Located) -> Located {
    Located { key: reference.key.clone(), ..found }
}
