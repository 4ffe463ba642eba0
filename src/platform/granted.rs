//! What an account's credentials may do on its platform.

use serde::{Deserialize, Serialize};

/// What a platform says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// In the platform's own words.
    pub permissions: Vec<String>,
    /// What is missing of that without which it can't do its work, in words.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Whether it may look for what it has posted.
    pub reads: bool,
}
