//! Items, checks and dialects.
