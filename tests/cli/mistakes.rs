//! Mistakes in recipes and arguments: named with their place, exit code 2, nothing run.

use crate::world::World;

/// File, what it holds, what it is changed to, what the message must hold.
type Mistake = (&'static str, &'static str, &'static str, &'static [&'static str]);

const TABLE: &str = "recipes/table-05.toml";
const CRITERIA: &str = "recipes/criteria/table-05.toml";
const SCALE: &str = "recipes/scale/tiny.toml";
const SHARED: &str = "recipes/shared.toml";
const MODELS: &str = "recipes/pipeline/models.toml";
const TRAINING: &str = "recipes/pipeline/baselines.toml";
const TRACES: &str = "recipes/pipeline/traces.toml";

const MISTAKES: [Mistake; 16] = [
    (SCALE, "samples = 2", "sample = 2", &["recipes/scale/tiny.toml", "evaluation.samples"]),
    (SCALE, "batch = 8", "batches = 8", &["recipes/scale/tiny.toml:", "batches", "batch"]),
    (SCALE, "epochs = 1\n", "epochs = \"one\"\n", &["recipes/scale/tiny.toml:", "epochs"]),
    (SCALE, "loss = \"dr-sft\"", "loss = \"dr-stf\"", &["recipes/scale/tiny.toml:", "dr-stf", "dr-sft"]),
    (SCALE, "subset = [1, 2]", "", &["runs.subset"]),
    (
        TRAINING,
        "kind = \"train\"",
        "kind = \"trian\"",
        &["recipes/pipeline/baselines.toml:", "trian", "train"],
    ),
    (
        MODELS,
        "base = \"base-m\"",
        "base = \"bse-m\"",
        &["recipes/pipeline/models.toml:", "`bse-m`", "`base-m`"],
    ),
    (TRACES, "rows = \"@.reasoner-rows\"", "row = \"@.reasoner-rows\"", &["`row`", "`rows`"]),
    (
        TRACES,
        "base = \"{base}.final\", rows = \"@.reasoner-rows\"",
        "base = \"@.reasoner\", rows = \"@.reasoner-rows\"",
        &["wait for each other", "@.reasoner <- @.reasoner"],
    ),
    (
        TRACES,
        "base = \"{base}.final\", rows = \"@.reasoner-rows\"",
        "base = \"questions\", rows = \"@.reasoner-rows\"",
        &[
            "`questions` makes `items`, but input `base` of `train` takes `model`",
            "recipes/pipeline/data.toml:",
        ],
    ),
    (
        TABLE,
        "model = \"ours-1k-acc-restated\"",
        "model = \"ours-1k-ac-restated\"",
        &["recipes/table-05.toml:", "did you mean `ours-1k-acc-restated`"],
    ),
    (SCALE, "\"chain2\"", "\"chain\"", &["recipes/scale/tiny.toml:", "chain2"]),
    // The place is that of the wrong token.
    (CRITERIA, "acc.math > l.math", "acc.math > ll.math", &["recipes/criteria/table-05.toml:15:84:", "`ll`"]),
    (CRITERIA, "acc.math > l.math", "acc.maths > l.math", &["table-05.toml:15:77:", "did you mean `math`?"]),
    (CRITERIA, "acc.math > l.math", "acc.math > ", &["recipes/criteria/table-05.toml:15:", "expression"]),
    (
        TABLE,
        "label = \"Ours-Acc-7B-1K\"",
        "lable = \"Ours-Acc-7B-1K\"",
        &["recipes/table-05.toml:39:1: step `table-05`, `recipe.rows[2]`: unknown key `lable`", "`label`"],
    ),
];

#[test]
fn mistakes_are_named_with_their_place_and_nothing_runs() {
    for (file, from, to, parts) in MISTAKES {
        let world = World::new();
        world.edit(file, from, to);
        let finished = world.run(&["run", "table-05", "--scale", "tiny"]).fails_with(2).says(&["error"]);
        for part in parts {
            assert!(
                finished.stderr().contains(part),
                "{file}: {from} -> {to}: no {part:?} in\n{}",
                finished.stderr()
            );
        }
        assert!(!world.path(".assay/objects").exists() || is_empty(&world), "something was run or stored");
    }
}

/// The claims about the row that is gone are not reported: they follow from the mistake.
#[test]
fn a_row_that_takes_the_name_of_another_is_one_mistake() {
    let world = World::new();
    world.edit(TABLE, "id = \"acc\"", "id = \"gml\"");
    let finished = world.run(&["plan", "table-05", "--scale", "tiny"]).fails_with(2);
    let expected =
        "error: recipes/table-05.toml:46:6: step `table-05`, `recipe.rows[3].id`: `gml` is used twice\n";
    assert_eq!(finished.stderr(), expected);
}

#[test]
fn unknown_names_on_the_command_line_come_with_the_likely_one() {
    let world = World::new();
    world.run(&["run", "table-5", "--scale", "tiny"]).fails_with(2).says(&["table-5", "table-05"]);
    world.run(&["run", "table-05", "--scale", "tinny"]).fails_with(2).says(&["tinny", "tiny"]);
    for recipe in [&[][..], &["--recipe", "table-05"]] {
        let why = [&["why", "reasonr", "--scale", "tiny"], recipe].concat();
        world.run(&why).fails_with(2).says(&["step `reasonr`", "reasoner"]);
    }
    let set = |set: &'static str| ["run", "table-05", "--scale", "tiny", "--set", set];
    world.run(&set("reasoner.epoch=2")).fails_with(2).says(&["reasoner.epoch", "epochs"]);
    world.run(&set("reasoner.epochs=two")).fails_with(2).says(&["reasoner.epochs"]);
    world.run(&set("reasoner.epochs")).fails_with(2).says(&["reasoner.epochs"]);
}

#[test]
fn values_that_make_no_sense_are_refused_before_anything_runs() {
    let world = World::new();
    for (set, part) in [
        ("questions.per_benchmark=1", "at least 2"),
        ("teacher.questions=0", "at least 1"),
        ("traces.per_question=0", "at least 1"),
        ("evaluation.samples=0", "at least 1"),
        ("final-1k.batch=0", "at least 1"),
        ("final-1k.learning_rate=-1.0", "learning_rate"),
        ("reasoner.warmup=2.0", "between 0 and 1"),
        ("reasoner.betas=[0.9, 1.0]", "`training.betas[1]`: is 1, but must be at least 0 and below 1"),
        ("sampling.thought.top_p=7.0", "top_p"),
        ("sampling.answer.max_new_tokens=0", "max_new_tokens"),
        ("bases.m=\"../elsewhere\"", "leads out of the workspace"),
        ("bases.m=\"recipes/models/bse-m\"", "did you mean `base-m`?"),
        ("subset.questions=0", "at least 1"),
        ("evaluation.samples=100000", "at most 65536"),
        ("final-1k.batch=9000000000000000000", "at most 65536"),
        ("sampling.thought.temperature=1e300", "between 0 and 100"),
    ] {
        let plan = ["plan", "table-05", "--scale", "tiny", "--set", set];
        world.run(&plan).fails_with(2).says(&[part]);
    }
    for (set, part) in [
        ("pretraining.training.batch=9000000000000000000", "at most 65536"),
        ("decoders.m.layers=0", "layers"),
        ("decoders.m.hidden_size=9000000000000000000", "at most 65536"),
    ] {
        world.run(&["plan", "base-m", "--scale", "tiny", "--set", set]).fails_with(2).says(&[part]);
    }
}

/// With batches of 4 documents, 10,000,000 documents are 2,500,000 steps.
#[test]
fn phases_without_documents_or_with_too_many_are_refused_before_anything_runs() {
    let phase = |steps: &str, mixture: &str| format!("[{{ steps = {steps}, mixture = {{ {mixture} }} }}]");
    let two =
        "[{ steps = 2000000, mixture = { facts = 1.0 } }, { steps = 2000000, mixture = { facts = 1.0 } }]";
    for (phases, part) in [
        ("[]".to_owned(), "`phases`: is empty"),
        (phase("0", "facts = 1.0"), "steps`: is 0, but must be at least 1"),
        (phase("9000000000000000000", "facts = 1.0"), "at most 2500000"),
        (two.to_owned(), "have 4000000 steps in all"),
        (phase("1", "facts = -1.0"), "not negative"),
        (phase("1", "facts = 0.0"), "some weight has to be positive"),
        (phase("1", "facts = 1.0, semicolons = 1.5"), "between 0 and 1"),
    ] {
        let world = World::new();
        world.edit(SCALE, "[{ steps = 2, mixture = { facts = 1.0 } }]", &phases);
        world.run(&["plan", "base-m", "--scale", "tiny"]).fails_with(2).says(&[part, &format!("{SCALE}:")]);
    }
}

/// Traces are drawn for questions that the chain's models may learn from; more of them than there are rows are refused.
#[test]
fn a_teacher_with_too_few_rows_is_met_before_anything_is_trained() {
    let world = World::new();
    let run = ["run", "table-05", "--scale", "tiny", "--set", "subset.questions=30"];
    world.run(&run).fails_with(2).says(&["`least`: is 30, but must be at least 1 and at most 24"]);
    assert!(!world.path(".assay/objects").exists() || is_empty(&world), "something was run or stored");
}

/// A mistake inside a dialect has the place of the wrong key or text, in the scale's file.
#[test]
fn mistakes_in_a_dialect_have_their_own_place() {
    let good = "tuned = { kind = \"chat\", template = \"{% for m in messages %}{{ m.content }}{% endfor %}\", \
                reasoner = { open = \"<t>\", close = \"</t>\" }, \
                posterior.A = { open = \"{hint}<e>\", close = \"</e>\" }, \
                posterior.B = { open = \"{hint}<t>\", close = \"</t>\" }, \
                solution = { begin = \"<a>\", end = \"</a>\" } }";
    for (from, to, at, message) in [
        (
            "close = \"</t>\" }, posterior.A",
            "clse = \"</t>\" }, posterior.A",
            "clse",
            "did you mean `close`?",
        ),
        ("solution = {", "solutoin = {", "solutoin", "did you mean `solution`?"),
        ("kind = \"chat\"", "kind = \"chatt\"", "\"chatt\"", "did you mean `chat`?"),
        (
            "A = { open = \"{hint}<e>\"",
            "A = { open = \"<e>\"",
            "{ open = \"<e>\"",
            "{hint} stands here 0 times",
        ),
        ("end = \"</a>\"", "end = \"\"", "\"\" }", "is empty"),
    ] {
        let world = World::new();
        assert!(good.contains(from));
        let dialect = good.replacen(from, to, 1);
        world.edit(SCALE, "tuned = \"embedded\"", &dialect);
        let text = std::fs::read_to_string(world.path(SCALE)).unwrap();
        let (line, found) = text.lines().enumerate().find(|(_, line)| line.starts_with("tuned")).unwrap();
        let place = format!("{SCALE}:{}:{}: ", line + 1, found.find(at).unwrap() + 1);
        let finished = world.run(&["plan", "table-05", "--scale", "tiny"]).fails_with(2).says(&[message]);
        let stderr = finished.stderr();
        let errors: Vec<&str> = stderr.lines().filter(|line| line.contains(SCALE)).collect();
        assert!(errors.iter().any(|line| line.contains(&place)), "{place} is not in\n{stderr}");
        assert_eq!(errors.len(), 1, "one mistake, one error:\n{stderr}");
    }
    let world = World::new();
    world.edit(SCALE, "tuned = \"embedded\"", "tuned = \"embeded\"");
    world.run(&["plan", "table-05", "--scale", "tiny"]).fails_with(2).says(&["did you mean `embedded`?"]);
}

/// The embedded world's settings: the place is that of the value, or of a key that is none.
#[test]
fn settings_of_the_world_are_checked_with_their_place() {
    let teacher = "questions = \"$teacher.questions\" } }";
    let (families, items) = ("families = \"$questions.families\"", "families = \"$questions.families\" } }");
    let (table, base) = (["plan", "table-05", "--scale", "tiny"], ["plan", "base-s", "--scale", "tiny"]);
    for (command, file, from, setting, at, message) in [
        (table, SCALE, teacher, "mix = { chain2 = 1.0, chian3 = 1.0 }", "1.0 }", "did you mean `chain3`"),
        (table, SCALE, teacher, "mix = { chain2 = 1.0, mc1 = 1.0 }", "{ chain2", "mc1 has no teacher"),
        (table, SCALE, teacher, "mix = { chain2 = -1.0 }", "{ chain2", "not negative"),
        (table, SCALE, teacher, "styles = { full = 1.0 }", "{ full", "missing"),
        (
            table,
            SCALE,
            teacher,
            "styles = { full = 0.5, skip = 0.1, detour = 0.1, unfaithful = 0.1 }",
            "{ full",
            "sum to 1",
        ),
        (table, SCALE, teacher, "answers = \"restatd\"", "\"restatd\"", "did you mean `restated`?"),
        (table, SCALE, teacher, "families = [\"root\"]", "[\"root\"]", "is about test items"),
        (table, SCALE, families, "families = [\"root\", \"root\"]", "[\"root\"", "root is listed twice"),
        (table, SCALE, items, "mix = { root = 1.0 }", "{ root", "a teacher's rows"),
        (table, SCALE, items, "styels = { full = 1.0 }", "styels", "did you mean `styles`?"),
        (base, SCALE, "longest = 112", "longest = 80", "80", "81 to 256"),
        (base, SCALE, "mc1 = 4.0", "mc3 = 4.0", "4.0", "did you mean `mc"),
    ] {
        let world = World::new();
        match from.strip_suffix(" } }") {
            Some(before) => world.edit(file, from, &format!("{before}, {setting} }} }}")),
            None => world.edit(file, from, setting),
        }
        let text = world.read(file);
        let (line, found) = text.lines().enumerate().find(|(_, line)| line.contains(setting)).unwrap();
        let column = found.find(setting).unwrap() + setting.find(at).unwrap() + 1;
        let place = format!("{file}:{}:{column}: ", line + 1);
        world.run(&command).fails_with(2).says(&[message, &place]);
    }
}

/// The bases' recipes are planned with any scale.
#[test]
fn the_three_bases_share_their_text() {
    let world = World::new();
    for base in ["base-s", "base-m", "base-l"] {
        let plan = world.run(&["plan", base, "--scale", "tiny"]).succeeds().stdout();
        assert!(plan.contains("questions") && plan.contains(&base.replace("base-", "pretrained-")), "{plan}");
    }
    world.edit(SCALE, "steps = 2,", "steps = 0,");
    world.run(&["plan", "base-m", "--scale", "tiny"]).fails_with(2).says(&["recipes/scale/tiny.toml:"]);
}

#[test]
fn a_table_that_cannot_be_put_together_is_refused_before_anything_runs() {
    for (file, from, to, part) in [
        (SHARED, "id = \"general\", label", "id = \"GPQA-D\", label", "is a column's name too"),
        (SCALE, "\"chain5\"", "\"chain2\"", "stands in two columns"),
        (SHARED, "paper_questions = 500", "paper_questions = 0", "at least 1"),
        (TABLE, "MATH500 = \"75.60\"", "MATH500 = \"175.60\"", "not a percentage"),
    ] {
        let world = World::new();
        world.edit(file, from, to);
        world.run(&["plan", "table-05", "--scale", "tiny"]).fails_with(2).says(&[part, &format!("{file}:")]);
    }
}

#[test]
fn without_a_workspace_the_remedy_is_named() {
    let empty = tempfile::TempDir::new().unwrap();
    let world = World::new();
    let output = world.command(&["plan", "table-05"]).current_dir(empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--root"));
}

fn is_empty(world: &World) -> bool {
    std::fs::read_dir(world.path(".assay/objects")).unwrap().next().is_none()
}
