//! Records of several artefacts that are put together: what comes of them, and which do not fit.

use assay_flow::ErrorClass;
use serde_json::{Value, json};

use crate::given::Project;

const WEIGHTS: &str = "[steps.end]\nkind = 'weights'\nparams = { estimator = 'gml' }\n\
    inputs = { traces = 'traces', scores = 'scores', verdicts = 'verdicts' }\n";

const ROWS: &str = "[steps.end]\nkind = 'weighted-rows'\n\
    params = { seed = 1, answer = 'verified', dialect = 'embedded' }\n\
    inputs = { demonstrations = 'demonstrations-given', traces = 'traces', weights = 'weights-given', answers = 'answers', verdicts = 'verdicts' }\n";

fn trace(item: &str, index: u32, thought: &str, valid: bool) -> Value {
    json!({ "item": item, "index": index, "thought": thought, "valid": valid })
}

/// A log-ratio of -1 a token, and an answer likelihood of `sum` over two tokens.
fn score(item: &str, trace: u32, sum: f64) -> Value {
    json!({ "item": item, "trace": trace, "log_ratio": { "sum": -3.0, "tokens": 3 },
            "answer": { "sum": sum, "tokens": 2 } })
}

fn verdict(item: &str, trace: u32, index: u32, verdict: &str) -> Value {
    json!({ "item": item, "trace": trace, "index": index, "verdict": verdict })
}

fn answer(item: &str, trace: u32, index: u32, answer: &str) -> Value {
    json!({ "item": item, "trace": trace, "index": index, "answer": answer })
}

fn demonstration(item: &str) -> Value {
    json!({ "item": { "id": item, "benchmark": "b", "question": "1+1?", "references": ["2"], "check": { "kind": "exact" } },
            "thought": "1+1=2", "answer": "2", "source": "test" })
}

/// What the steps of this file read, by artefact.
struct Artefacts {
    traces: Vec<Value>,
    scores: Vec<Value>,
    verdicts: Vec<Value>,
    answers: Vec<Value>,
    weights: Vec<Value>,
    demonstrations: Vec<Value>,
}

/// Item `a` has four traces, of which the third repeats the first and the last is invalid; `b` has one.
fn fitting() -> Artefacts {
    let traces = [
        ("a", 0, "x", true),
        ("a", 1, "y", true),
        ("a", 2, "x", true),
        ("a", 3, "z", false),
        ("b", 0, "x", true),
    ];
    let verdicts = [
        ("a", 0, 0, "pass"),
        ("a", 0, 1, "judge-failure"),
        ("a", 1, 0, "wrong-answer"),
        ("a", 1, 1, "pass"),
        ("b", 0, 0, "wrong-answer"),
    ];
    let scores = vec![score("a", 0, -2.0), score("a", 1, -4.0), score("a", 2, -2.0), score("b", 0, -1.0)];
    Artefacts {
        traces: traces.map(|(item, index, thought, valid)| trace(item, index, thought, valid)).into(),
        scores,
        verdicts: verdicts.map(|(item, trace, index, word)| verdict(item, trace, index, word)).into(),
        answers: verdicts.map(|(item, trace, index, word)| answer(item, trace, index, word)).into(),
        weights: vec![
            json!({ "item": "a", "estimator": "acc", "weights": { "kind": "normalised", "weights": [0.5, 0.25, 0.25, 0.0] } }),
            json!({ "item": "b", "estimator": "acc", "weights": { "kind": "fallback", "reason": "all-zero" } }),
        ],
        demonstrations: vec![demonstration("b"), demonstration("a")],
    }
}

fn project(test: &str, artefacts: Artefacts) -> Project {
    let mut project = Project::new(test);
    let Artefacts { traces, scores, verdicts, answers, weights, demonstrations } = artefacts;
    project.records("traces", "traces", traces);
    project.records("scores", "scores", scores);
    project.records("verdicts", "answer-verdicts", verdicts);
    project.records("answers", "answers", answers);
    project.records("weights-given", "weights", weights);
    project.records("demonstrations-given", "demonstrations", demonstrations);
    project
}

