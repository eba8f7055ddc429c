//! Many requests at a time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use assay_fetch::Server;
use serde_json::Value;

use super::error::EndpointError;
use super::protocol::{Question, Read, unusable};
use crate::error::Result;

/// How often it is looked whether to stop.
const WATCH: Duration = Duration::from_millis(50);

/// Puts the questions `0..count` to a server, `in_flight` at a time; `read` takes what is wanted out of an answer, and `tell`
/// gets it with the question's index, as answers come. If `stopped` is true when asked in between, or `tell` breaks off, the
/// result is `Break`; requests in flight are given up then, and nobody waits for them.
///
/// # Errors
/// The first error of a request, or of reading its answer; the others are given up.
pub(super) fn ask<T: Send + 'static>(
    server: &Server,
    in_flight: usize,
    count: usize,
    question: impl Fn(usize) -> Question + Send + Sync + 'static,
    read: impl Fn(usize, &Value) -> Read<T> + Send + Sync + 'static,
    stopped: &dyn Fn() -> bool,
    tell: &mut dyn FnMut(usize, T) -> ControlFlow<()>,
) -> Result<ControlFlow<()>> {
    let in_flight = in_flight.clamp(1, count.max(1));
    let (sender, answers) = sync_channel(in_flight);
    let given_up = GiveUp(Arc::new(AtomicBool::new(false)));
    let (next, work) = (Arc::new(AtomicUsize::new(0)), Arc::new((question, read)));
    for _ in 0..in_flight {
        let (sender, server, over) = (sender.clone(), server.clone(), Arc::clone(&given_up.0));
        let (next, work) = (Arc::clone(&next), Arc::clone(&work));
        // A thread that waits for an answer cannot be ended, so nobody waits for the thread.
        std::thread::Builder::new().name("request".to_owned()).spawn(move || {
            let stopped = || over.load(Ordering::Relaxed);
            let (question, read) = &*work;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count || stopped() {
                    return;
                }
                let (path, body) = question(index);
                let answer = server.post(path, &body, &stopped).map_err(EndpointError::from);
                let answer = answer.and_then(|answer| read(index, &answer).map_err(unusable(&server, path)));
                if sender.send((index, answer)).is_err() {
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
            Ok((index, answer)) => {
                left -= 1;
                if tell(index, answer?).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(EndpointError::Lost.into()),
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
