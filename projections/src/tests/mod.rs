//! Given events, then rows; and pages of any size fold to the same rows as all events at once.

mod decode;
mod folds;
mod history;
mod pages;
