//! How the artefacts of a report were made from each other, and with which commands.

use std::collections::BTreeMap;

use crate::model::{Report, Source};

/// One step, for all seeds that it ran with.
pub(crate) struct Step<'a> {
    /// Its name without the seed.
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) sources: Vec<&'a Source>,
}

/// The edges between the artefacts of a report, in both directions.
pub(crate) struct Edges<'a> {
    sources: &'a [Source],
    /// Positions by id.
    position: BTreeMap<&'a str, usize>,
    /// By position: what was made from it.
    outputs: Vec<Vec<&'a Source>>,
}

impl<'a> Edges<'a> {
    pub(crate) fn of(report: &'a Report) -> Self {
        let sources = report.sources.as_slice();
        let position: BTreeMap<&str, usize> =
            sources.iter().enumerate().map(|(at, source)| (source.id.as_str(), at)).collect();
        let mut outputs = vec![Vec::new(); sources.len()];
        for source in sources {
            for at in source.inputs.iter().filter_map(|id| position.get(id.as_str())) {
                outputs[*at].push(source);
            }
        }
        Self { sources, position, outputs }
    }

    /// What a source was made from, by step.
    pub(crate) fn inputs(&self, source: &Source) -> Vec<Step<'a>> {
        steps(
            source.inputs.iter().filter_map(|id| self.position.get(id.as_str()).map(|at| &self.sources[*at])),
        )
    }

    /// What was made from a source, by step.
    pub(crate) fn outputs(&self, source: &Source) -> Vec<Step<'a>> {
        let found = self.position.get(source.id.as_str()).map(|at| self.outputs[*at].as_slice());
        steps(found.unwrap_or_default().iter().copied())
    }

    /// The sources and everything that they were made from, by step: each step stands before those that it was
    /// made from.
    pub(crate) fn chain(&self, sources: &[&'a Source]) -> Vec<Step<'a>> {
        let depths = self.depths(sources);
        let mut order: Vec<(usize, usize)> = depths.into_iter().map(|(at, depth)| (depth, at)).collect();
        order.sort_unstable();
        let levels = order.chunk_by(|left, right| left.0 == right.0);
        levels.flat_map(|level| steps(level.iter().map(|(_, at)| &self.sources[*at]))).collect()
    }

    /// By position: the length of the longest way from the given sources along inputs.
    fn depths(&self, sources: &[&'a Source]) -> BTreeMap<usize, usize> {
        let at = |id: &str| self.position.get(id).copied();
        let inputs =
            |from: usize| self.sources[from].inputs.iter().filter_map(|id| at(id)).collect::<Vec<_>>();
        // How many of the reached sources were made from each of them.
        let mut waiting: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open: Vec<usize> = sources.iter().filter_map(|source| at(&source.id)).collect();
        for start in &open {
            waiting.insert(*start, 0);
        }
        while let Some(from) = open.pop() {
            for input in inputs(from) {
                let count = waiting.entry(input).or_insert_with(|| {
                    open.push(input);
                    0
                });
                *count += 1;
            }
        }
        let mut depths: BTreeMap<usize, usize> =
            waiting.iter().filter(|(_, count)| **count == 0).map(|(at, _)| (*at, 0)).collect();
        let mut free: Vec<usize> = depths.keys().copied().collect();
        while let Some(from) = free.pop() {
            let below = depths.get(&from).copied().unwrap_or_default() + 1;
            for input in inputs(from) {
                let depth = depths.entry(input).or_default();
                *depth = below.max(*depth);
                if let Some(count) = waiting.get_mut(&input) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        free.push(input);
                    }
                }
            }
        }
        depths
    }
}

/// Sources by step, in the order in which each step first comes.
fn steps<'a>(sources: impl Iterator<Item = &'a Source>) -> Vec<Step<'a>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for source in sources {
        let name = name(source);
        match steps.iter_mut().find(|step| step.name == name && step.kind == source.kind) {
            Some(step) => step.sources.push(source),
            None => steps.push(Step { name, kind: &source.kind, sources: vec![source] }),
        }
    }
    steps
}

/// The step's name without its seed.
fn name(source: &Source) -> &str {
    let seed = source.seed.map(|seed| format!("[seed={seed}]"));
    seed.and_then(|seed| source.step.strip_suffix(seed.as_str())).unwrap_or(&source.step)
}

/// The command that computes all numbers of a report; `None` when it came from no recipe.
pub(crate) fn run_command(report: &Report) -> Option<String> {
    let recipe = report.recipe.as_ref()?;
    Some(format!("assay run {} {}", quoted(recipe), size(report)))
}

/// The command that says what an artefact is made of, and whether it would be made again.
pub(crate) fn why_command(report: &Report, source: &Source) -> Option<String> {
    let recipe = report.recipe.as_ref()?;
    Some(format!("assay why {} --recipe {} {}", quoted(&source.step), quoted(recipe), size(report)))
}

/// The command that shows samples of a question, with names in capitals to be filled in; `None` where no artefacts are
/// known.
pub(crate) fn samples_command(report: &Report) -> Option<String> {
    let known = report.rows.iter().flat_map(|row| row.cells.values()).any(|cell| !cell.sources.is_empty());
    known.then(|| {
        format!("assay samples {}.json --row ROW --benchmark BENCHMARK --question QUESTION", report.id)
    })
}

/// The options that give the report's scale.
fn size(report: &Report) -> String {
    let mut text = format!("--scale {}", quoted(&report.scale));
    for set in &report.overrides {
        text.push_str(&format!(" --set {}", quoted(set)));
    }
    text
}

/// A word of a shell's command line.
fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:,".contains(character);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        let cases = [
            ("table-05", "table-05"),
            ("a b", "'a b'"),
            ("a[seed=1]", "'a[seed=1]'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ];
        for (text, word) in cases {
            assert_eq!(quoted(text), word);
        }
    }
}
