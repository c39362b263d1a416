//! An error and everything that caused it, on one line.

use std::error::Error;
use std::fmt;

/// Displays an error followed by its causes, parted by colons.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("database cannot be opened")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_follow_the_error_on_the_same_line() {
        let error = Outer(std::io::Error::other("disk is full"));

        assert_eq!(
            Chain(&error).to_string(),
            "database cannot be opened: disk is full"
        );
    }
}
