//! What platforms count, brought into the order in which it was asked for.

use std::collections::HashMap;

use crate::post::engagement::Counts;
use crate::post::outcome::Receipt;

/// The counts of these posts; nothing of one that the platform left out.
pub(super) fn in_order(of: &[Receipt], told: Vec<(String, Counts)>) -> Vec<Counts> {
    let told: HashMap<String, Counts> = told.into_iter().collect();
    of.iter()
        .map(|receipt| told.get(&receipt.id).copied().unwrap_or_default())
        .collect()
}
