//! Segments and replies of chat dialects.

use assay_data::{ChatSpec, Dialect, DialectSpec, Hint, InvalidSpan, Segment};

use crate::{dialect, item, reference, with};

fn shown(row: &[Segment]) -> Vec<(&str, bool)> {
    row.iter().map(|segment| (segment.text.as_str(), segment.loss)).collect()
}

fn turns(system: &str, question: &str) -> String {
    format!(
        "<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
    )
}

#[test]
fn prompt_thought_and_answer_are_segments_of_their_own() {
    let dialect = dialect(reference()).unwrap();
    let (x, z, y) = (&item("math500", "2+2?"), "It is 4.\n\n", "\n\n\\boxed{4}\n\n");
    let asked = r"Return your final response within \boxed{}. 2+2?";
    let prompt = turns("Think.", asked) + "<|begin_of_thought|>\n\n";
    let thought = "It is 4.\n\n<|end_of";
    let answer = "_thought|>\n\n<|begin_of_solution|>\n\n\\boxed{4}\n\n<|end_of_solution|>";
    let row = dialect.reasoner_row(x, z, y).unwrap();
    assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, true), (answer, true)]);
    let row = dialect.thought_row(x, z).unwrap();
    assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, true)]);
    let row = dialect.answer_prompt(x, z).unwrap();
    assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, false)]);
    let row = dialect.answer_row(x, z, y).unwrap();
    assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, false), (answer, true)]);
    let row = dialect.choice_prompt(x, z).unwrap();
    let begin = "_thought|>\n\n<|begin_of_solution|>";
    assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, false), (begin, false)]);

    for (hint, system, opening) in
        [(Hint::A, "Explain.", "<|begin_of_explanation|>"), (Hint::B, "Derive.", "<|begin_of_thought|>")]
    {
        let solution = "<|begin_of_solution|>\n\n\\boxed{4}\n\n<|end_of_solution|>\n\n";
        let prompt = format!("{}{solution}{opening}\n\n", turns(system, asked));
        let row = dialect.posterior_row(hint, x, y, z).unwrap();
        assert_eq!(shown(&row), [(prompt.as_str(), false), (thought, true)]);
    }
    // Another benchmark's questions stand alone.
    let prompt = dialect.reasoner_prompt(&item("aime", "2+2?")).unwrap();
    assert!(prompt[0].text.contains("user\n2+2?<|im_end|>"));
    assert_eq!(dialect.requires(), ["<|im_start|>", "<|im_end|>"]);
}

#[test]
fn an_opening_that_is_given_has_no_loss() {
    let mut table = with("solution.given", true);
    table.insert("stops".to_owned(), vec!["<|im_end|>"].into());
    let dialect = dialect(table).unwrap();
    let row = dialect.answer_row(&item("aime", "x"), "z", "y").unwrap();
    let tail: Vec<_> = shown(&row)[1..].to_vec();
    assert_eq!(
        tail,
        [
            ("z<|end_of", false),
            ("_thought|>\n\n<|begin_of_solution|>", false),
            ("y<|end_of_solution|>", true)
        ]
    );
    assert_eq!(dialect.thought_stops(), ["<|end_of", "<|im_end|>"]);
    assert_eq!(dialect.posterior_stops(Hint::A), ["<|end_of", "<|im_end|>"]);
    assert_eq!(dialect.answer_stops(), ["<|end_of_solution|>", "<|im_end|>"]);
    assert_eq!(dialect.solution_stops(), dialect.answer_stops());
}

#[test]
fn a_hint_may_stand_beside_the_question() {
    let mut table = with("posterior.B.user", "{question}\n\nHint: {hint}");
    table["posterior"]["B"]["open"] = "<|begin_of_thought|>\n\n".into();
    let prompt = dialect(table).unwrap().posterior_prompt(Hint::B, &item("aime", "x?"), "4").unwrap();
    assert_eq!(prompt[0].text, turns("Derive.", "x?\n\nHint: 4") + "<|begin_of_thought|>\n\n");
}

