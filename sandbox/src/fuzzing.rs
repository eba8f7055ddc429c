//! What `fuzz/` reaches of the private parts. It exists in its builds only.

use std::collections::VecDeque;

use crate::judges::{Judge, Task, Until};
use crate::judging::{Finding, Job, Open, read_findings, read_line};
use crate::rows::{Case, Tests};
use crate::sandbox::Sandbox;
use crate::session::parse;
use crate::setup::ImageLock;
use crate::wasi::Stdin;

/// Reads a handler's reply, which may give `most` bytes.
pub fn reply(bytes: &[u8], memory_refused: bool, most: usize) {
    _ = parse(bytes, memory_refused, most);
}

/// Reads what a worker writes about a task of `most` tests; gives how many results were taken.
pub fn results(bytes: &[u8], most: usize) -> usize {
    let case = Case::new(String::new(), String::new(), false);
    let tests = Tests::Scripts(vec![case; most]);
    let task = Task { judge: Judge::Assay, program: String::new(), tests, until: Until::Every };
    let mut batch = VecDeque::from([Open::new((), Job::Judge(task))]);
    let mut taken = 0;
    _ = read_findings(&mut &*bytes, &mut batch, &|| false, &mut |(), finding| {
        if let Finding::Judged(judgement) = finding {
            taken = judgement.tests.len();
        }
    });
    batch.front().map_or(taken, |open| open.results.len())
}

/// Reads a line of a worker and writes it again.
pub fn line(bytes: &[u8]) -> Option<String> {
    serde_json::to_string(&read_line(&mut &*bytes)?).ok()
}

/// Reads a lockfile, which is part of what a worker reads first.
pub fn lock(text: &str) {
    _ = ImageLock::parse(text, "lock");
}

/// Makes requests of one interpreter up to the first that it does not survive. Gives what came of each, with
/// the fuel used up to then.
pub fn session(sandbox: &Sandbox, requests: &[&[u8]]) -> Result<Vec<(String, u64)>, String> {
    sandbox.on_guest_thread(1, || {
        let mut session = sandbox.session(Stdin::default()).map_err(|outcome| format!("{outcome:?}"))?;
        let mut replies = Vec::new();
        for request in requests {
            let reply = session.ask(request);
            replies.push((format!("{reply:?}"), session.used()));
            if session.is_over() {
                break;
            }
        }
        session.end();
        Ok(replies)
    })?
}
