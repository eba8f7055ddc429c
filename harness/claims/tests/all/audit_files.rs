//! Tables of other papers, read from CSV, Markdown and LaTeX.

use assay_claims::audit::source::{Document, Format, Source, SourceError, read_text};

const HEADER: &str = "title = \"Birds\"\nquestions = { fly = 40 }\nsamples = 1\ngroups = { all = [\"fly\", \"swim\"] }\n\
                      quoted = [\"Them\"]\n\
                      claims = [{ id = \"C\", text = \"owls\", expression = \"Owl.all > Cat.all\" }]\n";
const CSV: &str = "name,fly,swim,all\nOwl,52.50,10.00,31.25\nCat,\"20.00\",**40.00**,30.00\nThem,1.0,,\n";
const MARKDOWN: &str = "Some words.\n\n| name | fly | swim | all |\n| :-- | --: | --: | --- |\n\
                        | Owl | **52.50** | 10.00 | **31.25** |\n| Cat | <u>20.00</u> | 40.00 | 30.00 |\n| Them | 1.0 | - | |\n";
const LATEX: &str = r"\begin{table}\begin{tabular}{l|cc|c}
\toprule
 & \multicolumn{2}{c}{Benchmarks} & \\
\cmidrule(lr){2-3}
name & fly & swim & all \\ % the names
\midrule
\multicolumn{4}{l}{\textit{Ours}} \\
Owl & \textbf{52.50} & $10.00$ & \textbf{31.25} \\[2pt]
Cat~\citep{cat} & \underline{20.00} & 40.00 & 30.00 \\
Them & 1.0 & -- & \\
\bottomrule
\end{tabular}\end{table}
";

fn read(format: Format, text: &str) -> Result<Source, Vec<SourceError>> {
    let header = Document { file: "header.toml", text: HEADER };
    read_text(format, Document { file: "table", text }, Some(header))
}

#[test]
fn the_same_table_in_three_forms() {
    for (format, text) in [(Format::Csv, CSV), (Format::Markdown, MARKDOWN), (Format::Latex, LATEX)] {
        let layout = read(format, text).unwrap_or_else(|errors| panic!("{format:?}: {errors:?}")).layout;
        let ids: Vec<&str> = layout.columns.iter().map(|column| column.id.as_str()).collect();
        assert_eq!(ids, ["fly", "swim"], "{format:?}");
        let rows: Vec<&str> = layout.rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(rows, ["Owl", "Cat", "Them"], "{format:?}");
        assert_eq!(layout.rows[0].printed["fly"], "52.50");
        assert_eq!(layout.rows[1].averages["all"], "30.00");
        assert!(layout.rows[2].quoted && !layout.rows[2].printed.contains_key("swim"));
        assert_eq!((layout.columns[0].paper_questions, layout.columns[1].paper_questions), (Some(40), None));
        if format != Format::Csv {
            assert_eq!(layout.rows[0].best, ["fly", "all"], "{format:?}");
            assert_eq!(layout.rows[1].second, ["fly"], "{format:?}");
        }
    }
}

#[test]
fn a_header_may_stand_in_the_file() {
    for (format, text, comment) in
        [(Format::Csv, CSV, ""), (Format::Markdown, MARKDOWN, ""), (Format::Latex, LATEX, "% ")]
    {
        let header: String = HEADER.lines().map(|line| format!("{comment}{line}\n")).collect();
        let text = format!("{comment}+++\n{header}{comment}+++\n{text}");
        let source = read_text(format, Document { file: "table", text: &text }, None).unwrap();
        assert_eq!((source.title.as_str(), source.layout.rows.len()), ("Birds", 3));
        let wrong = text.replace("samples = 1", "samples = \"one\"");
        let error = read_text(format, Document { file: "table", text: &wrong }, None).unwrap_err();
        assert_eq!((error[0].line, error[0].column), (4, 11 + comment.len()), "{}", error[0]);
    }
}

