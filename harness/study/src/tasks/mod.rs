//! The embedded-scale tasks.