#[test]
fn thoughts_are_read_strictly() {
    use InvalidSpan::{Empty, Special, Unfinished};
    let dialect = dialect(with("stops", vec!["<|im_end|>"])).unwrap();
    for (text, stop, expected) in [
        ("It is 4.\n\n", Some("<|end_of"), Ok("It is 4.\n\n")),
        ("It is 4.", None, Err(Unfinished)),
        // Cut inside the delimiter.
        ("It is 4.<|end_o", None, Err(Unfinished)),
        ("It is 4.", Some("<|im_end|>"), Err(Unfinished)),
        ("It is 4.", Some("<|end_of_solution|>"), Err(Unfinished)),
        ("\n \n", Some("<|end_of"), Err(Empty)),
        ("a<|im_start|>b", Some("<|end_of"), Err(Special)),
        // The answer before the end of the thought.
        ("_thought|>\n\n<|begin_of_solution|>4", Some("<|end_of"), Err(Special)),
    ] {
        assert_eq!(dialect.read_thought(text, stop), expected, "{text:?} {stop:?}");
    }
}

const END: Option<&str> = Some("<|end_of_solution|>");

#[test]
fn answers_are_read_leniently_unless_told_otherwise() {
    use InvalidSpan::{Special, Unfinished};
    let (lenient, strict) = (dialect(reference()).unwrap(), dialect(with("lenient", false)).unwrap());
    for (text, stop, leniently, strictly) in [
        ("_thought|>\n\n<|begin_of_solution|>\n4\n", END, "\n4\n", Ok("\n4\n")),
        ("_thought|>\n\n<|begin_of_solution|>4", None, "4", Err(Unfinished)),
        // No opening, or one that was cut: all of it.
        ("the answer is 4", END, "the answer is 4", Err(Unfinished)),
        ("_thought|>\n\n<|begin_of", None, "_thought|>\n\n<|begin_of", Err(Unfinished)),
        // Other words before the opening.
        ("_explanation|>_thought|>\n\n<|begin_of_solution|>4", END, "4", Err(Unfinished)),
        ("_thought|>\n\n<|begin_of_solution|>4<|im_start|>", END, "4<|im_start|>", Err(Special)),
    ] {
        assert_eq!(lenient.read_answer(text, stop), Ok(leniently), "{text:?}");
        assert_eq!(strict.read_answer(text, stop), strictly, "{text:?}");
    }
}

#[test]
fn solutions_are_read_leniently_unless_told_otherwise() {
    use InvalidSpan::{Special, Unfinished};
    let (lenient, strict) = (dialect(reference()).unwrap(), dialect(with("lenient", false)).unwrap());
    const SEAM: &str = "<|end_of_thought|>\n\n<|begin_of_solution|>";
    let whole = format!("z{SEAM}4");
    let twice = format!("z{SEAM}4{SEAM}5");
    let special = format!("z<|im_end|>{SEAM}4");
    let backwards = "<|begin_of_solution|>4<|end_of_thought|>";
    for (text, stop, leniently, strictly) in [
        (whole.as_str(), END, ("z", "4"), Ok(("z", "4"))),
        // A stop that never comes.
        (&whole, None, ("z", "4"), Err(Unfinished)),
        // Cut inside a delimiter, at any place: no answer was begun.
        ("z<|end_of_th", None, ("", "z<|end_of_th"), Err(Unfinished)),
        (
            "z<|end_of_thought|>\n\n<|begin_of_solution",
            None,
            ("", "z<|end_of_thought|>\n\n<|begin_of_solution"),
            Err(Unfinished),
        ),
        // Delimiters in another order, or others.
        (backwards, END, ("", backwards), Err(Unfinished)),
        ("z<end_of_thought>\\boxed{4}", END, ("", "z<end_of_thought>\\boxed{4}"), Err(Unfinished)),
        // The first place counts.
        (&twice, END, ("z", &twice[1 + SEAM.len()..]), Err(Special)),
        (&special, END, ("z<|im_end|>", "4"), Err(Special)),
        (SEAM, END, ("", ""), Ok(("", ""))),
        ("", None, ("", ""), Err(Unfinished)),
    ] {
        assert_eq!(lenient.read_solution(text, stop), Ok(leniently), "{text:?}");
        assert_eq!(strict.read_solution(text, stop), strictly, "{text:?}");
    }
}

