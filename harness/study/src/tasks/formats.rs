//! How a question x, a thought z and an answer y are laid out for the reasoner pi(z, y | x) and the posterior
//! q(z | x, y').
//!
//! | model | text | the loss starts at |
//! |---|---|---|
//! | pi | `<bos>x<think>z</think><ans>y</ans>` | z |
//! | pi, thought alone | `<bos>x<think>z</think>` | z |
//! | pi, answer alone | `<bos>x<think>z</think><ans>y</ans>` | y |
//! | q, template A | `<bos><qa>x<ans>y'</ans><expl>z</expl>` | z |
//! | q, template B | `<bos><qb>x<hint>y'</hint><think>z</think>` | z |
//!
//! The closing token of the last part is always supervised: it is what makes a completion finite.

use super::vocabulary::{
    ANS, BOS, END_ANS, END_EXPL, END_HINT, END_THINK, EXPL, HINT, QA, QB, THINK, has_special, token_count,
};
use serde::{Deserialize, Serialize};

/// A training or scoring row: a text of which only the tail is supervised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The text, specials by name.
    pub text: String,
    /// Number of tokens before the first supervised one.
    pub supervised_from: usize,
    /// Number of tokens in all.
    pub tokens: usize,
}

impl Row {
    fn new(prompt: &str, completion: &str) -> Self {
        let text = format!("{prompt}{completion}");
        Self { supervised_from: token_count(prompt), tokens: token_count(&text), text }
    }

    /// How many tokens are supervised, the closing token included.
    pub fn supervised(&self) -> usize {
        self.tokens - self.supervised_from
    }
}

/// What pi is given to produce a thought and an answer.
pub fn reasoner_prompt(question: &str) -> String {
    format!("{BOS}{question}{THINK}")
}

/// What pi is trained on: thought and answer supervised.
pub fn reasoner_row(question: &str, thought: &str, answer: &str) -> Row {
    Row::new(&reasoner_prompt(question), &format!("{thought}{END_THINK}{ANS}{answer}{END_ANS}"))
}

/// For log pi(z | x): the thought and its closing token supervised.
pub fn thought_row(question: &str, thought: &str) -> Row {
    Row::new(&reasoner_prompt(question), &format!("{thought}{END_THINK}"))
}

/// What pi is given to answer after a thought.
pub fn answer_prompt(question: &str, thought: &str) -> String {
    format!("{BOS}{question}{THINK}{thought}{END_THINK}{ANS}")
}

/// For log pi(y | x, z): the answer and its closing token supervised.
pub fn answer_row(question: &str, thought: &str, answer: &str) -> Row {
    Row::new(&answer_prompt(question, thought), &format!("{answer}{END_ANS}"))
}

/// How q is shown the answer hint y'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Template {
    /// Solution first, then an explanation of it (the paper's template A).
    A,
    /// A hint beside the question, then a thought (the paper's template B).
    B,
}

impl Template {
    /// What q is given to produce a thought.
    pub fn prompt(self, question: &str, hint: &str) -> String {
        match self {
            Self::A => format!("{BOS}{QA}{question}{ANS}{hint}{END_ANS}{EXPL}"),
            Self::B => format!("{BOS}{QB}{question}{HINT}{hint}{END_HINT}{THINK}"),
        }
    }

    /// What q is trained on and scored by: the thought and its closing token supervised.
    pub fn row(self, question: &str, hint: &str, thought: &str) -> Row {
        Row::new(&self.prompt(question, hint), &format!("{thought}{}", self.closing()))
    }

    /// The token that ends q's thought.
    pub fn closing(self) -> &'static str {
        match self {
            Self::A => END_EXPL,
            Self::B => END_THINK,
        }
    }
}

/// Why a completion has no usable thought or answer. An invalid thought gets weight zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InvalidSpan {
    /// Nothing stands before the closing token.
    #[error("empty")]
    Empty,
    /// The closing token never came.
    #[error("unfinished")]
    Unfinished,
    /// A special token stands where only characters may.
    #[error("contains a special token")]
    Special,
}

/// The thought in a completion `z` + `closing` (`</think>` for pi and template B, [`Template::closing`] for
/// q).
pub fn completed_thought<'a>(completion: &'a str, closing: &str) -> Result<&'a str, InvalidSpan> {
    match closed(completion, closing)? {
        "" => Err(InvalidSpan::Empty),
        thought => Ok(thought),
    }
}

/// The answer in a completion `y</ans>`.
pub fn completed_answer(completion: &str) -> Result<&str, InvalidSpan> {
    closed(completion, END_ANS)
}

/// Thought and answer of a completion `z</think><ans>y</ans>`. The thought may be empty: a question may be
/// answered at once.
pub fn completed_solution(completion: &str) -> Result<(&str, &str), InvalidSpan> {
    let (thought, answer) =
        completion.split_once(&format!("{END_THINK}{ANS}")).ok_or(InvalidSpan::Unfinished)?;
    if has_special(thought) {
        return Err(InvalidSpan::Special);
    }
    Ok((thought, closed(answer, END_ANS)?))
}

fn closed<'a>(completion: &'a str, closing: &str) -> Result<&'a str, InvalidSpan> {
    let span = completion.strip_suffix(closing).ok_or(InvalidSpan::Unfinished)?;
    if has_special(span) { Err(InvalidSpan::Special) } else { Ok(span) }
}
