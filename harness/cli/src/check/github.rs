//! A check for GitHub: annotations on the recipe's lines, and a summary of the job's step.

use assay_claims::compare::Call;

use super::found::{Check, Item};
use super::sentence;
use crate::visible::visible;

/// GitHub shows so many annotations of one kind for each step.
const MOST: usize = 10;

/// GitHub drops a summary that is larger than this.
const MOST_BYTES: usize = 1 << 20;

/// The workflow commands that annotate regressions and suspicions, at most ten of each over all checks.
pub(crate) fn annotations(checks: &[&Check]) -> Vec<String> {
    let several = checks.len() > 1;
    let of = |check: &'_ Check| if several { format!("{}: ", check.recipe) } else { String::new() };
    let all =
        || checks.iter().flat_map(|check| check.claims.iter().chain(&check.cells).map(move |i| (*check, i)));
    let errors: Vec<(&Check, &Item)> = all().filter(|(_, item)| item.call().is_regression()).collect();
    let warnings: Vec<(&Check, &Item)> = all().filter(|(_, item)| item.call() == Call::Suspected).collect();
    let mut lines = Vec::new();
    for (kind, items) in [("error", errors), ("warning", warnings)] {
        let named = if items.len() > MOST { MOST - 1 } else { items.len() };
        lines.extend(items[..named].iter().map(|(check, item)| annotation(kind, &of(check), item)));
        if let Some(more @ 1..) = items.len().checked_sub(named) {
            lines.push(format!("::{kind} title=assay check::and {more} more, see the summary"));
        }
    }
    lines
}

/// The workflow command for a recipe whose run is not finished.
pub(crate) fn failed(recipe: &str, problem: &str) -> String {
    let title = property(&format!("{recipe} not finished"));
    format!("::error title={title}::{}", data(&visible(problem)))
}

fn annotation(kind: &str, of: &str, item: &Item) -> String {
    let file = item.file.as_ref().map_or_else(String::new, |file| format!("file={},", property(file)));
    let line = item.line.map_or_else(String::new, |line| format!("line={line},"));
    let title = property(&format!("{of}{} {}", item.id, item.call()));
    format!("::{kind} {file}{line}title={title}::{}", data(&sentence(item)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A summary, cut at the end of a line so that it and what is there already stay below GitHub's limit.
pub(crate) fn cut(text: &str, there: usize) -> String {
    const CUT: &str = "\ncut here: GitHub takes no more than 1 MiB\n";
    let room = (MOST_BYTES - 1).saturating_sub(there);
    if text.len() <= room {
        return text.to_owned();
    }
    let lines = text.split_inclusive('\n');
    let mut cut = String::new();
    for line in lines {
        if cut.len() + line.len() + CUT.len() > room {
            break;
        }
        cut.push_str(line);
    }
    if cut.len() + CUT.len() <= room {
        cut.push_str(CUT);
    }
    cut
}
