//! JSON as other tools write it: with `NaN` and `Infinity`, which JSON does not have.

use std::io::{self, BufRead, Read};

use serde::de::DeserializeOwned;

use crate::error::{ImportError, Place, content};

/// The first character of a string that stands for `NaN` or an infinite number. No tool writes this character.
pub(crate) const NOT_FINITE: char = '\u{7f}';

/// Replaces `NaN`, `Infinity` and `-Infinity` outside of strings by strings of the same length that begin with
/// [`NOT_FINITE`], so that lines and columns in the text stay the same.
pub(crate) struct Constants<R> {
    inner: R,
    state: State,
    ready: Vec<u8>,
    given: usize,
}

#[derive(Clone, Copy)]
enum State {
    Outside,
    /// After a `-` that has not been passed on.
    Minus,
    String,
    Escape,
    /// Inside a constant, with the number of its bytes that have been read.
    Constant(&'static [u8], usize),
}

impl<R: BufRead> Constants<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, state: State::Outside, ready: Vec::new(), given: 0 }
    }

    fn step(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Escape, _) => self.pass(byte, State::String),
            (State::String, b'\\') => self.pass(byte, State::Escape),
            (State::String, b'"') => self.pass(byte, State::Outside),
            (State::String, _) => self.pass(byte, State::String),
            (State::Constant(word, at), _) => self.constant(word, at, byte),
            (State::Minus, b'I') => {
                self.ready.push(b' ');
                self.pass(b'"', State::Constant(b"Infinity", 1))
            }
            (State::Minus, _) => {
                self.ready.push(b'-');
                self.state = State::Outside;
                return self.step(byte);
            }
            (State::Outside, b'-') => State::Minus,
            (State::Outside, b'"') => self.pass(byte, State::String),
            (State::Outside, b'N') => self.pass(b'"', State::Constant(b"NaN", 1)),
            (State::Outside, b'I') => self.pass(b'"', State::Constant(b"Infinity", 1)),
            (State::Outside, _) => self.pass(byte, State::Outside),
        };
    }

    fn pass(&mut self, byte: u8, next: State) -> State {
        self.ready.push(byte);
        next
    }

    fn constant(&mut self, word: &'static [u8], at: usize, byte: u8) -> State {
        match (word[at] == byte, at + 1 == word.len(), at) {
            // JSON does not allow this byte, so the parser reports its place.
            (false, ..) => self.pass(0, State::Outside),
            (true, true, _) => self.pass(b'"', State::Outside),
            (true, false, 1) => self.pass(0x7f, State::Constant(word, 2)),
            (true, false, _) => self.pass(b' ', State::Constant(word, at + 1)),
        }
    }
}

impl<R: BufRead> Read for Constants<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() {
            (self.ready, self.given) = (std::mem::take(&mut self.ready), 0);
            self.ready.clear();
            let chunk = self.inner.fill_buf()?.to_vec();
            if chunk.is_empty() {
                return Ok(0);
            }
            self.inner.consume(chunk.len());
            chunk.iter().for_each(|byte| self.step(*byte));
        }
        let count = buffer.len().min(self.ready.len() - self.given);
        buffer[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

/// Reads JSON that is one line of a file.
pub(crate) fn line<T: DeserializeOwned>(
    text: &[u8],
    file: &str,
    line: u64,
    remedy: &'static str,
) -> Result<T, ImportError> {
    serde_json::from_reader(Constants::new(text)).map_err(|error| {
        let column = error.column() as u64;
        content(Place { file: file.to_owned(), line, column }, says(&error), remedy)
    })
}

/// Turns an error of the JSON parser into one that names the file and the place.
pub(crate) fn broken(error: serde_json::Error, file: &str, remedy: &'static str) -> ImportError {
    if error.is_io() {
        return ImportError::Read { file: file.to_owned(), source: error.into() };
    }
    let (line, column) = (error.line() as u64, error.column() as u64);
    content(Place { file: file.to_owned(), line, column }, says(&error), remedy)
}

/// The parser's message without the place, which the error holds separately.
fn says(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(message, _)| message.to_owned())
}
