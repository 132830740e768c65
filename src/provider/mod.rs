//! Webhooks in. The receiver knows the queue and nothing else: it verifies the raw bytes, publishes, and
//! answers 200 only after the confirm. Intake uses the same sources to read a body into [`Facts`].
//!
//! A provider is data: a signature scheme ([`signature::Scheme`]) and an event map ([`map::EventMap`]);
//! `stripe` is the first preset.
