"""The faults: a file a subject, each fault a function that does it and undoes it, and says what it did."""
