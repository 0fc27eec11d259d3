//! What a handler's arguments prove.
//!
//! | argument | proves |
//! |---|---|
//! | [`Body<T>`], [`OptionalBody<T>`] | a JSON body of exactly this form |
//! | [`PathId<T>`] | the path's id is one |
//! | [`Params<T>`] | the query is of this form |
//! | [`Authenticated`], [`Customer`], [`Designer`], [`Admin`], [`Auditor`] | who is calling |
//! | [`RequestContext`] | where commands come from |
//! | [`Client`] | the address that it comes from |
//! | [`IdempotencyKey`] | what a repeat is recognised by |
//! | [`IfMatch`] | which version the caller is willing to change |
//! | [`MinPosition`] | how fresh the answer must be |
//! | [`Locale`] | the reader's language |

mod body;
mod caller;
mod client;
mod context;
mod idempotency_key;
mod if_match;
mod keyed;
mod locale;
mod min_position;
pub mod nul;
mod params;
mod path_id;
mod unfit;
mod whole;

pub use body::{Body, OptionalBody};
pub use caller::{Admin, Auditor, Authenticated, Customer, Designer, bearer, named};
pub use client::Client;
pub use context::{RequestContext, RequestId, trace_id};
pub use idempotency_key::IdempotencyKey;
pub use if_match::IfMatch;
pub use keyed::{object, object_option};
pub use locale::Locale;
pub use min_position::MinPosition;
pub use params::{PageParams, Pagination, Params};
pub use path_id::PathId;
pub use whole::{whole, whole_option};
