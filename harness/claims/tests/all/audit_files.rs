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
        (Format::Csv, CSV, "Owl", "Eel", "header.toml:1:1: claims[0].expression: there is no row `Owl`"),
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

proptest::proptest! {
    #[test]
    fn reading_any_text_never_panics(text in "(\\PC|[\\\\{}&|,\n%$\"])*") {
        let latex = format!("\\begin{{tabular}}{{lc}}{text}\\end{{tabular}}");
        for (format, text) in [(Format::Csv, &text), (Format::Markdown, &text), (Format::Latex, &latex)] {
            _ = read(format, text);
        }
    }
}
