//! Registering by hand: from the log-in to the confirmation, and all that can
//! come in between.
mod ends;
mod in_a_terminal;
mod scene;
mod stops;
