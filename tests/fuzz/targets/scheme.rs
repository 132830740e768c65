#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;
#[path = "../bound.rs"]
mod bound;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bound::within(&bodies::SCHEME, data));
