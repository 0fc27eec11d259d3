//! Reactions: when an event says X, then Y. The only crate that acts on the world outside.
//!
//! | module | what it is |
//! |---|---|
//! | [`flows`] | pure tables from events to actions, one file a flow |
//! | [`action`] | what a flow may ask for |
//! | [`runner`] | hears each event at least once, does each action once |
//! | [`effects`] | turns actions into commands, timers and calls |
//! | [`integrations`] | the clients of the providers: payments, pictures, mail, files |

pub mod action;
pub mod effects;
pub mod flows;
pub mod integrations;
pub mod runner;