#[test]
fn mistakes_have_places() {
    for (format, text, from, to, expected) in [
        (Format::Csv, CSV, "52.50", "5Z.50", "table:2:5: column `fly`: `5Z.50` is not a decimal number"),
        (Format::Csv, CSV, "10.00,31", "31", "table:2:1: the row has 3 cells, the line of column names 4"),
        (Format::Csv, CSV, "Owl", "Eel", "header.toml:6:52: there is no row `Owl`"),
        (Format::Csv, CSV, "name,fly", "name,walk", "header.toml:2:15: the table has no column `fly`"),
        (Format::Markdown, MARKDOWN, "10.00 |", "", "table:5:3: the row has 3 cells"),
        (Format::Markdown, MARKDOWN, "40.00", "4O", "table:6:24: column `swim`: `4O` is not"),
        (Format::Markdown, MARKDOWN, "| :-- | --: | --: | --- |\n", "", "table:3:3: the line below"),
        (
            Format::Latex,
            LATEX,
            r"\textit{Ours}",
            r"\ours",
            r"table:7:20: the command `\ours` is not known here",
        ),
        (Format::Latex, LATEX, "40.00 &", "", "table:9:1: the row has 3 cells"),
        (Format::Latex, LATEX, "40.00", "40,00", "table:9:39: column `swim`: `40,00` is not"),
        (Format::Latex, LATEX, r"\end{tabular}\end{table}", "", "table:1:14: this `tabular` has no end"),
        (Format::Latex, LATEX, r"\begin{tabular}", "", r"table:1:1: holds no `\begin{tabular}`"),
    ] {
        let bent = text.replacen(from, to, 1);
        assert_ne!(bent, text);
        let errors = read(format, &bent).unwrap_err();
        assert!(errors[0].to_string().starts_with(expected), "{} for {expected}", errors[0]);
    }
}

#[test]
fn a_file_without_a_header_is_refused() {
    let errors = read_text(Format::Csv, Document { file: "t.csv", text: CSV }, None).unwrap_err();
    assert_eq!(errors[0].to_string(), "t.csv:1:1: has no header");
    for (from, to) in [("{ fly = 40 }", "0"), ("samples = 1", "samples = 0")] {
        let header = HEADER.replace(from, to);
        let header = Document { file: "header.toml", text: &header };
        let errors = read_text(Format::Csv, Document { file: "t.csv", text: CSV }, Some(header)).unwrap_err();
        assert!(errors[0].message.ends_with("is 0, but must be at least 1"), "{}", errors[0]);
    }
}

/// Mistakes in a header have their place in it, wherever the header stands, and cells theirs in the table.
#[test]
fn mistakes_in_a_header_have_places() {
    let rows = "name,fly,swim,all\nOur Owl,52.50,10.00,31.25\nCat,20.00,40.00,30.00\n";
    let header = "title = \"Birds\"\n\
                  questions = { fly = 40 }\n\
                  samples = 1\n\
                  groups = { all = [\"fly\", \"swim\"] }\n\
                  claims = [\n  { id = \"C\", text = \"owls\", expression = \"\\\"Our Owl\\\".all > Cat.all\" },\n]\n\
                  gains = [{ id = \"G\", text = \"over 1 %\", of = \"Cat.swim\", over = \"Cat.fly\", printed = \"1\", says = \"over\" }]\n";
    let cases: [(&str, &str, &str); 11] = [
        ("fly = 40", "fly = 0", "2:21: `questions.fly` is 0, but must be at least 1"),
        ("{ fly = 40 }", "0", "2:13: `questions` is 0, but must be at least 1"),
        ("samples = 1", "samples = 0", "3:11: `samples` is 0, but must be at least 1"),
        ("fly = 40", "walk = 40", "2:15: the table has no column `walk`"),
        ("\"fly\", \"swim\"]", "\"fly\", \"walk\"]", "4:26: the table has no column `walk`"),
        // The token, behind a name in quotes that the file has to write as escapes.
        ("Cat.all", "Cot.all", "6:62: there is no row `Cot`"),
        ("Cat.all", "Cat.al", "6:66: there is no column `al`"),
        ("\\\"Our Owl\\\"", "\\u0022Our Owl\\u0022", "6:"),
        ("\"Cat.swim\"", "\"Cat.walk\"", "8:51: there is no column `walk`"),
        ("printed = \"1\"", "printed = \"one\"", "8:86: `one` is not a decimal number"),
        ("title = \"Birds\"", "titel = \"Birds\"", "1:1: unknown field `titel`"),
    ];
    for (from, to, expected) in cases {
        let bent = header.replacen(from, to, 1);
        assert_ne!(bent, header);
        let table = Document { file: "t.csv", text: rows };
        let apart = read_text(Format::Csv, table, Some(Document { file: "h.toml", text: &bent }));
        let Err(errors) = apart else {
            // The claim with other escapes is the same claim.
            assert_eq!(expected, "6:");
            continue;
        };
        assert_eq!(errors.len(), 1, "{errors:?}");
        let shown = errors[0].to_string();
        assert!(shown.starts_with(&format!("h.toml:{expected}")), "{shown} for {expected}");
        // The same header inside the file, in comments: one line lower, two characters to the right.
        let inside: String = bent.lines().map(|line| format!("% {line}\n")).collect();
        let text = format!("% +++\n{inside}% +++\n{LATEX_ROWS}");
        let errors = read_text(Format::Latex, Document { file: "t.tex", text: &text }, None).unwrap_err();
        assert_eq!(
            (errors[0].line, errors[0].column),
            (line_of(&shown) + 1, column_of(&shown) + 2),
            "{shown}"
        );
    }
}

