//! Finding thought and answer in what a model wrote.

use serde::{Deserialize, Serialize};

use super::{Dialect, Parting, SolutionSpec};

/// Why a completion has no usable thought or answer. An invalid thought gets weight zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InvalidSpan {
    /// There is nothing, or only space, before the closing text.
    #[error("empty")]
    Empty,
    /// The closing text never came, or the text between thought and answer is not where it should be.
    #[error("unfinished")]
    Unfinished,
    /// A delimiter or special token occurs where only plain text is allowed.
    #[error("contains a special text")]
    Special,
}

/// Reading back: `text` is a completion without its stop string, `stop` the stop string that ended it.
impl Dialect {
    /// The thought in a completion of [`reasoner_prompt`](Self::reasoner_prompt) or
    /// [`posterior_prompt`](Self::posterior_prompt) that was to stop after it. Always read strictly: a cut or
    /// empty thought, or one that contains a special text, is invalid.
    ///
    /// Where the answer is the last part of a reply, the reply is read whole, and must have ended.
    ///
    /// # Errors
    /// Why there is no usable thought.
    pub fn read_thought<'a>(&self, text: &'a str, stop: Option<&str>) -> Result<&'a str, InvalidSpan> {
        let of_posterior = self.posterior.iter().any(|prompt| stop == Some(prompt.close.as_str()));
        if self.parting == Parting::Last && !of_posterior {
            let (thought, _) = self.read_solution(text, stop)?;
            return if thought.trim().is_empty() { Err(InvalidSpan::Empty) } else { Ok(thought) };
        }
        let mut closings =
            [&self.reasoner].into_iter().chain(&self.posterior).map(|prompt| prompt.close.as_str());
        if !stop.is_some_and(|stop| closings.any(|closing| closing == stop)) {
            return Err(InvalidSpan::Unfinished);
        }
        let thought = self.plain(text)?;
        if thought.trim().is_empty() { Err(InvalidSpan::Empty) } else { Ok(thought) }
    }

    /// The answer in a completion of [`answer_prompt`](Self::answer_prompt).
    ///
    /// Strictly, it must have been ended by the closing text and begin with the opening text, unless that was
    /// given. Leniently, it is what follows the last opening text, or all there is.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub fn read_answer<'a>(&self, text: &'a str, stop: Option<&str>) -> Result<&'a str, InvalidSpan> {
        let SolutionSpec { begin, given, .. } = &self.solution;
        if self.lenient {
            return Ok(text.rsplit_once(begin.as_str()).map_or(text, |(_, answer)| answer));
        }
        let answer =
            if *given { text } else { text.strip_prefix(begin.as_str()).ok_or(InvalidSpan::Unfinished)? };
        self.closed(answer, stop)
    }

    /// Thought and answer in a completion of [`reasoner_prompt`](Self::reasoner_prompt). The thought may be
    /// empty: a question may be answered at once.
    ///
    /// They are parted by the first place where the text that opens an answer follows the one that closes a
    /// thought. Strictly, both must be plain and the answer closed. Leniently, a reply without that place is
    /// all answer, and whatever follows the place is the answer, closed or not.
    ///
    /// Where the answer is the last part of a reply, a reply that ended has one, and a reply of one part is all answer.
    ///
    /// # Errors
    /// Why there is no usable answer.
    pub fn read_solution<'a>(
        &self,
        text: &'a str,
        stop: Option<&str>,
    ) -> Result<(&'a str, &'a str), InvalidSpan> {
        if self.parting == Parting::Last {
            let answered = self.closed(text, stop)?;
            return Ok(answered.rsplit_once(self.reasoner.close.as_str()).unwrap_or(("", answered)));
        }
        let seam = format!("{}{}", self.reasoner.close, self.solution.begin);
        match text.split_once(&seam) {
            parts if self.lenient => Ok(parts.unwrap_or(("", text))),
            Some((thought, answer)) => Ok((self.plain(thought)?, self.closed(answer, stop)?)),
            None => Err(InvalidSpan::Unfinished),
        }
    }

    fn closed<'a>(&self, text: &'a str, stop: Option<&str>) -> Result<&'a str, InvalidSpan> {
        let ended = match self.parting {
            Parting::Seam => stop == Some(self.solution.end.as_str()),
            Parting::Last => stop.is_some_and(|stop| self.specials.iter().any(|special| special == stop)),
        };
        if ended { self.plain(text) } else { Err(InvalidSpan::Unfinished) }
    }

    fn plain<'a>(&self, text: &'a str) -> Result<&'a str, InvalidSpan> {
        match self.special_in(text) {
            Some(_) => Err(InvalidSpan::Special),
            None => Ok(text),
        }
    }
}
