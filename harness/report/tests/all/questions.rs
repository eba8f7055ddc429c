//! From a cell to the questions behind it, and from a question to its samples.

use std::collections::BTreeMap;

use assay_report::*;

use super::small;

fn bent(bend: impl FnOnce(&mut ColumnQuestions)) -> Report {
    let mut report = small::report();
    bend(&mut report.questions[0]);
    report
}

/// Every link of a page leads to a place on it.
#[test]
fn links_lead_somewhere() {
    let page = html(&small::report());
    let anchors: Vec<&str> =
        page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let links: Vec<&str> =
        page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > 10);
    for link in links {
        assert!(anchors.contains(&link), "#{link} leads nowhere");
    }
}

/// One link from a cell to the steps and questions behind it, one from there to the counts of a benchmark, one to samples.
#[test]
fn a_cell_leads_to_questions_and_they_to_samples() {
    let page = html(&small::report());
    let after = |start: &str| page.split_once(start).unwrap_or_else(|| panic!("{start}")).1;
    assert!(after("id=\"cell-new-a\"").starts_with("><a class=\"measured\" href=\"#origin-2\""));
    let origin = after("id=\"origin-2\"").split("</tbody>").next().unwrap();
    assert!(origin.contains("href=\"#questions-a\""), "{origin}");
    let counts = after("id=\"questions-a\"").split("</table>").next().unwrap();
    assert!(counts.contains("href=\"#question-a-q1\"") && counts.contains("of 4"), "{counts}");
    assert!(counts.contains("(1 not judged)") && counts.contains("2.5"), "{counts}");
    let question = after("id=\"question-a-q1\"").split("</details>").next().unwrap();
    for part in ["1 + 1?", "wrong-answer", "two, I &lt;think&gt;", "none", "judge-failure"] {
        assert!(question.contains(part), "{part}: {question}");
    }
    assert!(page.contains("assay samples small.json --row ROW --benchmark BENCHMARK --question QUESTION"));
}

/// The hash of the prompts stands once for all rows that were asked the same, with their names where others were asked otherwise.
#[test]
fn prompts_are_told_by_benchmark_and_by_row() {
    let ask = |report: &mut Report, id: &str, prompts: &[(&str, &str)]| {
        let source = report.sources.iter_mut().find(|source| source.id == id).unwrap();
        source.prompts =
            prompts.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
    };
    let line = |text: &str, hash: &str| text.lines().find(|line| line.contains(hash)).unwrap().to_owned();
    let mut report = small::report();
    for text in [html(&report), markdown(&report)] {
        assert!(!text.contains("each after its length"), "nothing is known: {text}");
    }
    ask(&mut report, "answers-old", &[("sums", "aaaa"), ("words", "cccc")]);
    ask(&mut report, "answers-new", &[("sums", "bbbb"), ("words", "cccc")]);
    report.check().unwrap();
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
    let text = markdown(&report);
    assert_eq!(line(&text, "aaaa"), "| `sums` | `aaaa` | Old |");
    assert_eq!(line(&text, "bbbb"), "| `sums` | `bbbb` | New |");
    assert_eq!(line(&text, "cccc"), "| `words` | `cccc` | all that were asked |");
    let page = html(&report);
    for hash in ["aaaa", "bbbb", "cccc"] {
        assert_eq!(page.matches(&format!("title=\"{hash}\"")).count(), 1, "{hash}");
    }
}

#[test]
fn rows_without_artefacts_lead_to_the_questions_directly() {
    let mut report = small::report();
    report.sources.clear();
    report.rows.iter_mut().flat_map(|row| row.cells.values_mut()).for_each(|cell| cell.sources.clear());
    let page = html(&report);
    assert!(page.contains("id=\"cell-new-a\"><a class=\"measured\" href=\"#questions-a\""));
    assert!(!page.contains("assay samples"), "there is nothing that it could show");
}

#[test]
fn questions_that_do_not_fit_are_refused() {
    type Bend = fn(&mut ColumnQuestions);
    let cases: [(Bend, &str); 6] = [
        (|of| of.column = "b".into(), "questions of \"b\" refers to the column \"b\""),
        (|of| of.scores.questions.push("q1".into()), "two questions have the id \"q1\""),
        (|of| of.scores.questions.push("q9".into()), "has 2 scores for 3 questions"),
        (|of| of.shown[0].id = "q9".into(), "refers to the question \"q9\""),
        (|of| of.shown[0].samples[0].row = "x".into(), "refers to the row \"x\""),
        (
            |of| {
                let failures = BTreeMap::from([("q9".to_owned(), 1)]);
                of.scores.rows.values_mut().for_each(|row| row.failures = failures.clone());
            },
            "refers to the question \"q9\"",
        ),
    ];
    for (bend, message) in cases {
        let error = bent(bend).check().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    small::report().check().unwrap();
}

/// Where all rows are imported, no form says that anything was recomputed beyond the level of the import.
#[test]
fn imported_scores_are_called_so() {
    let mut report = small::report();
    report.rows.iter_mut().for_each(|row| row.assurance = Some(Assurance::ReJudged));
    report.rows[1].assurance = Some(Assurance::RecomputedFromTheAuthorsSamples);
    let words = "imported scores: recomputed from the authors' samples";
    let page = html(&report).replace("&#39;", "'");
    assert!(page.contains(&format!("<caption>Table 1, {words}</caption>")), "{page}");
    assert!(latex(&report).contains(words), "{}", latex(&report));
    for text in [page, latex(&report), markdown(&report), terminal(&report, Style::default(), &[])] {
        for absent in ["recomputed at", "Recomputed at", "measured here"] {
            assert!(!text.contains(absent), "{absent}: {text}");
        }
        assert!(text.contains("recomputed from the authors"), "{text}");
    }
    report.rows[0].assurance = None;
    assert!(html(&report).contains("recomputed at tiny scale, beside imported rows"));
}

/// A curve is drawn with the range of its seeds, and told in words.
#[test]
fn curves_have_a_band_and_words() {
    let mut report = small::report();
    let point = |x, y| PlotPoint { x, y, interval: Some((y - 0.25, y + 0.5)) };
    let plot = &mut report.diagnostics[0].plots[0];
    plot.series = vec![Series {
        label: "loss".into(),
        style: SeriesStyle::Band,
        points: vec![point(1.0, 4.0), point(2.0, 1.5), point(3.0, 2.0)],
    }];
    report.check().unwrap();
    let page = html(&report);
    assert!(page.contains("loss from 4.000 at 1 to 2.000 at 3, between 1.500 and 4.000"), "{page}");
    assert_eq!(page.matches("<path class=\"band\"").count(), 1);
}
