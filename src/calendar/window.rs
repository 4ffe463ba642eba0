//! When nothing goes out: quiet hours and blackouts.

/// All of a campaign's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {}
