//! The audit of whole tables: every detector finds its planted defect and is silent on every clean control.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assay_claims::audit::source::{Document, SourceError, Values, read_toml};
use assay_claims::audit::{Audit, AuditTable, CellResult, Detector, Severity, audit};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audit")
}

fn read(path: &Path, shared: Option<&Path>) -> AuditTable {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_stem().unwrap().to_str().unwrap();
    let shared = shared.map(|path| std::fs::read_to_string(path).unwrap());
    let criteria = std::fs::read_to_string(path.with_file_name(format!("criteria/{name}.toml"))).ok();
    let file = path.display().to_string();
    let values: Vec<Values<'_>> = [(Some(name), &criteria), (None, &shared)]
        .into_iter()
        .filter_map(|(below, text)| {
            let document = Document { file: "values.toml", text: text.as_ref()? };
            Some(Values { below, document })
        })
        .collect();
    let source = read_toml(Document { file: &file, text: &text }, &values).unwrap();
    AuditTable { name: name.to_owned(), layout: source.layout }
}

/// Fixtures by their name without `-1` and `-2`, which are two tables of one paper.
fn cases(ending: &str) -> BTreeMap<String, Vec<AuditTable>> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut cases: BTreeMap<String, Vec<AuditTable>> = BTreeMap::new();
    for path in paths {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let name = stem.trim_end_matches("-1").trim_end_matches("-2");
        if let Some(detector) = name.strip_suffix(ending) {
            cases.entry(detector.to_owned()).or_default().push(read(&path, None));
        }
    }
    cases
}

fn found(audit: &Audit) -> Vec<String> {
    let shown = |f: &assay_claims::audit::AuditFinding| {
        format!("{} {}: {}", f.detector.name(), f.severity.name(), f.message)
    };
    audit.findings.iter().map(shown).collect()
}

#[test]
fn every_detector_finds_its_planted_defect() {
    let cases = cases("-planted");
    for detector in Detector::ALL {
        let tables = cases.get(detector.name()).unwrap_or_else(|| panic!("no defect for {detector:?}"));
        let audit = audit(tables);
        let detectors: Vec<Detector> = audit.findings.iter().map(|finding| finding.detector).collect();
        assert_eq!(detectors, [detector], "{:#?}", found(&audit));
    }
}

/// All detectors run over each control, those of the other detectors included.
#[test]
fn every_detector_is_silent_on_every_control() {
    let cases = cases("-clean");
    assert_eq!(cases.len(), Detector::ALL.len());
    for (name, tables) in cases {
        assert_eq!(found(&audit(&tables)), [""; 0], "{name}");
    }
}

#[test]
fn findings_show_arithmetic_that_can_be_checked_by_hand() {
    for (name, severity, message) in [
        (
            "grid",
            Severity::LastDigit,
            "38.40 is off the grid of 30 questions by 4: 46/120 = 38.3333, which rounds to 38.33; 47/120 = 39.1667, which \
             rounds to 39.17; ",
        ),
        (
            "average",
            Severity::ChangesAValue,
            "45.61 does not follow from its row: (38.33 + 52.00) / 2 = 45.165, which rounds to 45.17; ",
        ),
        (
            "gain",
            Severity::ChangesAClaim,
            "g (over 15 %) does not follow: 100 * (45.17 - 39.58) / 39.58 = 14.123",
        ),
        (
            "mark",
            Severity::ChangesARank,
            "45.00 is marked as the best, but the best is 52.00 of two (Method two)",
        ),
        (
            "method",
            Severity::ChangesAValue,
            "Method one has other values in method-planted-1, row one: A 35.00 here, 34.17 there",
        ),
        ("precision", Severity::Note, "815 has 0 digits after the point, most of the column has 2"),
        ("repeated-row", Severity::Note, "equals one (Method one) in all 3 columns"),
    ] {
        let audit = audit(&cases("-planted")[name]);
        assert!(audit.findings[0].message.starts_with(message), "{:#?}", found(&audit));
        assert_eq!(audit.findings[0].severity, severity, "{name}");
    }
}

/// A correction that changes who is better changes a rank; with a claim about it, a claim.
#[test]
fn severity_follows_from_the_corrected_value() {
    let text = "columns = [{ id = \"A\", paper_questions = 30, paper_samples = 1 }]\n\
                CLAIMS\n\
                rows = [\n\
                { id = \"one\", label = \"One\", printed = { A = \"40.00\" } },\n\
                { id = \"two\", label = \"Two\", printed = { A = \"41.00\" } },\n\
                { id = \"three\", label = \"Three\", printed = { A = \"40.50\" }, quoted = true },\n\
                ]\n";
    let claims = "claims = [{ id = \"c\", text = \"more\", expression = \"two.A > one.A\" }]";
    for (claims, severity) in [("", Severity::ChangesARank), (claims, Severity::ChangesAClaim)] {
        let text = text.replace("CLAIMS", claims);
        let source = read_toml(Document { file: "t.toml", text: &text }, &[]).unwrap();
        let audit = audit(&[AuditTable { name: "t".into(), layout: source.layout }]);
        // 12/30 = 40.00; the nearest to 41.00 is 40.00.
        assert_eq!(audit.findings[0].severity, severity, "{:#?}", found(&audit));
        assert_eq!(audit.count(CellResult::Quoted), 1);
    }
}

