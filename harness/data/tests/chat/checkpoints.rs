//! The chat template of a checkpoint: what transformers makes of it, where it is looked for, and what is said where it fails.

use std::collections::BTreeMap;

use assay_data::{ChatTemplate, CheckpointTemplate, CheckpointTemplateError, Dialect, DialectError, Message};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};

use crate::{CHATML, dialect, item, with};

fn fixtures() -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/chat_templates")
}

fn of_folder(folder: &Utf8Path) -> Result<CheckpointTemplate, CheckpointTemplateError> {
    CheckpointTemplate::of_folder(&|name| Some(folder.join(name)).filter(|path| path.is_file()))
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs_err::write(folder.path().join(name), text).unwrap());
    folder
}

fn path(folder: &tempfile::TempDir) -> &Utf8Path {
    Utf8Path::from_path(folder.path()).unwrap()
}

fn messages(row: &Value) -> Vec<Message> {
    let text = |turn: &Value, key: &str| turn[key].as_str().unwrap().to_owned();
    let turns = row["messages"].as_array().unwrap().iter();
    turns.map(|turn| Message::new(text(turn, "role"), text(turn, "content"))).collect()
}

/// `rendered.jsonl` is what `make.py` beside it got from transformers.
#[test]
fn templates_render_as_transformers_renders_them() {
    let mut counts = BTreeMap::new();
    for style in ["system-of-its-own", "thoughts-cut", "dated", "one-line", "turns"] {
        let folder = fixtures().join(style);
        let rows = fs_err::read_to_string(folder.join("rendered.jsonl")).unwrap();
        for row in rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let variables = serde_json::from_value(row["variables"].clone()).unwrap();
            let template = of_folder(&folder).unwrap();
            let template = ChatTemplate::of_checkpoint(&template, &variables, None).unwrap();
            let text = template.render(&messages(&row), row["add_generation_prompt"].as_bool().unwrap());
            let (rendered, refused) = (row["rendered"].as_str(), row["refused"].as_str());
            match &text {
                Ok(text) => assert_eq!(Some(text.as_str()), rendered, "{style}: {row}"),
                Err(error) => assert_eq!(Some(error.message.as_str()), refused, "{style}: {row}"),
            }
            *counts.entry((style, text.is_ok())).or_insert(0) += 1;
        }
    }
    assert_eq!(counts.len(), 7, "{counts:?}");
    assert!(counts.iter().all(|((_, rendered), count)| !rendered || *count >= 12), "{counts:?}");
}

/// A folder of a real model, if the data is there.
#[test]
fn a_real_checkpoint_has_its_template_in_its_configuration() {
    let folder = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokenizers/qwen3");
    if !folder.join("tokenizer_config.json").exists() {
        eprintln!("skipped: there is no {folder}");
        return;
    }
    let dialect = of_checkpoint(&[])
        .with_checkpoint(None, &|name| Some(folder.join(name)).filter(|path| path.is_file()));
    let prompt = dialect.unwrap().reasoner_prompt(&item("other", "1 + 1?")).unwrap().remove(0).text;
    assert_eq!(
        prompt,
        "<|im_start|>system\nThink.<|im_end|>\n<|im_start|>user\n1 + 1?<|im_end|>\n<|im_start|>assistant\n<|begin_of_thought|>\n\n"
    );
}

/// The reference dialect with a checkpoint's template, and more settings.
fn of_checkpoint(more: &[(&str, toml::Value)]) -> Dialect {
    let mut table = with("template", toml::Table::from_iter([("from".to_owned(), "checkpoint".into())]));
    table.remove("eos_token");
    table.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    dialect(table).unwrap()
}

fn bound(folder: &tempfile::TempDir) -> Result<Dialect, DialectError> {
    of_checkpoint(&[])
        .with_checkpoint(None, &|name| Some(path(folder).join(name)).filter(|path| path.is_file()))
}

fn config(template: &str) -> String {
    json!({ "bos_token": "<s>", "eos_token": { "content": "</s>" }, "chat_template": template }).to_string()
}

