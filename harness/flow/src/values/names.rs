//! Finding the name that was probably meant.

/// How many candidates are listed when none is near.
const LISTED: usize = 8;

/// `did you mean ...` for near names, else the list of all candidates when it is short, else nothing.
pub(crate) fn likely<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut all: Vec<&str> = candidates.into_iter().filter(|c| *c != name).collect();
    all.sort_unstable();
    all.dedup();
    let near = nearest(name, &all);
    if !near.is_empty() {
        return Some(format!("did you mean {}?", quoted(&near, " or ")));
    }
    match all.len() {
        0 => None,
        n if n <= LISTED => Some(format!("known here: {}", quoted(&all, ", "))),
        n => Some(format!("known here: {} and {} more", quoted(&all[..LISTED], ", "), n - LISTED)),
    }
}

/// The candidate that `name` is most likely a misspelling of: the nearest within a third of the name's length in
/// edits (one at least).
pub(crate) fn near<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let edits = |candidate: &str| strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase());
    let all = candidates.into_iter().filter(|candidate| *candidate != name);
    all.map(|candidate| (edits(candidate), candidate))
        .filter(|(edits, _)| *edits <= allowed(name))
        .min()
        .map(|(_, c)| c)
}

/// How many edits make another name of one.
fn allowed(name: &str) -> usize {
    (name.chars().count() / 3).max(1)
}

/// At most three candidates within a third of the name's length in edits (one at least), best first. If there
/// is none, those that begin the name or begin with it.
///
/// Letter case is ignored.
fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let limit = allowed(name);
    let mut near: Vec<(usize, &str)> =
        candidates.iter().map(|c| (strsim::osa_distance(&wanted, &c.to_lowercase()), *c)).collect();
    near.sort_unstable();
    let begins = |candidate: &str| {
        let lower = candidate.to_lowercase();
        wanted.len().min(lower.len()) >= 3 && (lower.starts_with(&wanted) || wanted.starts_with(&lower))
    };
    let close = near.iter().filter(|(edits, _)| *edits <= limit).count();
    let keep = |(edits, candidate): &(usize, &'a str)| match close {
        0 => begins(candidate),
        _ => *edits <= limit,
    };
    near.into_iter().filter(keep).take(3).map(|(_, candidate)| candidate).collect()
}

pub(crate) fn quoted(names: &[&str], separator: &str) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::likely;

    #[test]
    fn near_names_first_then_the_list() {
        let known = ["epochs", "learning_rate", "batch"];
        for (name, want) in [
            ("epoch", "did you mean `epochs`?"),
            ("Epochs", "did you mean `epochs`?"),
            ("learnign_rate", "did you mean `learning_rate`?"),
            ("bacth", "did you mean `batch`?"),
            ("batch_size", "did you mean `batch`?"),
            ("learn", "did you mean `learning_rate`?"),
            ("zzz", "known here: `batch`, `epochs`, `learning_rate`"),
        ] {
            assert_eq!(likely(name, known).as_deref(), Some(want), "{name}");
        }
        assert_eq!(likely("x", []), None);
    }
}
