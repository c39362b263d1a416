-- Frozen once released: a change is a new file with the next number.

-- Notices of portals that a persona has read and accepted; sha256 is of the text.
CREATE TABLE consent (
    persona TEXT NOT NULL REFERENCES persona (id),
    portal TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (persona, portal, sha256)
) STRICT, WITHOUT ROWID;