/// The paper's twelve tables, as they are committed.
#[test]
fn the_first_paper() {
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let shared = recipes.join("shared.toml");
    let tables: Vec<AuditTable> =
        (1..=12).map(|n| read(&recipes.join(format!("table-{n:02}.toml")), Some(&shared))).collect();
    let audit = audit(&tables);
    let at = |table: &str, row: &str, column: &str, detector: Detector| {
        audit.findings.iter().any(|f| {
            let first = f.table == table && f.row.as_deref() == Some(row);
            f.detector == detector
                && (first || f.also.iter().any(|also| also.table == table && also.row == row))
                && f.columns.iter().any(|c| c == column)
        })
    };
    assert!(at("table-05", "base", "AMC23", Detector::Grid));
    assert!(at("table-03", "sft", "math", Detector::Average));
    assert!(at("table-12", "pa-acc", "MATH500", Detector::RepeatedRow));
    assert!(at("table-06", "base", "MMLU-Pro", Detector::Precision));
    assert!(at("table-11", "base", "AMC23", Detector::Grid));
    assert_eq!(audit.findings.iter().filter(|f| f.printed == ["51.10"]).count(), 1);
    assert!(!audit.findings.iter().any(|f| f.row.as_deref() == Some("general-reasoner-quoted")));
    assert!(!audit.findings.iter().any(|f| f.detector == Detector::Gain && f.severity != Severity::Note));
    assert_eq!(audit.count(CellResult::Contradicted), 1);
    assert_eq!(audit.count(CellResult::Quoted), 7);
    assert_eq!(audit.count(CellResult::NoPercentage), 40);
    // The same bytes again.
    let json = serde_json::to_string(&audit).unwrap();
    assert_eq!(serde_json::to_string(&assay_claims::audit::audit(&tables)).unwrap(), json);
    assert_eq!(serde_json::from_str::<Audit>(&json).unwrap(), audit);
}

#[test]
fn mistakes_in_a_file_are_found_where_they_are() {
    let good = "columns = [{ id = \"A\", paper_questions = 30, paper_samples = 1 }]\n\
                claims = [{ id = \"c\", text = \"more\", expression = \"one.A > 1\" }]\n\
                rows = [{ id = \"one\", label = \"One\", printed = { A = \"40.00\" } }]\n";
    assert!(read_toml(Document { file: "t.toml", text: good }, &[]).is_ok());
    for (from, to, expected) in [
        ("\"40.00\"", "\"4O.00\"", "t.toml:3:54: `4O.00` is not a decimal number"),
        ("= 30", "= 0", "t.toml:1:42: is 0, but must be at least 1"),
        ("samples = 1", "samples = 0", "t.toml:1:62: is 0, but must be at least 1"),
        ("one.A > 1", "one.B > 1", "t.toml:2:56: there is no column `B`"),
        ("label = \"One\"", "label = \"One\", colour = 1", "t.toml:3:38: unknown field `colour`"),
        ("rows = [", "rows = [[", "t.toml:"),
        ("40.00\" }", "40.00\" }, best = [\"B\"]", "t.toml:3:73: `B` has no value in this row"),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        let errors: Vec<SourceError> = read_toml(Document { file: "t.toml", text: &text }, &[]).unwrap_err();
        assert!(errors[0].to_string().starts_with(expected), "{}", errors[0]);
    }
}

/// A mistake in a value that stands for a reference is in the file that holds the value.
#[test]
fn mistakes_in_values_of_other_files_are_found_there() {
    let table = "columns = \"$birds.columns\"\nclaims = \"$t.claims\"\nrows = \"$rows\"\n";
    let criteria =
        "# Fixed beforehand.\n[[claims]]\nid = \"c\"\ntext = \"more\"\nexpression = \"one.A > two.A\"\n";
    let shared = "rows = [{ id = \"one\", label = \"One\", printed = { A = \"$value\" } },\n\
                  { id = \"two\", label = \"Two\", printed = { A = \"30.00\" } }]\n\
                  value = \"40.00\"\n[birds]\ncolumns = [{ id = \"A\", paper_questions = 30 }]\n";
    let read = |table: &str, criteria: &str, shared: &str| {
        let document = |file, text| Document { file, text };
        let values = [
            Values { below: Some("t"), document: document("criteria/t.toml", criteria) },
            Values { below: None, document: document("shared.toml", shared) },
        ];
        read_toml(Document { file: "t.toml", text: table }, &values).map_err(|errors| errors[0].to_string())
    };
    assert!(read(table, criteria, shared).is_ok());
    for (from, to, expected) in [
        ("two.A", "tow.A", "criteria/t.toml:5:23: there is no row `tow`"),
        ("two.A", "two.A >", "criteria/t.toml:5:"),
        ("id = \"c\"\n", "id = \"c\"\ncolour = 1\n", "criteria/t.toml:4:1: unknown field `colour`"),
        ("id = \"c\"\n", "id = 1\n", "criteria/t.toml:3:6: "),
        ("text = \"more\"\n", "text = \"more\n", "criteria/t.toml:4:"),
        // A reference inside a value of another file leads to the end of the chain.
        ("\"40.00\"", "\"4O.00\"", "shared.toml:3:9: `4O.00` is not a decimal number"),
        ("\"30.00\"", "\"3O.00\"", "shared.toml:2:46: `3O.00` is not a decimal number"),
        ("= 30 }", "= 0 }", "shared.toml:5:42: is 0, but must be at least 1"),
        ("A = \"30.00\"", "B = \"30.00\"", "shared.toml:2:42: unknown key `B`"),
        ("rows = \"$rows\"", "rows = \"$row\"", "t.toml:3:8: "),
    ] {
        let bend = |text: &str| text.replacen(from, to, 1);
        let error = read(&bend(table), &bend(criteria), &bend(shared)).unwrap_err();
        assert!(error.starts_with(expected), "{error} for {expected}");
    }
}
