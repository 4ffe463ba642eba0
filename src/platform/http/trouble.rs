//! Why there is no answer, and whether the request may have arrived.

use crate::post::outcome::{Class, Failure, one_line};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The platform's program cannot have got it: not one byte of it, or not its end.
    #[error("{0}")]
    NotSent(String),
    /// It may have been received.
    #[error("{0}")]
    Unknown(String),
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        let not_sent = error.is_builder() || error.is_connect();
        let words = words(error);
        if not_sent {
            Self::NotSent(words)
        } else {
            Self::Unknown(words)
        }
    }
}

/// What it means to a publishing request (reliability §2.6).
impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotSent(words) => Self::new(Class::Transient, words),
            Trouble::Unknown(words) => Self::new(Class::InDoubt, words),
        }
    }
}

/// The error and its causes on one line. The URL is left out: it may hold a secret (reliability D9).
pub(super) fn words(error: reqwest::Error) -> String {
    one_line(&with_causes(&error.without_url()), 300)
}

/// An error and its causes, each said once.
pub(in super::super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        cause = error.source();
    }
    line
}
