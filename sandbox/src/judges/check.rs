//! Tests that are Python themselves: the test in one interpreter, the program in another (see
//! `guest/checks.py`).

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::program::{Entry, Program, Run, RunOutcome};
use crate::rows::Check;
use crate::sandbox::{Sandbox, guest_thread};
use crate::session::{Reply, Session, broken_interpreter};
use crate::verdict::{TestResult, Verdict};
use crate::wasi::Stdin;

/// What the test says: its verdict on the program and why, or what is wrong with the judge.
type Said = Result<(Verdict, String), String>;

/// Runs one check.
pub(super) fn run(sandbox: &Sandbox, source: &str, check: &Check) -> TestResult {
    let program = Program { source: source.to_owned(), entry: Entry::Stdin, prelude: check.prelude };
    sandbox.on_guest_thread(2, || both(sandbox, &program, check)).unwrap_or_else(TestResult::failure)
}

/// The program's interpreter runs on this thread, the test's on another.
fn both(sandbox: &Sandbox, program: &Program, check: &Check) -> TestResult {
    let mut session = match sandbox.session(Stdin::default()) {
        Ok(session) => session,
        Err(outcome) => return TestResult::of_failed(Run { outcome, fuel: 0, peak_memory: 0 }),
    };
    let result = match session.load(program).and_then(|()| session.ask(b"N")) {
        Ok(_) => std::thread::scope(|scope| {
            let (questions, asked) = channel();
            let (answers, answered) = channel();
            let test = guest_thread().spawn_scoped(scope, move || ask(sandbox, check, questions, answered));
            match test {
                Ok(test) => {
                    let failed = answer(&mut session, asked, answers);
                    let said = test.join().unwrap_or_else(|_| Err("the test's thread panicked".to_owned()));
                    verdict(&session, failed, said)
                }
                Err(error) => TestResult::failure(format!("no thread for the test: {error}")),
            }
        }),
        Err(outcome) => TestResult::of_failed(session.run(outcome)),
    };
    session.end();
    result
}

/// Answers what the test asks about the program, until the test ends or the program does. Gives what ended
/// the program. Nobody listens to the test from then on.
fn answer(
    session: &mut Session<'_>,
    asked: Receiver<Vec<u8>>,
    answers: Sender<Vec<u8>>,
) -> Option<RunOutcome> {
    for question in asked {
        let answer = match session.ask(&[b"O", question.as_slice()].concat()) {
            // More than one line would be answers to what was not asked yet.
            Ok(Reply::Done(answer)) if !answer.contains(&b'\n') => [answer.as_slice(), b"\n"].concat(),
            Ok(_) => return Some(broken_interpreter()),
            Err(outcome) => return Some(outcome),
        };
        if answers.send(answer).is_err() {
            break;
        }
    }
    None
}

/// Runs the test and gives what it says. It reads answers where a program reads its input.
fn ask(sandbox: &Sandbox, check: &Check, questions: Sender<Vec<u8>>, answered: Receiver<Vec<u8>>) -> Said {
    let ask = move |question: Vec<u8>| {
        // What a test prints stands before the question.
        let line = question.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
        questions.send(line.to_vec()).ok()?;
        answered.recv().ok()
    };
    let stdin = Stdin::Peer { ask: Mutex::new(Box::new(ask)), answer: Vec::new() };
    let mut session = sandbox.session(stdin).map_err(|outcome| format!("{outcome:?}"))?;
    let request = serde_json::json!([check.setup, check.code, check.entry]).to_string();
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
