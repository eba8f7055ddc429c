//! Tests that are Python themselves: the test in one interpreter, the program in another (see
//! `guest/checks.py`).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::program::{Entry, Program, Run, RunOutcome};
use crate::rows::Check;
use crate::sandbox::{Sandbox, guest_thread};
use crate::session::{Reply, Session, Sizes, broken_interpreter};
use crate::verdict::{TestResult, Verdict};
use crate::wasi::{SharedTime, Stdin};

/// What the test says: its verdict on the program and why, or what is wrong with the judge.
type Said = Result<(Verdict, String), String>;

/// Runs one check.
pub(super) fn run(sandbox: &Sandbox, source: &str, check: &Check) -> TestResult {
    let program = Program { source: source.to_owned(), entry: Entry::Stdin, prelude: check.prelude };
    let judged = sandbox.on_guest_thread(2, || {
        let defined = definitions(sandbox, check);
        let both = |sizes| both(sandbox, &program, check, &defined, sizes);
        match both(Sizes::Narrow) {
            (_, true) => both(Sizes::Wide).0,
            (result, false) => result,
        }
    });
    judged.unwrap_or_else(TestResult::failure)
}

/// The program's interpreter runs on this thread, the test's on another. Gives the result, and whether the program failed
/// for want of wide sizes. `defined` is what [`definitions`] gives.
fn both(
    sandbox: &Sandbox,
    program: &Program,
    check: &Check,
    defined: &[u8],
    sizes: Sizes,
) -> (TestResult, bool) {
    let line = Line::default();
    let mut session = match sandbox.session(line.as_stdin()) {
        Ok(session) => session,
        Err(outcome) => return (TestResult::of_failed(Run { outcome, fuel: 0, peak_memory: 0 }), false),
    };
    let result = match session.load(program, sizes).and_then(|()| session.ask(&[b"N", defined].concat())) {
        Ok(_) => std::thread::scope(|scope| {
            let (questions, asked) = channel();
            let (answers, answered) = channel();
            line.connect(asked, answers);
            // Whatever happens here, the test is not left waiting.
            let _hang_up = HangUp(&line);
            let time = line.time.clone();
            let test =
                guest_thread().spawn_scoped(scope, move || ask(sandbox, check, questions, answered, time));
            match test {
                Ok(test) => {
                    let failed = answer(&mut session, &line);
                    line.hang_up();
                    let said = test.join().unwrap_or_else(|_| Err("the test's thread panicked".to_owned()));
                    verdict(&session, failed, said)
                }
                Err(error) => TestResult::failure(format!("no thread for the test: {error}")),
            }
        }),
        Err(outcome) => TestResult::of_failed(session.run(outcome)),
    };
    let too_narrow = session.is_too_narrow();
    session.end();
    (result, too_narrow)
}

/// What of the test's setup the program finds defined, as a JSON list of texts. No program runs in the interpreter that says so: it
/// would find the rest of the setup, and the test, in its memory.
fn definitions(sandbox: &Sandbox, check: &Check) -> Vec<u8> {
    let none = b"[]".to_vec();
    if check.setup.trim().is_empty() {
        return none;
    }
    let Ok(mut session) = sandbox.session(Stdin::default()) else { return none };
    let request = serde_json::json!([check.setup, check.code, check.entry]).to_string();
    let said = session.ask(["D", &request].concat().as_bytes());
    session.end();
    if let Ok(Reply::Done(texts)) = said { texts } else { none }
}

/// The program's end of the line to the test: what the test asks comes in, answers go out. What the program asks in the
/// middle of an answer, such as the result of a function that the test gave it, goes the same way.
#[derive(Clone, Default)]
struct Line {
    ends: Arc<Mutex<Option<Ends>>>,
    time: SharedTime,
}

/// Where questions come from, and where answers go.
type Ends = (Receiver<Vec<u8>>, Sender<Vec<u8>>);

impl Line {
    fn connect(&self, asked: Receiver<Vec<u8>>, answers: Sender<Vec<u8>>) {
        *self.ends() = Some((asked, answers));
    }

    /// From now on nobody is at the other end, and the test reads the end of its input.
    fn hang_up(&self) {
        *self.ends() = None;
    }

