//! Programs of the embedded world, judged by the tests of their items and as they were judged before: run
//! once without a prelude, and each run compared with a value.

use std::collections::BTreeSet;

use assay_data::embedded::{Family, Question};
use assay_data::{Draws, Pending, pending};
use assay_sandbox::{
    Entry, Expected, Image, ImageLock, Input, Job, Judgement, Limits, Prelude, Program, Sandbox, Test, Tools,
    Verdict, judge, judge_task,
};
use camino::Utf8Path;

/// The sandbox, or `None` where the image cannot be had.
fn sandbox() -> Option<Sandbox> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let name = "lockfiles/python-image.lock";
    let lock = ImageLock::parse(&fs_err::read_to_string(root.join(name)).unwrap(), name).unwrap();
    let tools = Tools::with_python("python3");
    match Image::prepare(&root.join("target/images"), &lock, &tools, &mut |_| {}) {
        // A tenth of a test's fuel: enough for whatever ends.
        Ok(image) => Some(Sandbox::new(&image, Limits { fuel: 1_000_000_000, ..Limits::default() })),
        Err(error) if error.is_out_of_reach() => {
            eprintln!("skipped, there is no Python image: {error}; {}", error.remedy());
            None
        }
        Err(error) => panic!("{error}; {}", error.remedy()),
    }
}

fn question(family: Family) -> Question {
    Question::draw(family, &mut Draws::numbered("judging", 0, 0))
}

/// As the study judged before there were items.
fn before(sandbox: &Sandbox, question: &Question, expression: &str) -> Verdict {
    let source = format!("def f(x):\n    return {expression}\n");
    let program = Program { source, entry: Entry::Function("f".to_owned()), prelude: Prelude::None };
    let test = |(input, output): (i64, i64)| Test {
        input: Input::arguments([input]),
        expected: Expected::Value(output.into()),
    };
    let tests: Vec<Test> = question.tests().into_iter().map(test).collect();
    judge(sandbox, &program, &tests).verdict
}

fn now(sandbox: &Sandbox, question: &Question, expression: &str) -> Verdict {
    match pending(&question.item(), Some(expression)) {
        Pending::Decided(verdict) => verdict,
        Pending::Jobs(jobs) => {
            let [Job::Judge(task)] = jobs.as_slice() else { panic!("{jobs:?}") };
            let mut tests = Vec::new();
            judge_task(sandbox, task, &mut |result| tests.push(result));
            Judgement::of(tests).verdict
        }
    }
}

type Expressions = fn(&str) -> BTreeSet<String>;
const FAMILIES: [(Family, Expressions); 3] =
    [(Family::CodeE, all_kinds), (Family::CodeM, right_ones), (Family::CodeH, right_ones)];

/// Expressions of all kinds that a model of this vocabulary may write, and more.
fn all_kinds(right: &str) -> BTreeSet<String> {
    let written = [
        "x",
        "1",
        "-1",
        "x/1",
        "x//1",
        "2/1",
        "x*1.0",
        "0x10",
        "x%3",
        "x**2",
        "x**-1",
        "x/0",
        "1/x",
        "x//0",
        "9**9**9**9**9",
        "9**9**6",
        "9**9**6%x",
        "9**9**4",
        "(x",
        "x)",
        "()",
        "(x)",
        "x(1)",
        "1(x)",
        "xx",
        "x x",
        "01",
        "00",
        "-0",
        "--x",
        "+x",
        "0*x",
        "x*",
        "*x",
        "%",
        "1e5",
        "x if",
        "12345678901234567890",
        "x*10**10",
        "9**99*x",
        "x-x/1",
        "(x+1)/1",
        "2**x",
        "2**-x",
        "x%0",
        "5%x",
        "(x-4)%7",
        "x*x*x",
        "0/1",
        "-x/-1",
        "0x",
        "0x1+x",
    ];
    let mut all = right_ones(right);
    all.extend(written.map(str::to_owned));
    let mut draws = Draws::numbered("expressions", 0, 0);
    let symbols: Vec<char> = "0123456789xxxx+-*/%()".chars().collect();
    all.extend((0..60).map(|_| (0..=draws.below(8)).map(|_| *draws.pick(&symbols)).collect::<String>()));
    all
}

/// The right expression in other forms, some of which give floats.
fn right_ones(right: &str) -> BTreeSet<String> {
    let forms = [
        "{}", "({})", "({})/1", "{}/1", "({})//1", "+{}", "0+{}", "1*({})", "-(-({}))", "{}+0", "{}+0/9",
        "({})%99",
    ];
    forms.map(|form| form.replace("{}", right)).into()
}

#[test]
fn programs_are_judged_as_before() {
    let Some(sandbox) = sandbox() else { return };
    let mut passed = 0;
    for (family, expressions) in FAMILIES {
        let question = question(family);
        for expression in expressions(question.reference()) {
            let now = now(&sandbox, &question, &expression);
            if expression.len() > 20 || expression.contains(['.', 'e', ' ', 'i', 'f']) {
                // Refused without running it, as before.
                assert_eq!(now, Verdict::CompileError, "{expression}");
                continue;
            }
            let before = before(&sandbox, &question, &expression);
            assert_eq!(now, before, "{expression}");
            passed += usize::from(now == Verdict::Pass);
        }
    }
    assert!(passed >= 20, "{passed}");
}