#[track_caller]
fn assert_weights(line: &Value, expected: &[f64]) {
    let found = line["weights"]["weights"].as_array().unwrap();
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found.as_f64().unwrap() - expected).abs() < 1e-15, "{line}");
    }
}

/// Equation 8 for the estimator GML: a log-ratio a token and a log-likelihood a token, added and normalised.
#[test]
fn weights_are_those_of_the_scores() {
    let lines = project("weights", fitting()).lines(WEIGHTS);
    let [a, b] = lines.as_slice() else { panic!("{lines:?}") };
    let (first, second) = ((-1.0 - 1.0_f64).exp(), (-1.0 - 2.0_f64).exp());
    let total = 2.0 * first + second;
    let expected = [first / total, second / total, first / total, 0.0];
    assert_weights(a, &expected);
    assert_eq!((a["item"].as_str(), &b["weights"]["weights"]), (Some("a"), &json!([1.0])));
}

/// The accuracy of equal thoughts is that of the answers after the first; a judge failure is no answer.
#[test]
fn the_share_of_right_answers_is_shared_by_equal_thoughts() {
    let lines = project("accuracy", fitting()).lines(&WEIGHTS.replace("gml", "acc"));
    assert_weights(&lines[0], &[0.4, 0.2, 0.4, 0.0]);
    assert_eq!(lines[1]["weights"], json!({ "kind": "fallback", "reason": "all-zero" }));
}

type Change = fn(&mut Artefacts);

#[test]
fn weights_are_refused_where_records_disagree() {
    let cases: [(&str, Change, &str); 10] = [
        (
            "score-twice",
            |a| a.scores.push(a.scores[1].clone()),
            "the score of trace 1 of item a occurs twice",
        ),
        (
            "verdict-twice",
            |a| a.verdicts.push(a.verdicts[2].clone()),
            "the verdict on answer 0 after trace 1 of item a occurs twice",
        ),
        ("no-score", |a| _ = a.scores.remove(1), "item a: there is no score of trace 1"),
        ("no-verdict", |a| _ = a.verdicts.pop(), "item b: there is no verdict on an answer after trace 0"),
        (
            "score-of-invalid",
            |a| a.traces[1]["valid"] = false.into(),
            "item a: there are verdicts after trace 1",
        ),
        (
            "verdict-of-copy",
            |a| a.verdicts[0]["trace"] = 2.into(),
            "item a: there are verdicts after trace 2",
        ),
        ("score-of-none", |a| a.scores[0]["trace"] = 9.into(), "item a: there is a score of trace 9"),
        ("scores-alone", |a| a.scores[3]["item"] = "c".into(), "item b: there is no score of trace 0"),
        (
            "trace-twice",
            |a| a.traces.insert(1, a.traces[0].clone()),
            "the traces of item a are not consecutive lines",
        ),
        (
            "trace-apart",
            |a| a.traces.push(trace("a", 4, "v", true)),
            "the traces of item a are not consecutive lines",
        ),
    ];
    for (test, change, complaint) in cases {
        let mut artefacts = fitting();
        change(&mut artefacts);
        let (class, message) = project(test, artefacts).failure(WEIGHTS);
        assert!(message.contains(complaint) && class == ErrorClass::Internal, "{test}: {message}");
    }
    let mut artefacts = fitting();
    artefacts.verdicts.push(verdict("c", 0, 0, "pass"));
    let (_, message) = project("verdicts-alone", artefacts).failure(WEIGHTS);
    assert!(message.contains("item c has verdicts, but no traces"), "{message}");
}

#[test]
fn weighted_rows_are_those_of_the_weights() {
    let lines = project("rows", fitting()).lines(ROWS);
    let weights = |unit: &Value| -> Vec<f64> {
        unit["rows"].as_array().unwrap().iter().map(|row| row["weight"].as_f64().unwrap()).collect()
    };
    assert_eq!(weights(&lines[0]), [0.5, 0.25, 0.25]);
    // The teacher's row stands in.
    assert_eq!(weights(&lines[1]), [1.0]);
    assert_eq!(lines[1]["rows"][0]["segments"][1]["text"], "1+1=2</think>");
}

