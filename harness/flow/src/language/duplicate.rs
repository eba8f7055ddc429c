//! Keys that a TOML table has twice: which table it is, and where the key stands first.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// What the parser says of a key that its table has already.
pub(crate) const DUPLICATE: &str = "duplicate key";

/// A key that is defined twice.
pub(crate) struct Duplicate<'t> {
    /// The key, without quotes.
    pub(crate) key: &'t str,
    /// Where it stands again, as a byte offset.
    pub(crate) second: usize,
    /// Where it stands first, if that can be said.
    pub(crate) first: Option<usize>,
}

/// The keys that the parser reports as duplicates, each with its first place.
///
/// The parser says only where a key stands again. So each such key is given a name that nothing else has, and the
/// text is parsed anew: the path of that name leads to the table that has the key. What was reported because of it
/// alone, as the keys below a table that is defined twice, is then no longer a duplicate, and is left out.
pub(crate) fn duplicates(text: &str, reported: impl Iterator<Item = Range<usize>>) -> Vec<Duplicate<'_>> {
    let mut renamed = Renamed { text: text.to_owned(), shifts: Vec::new() };
    reported.filter_map(|second| renamed.next(text, second)).collect()
}

/// A text in which keys were given other names.
struct Renamed {
    text: String,
    /// For each name, where it ends in the text as it was, and by how many bytes it is longer than the key.
    shifts: Vec<(usize, isize)>,
}

impl Renamed {
    fn next<'t>(&mut self, original: &'t str, second: Range<usize>) -> Option<Duplicate<'t>> {
        let written = original.get(second.clone())?;
        let (start, end) = (self.here(second.start)?, self.here(second.end)?);
        let (_, errors) = DeTable::parse_recoverable(&self.text);
        let is_this = |span: Range<usize>| span.start == start;
        if !errors.iter().any(|error| error.message() == DUPLICATE && error.span().is_some_and(is_this)) {
            return None;
        }
        let name = (0..).map(|i| format!("again-{i}")).find(|name| !self.text.contains(name.as_str()))?;
        self.text.replace_range(start..end, &name);
        self.shifts.push((second.end, name.len().cast_signed() - written.len().cast_signed()));
        let key = written.trim_matches(['"', '\'']);
        let (document, _) = DeTable::parse_recoverable(&self.text);
        let first = table_with(document.get_ref(), &name).and_then(|table| {
            let (first, _) = table.iter().find(|(known, _)| known.get_ref().as_ref() == key)?;
            (first.span().start < start).then(|| self.there(first.span().start))?
        });
        Some(Duplicate { key, second: second.start, first })
    }

    /// The place in this text of a place in the text as it was.
    fn here(&self, offset: usize) -> Option<usize> {
        let shift: isize = self.shifts.iter().filter(|(end, _)| *end <= offset).map(|(_, by)| by).sum();
        offset.checked_add_signed(shift)
    }

    /// The place in the text as it was of a place in this text.
    fn there(&self, offset: usize) -> Option<usize> {
        let before = self.shifts.iter().filter(|(end, _)| self.here(*end).is_some_and(|end| end <= offset));
        offset.checked_add_signed(-before.map(|(_, by)| by).sum::<isize>())
    }
}

/// The table that has a key with this name.
fn table_with<'v, 't>(table: &'v DeTable<'t>, name: &str) -> Option<&'v DeTable<'t>> {
    if table.iter().any(|(key, _)| key.get_ref().as_ref() == name) {
        return Some(table);
    }
    table.iter().find_map(|(_, value)| below(value.get_ref(), name))
}

fn below<'v, 't>(value: &'v DeValue<'t>, name: &str) -> Option<&'v DeTable<'t>> {
    match value {
        DeValue::Table(table) => table_with(table, name),
        DeValue::Array(items) => items.iter().find_map(|item| below(item.get_ref(), name)),
        _ => None,
    }
}
