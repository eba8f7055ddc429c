//! Many requests at a time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use assay_fetch::{HttpError, Server};
use serde_json::Value;

use super::error::EndpointError;
use super::protocol::Question;
use crate::error::Result;

/// How often it is looked whether to stop.
const WATCH: Duration = Duration::from_millis(50);

/// Puts the questions `0..count` to a server, `in_flight` at a time; `tell` gets the index of each, its path and the answer,
/// as they come. If `stopped` is true when asked in between, or `tell` breaks off, the result is `Break`; requests in flight are
/// given up then, and nobody waits for them.
///
/// # Errors
/// The first error of a request or of `tell`; the others are given up.
pub(super) fn ask(
    server: &Server,
    in_flight: usize,
    count: usize,
    question: impl Fn(usize) -> Question + Send + Sync + 'static,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(usize, &'static str, Value) -> Result<ControlFlow<()>>,
) -> Result<ControlFlow<()>> {
    let (sender, answers) = channel();
    let given_up = GiveUp(Arc::new(AtomicBool::new(false)));
    let (next, question) = (Arc::new(AtomicUsize::new(0)), Arc::new(question));
    for _ in 0..in_flight.clamp(1, count.max(1)) {
        let (sender, server, over) = (sender.clone(), server.clone(), Arc::clone(&given_up.0));
        let (next, question) = (Arc::clone(&next), Arc::clone(&question));
        // A thread that waits for an answer cannot be ended, so nobody waits for the thread.
        std::thread::Builder::new().name("request".to_owned()).spawn(move || {
            let stopped = || over.load(Ordering::Relaxed);
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count || stopped() {
                    return;
                }
                let (path, body) = question(index);
                if sender.send((index, path, server.post(path, &body, &stopped))).is_err() {
                    return;
                }
            }
        })?;
    }
    drop(sender);
    let mut left = count;
    while left > 0 {
        if stopped() {
            return Ok(ControlFlow::Break(()));
        }
        match answers.recv_timeout(WATCH) {
            Ok((index, path, answer)) => {
                left -= 1;
                if tell(index, path, answer.map_err(EndpointError::from)?)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EndpointError::from(HttpError::Stopped).into());
            }
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Tells the threads when nobody wants their answers any more.
struct GiveUp(Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
