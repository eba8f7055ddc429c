//! The likely name behind a misspelt one.

/// The known name closest to `name` in edit distance, if close enough to be a slip: at most a third of the
/// longer name's characters, or a difference in case only. Among equals, the first in order.
pub(crate) fn likely<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let close = known.into_iter().filter_map(|candidate| {
        let distance = strsim::levenshtein(&lower, &candidate.to_lowercase());
        let longer = name.chars().count().max(candidate.chars().count());
        (distance * 3 <= longer).then_some((distance, candidate))
    });
    close.min().map(|(_, candidate)| candidate)
}

/// Most names that are listed when none is close.
const LISTED: usize = 8;

/// What to say beside an unknown name: the one that was probably meant, else which there are, if they are
/// few. `known` is in the order in which it is to be listed.
pub(crate) fn hint<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(name) = likely(name, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let all: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    (1..=LISTED).contains(&all.len()).then(|| format!("known here: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["acc", "gml", "MATH500", "LCB-E", "LCB-M"];
        for (name, expected) in [
            ("MATH50", Some("MATH500")),
            ("math500", Some("MATH500")),
            ("LCBE", Some("LCB-E")),
            ("banana", None),
        ] {
            assert_eq!(likely(name, known), expected, "{name}");
        }
    }

    #[test]
    fn few_names_are_listed_where_none_is_close() {
        let hint = |name: &str, known: &[&str]| hint(name, known.iter().copied());
        assert_eq!(hint("MATH50", &["acc", "MATH500"]).as_deref(), Some("did you mean `MATH500`?"));
        assert_eq!(hint("banana", &["acc", "gml"]).as_deref(), Some("known here: `acc`, `gml`"));
        assert_eq!(hint("banana", &[]), None);
        assert_eq!(hint("banana", &["x"; 9]), None);
    }
}
