//! ONE DELIVERY. Who a post is, what it says, which state it is in, and what comes next.

pub mod breaker;
pub mod card;
pub mod content;
pub mod cost;
pub mod digest;
pub mod engagement;
pub mod identity;
pub mod outcome;
pub mod recall;
pub mod retry;
pub mod sealed;
pub mod shared;
pub mod state;
pub mod step;
