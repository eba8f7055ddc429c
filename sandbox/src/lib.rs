//! A judge for untrusted Python inside wasmtime.
