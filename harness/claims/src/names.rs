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
}
