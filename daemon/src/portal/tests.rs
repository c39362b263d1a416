//! Sign-ins against a server made for each test.