const LATEX_ROWS: &str = "\\begin{tabular}{lccc}\nname & fly & swim & all \\\\\n\
                          Our Owl & 52.50 & 10.00 & 31.25 \\\\\nCat & 20.00 & 40.00 & 30.00 \\\\\n\\end{tabular}\n";

/// Line and column of `FILE:LINE:COLUMN: MESSAGE`.
fn line_of(shown: &str) -> usize {
    shown.split(':').nth(1).unwrap().parse().unwrap()
}

fn column_of(shown: &str) -> usize {
    shown.split(':').nth(2).unwrap().parse().unwrap()
}

/// What the check of the whole table finds in its rows is placed at the cell.
#[test]
fn mistakes_in_rows_have_places() {
    for (format, text, from, to, expected) in [
        (Format::Csv, CSV, "Cat,\"20.00\"", "Cat,\"120.00\"", "table:3:6: 120.00 is not a percentage"),
        (Format::Csv, CSV, "31.25", "131.25", "table:2:17: 131.25 is not a percentage"),
        (Format::Csv, CSV, "Owl", "Cat", "table:3:1: `Cat` is used twice"),
        (Format::Csv, CSV, "Them,1.0", "Them,", "table:4:1: holds neither a model nor imported nor printed"),
        (Format::Csv, CSV, "swim,all", "swim,fly,all", "table:"),
        (Format::Markdown, MARKDOWN, "40.00", "400.0", "table:6:24: 400.0 is not a percentage"),
        (Format::Latex, LATEX, "40.00", "400.0", "table:9:39: 400.0 is not a percentage"),
    ] {
        let bent = text.replacen(from, to, 1);
        assert_ne!(bent, text);
        let errors = read(format, &bent).unwrap_err();
        assert!(errors[0].to_string().starts_with(expected), "{} for {expected}", errors[0]);
    }
    let text = "name,fly,swim,fly,all\nOwl,52.50,10.00,1,31.25\n";
    let header = "groups = { all = [\"fly\", \"swim\"] }\n";
    let header = Document { file: "header.toml", text: header };
    let errors = read_text(Format::Csv, Document { file: "table", text }, Some(header)).unwrap_err();
    assert_eq!(errors[0].to_string(), "table:1:15: `fly` is used twice");
}

