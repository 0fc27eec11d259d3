//! Faithful local stand-ins for the providers: servers, not mocks.
//!
//! They speak the providers' own protocols on a loopback port, so production client code talks to
//! them unchanged; only base URLs differ.
//!
//! - [`iyzico`]: the payment provider with its hosted page, card form, 3-D Secure and callback.
//! - [`stability`]: the picture provider, with credits, filters and limits.
//! - [`mailbox`]: an SMTP server that delivers nothing and shows everything on a web page.
//! - [`twilio`]: the provider of text messages, which delivers nothing and shows everything as well.
//!
//! What all of them share: [`Running`] (the server), [`faults`] (failures asked for in advance) and
//! `store` (what happened, on disk before it is answered).

pub mod faults;
pub mod iyzico;
pub mod mailbox;
pub mod stability;
pub mod twilio;

mod html;
mod running;
mod store;
mod wire;
mod world;

pub use running::Running;
