//! Links, mentions and tags, as far as lints need them: whatever some platform or reader takes for one is
//! none of the words. [`crate::text::entities`] knows exactly what one platform does, and takes longer.

use std::ops::Range;

/// What is no word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub range: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// With a scheme, or a name with a path: `example.org/case`.
    Address,
    Mention,
    Tag,
}

const ENDS: [char; 9] = ['.', ',', ';', ':', '!', '?', ')', '…', '\''];
const QUOTES: [char; 7] = ['"', '<', '>', '“', '”', '«', '»'];

/// All marks of `text`, in order and apart.
pub fn marks(text: &str) -> Vec<Mark> {
    let mut found = Vec::new();
    // Most texts without any end here; the sign of wide tags begins with the last of these.
    if !text.bytes().any(|byte| matches!(byte, b'#' | b'@' | b'/' | 0xef)) {
        return found;
    }
    let mut at = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if let Some((range, kind)) = address(word).or_else(|| signed(word)) {
            found.push(Mark {
                range: at + range.start..at + range.end,
                kind,
            });
        }
        at += piece.len();
    }
    found
}

fn address(word: &str) -> Option<(Range<usize>, Kind)> {
    let slash = word.find('/')?;
    let before = word.get(..slash)?;
    let start = match before.strip_suffix(':') {
        Some(scheme) if word.get(slash..)?.starts_with("//") => {
            scheme.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len()
        }
        _ => {
            let name = before.trim_start_matches(['(', '"', '“', '«', '¡', '¿']);
            let (host, top) = name.rsplit_once('.')?;
            let is_name =
                |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
            let is_host =
                host.split('.').all(is_name) && top.len() > 1 && top.chars().all(char::is_alphabetic);
            is_host.then(|| before.len() - name.len())?
        }
    };
    let rest = word.get(start..)?;
    let rest = rest.split(QUOTES).next()?.trim_end_matches(ENDS);
    (!rest.is_empty()).then_some((start..start + rest.len(), Kind::Address))
}

fn signed(word: &str) -> Option<(Range<usize>, Kind)> {
    let lead = word.trim_start_matches(['(', '"', '“', '«', '¡', '¿', '\'']);
    let start = word.len() - lead.len();
    let mut signs = lead.chars();
    let sign = signs.next()?;
    let name = signs.as_str();
    let (kind, length) = match sign {
        '#' | '＃' => {
            let inside = |c: char| c.is_alphanumeric() || c == '_';
            let length = name.find(|c| !inside(c)).unwrap_or(name.len());
            let letters = name.get(..length)?.chars().any(char::is_alphabetic);
            (Kind::Tag, if letters { length } else { 0 })
        }
        '@' => {
            let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
            let length = name.find(|c| !inside(c)).unwrap_or(name.len());
            (Kind::Mention, name.get(..length)?.trim_end_matches(ENDS).len())
        }
        _ => return None,
    };
    (length > 0).then(|| (start..start + sign.len_utf8() + length, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_whatever_somebody_takes_for_one() {
        for (text, expected) in [
            ("no words, and/or 24/7 a.m./p.m.", &[][..]),
            (
                "see https://example.org/2024, or (example.org/2024).",
                &["https://example.org/2024", "example.org/2024"],
            ),
            ("\"HTTP://example.org/x\"", &["HTTP://example.org/x"]),
            ("#Tag, (#Other) ＃全角 #1 #", &["#Tag", "#Other", "＃全角"]),
            (
                "@ally@example.org. @b10, desk@example.org",
                &["@ally@example.org", "@b10"],
            ),
        ] {
            let found: Vec<&str> = marks(text).into_iter().map(|mark| &text[mark.range]).collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
