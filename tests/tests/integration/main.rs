//! The integration tests: one binary, a file a subject, against a real Postgres and a real Kafka.
//!
//! `DATABASE_URL` names a Postgres on which the tests may make databases; `make test` starts one. A test that kills a server also needs
//! `CARELOG_TEST_SERVERS`, and is skipped without it.

mod access_faults;
mod app;
mod append_faults;
mod booking;
mod chaos;
mod classification;
mod clinic;
mod commands;
mod compliance;
mod demo;
mod disclosures;
mod doctor;
mod documents;
mod emergency;
mod event_store;
mod examples;
mod fhir;
mod graphql;
mod harness;
mod import;
mod kafka;
mod keys;
mod needle;
mod outside;
mod past;
mod projections;
mod schemas;
mod servers;
mod tidy;
mod tokens;
mod transparency;
mod vault;
