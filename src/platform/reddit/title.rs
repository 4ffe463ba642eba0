//! A title out of a text: its first line.

use crate::text::line_pieces;

/// The longest title, in code points. <https://www.reddit.com/dev/api#POST_api_submit>
const MAX: usize = 300;

/// The first line, and what comes after it. Of a line that is too long for a title its beginning, with `…`, and the
/// whole text after it: nothing is left out.
pub(super) fn title_and_rest(text: &str) -> (String, &str) {
    let text = text.trim();
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let line = line.trim();
    if line.chars().count() <= MAX {
        return (line.to_owned(), rest.trim_start());
    }
    let mut title = String::new();
    for piece in line_pieces(line) {
        if title.chars().count() + piece.trim_end().chars().count() >= MAX {
            break;
        }
        title.push_str(piece);
    }
    // One endless word.
    if title.trim().is_empty() {
        title = line.chars().take(MAX - 1).collect();
    }
    (format!("{}…", title.trim_end()), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_title_and_nothing_is_lost() {
        assert_eq!(
            title_and_rest("One.\n\nTwo.\nThree."),
            ("One.".into(), "Two.\nThree.")
        );
        assert_eq!(title_and_rest(" One. "), ("One.".into(), ""));
        let fits = "a".repeat(MAX);
        assert_eq!(title_and_rest(&fits), (fits.clone(), ""));
    }

    #[test]
    fn of_a_long_line_the_beginning_is_the_title_and_the_text_stays_whole() {
        let words = "word ".repeat(100);
        let text = format!("{words}\n\nMore.");
        let (title, rest) = title_and_rest(&text);
        assert_eq!(rest, text);
        assert!(
            title.ends_with("word…") && title.chars().count() <= MAX,
            "{title}"
        );
        let endless = "é".repeat(MAX + 1);
        let (title, rest) = title_and_rest(&endless);
        assert_eq!((title.chars().count(), rest), (MAX, endless.as_str()));
    }
}
