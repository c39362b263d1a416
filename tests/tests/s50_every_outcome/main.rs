//! Every way a sign-in can end, each told as what it is: a row of a table for
//! each, with the whole daemon, a card and a portal on real TLS.

mod alerts;
mod certificates;
mod connections;
mod notices;
mod origins;
mod pages;
mod revoked;
mod row;
mod stage;
mod statuses;
