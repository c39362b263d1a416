//! The stand-ins that the scenarios run against.

pub mod portal;
