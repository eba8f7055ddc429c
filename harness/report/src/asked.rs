//! Which rows were asked a benchmark's questions in the same words.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Report, Row, Source};

/// What the hashes are, in words.
pub(crate) const ABOUT: &str = "The prompts of each benchmark, as they were rendered, have one hash: BLAKE3 of all of them in order, \
    each after its length. Reports with equal hashes asked the same questions in the same words.";

/// The prompts of one benchmark, with the rows that were asked them.
pub(crate) struct Asked<'a> {
    pub(crate) benchmark: &'a str,
    /// The hash of the prompts.
    pub(crate) prompts: &'a str,
    rows: Vec<&'a Row>,
    /// Whether no other prompts of this benchmark were used.
    alone: bool,
}

impl<'a> Asked<'a> {
    /// The prompts behind the cells of a report, by benchmark; those of one benchmark in the order of the rows.
    pub(crate) fn of(report: &'a Report) -> Vec<Self> {
        let by_id: BTreeMap<&str, &Source> =
            report.sources.iter().map(|source| (source.id.as_str(), source)).collect();
        let mut found: Vec<Self> = Vec::new();
        for row in &report.rows {
            let sources: BTreeSet<&String> = row.cells.values().flat_map(|cell| &cell.sources).collect();
            let sources = sources.into_iter().filter_map(|id| by_id.get(id.as_str()));
            let replies = sources.flat_map(|source| &source.inputs).filter_map(|id| by_id.get(id.as_str()));
            let asked: BTreeSet<(&String, &String)> = replies.flat_map(|source| &source.prompts).collect();
            for (benchmark, prompts) in asked {
                let known =
                    found.iter_mut().find(|asked| (asked.benchmark, asked.prompts) == (benchmark, prompts));
                match known {
                    Some(asked) => asked.rows.push(row),
                    None => found.push(Self { benchmark, prompts, rows: vec![row], alone: true }),
                }
            }
        }
        found.sort_by_key(|asked| asked.benchmark);
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        found.iter().for_each(|asked| *times.entry(asked.benchmark).or_default() += 1);
        found.iter_mut().for_each(|asked| asked.alone = times.get(asked.benchmark) == Some(&1));
        found
    }

    /// The rows in words.
    pub(crate) fn rows(&self) -> String {
        match self.alone {
            true => "all that were asked".to_owned(),
            false => self.rows.iter().map(|row| row.label.as_str()).collect::<Vec<_>>().join("; "),
        }
    }
}
