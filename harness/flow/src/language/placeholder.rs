//! `{name}` in the strings of templates and models.

use std::collections::BTreeMap;

use crate::language::diagnostic::Diagnostic;
use crate::language::locate::{Part, diagnose};
use crate::values::names::likely;
use crate::values::path::ValuePath;
use crate::values::value::{Located, Reference, Value};

/// What a model gives for the parameters of its template, by name.
pub(crate) type Arguments = BTreeMap<String, Located>;

/// A piece of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'s> {
    /// As it stands.
    Text(&'s str),
    /// `{name}`, with the byte offset of the brace.
    Placeholder {
        /// Between the braces.
        name: &'s str,
        /// Of the opening brace.
        offset: usize,
    },
}

/// Cuts a string at its placeholders. A brace that does not begin one is text, and so is `${path}`.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    let (mut found, mut from) = (Vec::new(), 0);
    for (offset, _) in text.match_indices('{') {
        let inside = text[offset + 1..].split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let Some(name) = inside.filter(|_| !text[..offset].ends_with('$')) else { continue };
        if offset > from {
            found.push(Piece::Text(&text[from..offset]));
        }
        found.push(Piece::Placeholder { name, offset });
        from = offset + name.len() + 2;
    }
    if from < text.len() {
        found.push(Piece::Text(&text[from..]));
    }
    found
}

/// The names of the placeholders in a string.
pub(crate) fn names(text: &str) -> impl Iterator<Item = (&str, usize)> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder { name, offset } => Some((name, offset)),
        Piece::Text(_) => None,
    })
}

/// A string with its placeholders filled in, as text. A placeholder without an argument stays; that it has
/// none is reported where the template or the model is read.
pub(crate) fn fill_text(text: &str, arguments: &Arguments) -> String {
    let fill = |piece| match piece {
        Piece::Text(text) => text.to_owned(),
        Piece::Placeholder { name, .. } => {
            arguments.get(name).and_then(|a| as_text(&a.value)).unwrap_or_else(|| format!("{{{name}}}"))
        }
    };
    pieces(text).into_iter().map(fill).collect()
}

/// A value with all placeholders below it filled in. A string that is one placeholder becomes the argument,
/// whatever its type; in a longer string an argument stands as text.
pub(crate) fn fill(located: &mut Located, arguments: &Arguments) {
    match &mut located.value {
        Value::Table(table) => table.values_mut().for_each(|value| fill(value, arguments)),
        Value::List(items) => items.iter_mut().for_each(|item| fill(item, arguments)),
        Value::Str(text) if text.contains('{') => match pieces(text)[..] {
            [Piece::Placeholder { name, .. }] => {
                let Some(argument) = arguments.get(name) else { return };
                let mut via = located.via.clone();
                via.extend(
                    located.origin.location().map(|at| Reference { at: at.clone(), text: text.clone() }),
                );
                via.extend(argument.via.iter().cloned());
                *located = Located { via, key: located.key.clone(), ..argument.clone() };
            }
            _ => {
                *text = fill_text(text, arguments);
                located.exact = false;
            }
        },
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_) => {}
    }
}

/// A value as it stands in a longer string; `None` if it cannot. `$path` becomes `${path}`, so that the value
/// behind it is filled in later.
fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::Str(text) => Some(match text.strip_prefix('$') {
            Some(path) if !path.starts_with(['$', '{']) => format!("${{{path}}}"),
            _ => text.clone(),
        }),
        Value::Int(value) => Some(value.to_string()),
        Value::Float(value) => Some(format!("{value:?}")),
        Value::Bool(value) => Some(value.to_string()),
        Value::List(_) | Value::Table(_) => None,
    }
}

/// Calls `visit` with each placeholder below `located`: the string that it stands in, its name and the byte offset
/// of its brace.
pub(crate) fn each<'l>(located: &'l Located, visit: &mut dyn FnMut(&'l Located, &'l str, usize)) {
    match &located.value {
        Value::Table(table) => table.values().for_each(|value| each(value, visit)),
        Value::List(items) => items.iter().for_each(|item| each(item, visit)),
        Value::Str(text) => names(text).for_each(|(name, offset)| visit(located, name, offset)),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {}
    }
}

/// Reports each placeholder below `located` that `known` does not have.
pub(crate) fn unknown<'k>(
    located: &Located,
    owner: &str,
    known: &(impl Fn() -> Vec<&'k str> + ?Sized),
    report: &mut dyn FnMut(Diagnostic),
) {
    each(located, &mut |string, name, offset| {
        let known = known();
        if !known.contains(&name) {
            let message = format!("{owner} has no parameter `{name}`");
            let help = likely(name, known);
            report(diagnose(string, &ValuePath::default(), Part::Offset(offset), message, help));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{Piece, names, pieces};

    #[test]
    fn placeholders_are_told_from_other_braces() {
        let found: Vec<_> = names("ours-{estimator}-{size}").collect();
        assert_eq!(found, [("estimator", 5), ("size", 17)]);
        assert_eq!(pieces("{a}"), [Piece::Placeholder { name: "a", offset: 0 }]);
        for text in ["", "plain", "{", "}", "{}", "{a b}", "${a}", "{a.b}", "x ${questions.count} y"] {
            assert_eq!(names(text).count(), 0, "{text}");
        }
        assert_eq!(
            pieces("{{a}}"),
            [Piece::Text("{"), Piece::Placeholder { name: "a", offset: 1 }, Piece::Text("}")]
        );
    }
}
