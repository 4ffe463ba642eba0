//! Secrets: told apart by type, so that none can be printed by mistake.

pub use secrecy::{ExposeSecret, SecretString};