#[test]
fn what_cannot_work_is_refused_when_the_recipe_is_read() {
    for (table, complaint) in [
        (with("reasoner.close", ""), "is empty, so it could not be found in a reply\nin `reasoner.close`"),
        (with("posterior.A.close", ""), "in `posterior.A.close`"),
        (with("solution.begin", ""), "in `solution.begin`"),
        (with("solution.end", ""), "in `solution.end`"),
        (with("stops", vec![""]), "in `stops`"),
        (with("requires", vec!["a", ""]), "in `requires`"),
        (with("reasoner.user", "Hello."), "{question} stands here 0 times, expected 1\nin `reasoner.user`"),
        (with("reasoner.open", "{question}"), "{question} stands here 1 times, expected 0"),
        (with("reasoner.open", "{hint}"), "{hint} stands here 1 times, expected 0\nin `reasoner`"),
        (with("posterior.A.open", "go"), "{hint} stands here 0 times, expected 1\nin `posterior.A`"),
        (
            with("questions", toml::Table::from_iter([("aime".to_owned(), "P".into())])),
            "{question} stands here 0 times, expected 1\nin `questions.aime`",
        ),
        (with("reasoner.closed", "x"), "in `reasoner"),
        (with("reasoner.close", "<|end_of_solution|>"), "`reasoner.close` and `solution.end` are both"),
        (with("posterior.B.close", "<|end_of_solution|>"), "`posterior.B.close` and `solution.end` are both"),
        (with("template", "<|im_start|>"), "leaves out the question of `reasoner`"),
        (with("template", "{{ messages[-1].content }}"), "leaves out the system prompt of `reasoner`"),
        (
            with("template", "{% for m in messages %}{{ m.content | upper }}{% endfor %}"),
            "leaves out the question of `reasoner`",
        ),
        (with("template", "{% if %}"), "the chat template, line 1, refuses: syntax error"),
        (
            with("template", "a\n{{ raise_exception('no system prompt') }}"),
            "line 2, refuses: no system prompt",
        ),
        (with("kind", "chatty"), "unknown variant `chatty`, expected `chat`"),
        (with("colour", "red"), "unknown field `colour`"),
    ] {
        let error = dialect(table).unwrap_err();
        assert!(error.contains(complaint), "{error}");
    }
    let mut table = with("posterior.B.user", "{question} {hint}");
    table["posterior"]["B"]["open"] = "go".into();
    table["template"] = "{% for m in messages %}{{ m.content | replace('42', '?') }}{% endfor %}".into();
    let error = dialect(table).unwrap_err();
    assert!(error.contains("leaves out the hint of `posterior.B`"), "{error}");
    for (name, complaint) in
        [("\"embed\"", "`embed`, expected `embedded`"), ("3", "\"embedded\", \"embedded-worked\" or a table")]
    {
        let error = serde_json::from_str::<Dialect>(name).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
    let embedded: Dialect = serde_json::from_str("\"embedded\"").unwrap();
    assert_eq!(embedded.thought_stops(), ["</think>"]);
    let error = Dialect::try_from(serde_json::from_str::<DialectSpec>("\"embedded\"").unwrap());
    assert!(error.is_ok());
}

#[test]
fn a_text_that_a_program_sets_is_checked_as_well() {
    type Change = fn(&mut ChatSpec);
    let changes: [(Change, &str); 7] = [
        (|spec| spec.reasoner.close.clear(), "`reasoner.close`: the text is empty"),
        (|spec| spec.solution.begin.clear(), "`solution.begin`: the text is empty"),
        (|spec| spec.stops = vec![String::new()], "`stops[0]`: the text is empty"),
        (|spec| spec.requires = vec!["a".to_owned(), String::new()], "`requires[1]`: the text is empty"),
        (|spec| spec.posterior.a.open = "go".to_owned(), "`posterior.A`: {hint} stands here 0 times"),
        (|spec| spec.reasoner.user = "Hi.".to_owned(), "`reasoner.user`: {question} stands here 0 times"),
        (
            |spec| drop(spec.questions.insert("aime".to_owned(), "{hint} {question}".to_owned())),
            "`questions.aime`: {hint} stands here 1 times",
        ),
    ];
    for (change, complaint) in changes {
        let DialectSpec::Chat(mut spec) = reference().try_into::<DialectSpec>().unwrap() else { panic!() };
        change(&mut spec);
        let error = Dialect::chat(*spec).unwrap_err();
        assert!(error.to_string().contains(complaint), "{error}");
        assert!(!error.remedy().is_empty());
    }
}
