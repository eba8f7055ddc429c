//! Text in a report is shown, never obeyed.

use assay_report::{Report, Style, html, markdown, terminal};
use proptest::prelude::*;

use super::small;

const ATTACKS: [&str; 8] = [
    "<script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "</title></style></table><h1>",
    "a|b||c\\|d",
    "`code` [link](http://example.org) ![](x) **bold** _it_ ~~gone~~ $x$",
    "# heading\n\n- item\n1. item\n| a | b |\n| - | - |",
    "\u{1b}[31mred\u{1b}]0;title\u{7}\r\u{8}",
    "\u{202e}reversed\u{2066}\u{2028}",
];

fn filled_with(text: &str) -> Report {
    let mut report = small::report();
    small::for_each_text(&mut report, |place| *place = text.to_owned());
    report.check().unwrap();
    report
}

/// The tags of a page in order, with their attributes' names but not their values.
fn structure(page: &str) -> Vec<String> {
    let page = page.split_once("</style>").unwrap().1;
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once('<') {
        let mut tag = String::new();
        let mut quoted = false;
        let mut end = after.len();
        for (index, character) in after.char_indices() {
            match character {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = index;
                    break;
                }
                other if !quoted => tag.push(other),
                _ => {}
            }
        }
        tags.push(tag);
        rest = &after[end..];
    }
    tags
}

fn assert_harmless(text: &str) {
    let letters = |character: char| if character.is_whitespace() { character } else { 'x' };
    let (plain, report) = (filled_with(&text.chars().map(letters).collect::<String>()), filled_with(text));
    let page = html(&report);
    assert_eq!(structure(&page), structure(&html(&plain)), "{text:?}");
    let acting = |character: char| {
        character.is_control() && character != '\n' || ('\u{202a}'..='\u{202e}').contains(&character)
    };
    for output in [&page, &markdown(&report), &terminal(&report, Style::default(), &[])] {
        assert!(!output.contains(acting), "{text:?}");
    }
    // A table of Markdown has as many cells in each row as it would have with harmless text.
    assert_eq!(cells(&markdown(&report)), cells(&markdown(&plain)), "{text:?}");
}

/// The number of cells in each row of the tables.
fn cells(markdown: &str) -> Vec<usize> {
    let rows = markdown.lines().filter(|line| line.starts_with("| "));
    rows.map(|row| row.replace("\\\\", "").replace("\\|", "").matches('|').count()).collect()
}

#[test]
fn attacks_are_shown() {
    for attack in ATTACKS {
        assert_harmless(attack);
    }
}

#[test]
fn markup_is_literal_in_markdown() {
    let page = markdown(&filled_with("<b> *a* | [b](c) # 1"));
    assert!(page.contains(r"&lt;b&gt; \*a\* \| \[b\](c) # 1"), "{page}");
    assert!(page.contains(r"<code>&lt;b&gt; \*a\* \| \[b\](c) # 1</code>"), "{page}");
    assert!(markdown(&filled_with("<b> *a*")).contains("`<b> *a*`"));
    assert!(markdown(&filled_with("1. a")).contains("\n1\\. a\n"));
    assert!(markdown(&filled_with("- a")).contains("\n\\- a\n"));
    assert!(markdown(&filled_with("# a")).contains("\n\\# a\n"));
    assert!(markdown(&filled_with("a ``b`` c")).contains(r"<code>a \`\`b\`\` c</code>"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_obeyed(text in "[<>\"'&|`*_\\\\\\[\\]()#!~$a1. \n\r\t\u{1b}\u{202e}\u{0}-]{1,12}") {
        // Text that is blank, and printed values that are numbers, rightly change what is shown.
        prop_assume!(!text.trim().is_empty() && text.trim().parse::<f64>().is_err());
        assert_harmless(&text);
    }
}
