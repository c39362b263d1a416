//! Registering by hand: from the log-in to the confirmation, and all that can
//! come in between.
mod ends;
mod scene;
mod stops;
