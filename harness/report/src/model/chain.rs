//! Which artefacts were made from which.

use std::collections::BTreeMap;

use super::Source;

/// How far the walk along the inputs of a source has come.
#[derive(Clone, Copy, PartialEq)]
enum Mark {
    Open,
    Done,
}

/// A circle of sources, each made from the next; the first stands at both ends. `None` if there is none.
///
/// Inputs that do not exist are passed over. The walk keeps its own stack: a report may be deep.
pub(super) fn circle(sources: &[Source]) -> Option<Vec<String>> {
    let by_id: BTreeMap<&str, &Source> = sources.iter().map(|source| (source.id.as_str(), source)).collect();
    let mut marks: BTreeMap<&str, Mark> = BTreeMap::new();
    for source in sources {
        if marks.contains_key(source.id.as_str()) {
            continue;
        }
        // The open sources, each with the number of its inputs that have been followed.
        let mut path: Vec<(&Source, usize)> = vec![(source, 0)];
        marks.insert(&source.id, Mark::Open);
        while let Some((current, followed)) = path.last_mut() {
            let Some(input) = current.inputs.get(*followed) else {
                marks.insert(&current.id, Mark::Done);
                path.pop();
                continue;
            };
            *followed += 1;
            match marks.get(input.as_str()) {
                Some(Mark::Done) => {}
                Some(Mark::Open) => {
                    let ids = path.iter().map(|(source, _)| source.id.clone());
                    let mut ids: Vec<String> = ids.skip_while(|id| id != input).collect();
                    ids.push(input.clone());
                    return Some(ids);
                }
                None => {
                    if let Some(next) = by_id.get(input.as_str()) {
                        marks.insert(&next.id, Mark::Open);
                        path.push((next, 0));
                    }
                }
            }
        }
    }
    None
}
