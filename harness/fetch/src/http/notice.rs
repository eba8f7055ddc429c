//! Somebody who is told why something is waited for.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How long nothing is said after something was: many requests wait for the same.
const SILENCE: Duration = Duration::from_secs(30);

/// Somebody who is told, or nobody.
#[derive(Clone, Default)]
pub(crate) struct Notice {
    tell: Option<Arc<Tell>>,
    last: Arc<Mutex<Option<Instant>>>,
}

type Tell = dyn Fn(&str) + Send + Sync;

impl fmt::Debug for Notice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Notice")
    }
}

impl Notice {
    pub(crate) fn new(tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { tell: Some(Arc::new(tell)), last: Arc::default() }
    }

    /// Says why something is waited for, unless something was said a moment ago.
    pub(crate) fn tell(&self, why: &str) {
        let Some(tell) = &self.tell else { return };
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() > SILENCE) {
            *last = Some(Instant::now());
            tell(why);
        }
    }
}
