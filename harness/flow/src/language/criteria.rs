//! The criteria of a recipe hold what it refers to, and nothing else: whatever stands there moves their hash.

use std::collections::BTreeSet;

use crate::language::diagnostic::Diagnostics;
use crate::language::locate::{Part, diagnose};
use crate::language::recipe::Recipe;
use crate::language::references::CRITERIA;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Value};

/// Reports each first key of a recipe's criteria to which neither the recipe refers nor criteria that are in use.
pub(crate) fn unused(recipe: &Recipe, criteria: &Located, problems: &mut Diagnostics) {
    let Value::Table(table) = &criteria.value else { return };
    let mut references = Vec::new();
    let params = recipe.steps.iter().map(|step| &step.params);
    let of_recipe = recipe.content.values().chain(&recipe.seeds).chain(params);
    of_recipe.for_each(|value| collect(value, &mut references));
    let path = |key: &str| format!("{}.{key}", recipe.name);
    let mut used = BTreeSet::new();
    // What is in use may refer to more.
    while let Some(text) = references.pop() {
        for (key, value) in table.iter().filter(|(key, _)| refers(text, &path(key))) {
            if used.insert(key) {
                collect(value, &mut references);
            }
        }
    }
    // A recipe that refers to none of them, such as one that was written out flat, has no criteria.
    if used.is_empty() {
        return;
    }
    for (key, value) in table {
        if !used.contains(key) {
            let path = path(key);
            let message = format!("nothing refers to `${path}`");
            let help = format!(
                "name it in the recipe, or take it out: {CRITERIA}/{}.toml holds what the recipe uses",
                recipe.name
            );
            problems.push(diagnose(value, &ValuePath::default(), Part::Key, message, Some(help)));
        }
    }
}

/// All strings with a reference below a value.
fn collect<'v>(located: &'v Located, into: &mut Vec<&'v str>) {
    match &located.value {
        Value::Table(table) => table.values().for_each(|value| collect(value, into)),
        Value::List(items) => items.iter().for_each(|value| collect(value, into)),
        Value::Str(text) if text.contains('$') => into.push(text),
        Value::Str(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

/// Whether a text refers to the value at a path, or to one below it.
fn refers(text: &str, path: &str) -> bool {
    let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[', '}']);
    let after = |open: &str| text.split(open).skip(1).any(|rest| rest.strip_prefix(path).is_some_and(ends));
    after("$") || after("${")
}
