//! What platforms charge for a post, as data. Prices change: an account's `prices` says today's.

use super::Prices;
use crate::text::money::Usd;

/// <https://docs.x.com/x-api/getting-started/pricing>, as of April 2026. A deletion is an interaction of its own; a
/// description is asked for with a request of its own.
pub const X: Prices = Prices {
    post: Usd::from_micros(15_000),
    with_link: Usd::from_micros(200_000),
    share: Usd::from_micros(15_000),
    delete: Usd::from_micros(10_000),
    description: Usd::from_micros(5_000),
};
