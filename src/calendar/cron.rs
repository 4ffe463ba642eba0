//! Recurring rules.

/// A checked rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    source: String,
}
