//! This machine: its disk, its files and its processes.

/// Room on the disk under a database file.
pub mod disk;

/// Whether a database file is still where it was.
pub mod file_id;

/// Files and connections this process may have open.
pub mod open_files;

/// Database files that only their owner reads.
pub mod private_file;

/// Which process this is, and whether another has ended.
pub mod process;
