//! How long to wait before a server is asked again.

use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

/// The first pause.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause, unless the server wishes a longer one.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest wish of a server that is granted.
const LONGEST_WISH: Duration = Duration::from_secs(3600);
/// How often it is looked whether to stop.
const WATCH: Duration = Duration::from_millis(50);

/// Pauses that double, until their time is over.
pub(crate) struct Pauses {
    next: Duration,
    ends: Instant,
}

impl Pauses {
    /// Pauses whose last one ends `patience` from now at the latest.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { next: FIRST, ends: Instant::now() + patience }
    }

    /// The next pause: what the server wishes, or twice the last one, more or less by up to a half so that many who wait do
    /// not come back at once. `None` if the time is over.
    pub(crate) fn next(&mut self, wish: Option<Duration>) -> Option<Duration> {
        let share = RandomState::new().hash_one(()) as f64 / u64::MAX as f64;
        let own = self.next.mul_f64(0.5 + share);
        self.next = (self.next * 2).min(LONGEST);
        let left = self.ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        match wish {
            // A server that says when it will be there is waited for.
            Some(wish) if wish <= LONGEST_WISH => Some(wish.max(own)),
            _ => Some(own.min(left)),
        }
    }
}

/// Waits; `None` if `stopped` said so before the end.
pub(crate) fn wait(pause: Duration, stopped: &dyn Fn() -> bool) -> Option<()> {
    let ends = Instant::now() + pause;
    while let Some(left) = ends.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        if stopped() {
            return None;
        }
        std::thread::sleep(left.min(WATCH));
    }
    Some(())
}

/// The pause of a `Retry-After` in seconds. The other form, a date, is left to our own pauses.
pub(crate) fn retry_after(header: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(header.trim().parse().ok()?).ok()
}
