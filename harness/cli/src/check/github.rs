//! A check for GitHub: annotations on the recipe's lines, and a summary of the job's step.

use assay_claims::compare::Call;

use super::compared::{Check, Item};
use super::{sentence, text};

/// GitHub shows so many annotations of one kind for each step.
const MOST: usize = 10;

/// GitHub drops a summary that is larger than this.
const MOST_BYTES: usize = 1 << 20;

/// The workflow commands that annotate regressions and suspicions, at most ten of each.
pub(crate) fn annotations(check: &Check) -> Vec<String> {
    let all = || check.claims.iter().chain(&check.cells);
    let errors: Vec<&Item> = all().filter(|item| item.call().is_regression()).collect();
    let warnings: Vec<&Item> = all().filter(|item| item.call() == Call::Suspected).collect();
    let mut lines = Vec::new();
    for (kind, items) in [("error", errors), ("warning", warnings)] {
        let named = if items.len() > MOST { MOST - 1 } else { items.len() };
        lines.extend(items[..named].iter().map(|item| annotation(kind, item)));
        if let Some(more @ 1..) = items.len().checked_sub(named) {
            lines.push(format!("::{kind} title=assay check::and {more} more, see the summary"));
        }
    }
    lines
}

fn annotation(kind: &str, item: &Item) -> String {
    let file = item.file.as_ref().map_or_else(String::new, |file| format!("file={},", property(file)));
    let line = item.line.map_or_else(String::new, |line| format!("line={line},"));
    let title = property(&format!("{} {}", item.id, item.call()));
    format!("::{kind} {file}{line}title={title}::{}", data(&sentence(item)))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The summary, cut at the end of a line so that it and what is there already stay below GitHub's limit.
pub(crate) fn summary(check: &Check, there: usize) -> String {
    const CUT: &str = "\ncut here: GitHub takes no more than 1 MiB\n";
    let text = text::markdown(check);
    let room = (MOST_BYTES - 1).saturating_sub(there);
    if text.len() <= room {
        return text;
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
