//! Words, numbers and signs of a claim.

use std::borrow::Cow;

use super::error::{ParseError, ParseErrorKind};
use super::span::Span;

/// A token of a claim.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A row or column id, quotes removed.
    Name(String),
    /// A finite number without sign.
    Number(f64),
    /// One of `+ - * / ( ) . , | > < ~`.
    Sign(char),
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
    /// A word with a meaning of its own.
    Keyword(Keyword),
}

/// The words that have a meaning of their own; a name that is one of them is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Within,
    At,
}

impl Keyword {
    const ALL: [(Self, &'static str); 4] =
        [(Self::And, "and"), (Self::Or, "or"), (Self::Within, "within"), (Self::At, "at")];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, name)| *name == word).map(|(keyword, _)| keyword)
    }

    fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(keyword, _)| *keyword == self).map_or("", |(_, name)| name)
    }
}

impl Token {
    /// How an error message speaks of it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Name(name) => format!("the name `{name}`"),
            Self::Number(value) => format!("the number {value}"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::AtLeast => "`>=`".to_owned(),
            Self::AtMost => "`<=`".to_owned(),
            Self::Keyword(keyword) => format!("`{}`", keyword.word()),
        }
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Length in bytes of the bare name at the start of `text`; zero if there is none.
fn bare_name_len(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return 0;
    }
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let dash_inside = c == '-' && chars.peek().is_some_and(|(_, next)| next.is_ascii_alphanumeric());
        if !is_name_char(c) && !dash_inside {
            return at;
        }
    }
    text.len()
}

/// Length in bytes of `12` or `12.5` at the start of `text`.
fn number_len(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    match text[whole..].strip_prefix('.').map(digits) {
        Some(fraction) if fraction > 0 => whole + 1 + fraction,
        _ => whole,
    }
}

/// A name as it must be written in a claim: bare where possible, else in double quotes.
pub(super) fn quoted(name: &str) -> Cow<'_, str> {
    let bare = !name.is_empty() && bare_name_len(name) == name.len() && Keyword::of(name).is_none();
    if bare { Cow::Borrowed(name) } else { Cow::Owned(format!("\"{name}\"")) }
}

/// Splits a claim into tokens and their places.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Span)>, ParseError> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let error = |len: usize, kind| ParseError { span: Span { start, end: start + len }, kind };
        let (token, len) = if first.is_whitespace() {
            start += first.len_utf8();
            continue;
        } else if first == '"' {
            match rest[1..].find('"') {
                Some(0) => return Err(error(2, ParseErrorKind::EmptyName)),
                Some(len) => (Token::Name(rest[1..=len].to_owned()), len + 2),
                None => return Err(error(rest.len(), ParseErrorKind::UnclosedQuote)),
            }
        } else if first.is_ascii_digit() {
            let len = number_len(rest);
            match rest[..len].parse::<f64>() {
                Ok(value) if value.is_finite() => (Token::Number(value), len),
                _ => return Err(error(len, ParseErrorKind::NumberTooLarge)),
            }
        } else if first.is_ascii_alphabetic() {
            let len = bare_name_len(rest);
            let word = &rest[..len];
            (Keyword::of(word).map_or_else(|| Token::Name(word.to_owned()), Token::Keyword), len)
        } else if rest.starts_with(">=") {
            (Token::AtLeast, 2)
        } else if rest.starts_with("<=") {
            (Token::AtMost, 2)
        } else if "+-*/().,|><~".contains(first) {
            (Token::Sign(first), 1)
        } else {
            return Err(error(first.len_utf8(), ParseErrorKind::UnexpectedCharacter(first)));
        };
        tokens.push((token, Span { start, end: start + len }));
        start += len;
    }
    Ok(tokens)
}
