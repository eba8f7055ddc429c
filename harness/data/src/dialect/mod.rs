//! How a question x, a thought z and an answer y are laid out for the reasoner pi(z, y | x) and the posterior
//! q(z | x, y'), and how thought and answer are found again in what a model writes.
//!
//! | model | text | loss on |
//! |---|---|---|
//! | pi | prompt, z, close, begin, y, end | all after the prompt |
//! | pi, thought alone | prompt, z, close | z, close |
//! | pi, answer alone | prompt, z, close, begin, y, end | y, end; begin too if the model writes it |
//! | q | prompt with y', z, close | z, close |
//!
//! The prompt, the thought with what closes it, and the answer with what opens and closes it are segments of
//! their own, so that they are tokenised apart, as in the released code. The closing text is always part of
//! the loss: it is what makes a completion finite.
//!
//! The embedded world's dialect and those of chat models are the same thing with other texts. In the form of the embedded
//! world's worked documents, `x;step;step;y<eos>`, thought and answer are parted otherwise: the answer is the last part of
//! a reply, and the thought all before it.

mod checks;
mod error;
mod reading;
mod spec;

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use checks::TextFault;
pub use error::DialectError;
pub use reading::InvalidSpan;
pub use spec::{
    ChatSpec, DialectKind, DialectSpec, EmbeddedName, FromCheckpoint, PosteriorSpecs, PromptSpec,
    SolutionSpec, TemplateOrigin, TemplateSpec,
};

use crate::Item;
use crate::chat_template::{ChatTemplate, Message};
use crate::checkpoint_template::CheckpointTemplate;
use crate::embedded::teacher::LINE_SEPARATOR;
use crate::embedded::vocabulary;
use crate::pattern::Pattern;

/// A piece of text, tokenised on its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The text.
    pub text: String,
    /// Whether its tokens are trained on or scored.
    pub loss: bool,
}

/// Where q is shown the answer hint y'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Hint {
    /// Solution first, then an explanation of it (the paper's prompt A).
    A,
    /// The solution as a hint, then a thought (the paper's prompt B).
    B,
}

impl Hint {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];
}

/// How questions, thoughts, hints and answers are laid out as text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "DialectSpec")]
#[schemars(with = "DialectSpec")]
pub struct Dialect {
    turns: Turns,
    questions: BTreeMap<String, Pattern>,
    reasoner: Prompt,
    posterior: [Prompt; 2],
    solution: SolutionSpec,
    requires: Vec<String>,
    stops: Vec<String>,
    /// Special tokens and delimiters: none may occur in what a user writes, or in a thought.
    specials: Vec<String>,
    lenient: bool,
    parting: Parting,
}

/// What the turns of a conversation are put into.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a dialect has one, and a step has one dialect")]
enum Turns {
    /// Nothing: they are joined as they are.
    Joined,
    /// A template.
    Template(ChatTemplate),
    /// The template of the model's checkpoint, once that is known.
    OfCheckpoint { variables: BTreeMap<String, serde_json::Value>, date: Option<String> },
}

/// How thought and answer are told apart in a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parting {
    /// By the first place where the text that opens an answer follows the one that closes a thought.
    Seam,
    /// By the last of the texts that close a thought. Any special token ends a reply, so that only a whole reply has a
    /// thought.
    Last,
}

#[derive(Debug, Clone)]
struct Prompt {
    system: Option<String>,
    user: Pattern,
    open: Pattern,
    close: String,
}

impl TryFrom<DialectSpec> for Dialect {
    type Error = DialectError;

    fn try_from(spec: DialectSpec) -> Result<Self, DialectError> {
        match spec {
            DialectSpec::Embedded(EmbeddedName::Embedded) => Ok(Self::embedded()),
            DialectSpec::Embedded(EmbeddedName::EmbeddedWorked) => Ok(Self::embedded_worked()),
            DialectSpec::Chat(spec) => Self::chat(*spec),
        }
    }
}