#[test]
fn rows_are_refused_where_records_disagree() {
    let cases: [(&str, Change, &str); 7] = [
        (
            "short",
            |a| a.weights[0]["weights"]["weights"] = json!([0.5, 0.5]),
            "item a has 4 traces, but 2 weights",
        ),
        (
            "weights-twice",
            |a| a.weights.push(a.weights[1].clone()),
            "item b has no traces for its weights, or weights twice",
        ),
        ("no-weights", |a| _ = a.weights.pop(), "item b has traces, but no weights"),
        ("other-order", |a| a.answers.swap(0, 1), "the verdicts are not those of the answers"),
        ("fewer", |a| _ = a.verdicts.pop(), "the verdicts are not those of the answers"),
        ("no-demonstration", |a| _ = a.demonstrations.pop(), "there is no demonstration of item a"),
        (
            "demonstration-twice",
            |a| a.demonstrations.push(demonstration("b")),
            "the demonstration of item b occurs twice",
        ),
    ];
    for (test, change, complaint) in cases {
        let mut artefacts = fitting();
        change(&mut artefacts);
        let (class, message) = project(test, artefacts).failure(ROWS);
        assert!(message.contains(complaint) && class == ErrorClass::Internal, "{test}: {message}");
    }
    // Weights by another estimator may prefer a trace that no answer was right after.
    let mut artefacts = fitting();
    artefacts.verdicts[3]["verdict"] = "wrong-answer".into();
    let (class, message) = project("nothing-right", artefacts).failure(ROWS);
    assert!(message.contains("trace 1 of a has a weight but no right answer"), "{message}");
    assert_eq!(class, ErrorClass::User);
}

/// The text of each row of each unit, with its weight.
fn texts(lines: &[Value]) -> Vec<Vec<(String, f64)>> {
    let row = |row: &Value| {
        let segments =
            row["segments"].as_array().unwrap().iter().map(|segment| segment["text"].as_str().unwrap());
        (segments.collect(), row["weight"].as_f64().unwrap())
    };
    lines.iter().map(|unit| unit["rows"].as_array().unwrap().iter().map(row).collect()).collect()
}

fn solved(thought: &str, answer: &str) -> String {
    format!("<bos>1+1?<think>{thought}</think><ans>{answer}</ans>")
}

/// The largest weight decides; without weights it is the teacher's row, or, for its sources, the other weights.
#[test]
fn the_best_trace_of_an_item_is_selected() {
    let selected = |answer: &str, otherwise: &str, sources: &str| {
        format!(
            "[steps.end]\nkind = 'selected-rows'\nparams = {{ seed = 1, answer = '{answer}', dialect = 'embedded'{sources} }}\n\
             inputs = {{ demonstrations = 'demonstrations-given', traces = 'traces', weights = 'weights-given', \
             answers = 'answers', verdicts = 'verdicts'{otherwise} }}\n"
        )
    };
    let mut project = project("selected", fitting());
    let others = [("a", [0.0, 1.0, 0.0, 0.0].as_slice()), ("b", &[1.0])].map(|(item, weights)| {
        json!({ "item": item, "estimator": "gml", "weights": { "kind": "normalised", "weights": weights } })
    });
    project.records("others-given", "weights", others.into());
    let one = |text: String| vec![(text, 1.0)];
    let first = |steps: &str| texts(&project.lines(steps));
    let teacher = one(solved("1+1=2", "2"));
    assert_eq!(first(&selected("first-verified", "", "")), [one(solved("x", "pass")), teacher.clone()]);
    let otherwise = ", otherwise = 'others-given'";
    assert_eq!(first(&selected("reference", otherwise, "")), [one(solved("x", "2")), teacher.clone()]);
    assert_eq!(
        first(&selected("reference", otherwise, ", otherwise_for = ['te']")),
        [one(solved("x", "2")), one(solved("x", "2"))]
    );
    assert_eq!(
        first(&selected("reference", otherwise, ", otherwise_for = ['numina']")),
        [one(solved("x", "2")), teacher]
    );
    let refused = project.refused(&selected("reference", "", ", otherwise_for = ['te']"));
    assert!(
        refused.contains("items fall back on the weights of input `otherwise`, which is not connected"),
        "{refused}"
    );
    assert!(refused.contains("recipes/pipeline/p.toml:"), "{refused}");
}

