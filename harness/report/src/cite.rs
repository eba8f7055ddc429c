//! How a report is cited: BibTeX for papers, JSON-LD for crawlers.

use serde_json::json;

use crate::latex::escaped;
use crate::model::Report;
use crate::plain::one_line;
use crate::view;

/// Characters of the hash in a citation's key.
const KEY: usize = 8;

/// The report as an entry of a BibTeX file. It is named by its hash; a report has no date and no address.
pub(crate) fn bibtex(report: &Report) -> String {
    let hash = report.hash();
    let mut title = report.title.clone();
    let of: Vec<&str> = [report.locator.as_str(), report.paper.as_str()]
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    if !of.is_empty() {
        title.push_str(&format!(": {}, {}", of.join(" of "), view::what_was_done(report)));
    }
    let mut note = format!("blake3 {hash}");
    if let Some(address) = address(&report.paper) {
        note.push_str(&format!("; recomputes \\url{{{address}}}"));
    }
    format!(
        "@misc{{assay-{}-{},\n  title = {{{{{}}}}},\n  howpublished = {{assay report {}}},\n  note = {{{note}}},\n}}",
        report.id,
        &hash[..KEY.min(hash.len())],
        escaped(&one_line(&title)),
        escaped(&report.id),
    )
}

/// The report as a schema.org `Review` of a `ScholarlyArticle`, in JSON that can stand inside of an HTML page.
pub(crate) fn json_ld(report: &Report) -> String {
    let counts: Vec<String> = view::tally(&report.claims)
        .into_iter()
        .map(|(outcome, number)| format!("{number} {}", outcome.word()))
        .collect();
    let mut article = json!({ "@type": "ScholarlyArticle", "identifier": report.paper });
    if let Some(address) = address(&report.paper) {
        article["url"] = json!(address);
    }
    let mut review = json!({
        "@context": "https://schema.org",
        "@type": "Review",
        "name": report.title,
        "identifier": format!("blake3:{}", report.hash()),
        "reviewAspect": report.locator,
        "itemReviewed": article,
    });
    if !report.claims.is_empty() {
        review["reviewBody"] = json!(format!("Claims: {}", counts.join(", ")));
    }
    harmless(&review.to_string())
}

/// The address of a paper that is named as `arXiv:2509.22637v2` or `doi:10.1000/182`.
pub(crate) fn address(paper: &str) -> Option<String> {
    let (scheme, id) = paper.split_once(':')?;
    let plain = |character: char| character.is_ascii_alphanumeric() || "./-".contains(character);
    if id.is_empty() || !id.chars().all(plain) {
        return None;
    }
    match scheme.to_ascii_lowercase().as_str() {
        "arxiv" => Some(format!("https://arxiv.org/abs/{id}")),
        "doi" => Some(format!("https://doi.org/{id}")),
        _ => None,
    }
}

/// JSON in which no character means anything to HTML, to a line of a script or to the direction of text.
fn harmless(json: &str) -> String {
    let mut text = String::new();
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_have_addresses() {
        let cases = [
            ("arXiv:2509.22637v2", Some("https://arxiv.org/abs/2509.22637v2")),
            ("doi:10.1000/182", Some("https://doi.org/10.1000/182")),
            ("arXiv:", None),
            ("arXiv:1\" onclick=\"x", None),
            ("A paper", None),
        ];
        for (paper, expected) in cases {
            assert_eq!(address(paper).as_deref(), expected);
        }
    }

    #[test]
    fn no_character_ends_a_data_block() {
        assert_eq!(harmless("</script>&\u{2028}"), r"\u003c/script\u003e\u0026\u2028");
    }
}
