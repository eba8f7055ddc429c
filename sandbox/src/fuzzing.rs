//! What `fuzz/` reaches of the private parts. It exists in its builds only.

use std::sync::atomic::AtomicBool;

use crate::pool::{read_line, read_results};
use crate::sandbox::Sandbox;
use crate::session::{Session, parse};
use crate::setup::ImageLock;
use crate::wasi::Stdin;

/// Reads a handler's reply, which may give `most` bytes.
pub fn reply(bytes: &[u8], memory_refused: bool, most: usize) {
    _ = parse(bytes, memory_refused, most);
}

/// Reads what a worker writes about a task of `most` tests; gives how many results were taken.
pub fn results(bytes: &[u8], most: usize) -> usize {
    let mut tests = Vec::new();
    read_results(&mut &*bytes, most, &AtomicBool::new(false), &mut tests);
    tests.len()
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
        let mut session =
            Session::start(sandbox, Stdin::default()).map_err(|outcome| format!("{outcome:?}"))?;
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
