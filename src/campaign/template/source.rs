//! What can be told of a template by how it is written: whether it is one, whether it calculates, and whether it
//! could take more than it may.

use crate::campaign::problem::shown;
use crate::campaign::render::RenderProblem;

/// What may stand in `{% … %}`. Without loops and variables no text can double again and again.
const TAGS: &[&str] = &["if", "elif", "else", "endif"];

/// Whether there is anything to work out.
pub fn is_template(text: &str) -> bool {
    (text.contains('{') || text.contains('}'))
        && ["{{", "{%", "{#", "}}", "%}"]
            .iter()
            .any(|mark| text.contains(mark))
}

/// Whether a template only says what it asks for, and neither compares nor calculates.
pub fn is_plain(template: &str) -> bool {
    !template.contains("{%")
        && codes(template).all(|code| {
            let known = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_.,()=\"".contains(c);
            let words = || code.split(|c: char| !c.is_alphanumeric() && c != '_');
            code.chars().all(known)
                && !code.contains("==")
                && !words().any(|word| matches!(word, "if" | "else" | "and" | "or" | "not" | "in" | "is"))
        })
}

/// What stands between the brackets of a template, each text in quotes there as `""`.
fn codes(template: &str) -> impl Iterator<Item = String> {
    let mut rest = template;
    std::iter::from_fn(move || {
        let opens = |(at, _): &(usize, &str)| {
            rest.get(at + 1..)
                .is_some_and(|rest| rest.starts_with(['{', '%']))
        };
        let (start, _) = rest.match_indices('{').find(opens)?;
        let mut code = String::new();
        let mut quote = None;
        let inside = rest.get(start + 2..).unwrap_or_default();
        let mut end = inside.len();
        let mut chars = inside.char_indices();
        while let Some((at, c)) = chars.next() {
            match quote {
                Some(_) if c == '\\' => drop(chars.next()),
                Some(mark) if c == mark => quote = None,
                Some(_) => {}
                None if matches!(c, '"' | '\'') => {
                    quote = Some(c);
                    code.push_str("\"\"");
                }
                None if inside
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with("}}") || rest.starts_with("%}")) =>
                {
                    end = at;
                    break;
                }
                None => code.push(c),
            }
        }
        rest = inside.get(end..).unwrap_or_default();
        Some(code)
    })
}

/// Refuses what steps cannot count: loops, variables, many repetitions. So no template takes longer, or more
/// memory, than a few milliseconds and megabytes.
pub(super) fn bounded(template: &str) -> Result<(), RenderProblem> {
    for (_, tag) in template
        .match_indices("{%")
        .map(|(at, mark)| template.split_at(at + mark.len()))
    {
        let name = tag.trim_start_matches(['-', '+']).trim_start();
        let name = name
            .split(|c: char| !c.is_alphanumeric())
            .next()
            .unwrap_or_default();
        if !TAGS.contains(&name) && !name.is_empty() {
            return Err(RenderProblem {
                code: "bad-template",
                message: format!("`{{% {} %}}` is not known in texts", shown(name)),
                help: "there is `{% if … %}` with `{% elif … %}`, `{% else %}` and `{% endif %}`".into(),
                words: Some(name.to_owned()),
            });
        }
    }
    // `"x" * 9` would repeat a text: only numbers are multiplied.
    let numbers = |code: &str| {
        let code = ["years_since", "days_since", "days_until"]
            .iter()
            .fold(code.to_owned(), |code, name| {
                code.replace(&format!("{name}(\"\")"), "1")
            });
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        let known = |word: &str| {
            matches!(
                word,
                "years_since" | "if" | "elif" | "else" | "and" | "or" | "not"
            )
        };
        !code.contains(['"', '[', '{', ',', '.', '~', '|'])
            && words
                .filter(|word| word.starts_with(char::is_alphabetic))
                .all(known)
    };
    if let Some(code) = codes(template).find(|code| code.contains('*') && !numbers(code)) {
        return Err(RenderProblem {
            code: "bad-template",
            message: format!("only numbers can be multiplied, not `{}`", shown(code.trim())),
            help: "write the words themselves".into(),
            words: None,
        });
    }
    Ok(())
}

pub(super) fn too_much(words: Option<String>) -> RenderProblem {
    RenderProblem {
        code: "bad-template",
        message: "this template does too much work, or makes too long a text".into(),
        help: "write the words themselves".into(),
        words,
    }
}
