//! Bytes as a row of answers, and as a gold answer, an answer and what a guest says about them: every grader
//! decides, and nothing panics.

#![no_main]

use assay_sandbox::grade::{Compare, Grader, Question, AnswerRow, grade};
use assay_sandbox::{Run, RunOutcome};
use libfuzzer_sys::fuzz_target;

/// A guest that always gives this reply.
struct Guest<'a>(&'a str);

impl Compare for Guest<'_> {
    fn call(&self, _: &str, _: Vec<serde_json::Value>) -> Run {
        Run { outcome: RunOutcome::Completed { output: self.0.to_owned() }, fuel: 1, peak_memory: 1 }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut texts = text.splitn(3, '\0');
    let [gold, answer, reply] = [(); 3].map(|()| texts.next().unwrap_or_default());
    let row = AnswerRow::parse(&text, 1).map(|row| row.question);
    let questions = [Question::pair(gold, answer), Question::response(gold, answer)];
    for question in row.into_iter().chain(questions) {
        for grader in Grader::ALL {
            grade(grader, &question, &Guest(reply));
        }
    }
});