/// Weights that are not as many as the traces are refused, also where they only stand in.
#[test]
fn the_other_weights_of_an_item_fit_its_traces() {
    let mut project = project("selected-short", fitting());
    let short = [("a", [0.0, 1.0].as_slice()), ("b", &[1.0])].map(|(item, weights)| {
        json!({ "item": item, "estimator": "gml", "weights": { "kind": "normalised", "weights": weights } })
    });
    project.records("others-given", "weights", short.into());
    let (class, message) = project.failure(
        "[steps.end]\nkind = 'selected-rows'\nparams = { seed = 1, answer = 'reference', dialect = 'embedded', otherwise_for = ['te'] }\n\
         inputs = { demonstrations = 'demonstrations-given', traces = 'traces', weights = 'weights-given', otherwise = 'others-given' }\n",
    );
    assert!(message.contains("item a has 4 traces, but 2 weights"), "{message}");
    assert_eq!(class, ErrorClass::Internal);
}

/// What the parameters ask for and no input gives is refused before anything runs.
#[test]
fn inputs_that_are_asked_for_must_be_connected() {
    let project = project("unconnected", fitting());
    let selected = ROWS.replace("weighted-rows", "selected-rows");
    for rows in [ROWS, &selected] {
        let refused = project.refused(&rows.replace(", verdicts = 'verdicts'", ""));
        assert!(
            refused.contains("asks for verified answers, and input `verdicts` is not connected"),
            "{refused}"
        );
        let reference = rows.replace(", verdicts = 'verdicts'", "").replace("'verified'", "'reference'");
        assert_eq!(project.lines(&reference).len(), 2);
    }
    let refused = project.refused(&WEIGHTS.replace("gml", "acc").replace(", verdicts = 'verdicts'", ""));
    assert!(
        refused.contains("is `acc` and needs verdicts, and input `verdicts` is not connected"),
        "{refused}"
    );
}

/// A weight that is not scaled to a sum may be too large for training.
#[test]
fn a_weight_beyond_the_numbers_of_training_is_refused() {
    let mut artefacts = fitting();
    artefacts.scores[1]["log_ratio"] = json!({ "sum": 100.0, "tokens": 1 });
    let project = project("too-large", artefacts);
    let mean = WEIGHTS.replace("'gml'", "'gml', ratio = 'full', scale = 'mean'");
    let (class, message) = project.failure(&mean);
    assert!(message.contains("item a: the weight of trace 1 is e^98.0, too large"), "{message}");
    assert_eq!(class, ErrorClass::User);
    assert_eq!(project.lines(&mean.replace("'mean'", "'sum'")).len(), 2);
}

/// A posterior that ends no thought leaves every item to the teacher.
#[test]
fn a_posterior_that_ends_no_trace_leaves_all_to_the_teacher() {
    let mut artefacts = fitting();
    artefacts.traces.iter_mut().for_each(|trace| trace["valid"] = false.into());
    (artefacts.scores, artefacts.verdicts, artefacts.answers) = (Vec::new(), Vec::new(), Vec::new());
    let project = project("no-trace-ends", artefacts);
    let weights = project.lines(WEIGHTS);
    let fallback = json!({ "kind": "fallback", "reason": "all-invalid" });
    assert!(weights.len() == 2 && weights.iter().all(|item| item["weights"] == fallback), "{weights:?}");
    let rows = format!("{}{}", WEIGHTS.replace(".end]", ".w]"), ROWS.replace("'weights-given'", "'w'"));
    let teacher = vec![(solved("1+1=2", "2"), 1.0)];
    assert_eq!(texts(&project.lines(&rows)), [teacher.clone(), teacher]);
}

