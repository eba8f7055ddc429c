//! Items from rows as benchmarks publish them: made-up rows in every format, and the real ones where they are at hand.

use std::collections::BTreeMap;

use assay_data::{Check, DataError, Item, Published, PublishedDemonstrations, PublishedPrograms};
use camino::{Utf8Path, Utf8PathBuf};

fn fixture(name: &str) -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/benchmarks").join(name)
}

fn published(toml: &str) -> Published {
    toml::from_str(toml).unwrap()
}

fn items(toml: &str, file: &Utf8Path) -> Result<Vec<Item>, DataError> {
    published(toml).items(&[file], Utf8Path::new(file.file_name().unwrap()))
}

fn of_text(toml: &str, text: &str) -> Result<Vec<Item>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8Path::from_path(folder.path()).unwrap().join("rows");
    std::fs::write(&file, text).unwrap();
    items(toml, &file).map_err(|error| error.to_string())
}

const DATED: &str = "benchmark = 'dated'\nformat = 'parquet'\nwhere = \"'2024' in url\"\nid = '{{ id }}'\n\
                     question = '{{ problem }}'\nanswer = '{{ answer }}'\ngrader = 'math-verify'\n";

#[test]
fn rows_of_parquet_become_items() {
    let found = items(DATED, &fixture("dated.parquet")).unwrap();
    let texts: Vec<(&str, &str, &str)> =
        found.iter().map(|item| (item.id.as_str(), item.question.as_str(), item.reference())).collect();
    assert_eq!(texts, [("61", "What is $2+2$?", "4"), ("62", "Was ist $3+3$? é", "6")]);
    assert!(found.iter().all(|item| item.benchmark == "dated" && matches!(item.check, Check::Grade(_))));
    let first = items(&format!("{DATED}first = 1\n"), &fixture("dated.parquet")).unwrap();
    assert_eq!(first, found[..1]);
    // Without a template for it, a name is the benchmark's and the number of the row in the file.
    let unnamed = items(&DATED.replace("id = '{{ id }}'\n", ""), &fixture("dated.parquet")).unwrap();
    let names: Vec<&str> = unnamed.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(names, ["dated/2", "dated/3"]);
}

const WORKED: &str = "thought = \"{{ answer.split('\\n#### ')[0] }}\"\n[rows]\nbenchmark = 'worked'\nformat = 'json-lines'\n\
                      question = '{{ question }}'\nanswer = \"{{ answer.split('#### ')[-1] }}\"\ngrader = 'math-verify'\n";

fn demonstrations(toml: &str, text: &str, excluded: &[Item]) -> Result<Vec<[String; 4]>, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8Path::from_path(folder.path()).unwrap().join("rows");
    std::fs::write(&file, text).unwrap();
    let published: PublishedDemonstrations = toml::from_str(toml).unwrap();
    let found =
        published.demonstrations(&[&file], "rows".into(), excluded).map_err(|error| error.to_string())?;
    let texts = |shown: assay_data::Demonstration| {
        [shown.item.id.clone(), shown.item.reference().to_owned(), shown.thought, shown.answer]
    };
    Ok(found.into_iter().map(texts).collect())
}

