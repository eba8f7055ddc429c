//! What common tables look like that are no mistakes, each beside one that is: marks by block, methods of one label,
//! claims at a tie, averages that are weighted, lengths and settings.

use assay_claims::audit::source::{Document, Format, read_text};
use assay_claims::audit::{Audit, AuditTable, CellResult, audit};

fn table(name: &str, format: Format, text: &str) -> AuditTable {
    let document = Document { file: name, text };
    let source = read_text(format, document, None).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"));
    AuditTable { name: name.to_owned(), layout: source.layout }
}

/// `DETECTOR SEVERITY` of each finding.
fn found(audit: &Audit) -> Vec<String> {
    audit.findings.iter().map(|f| format!("{} {}", f.detector.name(), f.severity.name())).collect()
}

fn check(format: Format, text: &str, expected: &[&str]) -> Audit {
    let audit = audit(&[table("t", format, text)]);
    assert_eq!(found(&audit), expected, "{text}\n{:#?}", audit.findings);
    audit
}

const SIZES: &str = "questions = 500\nsamples = 1\n";

fn csv(header: &str, rows: &str) -> String {
    format!("+++\n{header}+++\n{rows}")
}

fn latex(rows: &str) -> String {
    format!(
        "% +++\n% questions = 500\n% samples = 1\n% +++\n\\begin{{tabular}}{{lcc}}\n{rows}\\end{{tabular}}\n"
    )
}

#[test]
fn marks_are_of_all_rows_or_of_each_block() {
    let blocks = r"M & A & B \\ \midrule
\multicolumn{3}{c}{\textit{7B}} \\
base & 40.2 & 50.4 \\
ours & \textbf{47.2} & \textbf{60.2} \\ \midrule
\multicolumn{3}{c}{\textit{70B}} \\
large & 60.2 & 70.4 \\
largest & \textbf{67.2} & \textbf{80.2} \\
";
    check(Format::Latex, &latex(blocks), &[]);
    let wrong = blocks.replace("base & 40.2", "base & 48.2");
    let audit = check(Format::Latex, &latex(&wrong), &["mark changes-a-rank"]);
    assert!(audit.findings[0].message.contains("the best is 48.2 of base"), "{:?}", audit.findings[0]);
    // Rules alone, and a row of its own that is marked among all.
    let ruled = blocks
        .replace("\\multicolumn{3}{c}{\\textit{7B}} \\\\\n", "")
        .replace("\\multicolumn{3}{c}{\\textit{70B}} \\\\\n", "");
    check(Format::Latex, &latex(&ruled), &[]);
    let own = "M & A & B \\\\ \\hline\nx & 40.2 & 50.4 \\\\\ny & 52.2 & 51.4 \\\\ \\hline\nours & \\textbf{47.2} & 60.4 \\\\\n";
    check(Format::Latex, &latex(own), &["mark changes-a-rank"]);
    // In the header.
    let rows = "m,a\nx,40.2\ny,**45.2**\nz,60.2\nw,**65.2**\n";
    check(Format::Csv, &csv(SIZES, rows), &["mark changes-a-rank"]);
    let named = format!("{SIZES}blocks = {{ small = [\"x\", \"y\"], large = [\"z\", \"w\"] }}\n");
    check(Format::Csv, &csv(&named, rows), &[]);
}

#[test]
fn a_row_in_bold_and_a_tie_are_no_wrong_marks() {
    check(Format::Csv, &csv(SIZES, "m,a\nx,40.2\n**ours**,**39.0**\n"), &[]);
    check(Format::Csv, &csv(SIZES, "m,a\nx,40.2\nours,**39.0**\n"), &["mark changes-a-rank"]);
    check(
        Format::Csv,
        &csv(SIZES, "m,a,b,c\nx,40.2,40.4,40.6\nours,**39.0**,**50.0**,**60.0**\n"),
        &["mark note"],
    );
    check(Format::Csv, &csv(SIZES, "m,a\nx,**50.0**\ny,<u>50.0</u>\nz,40.2\n"), &[]);
    check(Format::Csv, &csv(SIZES, "m,a\nx,**50.0**\ny,49.0\nz,<u>40.2</u>\n"), &["mark changes-a-rank"]);
}

#[test]
fn a_label_alone_makes_no_method() {
    let both = |first: &str, second: &str| {
        let text = |rows: &str| csv(SIZES, rows);
        let tables = [table("t1", Format::Csv, &text(first)), table("t2", Format::Csv, &text(second))];
        found(&audit(&tables))
    };
    let small = "m,a,b\nBaseline,40.2,30.2\nOurs,45.2,35.4\n";
    assert_eq!(both(small, "m,a,b\nBaseline,60.2,50.2\nOurs,65.2,55.4\n"), [""; 0]);
    assert_eq!(both(small, "m,a,b\nBaseline,40.2,30.4\nOurs,46.2,35.6\n"), ["method last-digit"]);
    let methods = format!("{SIZES}methods = {{ Ours = \"ours\" }}\n");
    let tables = [("t1", small), ("t2", "m,a,b\nBaseline,60.2,50.2\nOurs,46.2,36.4\n")]
        .map(|(name, rows)| table(name, Format::Csv, &csv(&methods, rows)));
    assert_eq!(found(&audit(&tables)), ["method changes-a-value"]);
}

