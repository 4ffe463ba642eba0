//! `log.filter`, before anything is logged: a slip in it would be found when the lines are missed.

use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What is wrong with a filter, if anything is.
pub(super) fn problem(filter: &str) -> Option<String> {
    let help = "write a level (error, warn, info, debug or trace), or parts with levels, as in \"info,steadfast::platform=debug\"";
    // A lone word is taken for a part of the program; hardly anybody means that, and all else would be silent.
    let stray = filter
        .split(',')
        .map(str::trim)
        .find(|part| !part.contains(['=', '[', ':']) && !LEVELS.contains(&part.to_lowercase().as_str()));
    match stray {
        Some(word) => Some(format!("`log.filter`: \"{word}\" is no level: {help}")),
        None => EnvFilter::try_new(filter)
            .err()
            .map(|e| format!("`log.filter`: {e}: {help}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_parts_are_taken_and_slips_are_told() {
        for good in [
            "info",
            "WARN",
            "off",
            "info,steadfast::platform=debug",
            "steadfast=trace,hyper=off",
            "steadfast::web",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "verbose",
            "",
            "info,",
            "info,steadfast=loud",
            "steadfast::web=infos",
            "inf",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
