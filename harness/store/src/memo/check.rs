//! The hash that is kept with a value of the memo.

use crate::Hash;

/// The first 16 bytes of a hash: enough to notice damage.
pub(super) type Check = [u8; 16];

/// The hash of a value at a key. It covers both, so that a value at the wrong key is noticed.
pub(super) fn check(key: &Hash, value: &[u8]) -> Check {
    let hash = blake3::keyed_hash(key.as_bytes(), value);
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}
