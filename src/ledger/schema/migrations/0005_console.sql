-- Filters of the console that a user gave a name.
CREATE TABLE console_views (
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    saved_at BIGINT NOT NULL,
    PRIMARY KEY (owner, name)
);
