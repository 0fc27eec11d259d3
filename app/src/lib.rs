//! app

pub mod dev;
