//! Every test that needs more than one pure file; one binary.

#[cfg(test)]
mod provider;
