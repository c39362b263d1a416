-- Frozen once released: a change is a new file with the next number.

-- Data objects of a card beside its certificates, as the card gave them, so
-- that a card seen before need not be read whole. tag is as GET DATA takes it:
-- 6275330 is 5FC102. An empty content is an object that the card does not have.
CREATE TABLE card_object (
    card TEXT NOT NULL,
    persona TEXT NOT NULL,
    tag INTEGER NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (card, persona, tag),
    FOREIGN KEY (card, persona) REFERENCES card (id, persona)
) STRICT;
