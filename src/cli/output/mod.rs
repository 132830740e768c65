//! What a person or a program reads and types at the terminal.

/// Whether a person means it: the larger, the more insistent.
pub mod confirm;
/// JSON for programs.
pub mod json;
/// Lines, tables and times for people.
pub mod text;
/// What was typed, as what it means.
pub mod typed;