impl Dialect {
    /// The dialect of the embedded world: `<bos>x<think>z</think><ans>y</ans>` for pi,
    /// `<bos><qa>x<ans>y'</ans><expl>z</expl>` and `<bos><qb>x<hint>y'</hint><think>z</think>` for q.
    pub fn embedded() -> Self {
        use vocabulary::{ANS, BOS, END_ANS, END_EXPL, END_HINT, END_THINK, EXPL, HINT, QA, QB, THINK};
        let prompt = |user: String, open: &str, close: &str| Prompt {
            system: None,
            user: Pattern::parse(&user),
            open: Pattern::parse(open),
            close: close.to_owned(),
        };
        let specials: Vec<String> = vocabulary::SPECIALS.map(str::to_owned).into();
        Self {
            turns: Turns::Joined,
            questions: BTreeMap::new(),
            reasoner: prompt(format!("{BOS}{{question}}"), THINK, END_THINK),
            posterior: [
                prompt(format!("{BOS}{QA}{{question}}"), &format!("{ANS}{{hint}}{END_ANS}{EXPL}"), END_EXPL),
                prompt(
                    format!("{BOS}{QB}{{question}}"),
                    &format!("{HINT}{{hint}}{END_HINT}{THINK}"),
                    END_THINK,
                ),
            ],
            solution: SolutionSpec { begin: ANS.to_owned(), end: END_ANS.to_owned(), given: true },
            requires: specials.clone(),
            stops: Vec::new(),
            specials,
            lenient: false,
            parting: Parting::Seam,
        }
    }

    /// The dialect of the embedded world's base models, the form of worked documents: pi is asked `<bos>x;` and writes
    /// `step;step;y`. Any special token ends a reply; what stands after its last `;` is the answer. q is as in
    /// [`embedded`](Self::embedded).
    pub fn embedded_worked() -> Self {
        let embedded = Self::embedded();
        let part = LINE_SEPARATOR.to_owned();
        let reasoner = Prompt { open: Pattern::parse(&part), close: part, ..embedded.reasoner };
        let solution = SolutionSpec { begin: String::new(), end: vocabulary::EOS.to_owned(), given: true };
        let stops = embedded.specials.clone();
        Self { reasoner, solution, stops, parting: Parting::Last, ..embedded }
    }

    /// A dialect for chat models.
    ///
    /// # Errors
    /// A template that is none, refuses a plain question or leaves out what it is given; a delimiter that is
    /// empty; `{question}` or `{hint}` missing or out of place; a thought that is closed as an answer is ended.
    pub fn chat(spec: ChatSpec) -> Result<Self, DialectError> {
        let mut variables = spec.variables;
        let tokens = [("bos_token", spec.bos_token), ("eos_token", spec.eos_token)];
        let known = tokens.into_iter().filter_map(|(name, token)| Some((name.to_owned(), token?.into())));
        variables.extend(known);
        for (name, text) in [("solution.begin", &spec.solution.begin), ("solution.end", &spec.solution.end)] {
            named(name, checks::not_empty(text))?;
        }
        for (index, text) in spec.requires.iter().enumerate() {
            named(&format!("requires[{index}]"), checks::not_empty(text))?;
        }
        for (index, text) in spec.stops.iter().enumerate() {
            named(&format!("stops[{index}]"), checks::not_empty(text))?;
        }
        let questions = spec.questions.into_iter().map(|(benchmark, text)| {
            named(&format!("questions.{benchmark}"), checks::question_alone(&text))?;
            Ok((benchmark, Pattern::parse(&text)))
        });
        let mut dialect = Self {
            turns: match spec.template {
                TemplateSpec::Checkpoint(_) => Turns::OfCheckpoint { variables, date: spec.date },
                TemplateSpec::Text(text) => {
                    Turns::Template(ChatTemplate::new(&text, &variables, spec.date.as_deref())?)
                }
            },
            questions: questions.collect::<Result<_, DialectError>>()?,
            reasoner: Prompt::new("reasoner", spec.reasoner, 0)?,
            posterior: [
                Prompt::new("posterior.A", spec.posterior.a, 1)?,
                Prompt::new("posterior.B", spec.posterior.b, 1)?,
            ],
            solution: spec.solution,
            requires: spec.requires,
            stops: spec.stops,
            specials: Vec::new(),
            lenient: spec.lenient,
            parting: Parting::Seam,
        };
        dialect.specials = dialect.meaningful_texts();
        for (name, prompt) in dialect.prompts() {
            if prompt.close == dialect.solution.end {
                let (close, text) = (format!("{name}.close"), prompt.close.clone());
                return Err(DialectError::Same { close, text });
            }
        }
        if !dialect.wants_template() {
            dialect.try_out()?;
        }
        Ok(dialect)
    }

