//! The stand-in hospital over HTTP, as the relay, the companion and two browsers meet it: what works, and above all
//! what is refused. Graph and Teams have their own test binary.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ambiguous;
mod backend;
mod browser_client;
mod connection;
mod context_links;
mod control;
mod desk;
mod effects;
mod ehr;
mod entra;
mod fhir;
mod groups;
mod launches;
mod mail;
mod oracle;
mod pages;
mod proxies;
mod r4;
mod r4_invalid;
mod smart;
mod subscriptions;
mod switches;
mod transactions;
mod web_sign_in;