/// Worked answers in the form of GSM8K's.
#[test]
fn rows_with_worked_answers_become_demonstrations() {
    let rows = r#"{"question": "2 + 2?", "answer": "Two and two\n= 4\n#### 4"}
{"question": " 3 + 3? ", "answer": "Six.\n#### 6"}
{"question": "5 + 5?", "answer": "Ten.\n#### 10"}
"#;
    let shown = |texts: [&str; 4]| texts.map(str::to_owned);
    let four = shown(["worked/1", "4", "Two and two\n= 4", "4"]);
    let ten = shown(["worked/3", "10", "Ten.", "10"]);
    let (_, rows_alone) = WORKED.split_once("[rows]\n").unwrap();
    let asked = of_text(rows_alone, r#"{"question": "3 + 3?", "answer": "6"}"#).unwrap();
    // What is asked in a test is left out, and does not count as one of the first.
    assert_eq!(demonstrations(WORKED, rows, &asked), Ok(vec![four.clone(), ten.clone()]));
    assert_eq!(demonstrations(WORKED, rows, &[]).unwrap().len(), 3);
    assert_eq!(demonstrations(&format!("{WORKED}first = 2\n"), rows, &asked), Ok(vec![four.clone(), ten]));
    let worded = format!("reply = 'It is {{{{ answer[-1] }}}}.'\n{WORKED}first = 1\n");
    assert_eq!(
        demonstrations(&worded, rows, &[]),
        Ok(vec![shown(["worked/1", "4", "Two and two\n= 4", "It is 4."])])
    );

    let silent = demonstrations(WORKED, r#"{"question": "2 + 2?", "answer": "\n#### 4"}"#, &[]).unwrap_err();
    assert!(silent.contains("row 1") && silent.contains("its thought is empty"), "{silent}");
    let mute = demonstrations(&format!("reply = ' '\n{WORKED}"), rows, &[]).unwrap_err();
    assert!(mute.contains("row 1") && mute.contains("its answer is empty"), "{mute}");
    let wrong: PublishedDemonstrations =
        toml::from_str(&WORKED.replace("{{ question }}", "{{ question")).unwrap();
    assert_eq!(wrong.check().unwrap_err().0, "rows.question");
    let wrong: PublishedDemonstrations = toml::from_str(&WORKED.replace("[0] }}", "[0]")).unwrap();
    assert_eq!(wrong.check().unwrap_err().0, "thought");
}

const OPTIONS: &str = "{{ question }}\\nAnswer Choices: {% for choice in choices %}({{ choice.label }}) {{ choice.text }}\
                       {% if not loop.last %} {% endif %}{% endfor %}";

#[test]
fn options_are_laid_out_by_label() {
    let toml = format!(
        "benchmark = 'chosen'\nformat = 'parquet'\nid = '{{{{ meta.source }}}}{{{{ question_id }}}}'\n\
         question = \"{OPTIONS}\"\nanswer = '{{{{ right }}}}'\ngrader = 'choice-mmlu-pro'\n\
         options = {{ list = 'options', right = 'answer_index' }}\n"
    );
    let found = items(&toml, &fixture("chosen.parquet")).unwrap();
    let texts: Vec<(&str, &str, &str)> =
        found.iter().map(|item| (item.id.as_str(), item.question.as_str(), item.reference())).collect();
    let expected = [
        ("a1", "Which is even?\nAnswer Choices: (A) 1 (B) 2 (C) 3", "B"),
        ("b2", "Which is odd?\nAnswer Choices: (A) 4 (B) 5", "B"),
    ];
    assert_eq!(texts, expected);
}

/// The order is that of SkyThought's command, which seeds Python's generator with 41 and shuffles once a row.
#[test]
fn options_are_shuffled_as_python_shuffles_them() {
    let toml = "benchmark = 'gpqa'\nformat = 'csv'\n\
                question = \"{{ row['Question'] }}\\n{% for choice in choices %}{{ choice.label }}) {{ choice.text }}\
                {% if not loop.last %}, {% endif %}{% endfor %}\"\nanswer = '{{ right }}'\ngrader = 'choice-skythought'\n\
                [options]\nlist = \"[row['Correct Answer'], row['Incorrect Answer 1'], row['Incorrect Answer 2'], \
                row['Incorrect Answer 3']]\"\nshuffle = 41\n";
    let found = items(toml, &fixture("chosen.csv")).unwrap();
    let right: Vec<&str> = found.iter().map(Item::reference).collect();
    assert_eq!(right, ["B", "A", "B", "B", "C"]);
    assert_eq!(found[0].question, "Which is a fruit, not a root?\nA) carrot, B) apple, C) beet, D) radish");
    assert!(found[1].question.starts_with("Which is\na colour?\nA) red, "), "{}", found[1].question);
    assert!(found[3].question.contains(") rock \"hard\""), "{}", found[3].question);
}

const LINES: &str = "benchmark = 'b'\nformat = 'json-lines'\nquestion = '{{ q }}'\nanswer = '{{ a }}'\ngrader = 'math-verify'\n";

#[test]
fn answers_may_be_parts_of_columns() {
    let rows = "\u{feff}{\"q\": \"x\", \"a\": \"1 + 1\\n#### 2\", \"f\": [7.0, 8]}\n\n{\"q\": \"y\", \"a\": \"#### 3\", \"f\": [1]}\n";
    let answers = |answer: &str| {
        let found = of_text(&LINES.replace("{{ a }}", answer), rows).unwrap();
        found.iter().map(|item| item.reference().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(answers("{{ a.split(\"#### \")[-1] }}"), ["2", "3"]);
    // Numbers are as Python prints them.
    assert_eq!(answers("{{ f[0] }}"), ["7.0", "1"]);
}

#[test]
fn what_is_wrong_with_a_row_is_said_with_its_number() {
    let refused = |toml: &str, text: &str| of_text(toml, text).unwrap_err();
    let good = "{\"q\": \"x\", \"a\": \"1\"}\n";
    assert_eq!(refused(LINES, ""), "rows: no row is left to be asked");
    let said = refused(LINES, &format!("{good}{{\"q\": \"x\"\n"));
    assert!(said.starts_with("rows, row 2: it is no JSON object: "), "{said}");
    assert!(refused(LINES, "[1]\n").starts_with("rows, row 1: it is no JSON object: "));
    let lacks = "`answer`: names something that the row does not have; its columns are `q`";
    assert_eq!(refused(LINES, "{\"q\": \"x\"}\n"), format!("rows, row 1: {lacks}"));
    let only = format!("{LINES}where = 'year > 3'\n");
    assert!(refused(&only, good).contains("`where`: names something that the row does not have"));
    assert_eq!(
        refused(LINES, "{\"q\": \" \", \"a\": \"1\"}\n"),
        "rows, row 1: item `b/1`: its `question` is empty"
    );
    let named = format!("{LINES}id = '{{{{ q }}}}'\n");
    assert_eq!(refused(&named, &good.repeat(2)), "rows, row 2: a second item `x`; the first is row 1");
    let options = format!("{LINES}options = {{ list = 'o', right = 'r' }}\n");
    let row = |o: &str, r: &str| format!("{{\"q\": \"x\", \"a\": \"1\", \"o\": {o}, \"r\": {r}}}\n");
    let said = refused(&options, &row("[\"1\", \"2\"]", "2"));
    assert_eq!(said, "rows, row 1: `options.right`: is 2, but there are 2 options, from 0 on");
    assert!(refused(&options, &row("[1]", "\"a\"")).contains("`options.right`: is no place in the list"));
    assert!(refused(&options, &row("3", "0")).contains("`options.list`: is no list"));
    // What is not there is no text `none`, and a number that was rounded is no number.
    assert_eq!(refused(LINES, "{\"q\": \"x\", \"a\": null}\n"), "rows, row 1: `answer`: there is no value");
    let said = refused(LINES, "{\"q\": \"x\", \"a\": 123456789012345678901234567890}\n");
    assert_eq!(said, "rows, row 1: the column `a` holds a number that is too large to be exact");
    assert!(refused(LINES, "{\"q\": \"x\", \"row\": 1}\n").contains("a column is called `row`"));
    let csv = LINES.replace("json-lines", "csv");
    assert_eq!(refused(&csv, "q,a,q\nx,1,y\n"), "rows: two columns are called `q`");
    assert!(refused(&csv, "q,a\nx,1\ny\n").starts_with("rows, row 2: "));
    assert!(of_text(&csv, "\u{feff}q,a\nx,1\n").is_ok());
}

#[test]
fn a_file_of_another_format_is_refused() {
    let parquet = LINES.replace("json-lines", "parquet");
    let said = of_text(&parquet, "{}\n").unwrap_err();
    assert!(said.starts_with("rows: no Parquet that can be read: "), "{said}");
    let said = items(DATED, &fixture("zstd.parquet")).unwrap_err().to_string();
    assert!(said.contains("zstd"), "{said}");
    let error = items(LINES, &fixture("dated.parquet")).unwrap_err();
    assert!(
        error.to_string().contains("row 1: it is not UTF-8") || error.to_string().contains("no JSON object"),
        "{error}"
    );
    let missing = items(LINES, &fixture("none")).unwrap_err();
    assert!(matches!(missing, DataError::Read { .. }), "{missing}");
}

#[test]
fn templates_are_checked_without_a_file() {
    let wrong = |toml: &str| published(toml).check().unwrap_err();
    assert_eq!(wrong(&LINES.replace("{{ q }}", "{{ q")).0, "question");
    assert_eq!(wrong(&LINES.replace("{{ a }}", "{% if %}")).0, "answer");
    assert_eq!(wrong(&format!("{LINES}where = 'a =='\n")).0, "where");
    assert_eq!(wrong(&format!("{LINES}options = {{ list = '[' }}\n")).0, "options.list");
    assert!(published(LINES).check().is_ok());
}

/// The numbers of rows go on from file to file, and messages say which file is meant.
#[test]
fn several_files_are_one_benchmark() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = Utf8PathBuf::from_path_buf(folder.path().join(name)).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let row = |q: u32| format!("{{\"q\": \"{q}?\", \"a\": \"{q}\"}}\n");
    let (one, two) = (file("one", &(row(1) + &row(2))), file("two", &(row(3) + &row(4))));
    let read = |toml: &str, files: &[&Utf8Path]| published(toml).items(files, Utf8Path::new("both"));
    let ids = |items: Vec<Item>| items.into_iter().map(|item| item.id).collect::<Vec<_>>();
    assert_eq!(ids(read(LINES, &[&one, &two]).unwrap()), ["b/1", "b/2", "b/3", "b/4"]);
    let first = format!("{LINES}first = 3\n");
    assert_eq!(ids(read(&first, &[&one, &two]).unwrap()), ["b/1", "b/2", "b/3"]);
    let named = format!("{LINES}id = 'x{{{{ a }}}}'\n");
    let twice = read(&named, &[&one, &one]).unwrap_err().to_string();
    assert!(twice.contains("both (file 2 of 2), row 1: a second item `x1`; the first is row 1"), "{twice}");
    let broken = file("broken", "{}\n");
    let error = read(LINES, &[&one, &broken]).unwrap_err().to_string();
    assert!(error.starts_with("both (file 2 of 2), row 1: `question`"), "{error}");
}

/// A row of LiveCodeBench in the hub's form.
fn of_hub(id: &str, difficulty: &str) -> serde_json::Value {
    let test = |input: &str| {
        serde_json::json!([{ "input": input, "output": "7\n", "testtype": "stdin" }]).to_string()
    };
    serde_json::json!({
        "question_id": id, "question_content": "Print seven.", "difficulty": difficulty, "starter_code": "",
        "public_test_cases": test("1\n"), "private_test_cases": test("2\n"), "metadata": "{}",
    })
}

#[test]
fn programs_are_chosen_and_asked_by_formulas() {
    let folder = tempfile::tempdir().unwrap();
    let file = Utf8PathBuf::from_path_buf(folder.path().join("rows")).unwrap();
    let rows = [of_hub("a", "easy"), of_hub("b", "hard"), of_hub("c", "easy")];
    std::fs::write(&file, rows.map(|row| format!("{row}\n")).concat()).unwrap();
    let read = |toml: &str| {
        let programs: PublishedPrograms = toml::from_str(toml).unwrap();
        programs.items(&[&file], Utf8Path::new("rows")).map_err(|error| error.to_string())
    };
    let easy =
        "benchmark = 'lcb'\nwhere = \"difficulty == 'easy'\"\nquestion = 'Do: {{ question_content }}'\n";
    let found = read(easy).unwrap();
    let texts: Vec<(&str, &str)> =
        found.iter().map(|item| (item.id.as_str(), item.question.as_str())).collect();
    assert_eq!(texts, [("a", "Do: Print seven."), ("c", "Do: Print seven.")]);
    // Tests say what is right, so that no reference is needed.
    assert!(found.iter().all(|item| item.references.is_empty() && matches!(&item.check, Check::Tests(_))));
    assert_eq!(read(&format!("{easy}first = 1\n")).unwrap(), found[..1]);
    let unasked = read("benchmark = 'lcb'\n").unwrap_err();
    assert!(
        unasked.starts_with("rows:1:1:") && unasked.contains("say by `question` how it is asked"),
        "{unasked}"
    );
    let none = read(&easy.replace("'easy'", "'odd'")).unwrap_err();
    assert!(none.contains("no row is left"), "{none}");
    let unknown = read(&easy.replace("difficulty ==", "level ==")).unwrap_err();
    assert!(unknown.starts_with("rows:1:1:") && unknown.contains("`where`"), "{unknown}");
}

/// The parameters of the steps of a kind in a TOML text, by the names of their benchmarks.
fn params_of(text: &str, kind: &str) -> BTreeMap<String, toml::Table> {
    let document: toml::Table = toml::from_str(text).unwrap();
    let steps = document.get("steps").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    let of_kind =
        steps.into_iter().filter(|(_, step)| step.get("kind").and_then(toml::Value::as_str) == Some(kind));
    of_kind
        .map(|(_, step)| step["params"].as_table().unwrap().clone())
        .map(|params| (params["benchmark"].as_str().unwrap().to_owned(), params))
        .collect()
}

/// The benchmarks of the recipes, and those of the documentation besides.
fn benchmarks(kind: &str) -> BTreeMap<String, toml::Table> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let page = read("docs/benchmarks.md");
    let blocks = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    let recipes = ["mathematics", "general"].map(|name| read(&format!("recipes/benchmarks/{name}.toml")));
    blocks
        .filter(|block| block.contains("[steps."))
        .chain(recipes)
        .flat_map(|text| params_of(&text, kind))
        .collect()
}

fn of_table(mut table: toml::Table) -> Published {
    // The scale says how the rows are written.
    table.insert("format".to_owned(), "json-lines".into());
    toml::Value::Table(table).try_into().unwrap()
}

#[test]
fn benchmarks_of_recipes_and_documentation_can_be_written_so() {
    let known = benchmarks("published-items");
    assert_eq!(known.len(), 9);
    for table in known.into_values() {
        of_table(table).check().unwrap();
    }
    assert_eq!(benchmarks("problems").len(), 3);
}

/// The rows of the benchmarks themselves, if they are beside the workspace: the same columns, in JSON lines.
#[test]
fn real_benchmarks_are_read() {
    let shared = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !shared.is_dir() {
        eprintln!("skipped: there is no ../shared/data");
        return;
    }
    let known = benchmarks("published-items");
    for (name, file, count, first) in [
        ("MATH500", "math_eval/math500.jsonl", 500, "\\left( 3, \\frac{\\pi}{2} \\right)"),
        ("AIME24", "math_eval/aime24.jsonl", 30, "204"),
        ("AMC23", "math_eval/amc23.jsonl", 40, "27.0"),
        ("OlympiadBench", "math_eval/olympiadbench_oe_to_maths_en.jsonl", 675, "2"),
        ("MMLU-Pro", "mmlu_pro_sample/mmlu_pro_560.jsonl", 560, "H"),
        ("GSM8K", "gsm8k/test.jsonl", 1319, "18"),
        ("SVAMP", "gsm8k/svamp_test.jsonl", 1000, "145.0"),
    ] {
        let found = of_table(known[name].clone()).items(&[&shared.join(file)], Utf8Path::new(file));
        let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((found.len(), found[0].reference()), (count, first), "{name}");
    }
    let programs = benchmarks("problems");
    let counts = ["LCB-E", "LCB-M", "LCB-H"].map(|name| {
        let mut table = programs[name].clone();
        table.insert("question".to_owned(), "{{ question_content }}".into());
        let programs: PublishedPrograms = toml::Value::Table(table).try_into().unwrap();
        let file = shared.join("lcb/lite_format.jsonl");
        programs
            .items(&[&file], Utf8Path::new("lite_format.jsonl"))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .len()
    });
    assert_eq!(counts.iter().sum::<usize>(), 80, "{counts:?}");
}