    fn ends(&self) -> MutexGuard<'_, Option<Ends>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the test says next; `None` when it has ended.
    fn receive(&self) -> Option<Vec<u8>> {
        self.ends().as_ref()?.0.recv().ok()
    }

    /// Sends one line. More than one would be answers to what was not asked yet.
    fn send(&self, text: &[u8]) -> Option<()> {
        self.ends().as_ref()?.1.send([text, b"\n"].concat()).ok()
    }

    /// A standard input on which the program reads what the test says to what it has written.
    fn as_stdin(&self) -> Stdin {
        let line = self.clone();
        let ask = move |written: Vec<u8>| {
            line.send(last_line(&written)?)?;
            Some([line.receive()?.as_slice(), b"\n"].concat())
        };
        Stdin::Peer { ask: Mutex::new(Box::new(ask)), time: self.time.clone(), answer: Vec::new() }
    }
}

/// Hangs up when it is dropped.
struct HangUp<'a>(&'a Line);

impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        self.0.hang_up();
    }
}

/// The line that ends what was written; whatever was printed stands before it.
fn last_line(written: &[u8]) -> Option<&[u8]> {
    written.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()
}

/// Answers what the test asks about the program, until the test ends or the program does. Gives what ended
/// the program. Nobody listens to the test from then on.
fn answer(session: &mut Session<'_>, line: &Line) -> Option<RunOutcome> {
    while let Some(question) = line.receive() {
        session.meet(&line.time);
        let answer = session.ask(&[b"O", question.as_slice()].concat());
        session.meet(&line.time);
        let answer = match answer {
            Ok(Reply::Done(answer)) if !answer.contains(&b'\n') => answer,
            Ok(_) => return Some(broken_interpreter()),
            Err(outcome) => return Some(outcome),
        };
        if line.send(&answer).is_none() {
            break;
        }
    }
    None
}

/// Runs the test and gives what it says. It reads answers where a program reads its input.
fn ask(
    sandbox: &Sandbox,
    check: &Check,
    questions: Sender<Vec<u8>>,
    answered: Receiver<Vec<u8>>,
    time: SharedTime,
) -> Said {
    let ask = move |question: Vec<u8>| {
        questions.send(last_line(&question)?.to_vec()).ok()?;
        answered.recv().ok()
    };
    let stdin = Stdin::Peer { ask: Mutex::new(Box::new(ask)), time, answer: Vec::new() };
    let mut session = sandbox.session(stdin).map_err(|outcome| format!("{outcome:?}"))?;
    let request = serde_json::json!([check.setup, check.code, check.entry, check.functions]).to_string();
    let said = session.ask(["T", &request].concat().as_bytes());
    session.end();
    match said {
        Ok(Reply::Done(_)) => Ok((Verdict::Pass, String::new())),
        Ok(Reply::Wrong(message)) => Ok((Verdict::WrongAnswer, message)),
        Ok(Reply::BrokenTest(message)) => Err(format!("the test is broken: {message}")),
        Err(RunOutcome::JudgeFailure { message }) => Err(message),
        Err(RunOutcome::RuntimeError { message }) => Ok((Verdict::RuntimeError, message)),
        // A program may feed a test more than it can take; that is no fault of the judge.
        Err(RunOutcome::TimeLimit) => Ok((Verdict::TimeLimit, "in the test".to_owned())),
        Err(RunOutcome::MemoryLimit) => Ok((Verdict::MemoryLimit, "in the test".to_owned())),
        Err(outcome) => Ok((Verdict::RuntimeError, format!("the test ended with {outcome:?}"))),
    }
}

fn verdict(session: &Session<'_>, failed: Option<RunOutcome>, said: Said) -> TestResult {
    if let Some(outcome) = failed {
        return TestResult::of_failed(session.run(outcome));
    }
    match said {
        Ok((verdict, detail)) => {
            let run = session.run(RunOutcome::Completed { output: String::new() });
            let mut result = TestResult::of(run, verdict, detail);
            if verdict == Verdict::TimeLimit {
                // It is the test that used up its fuel, all of it.
                result.fuel = session.hard_fuel();
            }
            result
        }
        Err(message) => TestResult::failure(message),
    }
}