/// An item without a positive weight falls back on the teacher's row, or is left out.
#[test]
fn items_without_weights_fall_back() {
    let project = project("fallback", fitting());
    let rows = texts(&project.lines(ROWS));
    let of_a = vec![(solved("x", "pass"), 0.5), (solved("y", "pass"), 0.25), (solved("x", "pass"), 0.25)];
    assert_eq!(rows, [of_a.clone(), vec![(solved("1+1=2", "2"), 1.0)]]);
    assert_eq!(texts(&project.lines(&ROWS.replace("answer =", "fallback = 'none', answer ="))), [of_a]);
    let posterior = "[steps.end]\nkind = 'weighted-posterior-rows'\nparams = { hint = 'B', dialect = 'embedded' }\n\
        inputs = { demonstrations = 'demonstrations-given', traces = 'traces', weights = 'weights-given' }\n";
    let hinted = |thought: &str| format!("<bos><qb>1+1?<hint>2</hint><think>{thought}</think>");
    let of_a = vec![(hinted("x"), 0.5), (hinted("y"), 0.25), (hinted("x"), 0.25)];
    assert_eq!(texts(&project.lines(posterior)), [of_a, vec![(hinted("1+1=2"), 1.0)]]);
}

/// Traces that pi drew need no scores: the ratio is 1. A mean is not scaled to the sum 1; `one` selects nothing.
#[test]
fn weights_without_scores_are_shares_of_right_answers() {
    let weights = |estimator: &str, more: &str| {
        format!(
            "[steps.end]\nkind = 'weights'\nparams = {{ estimator = '{estimator}', ratio = 'none'{more} }}\n\
             inputs = {{ traces = 'traces', verdicts = 'verdicts' }}\n"
        )
    };
    let project = project("unscored", fitting());
    assert_weights(&project.lines(&weights("acc", ""))[0], &[0.4, 0.2, 0.4, 0.0]);
    let mean = project.lines(&weights("acc", ", scale = 'mean'"));
    assert_weights(&mean[0], &[0.25, 0.125, 0.25, 0.0]);
    assert_eq!(mean[0]["weights"]["kind"], "mean");
    let third = 1.0 / 3.0;
    assert_weights(&project.lines(&weights("one", ""))[0], &[third, third, third, 0.0]);
    for (estimator, ratio) in [("gml", "none"), ("acc", "per-token")] {
        let refused = project.refused(&weights(estimator, "").replace("'none'", &format!("'{ratio}'")));
        assert!(refused.contains("needs scores, and input `scores` is not connected"), "{refused}");
    }
}

/// Rows of several steps, one after the other; and the rows after the first.
#[test]
fn rows_are_joined_and_skipped() {
    let project = project("joined", fitting());
    let rows = "[steps.one]\nkind = 'reasoner-rows'\nparams = { dialect = 'embedded', skip = 1 }\n\
        inputs = { demonstrations = 'demonstrations-given' }\n";
    let joined =
        "[steps.end]\nkind = 'joined-rows'\nparams = { times = 2 }\ninputs = { rows = ['one', 'two'] }\n";
    let steps = format!("{rows}{}{joined}", rows.replace(".one]", ".two]").replace(", skip = 1", ""));
    assert_eq!(project.lines(&steps).len(), 6);
    let (_, message) =
        project.failure(&rows.replace(".one]", ".end]").replace("skip = 1", "skip = 1, limit = 2"));
    assert!(message.contains("2 items were asked for, the teacher has 1"), "{message}");
}

#[test]
fn no_more_rows_are_taken_than_the_teacher_has() {
    let rows = |limit: u32| {
        format!(
            "[steps.end]\nkind = 'reasoner-rows'\nparams = {{ dialect = 'embedded', limit = {limit} }}\ninputs = {{ demonstrations = 'demonstrations-given' }}\n"
        )
    };
    assert_eq!(project("limit", fitting()).lines(&rows(1)).len(), 1);
    let (class, message) = project("beyond", fitting()).failure(&rows(3));
    assert!(
        message.contains("3 items were asked for, the teacher has 2") && class == ErrorClass::User,
        "{message}"
    );
}

