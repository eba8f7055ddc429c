//! Texts with places for a question and a hint.

const QUESTION: &str = "{question}";
const HINT: &str = "{hint}";

/// A text in which `{question}` and `{hint}` stand for what they name; all other braces are text. What is
/// filled in is never searched for places again, so a question that contains `{hint}` is shown as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Question,
    Hint,
}

impl Pattern {
    /// Reads a pattern; every text is one.
    pub(crate) fn parse(mut text: &str) -> Self {
        let mut pieces = Vec::new();
        loop {
            let next = [(QUESTION, Piece::Question), (HINT, Piece::Hint)]
                .into_iter()
                .filter_map(|(name, piece)| Some((text.find(name)?, name, piece)))
                .min_by_key(|(at, ..)| *at);
            let end = next.as_ref().map_or(text.len(), |(at, ..)| *at);
            if end > 0 {
                pieces.push(Piece::Text(text[..end].to_owned()));
            }
            let Some((at, name, piece)) = next else { return Self { pieces } };
            pieces.push(piece);
            text = &text[at + name.len()..];
        }
    }

    /// How often the question stands in it.
    pub(crate) fn questions(&self) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Question).count()
    }

    /// How often the hint stands in it.
    pub(crate) fn hints(&self) -> usize {
        self.pieces.iter().filter(|piece| **piece == Piece::Hint).count()
    }

    /// The text with both filled in.
    pub(crate) fn fill(&self, question: &str, hint: &str) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Question => question,
                Piece::Hint => hint,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_two_places_are_filled() {
        for (pattern, filled, questions, hints) in [
            ("{question}", "Q{hint}", 1, 0),
            ("a {hint}{question} \\boxed{}. {{question}", "a H{question}Q{hint} \\boxed{}. {Q{hint}", 2, 1),
            ("", "", 0, 0),
            ("{Question} {hint", "{Question} {hint", 0, 0),
        ] {
            let pattern = Pattern::parse(pattern);
            assert_eq!(pattern.fill("Q{hint}", "H{question}"), filled);
            assert_eq!((pattern.questions(), pattern.hints()), (questions, hints));
        }
    }
}
