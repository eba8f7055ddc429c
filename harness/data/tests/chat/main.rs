//! Chat dialects: rendering as Hugging Face does, the delimiters of the released code, and reading replies.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod checkpoints;
mod delimiters;
mod templates;

use assay_data::{Check, Dialect, Item};

/// ChatML as the reference model's training used it.
pub(crate) const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The dialect of the released code: delimiters are ordinary text, a trace ends at `<|end_of`.
pub(crate) fn reference() -> toml::Table {
    toml::from_str::<toml::Table>(&format!(
        r#"
kind = "chat"
template = {template:?}
eos_token = "<|im_end|>"
requires = ["<|im_start|>", "<|im_end|>"]
questions = {{ math500 = 'Return your final response within \boxed{{}}. {{question}}' }}

[reasoner]
system = "Think."
open = "<|begin_of_thought|>\n\n"
close = "<|end_of"

[posterior.A]
system = "Explain."
open = "<|begin_of_solution|>{{hint}}<|end_of_solution|>\n\n<|begin_of_explanation|>\n\n"
close = "<|end_of"

[posterior.B]
system = "Derive."
open = "<|begin_of_solution|>{{hint}}<|end_of_solution|>\n\n<|begin_of_thought|>\n\n"
close = "<|end_of"

[solution]
begin = "_thought|>\n\n<|begin_of_solution|>"
end = "<|end_of_solution|>"
"#,
        template = CHATML
    ))
    .unwrap()
}

pub(crate) fn dialect(table: toml::Table) -> Result<Dialect, String> {
    table.try_into::<Dialect>().map_err(|error| error.to_string())
}

/// The reference with one value set, by its path.
pub(crate) fn with(path: &str, value: impl Into<toml::Value>) -> toml::Table {
    let mut table = reference();
    let mut parts: Vec<&str> = path.split('.').collect();
    let last = parts.pop().unwrap();
    let mut inner = &mut table;
    for part in parts {
        inner = inner[part].as_table_mut().unwrap();
    }
    inner.insert(last.to_owned(), value.into());
    table
}

pub(crate) fn item(benchmark: &str, question: &str) -> Item {
    Item {
        id: "q1".to_owned(),
        benchmark: benchmark.to_owned(),
        question: question.to_owned(),
        references: vec!["4".to_owned()],
        check: Check::Exact {},
    }
}
