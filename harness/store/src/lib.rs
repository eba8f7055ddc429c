//! Content-addressed objects and the index of actions, runs and events.