#[test]
fn a_dialect_takes_the_template_of_its_checkpoint() {
    let own = of_checkpoint(&[]);
    assert!(own.wants_template() && !own.ignores_end_of_sequence());
    assert_eq!(own.reasoner_prompt(&item("other", "?")).unwrap_err(), DialectError::NoCheckpoint);
    let asked = |dialect: Dialect| dialect.reasoner_prompt(&item("other", "Why?")).unwrap().remove(0).text;
    // The same template in the recipe and in the checkpoint.
    let found = bound(&folder(&[("tokenizer_config.json", &config(CHATML))])).unwrap();
    assert!(!found.wants_template());
    assert_eq!(asked(found), asked(dialect(with("template", CHATML)).unwrap()));
    // A file of its own counts before the configuration, which says the tokens.
    let all =
        "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}{{ tools is none }}";
    let both = folder(&[("tokenizer_config.json", &config(CHATML)), ("chat_template.jinja", all)]);
    assert_eq!(asked(bound(&both).unwrap()), "<s>Think.</s>Why?</s>True<|begin_of_thought|>\n\n");
    // What the recipe says counts before what the checkpoint says.
    let said = of_checkpoint(&[("eos_token", "!".into())]);
    let in_both = |name: &str| Some(path(&both).join(name));
    let said = said.with_checkpoint(None, &in_both).unwrap();
    assert_eq!(asked(said), "<s>Think.!Why?!True<|begin_of_thought|>\n\n");
    // A file that is given, of either kind, counts before the folder.
    for (name, file) in [("jinja", "chat_template.jinja"), ("config", "tokenizer_config.json")] {
        let file = path(&both).join(file);
        let found =
            of_checkpoint(&[]).with_checkpoint(Some(&file), &|_| panic!("the folder is looked at")).unwrap();
        assert_eq!(asked(found).contains("<|im_start|>"), name == "config", "{name}");
    }
    // Nothing is looked for where the recipe has its template.
    let given = dialect(with("template", CHATML)).unwrap();
    assert_eq!(asked(given.with_checkpoint(None, &|_| panic!("it is there")).unwrap()), asked(given));
}

#[test]
fn a_template_that_cannot_be_used_is_named_with_file_and_line() {
    let several = json!({ "chat_template": [{ "name": "rag", "template": "x" }] }).to_string();
    let clock = config("a\n{{ strftime_now('%d') }}");
    let raising = config(
        "{% for m in messages %}\n{{ m.content }}\n{% if m.role == 'system' %}\n{{ raise_exception('no system prompt') }}\n{% endif %}{% endfor %}",
    );
    let cases = [
        (("notes.txt", ""), "the checkpoint has neither chat_template.jinja nor tokenizer_config.json"),
        (
            ("tokenizer_config.json", "{\"eos_token\": \"</s>\"}"),
            "tokenizer_config.json has no `chat_template`",
        ),
        (("tokenizer_config.json", "{\n\"eos_token\":: 1}"), "tokenizer_config.json, line 2: expected value"),
        (("tokenizer_config.json", "[]"), "tokenizer_config.json: is no JSON object"),
        (("tokenizer_config.json", &several), "has several templates (rag), and none is called `default`"),
        (
            ("chat_template.jinja", "a\n{% for %}"),
            "the chat template, chat_template.jinja, line 2, refuses: syntax error",
        ),
        (
            ("tokenizer_config.json", &raising),
            "the chat template, `chat_template` of tokenizer_config.json, line 4, refuses: no system prompt",
        ),
        // No clock: what it says would make the same recipe ask otherwise tomorrow.
        (("tokenizer_config.json", &clock), "line 2, refuses: unknown function: strftime_now is unknown"),
        (
            ("chat_template.jinja", "{{ messages[0].role }}"),
            "the chat template leaves out the question of `reasoner`",
        ),
    ];
    for (file, complaint) in cases {
        let error = bound(&folder(&[file])).unwrap_err();
        assert!(error.to_string().contains(complaint), "{error}");
        assert_eq!(error.class(), assay_store::ErrorClass::User);
        assert!(!error.remedy().is_empty());
    }
    let dated = of_checkpoint(&[("date", "1 Jan 2025".into())]);
    let text = config("{{ strftime_now('%d') }}{% for m in messages %}{{ m.content }}{% endfor %}");
    let dated = dated.with_checkpoint(None, &|name| {
        (name == "tokenizer_config.json").then(|| {
            let path = Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("dated.json");
            fs_err::write(&path, &text).unwrap();
            path
        })
    });
    let prompt = dated.unwrap().reasoner_prompt(&item("other", "Why?")).unwrap().remove(0).text;
    assert!(prompt.starts_with("1 Jan 2025Think.Why?"), "{prompt}");
    for (template, complaint) in [("3", "a text in Jinja"), ("{ from = 'me' }", "me"), ("{}", "from")] {
        let value: toml::Table = toml::from_str(&format!("template = {template}")).unwrap();
        let error = dialect(with("template", value["template"].clone())).unwrap_err();
        assert!(error.contains(complaint), "{error}");
    }
}
