//! The data in the page, CSV, LaTeX and citations.
#![expect(clippy::print_stderr, reason = "says that a test was skipped")]

use std::process::{Command, Stdio};

use assay_report::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use insta::assert_snapshot;

use super::{EXAMPLE, example, small};

/// The files that a page holds, by extension.
fn embedded(page: &str, extension: &str) -> String {
    let link = page.split(&format!(".{extension}\" href=\"data:")).nth(1).unwrap();
    let data = link.split('"').next().unwrap().split_once("base64,").unwrap().1;
    String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
}

#[test]
fn a_page_holds_its_data() {
    let page = html(&example());
    assert_eq!(embedded(&page, "json"), EXAMPLE);
    assert_eq!(embedded(&page, "csv"), csv(&example()));
    let report = small::report();
    assert!(html(&report).contains(&report.hash()));
}

/// Another number is another hash, and the same numbers are the same hash.
#[test]
fn a_hash_names_the_numbers() {
    let mut report = small::report();
    let hash = report.hash();
    assert_eq!(Report::from_json(&report.to_json()).unwrap().hash(), hash);
    report.rows[0].cells.get_mut("a").unwrap().measured.as_mut().unwrap().value += 1e-9;
    assert_ne!(report.hash(), hash);
}

#[test]
fn cells_as_csv() {
    assert_snapshot!(csv(&small::report()));
    let mut report = small::report();
    report.rows[0].label = "=cmd(\"a\",\n1)".into();
    let text = csv(&report);
    assert!(text.contains("old,\"'=cmd(\"\"a\"\", 1)\",a,SUM10,sums,,20,17,23,1.5,800,"), "{text}");
    let fields =
        |line: &str| line.split('"').step_by(2).map(|outside| outside.matches(',').count()).sum::<usize>();
    assert!(text.lines().all(|line| fields(line) == 13), "{text}");
}

#[test]
fn a_large_page_says_so() {
    let note = "<p class=\"large\"";
    assert!(!html(&example()).contains(note));
    let mut report = small::report();
    report.notes.push("word ".repeat(1_000_000));
    let page = html(&report);
    assert!(page.contains(note) && page.contains("This page has 12 MB"), "{}", page.len());
}

/// What crawlers read is JSON of its own, whatever a text says.
#[test]
fn the_review_is_json() {
    let mut report = small::report();
    report.title = "</script><script>alert(1)</script>\u{2028}\u{202e}&".into();
    let page = html(&report);
    let block = page.split("ld+json\">").nth(1).unwrap().split("</script>").next().unwrap();
    let review: serde_json::Value = serde_json::from_str(block).unwrap();
    assert_eq!(review["name"], report.title);
    assert_eq!(review["@type"], "Review");
    assert_eq!(review["identifier"], format!("blake3:{}", report.hash()));
    assert_eq!(review["itemReviewed"]["@type"], "ScholarlyArticle");
    assert_eq!(review["itemReviewed"]["url"], "https://arxiv.org/abs/0000.00000v1");
    assert_eq!(page.matches("<script").count(), 1);
}

#[test]
fn table_and_macros_for_latex() {
    assert_snapshot!(latex(&small::report()));
    assert_snapshot!(latex_macros(&small::report()));
}

const SPECIALS: &str = "50 % of $x_1$ & #2 {a} ~b^c \\d <e> |f| \"g\" − ± × π";

/// A report in which every text is full of what LaTeX gives a meaning.
fn special() -> Report {
    let mut report = small::report();
    small::for_each_text(&mut report, |text| *text = SPECIALS.to_owned());
    report
}

/// Every character with a meaning has become a command: outside of commands none is left.
#[test]
fn nothing_is_a_command_in_latex() {
    let text = latex(&special());
    let body = text.split_once("\\midrule").unwrap().1;
    assert!(
        body.contains(
            r"50 \% of \$x\_1\$ \& \#2 \{a\} \textasciitilde{}b\textasciicircum{}c \textbackslash{}d"
        ),
        "{body}"
    );
    assert!(latex_macros(&special()).contains(r"50 <U+25> of <U+24>x_1"), "{}", latex_macros(&special()));
}

/// Runs LaTeX on a document in a folder with `numbers.sty` and `table.tex`; the log if it failed.
fn typeset(report: &Report, body: &str) -> Option<Result<(), String>> {
    let there =
        Command::new("pdflatex").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped: pdflatex is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs_err::write(path("numbers.sty"), latex_macros(report)).unwrap();
    fs_err::write(path("table.tex"), latex(report)).unwrap();
    let document = format!(
        "\\documentclass{{article}}\n\\usepackage{{booktabs,graphicx}}\n\\usepackage{{numbers}}\n\\begin{{document}}\n{body}\n\\end{{document}}\n"
    );
    fs_err::write(path("paper.tex"), document).unwrap();
    let output = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "paper.tex"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout).replace('\n', "");
    Some(if output.status.success() { Ok(()) } else { Err(log) })
}

#[test]
fn latex_takes_the_table_and_the_macros() {
    let report = small::report();
    let used = format!(
        "\\input{{table}} \\assay{{new.a}} \\assaymargin{{new.mean}} \\assayprinted{{old.a}} \\assayoutcome{{T1.1}} \
         \\assaycheck{{{}}} \\assaycheck{{{}}} \\edef\\x{{\\assay{{new.a}}}}\\x",
        report.hash(),
        &report.hash()[..12]
    );
    for report in [report, example(), special()] {
        let body = if report.id == "small" && report.title == "A small table" {
            used.as_str()
        } else {
            "\\input{table}"
        };
        match typeset(&report, body) {
            Some(outcome) => assert_eq!(outcome, Ok(()), "{}", report.id),
            None => return,
        }
    }
}

#[test]
fn latex_stops_at_unknown_names_and_stale_numbers() {
    let report = small::report();
    let cases = [
        ("\\assay{new.b}", "has no value named `new.b'"),
        ("\\assayprinted{x.a}", "has no printed named `x.a'"),
        ("\\assayoutcome{T9}", "has no outcome named `T9'"),
        ("\\assaycheck{0123456789ab}", "was written for"),
    ];
    for (body, expected) in cases {
        let Some(outcome) = typeset(&report, body) else { return };
        let log = outcome.unwrap_err();
        assert!(log.contains(expected) && log.contains(&report.hash()[..12]), "{body}: {log}");
    }
}
