//! The renderers on the example: a whole table of five rows and twelve columns.

use assay_report::{Source, Style, html, markdown, terminal};
use insta::assert_snapshot;

use super::{example, small};

fn files() -> Vec<camino::Utf8PathBuf> {
    ["md", "json", "html"].map(|extension| format!("reports/example.{extension}").into()).to_vec()
}

#[test]
fn terminal_of_160_columns_holds_one_table() {
    assert_snapshot!(terminal(&example(), Style { width: 160, colour: false }, &files()));
}

#[test]
fn terminal_of_100_columns_has_a_table_for_each_group() {
    assert_snapshot!(terminal(&example(), Style::default(), &files()));
}

#[test]
fn terminal_of_80_columns_stacks_values_and_margins() {
    assert_snapshot!(terminal(&example(), Style { width: 80, colour: false }, &files()));
}

#[test]
fn terminal_of_40_columns_splits_groups() {
    assert_snapshot!(terminal(&small::report(), Style { width: 40, colour: false }, &[]));
    assert_snapshot!(terminal(&example(), Style { width: 40, colour: false }, &[]));
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [40, 60, 80, 100, 120, 160, 200] {
        for line in terminal(&example(), Style { width, colour: false }, &[]).lines() {
            assert!(line.chars().count() <= width, "{width}: {line:?}");
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    let plain = terminal(&example(), Style { width: 100, colour: false }, &files());
    let painted = terminal(&example(), Style { width: 100, colour: true }, &files());
    let mut stripped = String::new();
    let mut rest = painted.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        stripped.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    stripped.push_str(rest);
    assert_ne!(plain, painted);
    assert_eq!(plain, stripped);
}

#[test]
fn colours_mean_outcomes_and_rank() {
    assert_snapshot!(
        terminal(&small::report(), Style { width: 80, colour: true }, &[]).replace('\u{1b}', "␛")
    );
}

#[test]
fn example_as_markdown() {
    assert_snapshot!(markdown(&example()));
}

#[test]
fn example_as_html() {
    assert_snapshot!(html(&example()));
}

#[test]
fn equal_reports_give_equal_bytes() {
    let (one, other) = (example(), example());
    assert_eq!(html(&one), html(&other));
    assert_eq!(markdown(&one), markdown(&other));
    assert_eq!(one.to_json(), other.to_json());
}

/// Every `href="#x"` has its `id="x"`, and no id is there twice.
#[test]
fn links_on_the_page_arrive() {
    for report in [example(), small::report()] {
        let page = html(&report);
        let values = |attribute: &str| -> Vec<String> {
            page.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
        };
        let ids = values(" id=\"");
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(ids.len(), unique.len(), "an id is there twice");
        let links = values("href=\"#");
        assert!(links.len() > 10);
        for link in links {
            assert!(unique.binary_search(&link).is_ok(), "no element {link:?}");
        }
    }
}

/// Each measured number leads to the artefact that it was computed from.
#[test]
fn numbers_lead_to_their_artefacts() {
    let page = html(&small::report());
    let cell = page.split("id=\"cell-new-a\"").nth(1).unwrap();
    let link = cell.split("href=\"#").nth(1).unwrap().split('"').next().unwrap();
    let origin = page.split(&format!("id=\"{link}\"")).nth(1).unwrap().split("</tbody>").next().unwrap();
    assert!(!origin.contains("verdicts-old"), "{origin}");
    // One click each: the questions, verdicts, generations, the model, and back.
    let mut links: Vec<&str> =
        origin.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links.remove(0), "row-new");
    assert_eq!(links, ["questions-a", "source-new", "source-answers_2d_new", "source-model"]);
    for (from, to) in [
        ("source-new", "source-answers_2d_new"),
        ("source-answers_2d_new", "source-model"),
        ("source-model", "source-answers_2d_old"),
    ] {
        let row = element(&page, from);
        assert!(row.contains(&format!("href=\"#{to}\"")), "{row}");
        assert!(row.contains(&"fedcba9876543210".repeat(4)), "{row}");
    }
    assert!(element(&page, "source-new").contains(
        "<code class=\"command\">assay why verdicts-new --recipe small --scale tiny --set 'sizes.a=1 2'</code>"
    ));
}

/// The row of a table with this id.
fn element<'a>(page: &'a str, id: &str) -> &'a str {
    page.split(&format!("id=\"{id}\"")).nth(1).unwrap().split("</tr>").next().unwrap()
}

/// A report from no recipe has no command: nothing is printed that would not work.
#[test]
fn a_report_without_a_recipe_has_no_commands() {
    let mut report = small::report();
    report.recipe = None;
    let page = html(&report);
    assert!(!page.contains("assay run") && !page.contains("assay why"));
}

/// A long chain of artefacts is walked without running out of stack, and a circle ends.
#[test]
fn chains_may_be_long_and_circles_end() {
    let mut report = small::report();
    let first = report.sources[0].clone();
    report.sources[0].inputs = vec!["s0".into()];
    for at in 0..20_000 {
        report.sources.push(Source {
            id: format!("s{at}"),
            inputs: vec![format!("s{}", at + 1)],
            ..first.clone()
        });
    }
    report.sources.push(Source { id: "s20000".into(), ..first });
    report.check().unwrap();
    report.sources.last_mut().unwrap().inputs = vec!["model".into()];
    assert!(
        report
            .check()
            .unwrap_err()
            .to_string()
            .starts_with("source \"model\" is made from itself: model <- s0")
    );
    report.sources.truncate(5);
    report.sources[0].inputs = vec!["new".into()];
    assert!(html(&report).contains("</html>"));
}

/// The page loads nothing and runs nothing: its one script element is data, and the paper's is the one address
/// outside, in a link and in texts.
#[test]
fn the_page_is_self_contained() {
    let page = html(&example());
    for outside in ["<img", "<link", "url(", "http:", "@import", "src=", "javascript:"] {
        assert!(!page.replace("\\url{", "").contains(outside), "{outside}");
    }
    let scripts: Vec<&str> = page.split("<script").skip(1).collect();
    assert!(matches!(scripts[..], [one] if one.starts_with(" type=\"application/ld+json\">")));
    for address in page.split("https:").skip(1) {
        assert!(
            address.starts_with("//arxiv.org/abs/2509.22637v2") || address.starts_with("//schema.org\""),
            "{address:.60}"
        );
    }
    assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'\""));
}