/// A value is never lost with a command before it, nor a mark with a group.
#[test]
fn commands_take_their_own_arguments_only() {
    let rows = r"Model & MATH $\uparrow$ & GSM$^\dagger$ \\ \hline
A & \color{red}{40.2} & {\bf 50.4} \\
B & 41.2 & \cellcolor[gray]{0.9}{51.4} \\
C & \textit{(ours)} 43.0 & \textcolor{red}{44.0}(45.0) \\
D & -- & -- \\
";
    let read = |rows: &str| {
        let text =
            format!("% +++\n% samples = 1\n% +++\n\\begin{{tabular}}{{lcc}}\n{rows}\\end{{tabular}}\n");
        read_text(Format::Latex, Document { file: "t.tex", text: &text }, None)
    };
    let layout = read(&rows.replace(r"\textit{(ours)} ", "").replace("(45.0)", "")).unwrap().layout;
    let values: Vec<Vec<&str>> =
        layout.rows.iter().map(|row| row.printed.values().map(String::as_str).collect()).collect();
    // Columns in the order of their names; the row of dashes is left out.
    assert_eq!(values, [["50.4", "40.2"], ["51.4", "41.2"], ["44.0", "43.0"]]);
    assert_eq!(layout.columns.iter().map(|column| &column.id).collect::<Vec<_>>(), ["MATH", "GSM"]);
    assert_eq!(layout.rows[0].best, ["GSM"]);
    let errors = read(rows).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[1].message.contains("`44.0(45.0)` is not a decimal number"), "{errors:?}");
    let raised = read("M & A & B \\\\ \\hline\nx & 40$^2$ & 1.0 \\\\\n").unwrap_err();
    assert!(raised[0].message.starts_with("what is raised by `^` is not read"), "{raised:?}");
}

#[test]
fn names_that_stand_under_two_headings_get_both() {
    let text = r"% +++
% samples = 1
% +++
\begin{tabular}{lcccc}
\multirow{2}{*}{Model} & \multicolumn{2}{c}{Math} & \multicolumn{2}{c}{Code} \\
 & P@1 & P@8 & P@1 & P@8 \\ \midrule
A & 40.2 & 50.4 & 30.2 & 20.4 \\
\end{tabular}";
    let layout = read_text(Format::Latex, Document { file: "t.tex", text }, None).unwrap().layout;
    let ids: Vec<&str> = layout.columns.iter().map(|column| column.id.as_str()).collect();
    assert_eq!(ids, ["Math P@1", "Math P@8", "Code P@1", "Code P@8"]);
}

#[test]
fn headers_are_checked_and_separators_found() {
    let rows = "m,a\nx,40.2\ny,*41.2*\n";
    let read = |header: &str, rows: &str| {
        let text = format!("+++\n{header}+++\n{rows}");
        read_text(Format::Csv, Document { file: "t.csv", text: &text }, None)
    };
    for (header, expected) in [
        (
            "questions = -5\n",
            "t.csv:2:13: invalid value: integer `-5`, expected a whole number of at least 1",
        ),
        ("questions = 5.5\n", "t.csv:2:13: invalid type: floating point `5.5`, expected a whole number"),
        ("samples = \"500\"\n", "t.csv:2:11: invalid type: string \"500\", expected a whole number"),
        ("quoted = [\"x\", \"zz\"]\n", "t.csv:2:16: the table has no row `zz`"),
        ("methods = { zz = \"Z\" }\n", "t.csv:2:13: the table has no row `zz`"),
        ("blocks = { one = [\"zz\"] }\n", "t.csv:2:19: the table has no row `zz`"),
    ] {
        let error = read(header, rows).unwrap_err().remove(0);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let text = "+++\nquestions = 5\n\nm,a\nx,40.2\n";
    let error = read_text(Format::Csv, Document { file: "t.csv", text }, None).unwrap_err().remove(0);
    assert_eq!(error.to_string(), "t.csv:1:1: the header has no end");
    for separator in [";", "\t"] {
        let layout = read("", &rows.replace(',', separator)).unwrap().layout;
        assert_eq!(layout.rows[1].printed["a"], "41.2");
    }
    let error = read("", "m,a\nx,140.2\n").unwrap_err().remove(0);
    assert_eq!(error.to_string(), "t.csv:4:3: 140.2 is not a percentage");
    assert!(error.help.unwrap().contains("units = "));
    read("units = { a = \"tokens\" }\n", "m,a\nx,140.2\n").unwrap();
}

proptest::proptest! {
    #[test]
    fn reading_any_text_never_panics(text in "(\\PC|[\\\\{}&|,\n%$\"])*") {
        let latex = format!("\\begin{{tabular}}{{lc}}{text}\\end{{tabular}}");
        for (format, text) in [(Format::Csv, &text), (Format::Markdown, &text), (Format::Latex, &latex)] {
            _ = read(format, text);
        }
    }
}
