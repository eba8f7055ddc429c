//! Tests of the whole: files in, diagnostics, plans, runs and events out. The store is always a real one.

mod caching;
mod corpus;
mod faults;
mod flat;
mod forecast;
mod joined;
mod keys;
mod kill;
mod layers;
mod locks;
mod manual;
mod model;
mod provenance;
mod reasons;
mod scheduling;
mod settings;
mod support;
