//! The likely name behind a misspelt one.

/// The known name closest to `name` in edit distance, if close enough to be a slip: at most a third of the
/// longer name's characters, or a difference in case only. Among equals, the first in order.
pub fn likely<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = edit_distance(&name.to_lowercase(), &candidate.to_lowercase());
        let longer = name.chars().count().max(candidate.chars().count());
        let better = best.is_none_or(|b| (distance, candidate) < b);
        if distance * 3 <= longer && better {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Levenshtein distance over characters, one row of the table at a time.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &right) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!(edit_distance(a, b), expected, "{a} {b}");
            assert_eq!(edit_distance(b, a), expected, "{b} {a}");
        }
    }

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
