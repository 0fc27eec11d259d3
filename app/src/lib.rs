//! The application: settings, wiring, command line. The only crate that knows all others and reads the environment.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`], [`commands`] | what a person can ask for |
//! | [`config`] | every setting |
//! | [`wiring`] | the service, made from its crates |
//! | [`snapshot`] | the service at one moment, for the operators' port and `polikrami status` |
//! | [`stack`] | everything on one machine, for `polikrami dev`, the demo and the tests |
//! | [`dev`] | private PostgreSQL and NATS |
//! | [`demo`] | the main job as a customer does it |
//! | [`telemetry`], [`terminal`] | logs, and words for people |

pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod dev;
pub mod snapshot;
pub mod stack;
pub mod telemetry;
pub mod terminal;
pub mod wiring;
