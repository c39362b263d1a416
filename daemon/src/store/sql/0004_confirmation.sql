-- Frozen once released: a change is a new file with the next number.

-- What a portal showed when a persona was registered by hand: as text, and the
-- page as it came.
CREATE TABLE confirmation (
    persona TEXT NOT NULL REFERENCES persona (id),
    portal TEXT NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    html TEXT NOT NULL,
    PRIMARY KEY (persona, portal)
) STRICT, WITHOUT ROWID;