/// What later steps take is looked for before anything is trained on the rows.
#[test]
fn a_teacher_with_fewer_rows_than_later_steps_take_is_refused() {
    for (kind, params) in [("reasoner-rows", ""), ("posterior-rows", ", hint = 'B'")] {
        let rows = |least: u32| {
            format!(
                "[steps.end]\nkind = '{kind}'\nparams = {{ dialect = 'embedded', least = {least}{params} }}\n\
                 inputs = {{ demonstrations = 'demonstrations-given' }}\n"
            )
        };
        assert_eq!(project(&format!("least-{kind}"), fitting()).lines(&rows(2)).len(), 2);
        let (class, message) = project(&format!("lacks-{kind}"), fitting()).failure(&rows(3));
        assert!(
            message.contains("3 items were asked for, the teacher has 2") && class == ErrorClass::User,
            "{message}"
        );
    }
}

const DIAGNOSTICS: &str = "[steps.end]\nkind = 'diagnostics'\n\
    inputs = { demonstrations = 'demonstrations-given', traces = 'traces', scores = 'scores', verdicts = 'verdicts', \
    weights = ['weights-given', 'more-weights'], prior-traces = 'prior', prior-verdicts = 'prior-judged' }\n";

/// What the diagnostics read beside the artefacts of the posterior.
struct Beside {
    prior: Vec<Value>,
    judged: Vec<Value>,
    weights: Vec<Value>,
}

fn beside() -> Beside {
    let weights = fitting().weights.into_iter().map(|mut weights| {
        weights["estimator"] = "l".into();
        weights
    });
    Beside {
        prior: vec![trace("a", 0, "x", true), trace("b", 0, "y", true)],
        judged: vec![verdict("a", 0, 0, "wrong-answer"), verdict("b", 0, 0, "pass")],
        weights: weights.collect(),
    }
}

fn compared(test: &str, artefacts: Artefacts, beside: Beside) -> Project {
    let mut project = project(test, artefacts);
    project.records("prior", "traces", beside.prior);
    project.records("prior-judged", "answer-verdicts", beside.judged);
    project.records("more-weights", "weights", beside.weights);
    project
}

/// `a` is solved by the posterior alone, `b` by the prior alone.
#[test]
fn diagnostics_compare_the_same_items() {
    let lines = compared("diagnostics", fitting(), beside()).lines(DIAGNOSTICS);
    let all = &lines[0]["all"];
    assert_eq!((&all["rescued"], &all["lost"]), (&json!(1.0), &json!(1.0)), "{all}");
    assert_eq!(all["weights"].as_object().unwrap().keys().collect::<Vec<_>>(), ["acc", "l"]);
}

#[test]
fn diagnostics_are_refused_where_an_artefact_lacks_an_item() {
    type Change = fn(&mut Artefacts, &mut Beside);
    let cases: [(&str, Change, &str); 5] = [
        (
            "no-prior",
            |_, b| (_, _) = (b.prior.pop(), b.judged.pop()),
            "item b is in `traces`, but not in every artefact of `prior-traces`",
        ),
        (
            "prior-alone",
            |a, b| {
                b.prior.push(trace("c", 0, "x", true));
                b.judged.push(verdict("c", 0, 0, "pass"));
                a.demonstrations.push(demonstration("c"));
            },
            "item c is in `prior-traces`, but not in every artefact of `traces`",
        ),
        (
            "no-weights-at-all",
            |a, b| (_, _) = (a.weights.pop(), b.weights.pop()),
            "item b is in `traces`, but not in every artefact of `weights`",
        ),
        (
            "no-weights-of-one",
            |_, b| _ = b.weights.pop(),
            "item b is in `traces`, but not in every artefact of `weights`",
        ),
        (
            "weights-alone",
            |_, b| {
                b.weights.push(json!({ "item": "c", "estimator": "l", "weights": { "kind": "fallback", "reason": "all-zero" } }));
            },
            "item c is in `weights`, but not in every artefact of `traces`",
        ),
    ];
    for (test, change, complaint) in cases {
        let (mut artefacts, mut beside) = (fitting(), beside());
        change(&mut artefacts, &mut beside);
        let (class, message) = compared(&format!("d-{test}"), artefacts, beside).failure(DIAGNOSTICS);
        assert!(message.contains(complaint) && class == ErrorClass::User, "{test}: {message}");
    }
}