    /// Whether the recipe wants the template of the model's checkpoint, and it is not known yet.
    pub fn wants_template(&self) -> bool {
        matches!(self.turns, Turns::OfCheckpoint { .. })
    }

    /// The same dialect with the template of the model's checkpoint, if it wants that: from `file`, where there is one, and
    /// else from the files of the model's folder, whose places `in_folder` gives.
    ///
    /// # Errors
    /// There is no template, it is none, refuses a plain question or leaves out what it is given.
    pub fn with_checkpoint(
        &self,
        file: Option<&Utf8Path>,
        in_folder: &dyn Fn(&str) -> Option<Utf8PathBuf>,
    ) -> Result<Self, DialectError> {
        let Turns::OfCheckpoint { variables, date } = &self.turns else { return Ok(self.clone()) };
        let template = match file {
            Some(file) => CheckpointTemplate::of_file("the file of input `template`", file)?,
            None => CheckpointTemplate::of_folder(in_folder)?,
        };
        let turns = Turns::Template(ChatTemplate::of_checkpoint(&template, variables, date.as_deref())?);
        let dialect = Self { turns, ..self.clone() };
        dialect.try_out()?;
        Ok(dialect)
    }

    /// The prompts, with their names in a recipe.
    fn prompts(&self) -> [(&'static str, &Prompt); 3] {
        let [a, b] = &self.posterior;
        [("reasoner", &self.reasoner), ("posterior.A", a), ("posterior.B", b)]
    }

    /// Special tokens that the tokenizer must have.
    pub fn requires(&self) -> &[String] {
        &self.requires
    }

    /// Whether a model goes on after its end-of-sequence token: in the embedded world that token ends documents,
    /// not replies.
    pub fn ignores_end_of_sequence(&self) -> bool {
        matches!(self.turns, Turns::Joined)
    }

    /// What pi is given to produce a thought and an answer. No loss.
    ///
    /// # Errors
    /// The template refuses the question, or the question contains a delimiter or special token.
    pub fn reasoner_prompt(&self, item: &Item) -> Result<Vec<Segment>, DialectError> {
        Ok(vec![given(self.prompt(&self.reasoner, item, "")?)])
    }

    /// What pi is trained on: loss on thought and answer and what closes them.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt).
    pub fn reasoner_row(
        &self,
        item: &Item,
        thought: &str,
        answer: &str,
    ) -> Result<Vec<Segment>, DialectError> {
        let SolutionSpec { begin, end, .. } = &self.solution;
        let mut row = self.thought_row(item, thought)?;
        row.push(learnt(format!("{begin}{answer}{end}")));
        Ok(row)
    }

    /// For log pi(z | x): loss on the thought and what closes it.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt).
    pub fn thought_row(&self, item: &Item, thought: &str) -> Result<Vec<Segment>, DialectError> {
        let prompt = self.prompt(&self.reasoner, item, "")?;
        Ok(vec![given(prompt), learnt(format!("{thought}{}", self.reasoner.close))])
    }

    /// What pi is given to answer after a thought. No loss.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt).
    pub fn answer_prompt(&self, item: &Item, thought: &str) -> Result<Vec<Segment>, DialectError> {
        let mut prompt = self.after_thought(item, thought)?;
        if self.solution.given {
            prompt.push(given(self.solution.begin.clone()));
        }
        Ok(prompt)
    }

    /// For log pi(y | x, z): loss on the answer and what closes it, and on what opens it if the model writes
    /// that.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt).
    pub fn answer_row(&self, item: &Item, thought: &str, answer: &str) -> Result<Vec<Segment>, DialectError> {
        let SolutionSpec { begin, end, given } = &self.solution;
        let mut row = self.answer_prompt(item, thought)?;
        row.push(learnt(if *given { format!("{answer}{end}") } else { format!("{begin}{answer}{end}") }));
        Ok(row)
    }

    /// What follows a thought, finished or not, before an answer is chosen among options. No loss.
    ///
    /// Where the answer is the last part of a reply, `thought` is that reply: its last part is left out.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt).
    pub fn choice_prompt(&self, item: &Item, thought: &str) -> Result<Vec<Segment>, DialectError> {
        if self.parting == Parting::Last {
            let before = thought.rfind(&self.reasoner.close).map_or(0, |at| at + self.reasoner.close.len());
            let mut prompt = self.reasoner_prompt(item)?;
            prompt.push(given(thought[..before].to_owned()));
            return Ok(prompt);
        }
        let mut prompt = self.after_thought(item, thought)?;
        prompt.push(given(self.solution.begin.clone()));
        Ok(prompt)
    }

    /// What q is given to produce a thought. No loss.
    ///
    /// # Errors
    /// As [`reasoner_prompt`](Self::reasoner_prompt), also for the hint.
    pub fn posterior_prompt(
        &self,
        hint: Hint,
        item: &Item,
        hint_answer: &str,
    ) -> Result<Vec<Segment>, DialectError> {
        Ok(vec![given(self.prompt(self.shown(hint), item, hint_answer)?)])
    }

    /// What q is trained on and scored by: loss on the thought and what closes it.
    ///
    /// # Errors
    /// As [`posterior_prompt`](Self::posterior_prompt).
    pub fn posterior_row(
        &self,
        hint: Hint,
        item: &Item,
        hint_answer: &str,
        thought: &str,
    ) -> Result<Vec<Segment>, DialectError> {
        let mut row = self.posterior_prompt(hint, item, hint_answer)?;
        row.push(learnt(format!("{thought}{}", self.shown(hint).close)));
        Ok(row)
    }

    /// What ends a whole reply.
    pub fn solution_stops(&self) -> Vec<String> {
        self.ended_by(&self.solution.end)
    }

    /// What ends a thought of pi: with the answer as the last part, what ends the whole reply.
    pub fn thought_stops(&self) -> Vec<String> {
        match self.parting {
            Parting::Seam => self.ended_by(&self.reasoner.close),
            Parting::Last => self.solution_stops(),
        }
    }

    /// What ends a thought of q.
    pub fn posterior_stops(&self, hint: Hint) -> Vec<String> {
        self.ended_by(&self.shown(hint).close)
    }

    /// What ends an answer.
    pub fn answer_stops(&self) -> Vec<String> {
        self.ended_by(&self.solution.end)
    }

    fn ended_by(&self, close: &str) -> Vec<String> {
        let others = self.stops.iter().filter(|stop| *stop != close).cloned();
        [close.to_owned()].into_iter().chain(others).collect()
    }

    fn shown(&self, hint: Hint) -> &Prompt {
        let [a, b] = &self.posterior;
        match hint {
            Hint::A => a,
            Hint::B => b,
        }
    }

    fn after_thought(&self, item: &Item, thought: &str) -> Result<Vec<Segment>, DialectError> {
        let mut row = self.thought_row(item, thought)?;
        row.iter_mut().for_each(|segment| segment.loss = false);
        Ok(row)
    }

    fn prompt(&self, prompt: &Prompt, item: &Item, hint: &str) -> Result<String, DialectError> {
        for (what, text) in [("question", item.question.as_str()), ("hint", hint)] {
            if let Some(special) = self.special_in(text) {
                return Err(DialectError::Special { what, id: item.id.clone(), text: special.to_owned() });
            }
        }
        match self.questions.get(&item.benchmark) {
            Some(pattern) => self.render(prompt, &pattern.fill(&item.question, ""), hint),
            None => self.render(prompt, &item.question, hint),
        }
    }

    fn render(&self, prompt: &Prompt, question: &str, hint: &str) -> Result<String, DialectError> {
        let user = prompt.user.fill(question, hint);
        let open = prompt.open.fill(question, hint);
        let turns = match &self.turns {
            Turns::Template(template) => {
                let system = prompt.system.as_ref().map(|system| Message::new("system", system));
                let messages: Vec<Message> = system.into_iter().chain([Message::new("user", user)]).collect();
                template.render(&messages, true)?
            }
            Turns::Joined => user,
            Turns::OfCheckpoint { .. } => return Err(DialectError::NoCheckpoint),
        };
        Ok(turns + &open)
    }

    /// Lays out a trial question for every prompt: the template must show the question, the hint and the system prompt.
    fn try_out(&self) -> Result<(), DialectError> {
        const QUESTION: &str = "How much is 17 and 25?";
        const HINT: &str = "It is 42.";
        for (name, prompt) in self.prompts() {
            let text = self.render(prompt, QUESTION, HINT)?;
            let has_hint = prompt.user.hints() + prompt.open.hints() > 0;
            let shown = [
                ("question", Some(QUESTION)),
                ("hint", has_hint.then_some(HINT)),
                ("system prompt", prompt.system.as_deref().map(str::trim)),
            ];
            if let Some((what, _)) =
                shown.into_iter().find(|(_, part)| part.is_some_and(|part| !text.contains(part)))
            {
                return Err(DialectError::Lost { what, name });
            }
        }
        Ok(())
    }

    /// What must not occur in a question or a thought: special tokens, what closes a thought, and what opens and
    /// closes an answer. The space around them is left out, since a model may write other space.
    fn meaningful_texts(&self) -> Vec<String> {
        let closings = [&self.reasoner].into_iter().chain(&self.posterior).map(|prompt| &prompt.close);
        let texts = self.requires.iter().chain(closings).chain([&self.solution.begin, &self.solution.end]);
        texts.map(|text| if text.trim().is_empty() { text } else { text.trim() }.to_owned()).collect()
    }

    fn special_in(&self, text: &str) -> Option<&str> {
        self.specials.iter().map(String::as_str).find(|special| text.contains(special))
    }
}

impl Prompt {
    fn new(name: &str, spec: PromptSpec, hints: usize) -> Result<Self, DialectError> {
        named(&format!("{name}.close"), checks::not_empty(&spec.close))?;
        named(&format!("{name}.user"), checks::questions(&spec.user, 1))?;
        named(&format!("{name}.open"), checks::questions(&spec.open, 0))?;
        named(name, checks::hints(&spec, hints))?;
        let PromptSpec { system, user, open, close } = spec;
        Ok(Self { system, user: Pattern::parse(&user), open: Pattern::parse(&open), close })
    }
}

fn named(name: &str, checked: Result<(), TextFault>) -> Result<(), DialectError> {
    checked.map_err(|fault| DialectError::Text { name: name.to_owned(), fault })
}

fn given(text: String) -> Segment {
    Segment { text, loss: false }
}

fn learnt(text: String) -> Segment {
    Segment { text, loss: true }
}