#[test]
fn a_claim_that_rounding_may_save_is_a_note() {
    let header = |claim: &str| {
        format!(
            "questions = 674\nsamples = 2\nclaims = [{{ id = \"C\", text = \"t\", expression = \"{claim}\" }}]\n"
        )
    };
    let rows = "m,a\nx,40.1\ny,40.1\nz,45.1\n";
    check(Format::Csv, &csv(&header("x.a > y.a"), rows), &["claim note"]);
    check(Format::Csv, &csv(&header("x.a > z.a or x.a > y.a"), rows), &["claim note"]);
    check(Format::Csv, &csv(&header("x.a > z.a"), rows), &["claim changes-a-claim"]);
    check(Format::Csv, &csv(&header("x.a > y.a and x.a > z.a"), rows), &["claim changes-a-claim"]);
}

#[test]
fn averages_weighted_by_questions_are_tried() {
    let header = "questions = { a = 500, b = 40 }\nsamples = 1\ngroups = { avg = [\"a\", \"b\"] }\n";
    let weighted = "m,a,b,avg\nx,40.2,50.0,40.9\ny,50.2,40.0,49.4\nz,60.4,45.0,59.3\n";
    let audit = check(Format::Csv, &csv(header, weighted), &["average note"]);
    assert!(audit.findings[0].message.contains("weighted by their questions"), "{:?}", audit.findings[0]);
    assert_eq!(audit.count(CellResult::Contradicted), 0);
    // One of three: a value that is wrong, by more than its last digit, with the cause.
    let one = "m,a,b,avg\nx,40.2,50.0,40.9\ny,50.2,40.0,45.1\nz,60.4,45.0,52.7\n";
    let audit = check(Format::Csv, &csv(header, one), &["average changes-a-value"]);
    assert!(audit.findings[0].message.ends_with("explained by weighting the members by their questions"));
    let none = one.replace("40.9", "44.0");
    let audit = check(Format::Csv, &csv(header, &none), &["average changes-a-value"]);
    assert!(!audit.findings[0].message.contains("explained by"));
}

#[test]
fn a_column_may_be_averaged_twice() {
    let header = format!("{SIZES}groups = {{ math = [\"a\", \"b\"], all = [\"a\", \"b\", \"c\"] }}\n");
    let rows = "m,a,b,math,c,all\nx,40.2,50.2,45.2,60.2,50.2\ny,41.2,51.2,46.2,61.2,51.2\n";
    check(Format::Csv, &csv(&header, rows), &[]);
    check(Format::Csv, &csv(&header, &rows.replace("46.2", "49.9")), &["average changes-a-value"]);
}

#[test]
fn repeats_of_settings_are_none_and_lengths_have_no_rank() {
    let settings = "units = { p = \"B\", t = \"tokens\" }\n";
    check(Format::Csv, &csv(settings, "m,p,t\nx,7,32768\ny,7,32768\nz,14,16384\n"), &[]);
    let lengths = "units = { a = \"tokens\", b = \"tokens\" }\n";
    check(Format::Csv, &csv(lengths, "m,a,b\nx,5688,18171\ny,5688,18171\n"), &["repeated-row note"]);
    let copied = "m,a,b,c\nx,40.2,50.2,60.2\ny,40.2,50.2,60.2\n";
    check(Format::Csv, &csv(SIZES, copied), &["repeated-row changes-a-rank"]);
}

/// A value that two tables print is one finding, which names both places and the check's power.
#[test]
fn one_fact_is_one_finding() {
    let text = csv(SIZES, "m,a\nbase,40.3\nours,45.2\n");
    let found = audit(&[table("t1", Format::Csv, &text), table("t2", Format::Csv, &text)]).findings;
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].table.as_str(), found[0].also[0].table.as_str()), ("t1", "t2"));
    assert!(found[0].message.ends_with("this check notices 50 % of random values"), "{}", found[0].message);
    let other = table("t2", Format::Csv, &text.replace("base", "other"));
    assert_eq!(audit(&[table("t1", Format::Csv, &text), other]).findings.len(), 2);
}

/// Two thousand rows are two million pairs.
#[test]
fn many_rows_take_no_quadratic_time_over_their_names() {
    // A linear congruential generator: its values repeat in no pair of rows.
    let mut state = 1u64;
    let mut value = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let units = (state >> 33) % 500 * 2;
        format!(",{}.{}", units / 10, units % 10)
    };
    let mut row = || (0..30).map(|_| value()).collect::<String>();
    let columns: String = (0..30).map(|c| format!(",c{c}")).collect();
    let rows: String = (0..2000).map(|at| format!("r{at}{}\n", row())).collect();
    let found = audit(&[table("t", Format::Csv, &csv(SIZES, &format!("m{columns}\n{rows}")))]);
    assert_eq!(found.cells.len(), 60_000);
}
