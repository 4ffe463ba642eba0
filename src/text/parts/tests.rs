//! Threads, in many languages.

use proptest::prelude::*;

use super::super::limits;
use super::super::segment::{clusters, graphemes};
use super::*;

const SMALL: LengthRule = LengthRule::GraphemesAndBytes {
    max: 40,
    max_bytes: 3000,
};

const AUTO: Threading = Threading {
    auto: true,
    counter: false,
};
const COUNTED: Threading = Threading {
    auto: true,
    counter: true,
};

fn split_auto(text: &str, rule: &LengthRule, warn: &str) -> Vec<String> {
    thread(text, AUTO, |_| rule, warn, &mut Cuts::default())
}

#[test]
fn a_line_of_three_dashes_starts_the_next_part() {
    assert_eq!(
        split("one\n---\ntwo\n\nstill two\n --- \r\nthree"),
        ["one", "two\n\nstill two", "three"]
    );
    assert_eq!(split("---\n\n---\n---"), Vec::<String>::new());
    assert_eq!(split("a --- b\n----\nc"), ["a --- b\n----\nc"]);
}

#[test]
fn a_text_that_fits_is_one_part() {
    assert_eq!(split_auto(" short \n", &SMALL, ""), ["short"]);
    assert_eq!(split_auto("", &SMALL, ""), Vec::<String>::new());
    assert_eq!(
        thread("short", COUNTED, |_| &SMALL, "", &mut Cuts::default()),
        ["short"]
    );
    // It would not fit with a counter, but it needs none.
    let full = "a".repeat(40);
    assert_eq!(
        thread(&full, COUNTED, |_| &SMALL, "", &mut Cuts::default()),
        [full]
    );
}

#[test]
fn paragraphs_come_before_sentences_and_sentences_before_words() {
    assert_eq!(
        split_auto(
            "First paragraph here.\n\nSecond one. It is longer than one part.",
            &SMALL,
            ""
        ),
        ["First paragraph here.", "Second one. It is longer than one part."]
    );
    assert_eq!(
        split_auto("One sentence stands here. Another follows it there.", &SMALL, ""),
        ["One sentence stands here.", "Another follows it there."]
    );
    assert_eq!(
        split_auto(
            "no sentence ends in these many words that run on and on",
            &SMALL,
            ""
        ),
        ["no sentence ends in these many words", "that run on and on"]
    );
}

#[test]
fn an_abbreviation_ends_no_sentence() {
    assert_eq!(
        split_auto(
            "It was argued before Dr. Smith of the U.S. Court on Monday.",
            &SMALL,
            ""
        ),
        ["It was argued before Dr. Smith of the", "U.S. Court on Monday."]
    );
}

#[test]
fn an_early_break_does_not_waste_a_part() {
    assert_eq!(
        split_auto(
            "Hi.\n\nthese are many words that run on and on and on",
            &SMALL,
            ""
        ),
        ["Hi.\n\nthese are many words that run on", "and on and on"]
    );
}

#[test]
fn a_warning_takes_room_in_every_part() {
    let warn = "a content warning that is long";
    let parts = split_auto("one two three four five six seven eight", &SMALL, warn);
    assert!(parts.len() > 3, "{parts:?}");
    assert!(parts.iter().all(|part| measure(&SMALL, part, warn).fits()));
}

#[test]
fn what_cannot_be_broken_stays_whole() {
    let link = format!("https://example.org/{}", "x".repeat(60));
    assert_eq!(
        split_auto(&format!("before {link} after"), &SMALL, ""),
        ["before", &link, "after"]
    );
    assert_eq!(split_auto(&link, &SMALL, &"w".repeat(50)), [link]);
    let word = "a".repeat(100);
    assert_eq!(split_auto(&word, &SMALL, "").concat(), word);
}

#[test]
fn every_language_is_broken_at_its_own_sentences_and_words() {
    for (text, parts) in [
        (
            "¿Quién decide hoy? Nadie lo sabe todavía. Esperamos una audiencia.",
            vec![
                "¿Quién decide hoy?",
                "Nadie lo sabe todavía.",
                "Esperamos una audiencia.",
            ],
        ),
        (
            "هل كانت المحاكمة عادلة؟ لا أحد يعرف بعد. ننتظر جلسة.",
            vec!["هل كانت المحاكمة عادلة؟ لا أحد يعرف بعد.", "ننتظر جلسة."],
        ),
        (
            "公正な裁判を求めます。彼は二十年待っています。証拠は一度も調べられていませんでした。",
            vec![
                "公正な裁判を求めます。彼は二十年待っています。",
                "証拠は一度も調べられていませんでした。",
            ],
        ),
        (
            "เราต้องการความยุติธรรมสำหรับทุกคน เขารอมายี่สิบปีแล้วโดยไม่มีการไต่สวน",
            vec!["เราต้องการความยุติธรรมสำหรับทุกคน", "เขารอมายี่สิบปีแล้วโดยไม่มีการไต่สวน"],
        ),
    ] {
        assert_eq!(split_auto(text, &SMALL, ""), parts);
    }
    // Words, where there is no better end: none is torn.
    let japanese = "裁判".repeat(30);
    for part in split_auto(&japanese, &SMALL, "") {
        assert_eq!(graphemes(&part) % 2, 0, "{part}");
    }
}

#[test]
fn a_quotation_against_the_direction_stays_together() {
    assert_eq!(
        split_auto(
            "The court said in its own words العدالة حق للجميع and no more.",
            &SMALL,
            ""
        ),
        [
            "The court said in its own words",
            "العدالة حق للجميع and no more."
        ]
    );
    assert_eq!(
        split_auto(
            "قالت المحكمة إن القضية هي State of Louisiana v Miller",
            &SMALL,
            ""
        ),
        ["قالت المحكمة إن القضية هي", "State of Louisiana v Miller"]
    );
    // But what no part can hold is broken like all else.
    let long = format!("He said: {}", "العدالة حق للجميع ".repeat(6));
    assert!(
        split_auto(&long, &SMALL, "")
            .iter()
            .all(|part| measure(&SMALL, part, "").fits())
    );
}

#[test]
fn counters_are_counted() {
    let text = "no sentence ends in these many words that run on and on until they are three parts long";
    assert_eq!(
        thread(text, COUNTED, |_| &SMALL, "", &mut Cuts::default()),
        [
            "no sentence ends in these many words 1/3",
            "that run on and on until they are 2/3",
            "three parts long 3/3"
        ]
    );
    let written = Threading {
        auto: false,
        counter: true,
    };
    assert_eq!(
        thread("one\n---\ntwo", written, |_| &SMALL, "", &mut Cuts::default()),
        ["one 1/2", "two 2/2"]
    );
    assert_eq!(
        thread("one", written, |_| &SMALL, "", &mut Cuts::default()),
        ["one"]
    );
    // All parts are counted, those that were written and those that were made.
    assert_eq!(
        thread(
            &format!("one\n---\n{text}"),
            COUNTED,
            |_| &SMALL,
            "",
            &mut Cuts::default()
        )
        .len(),
        4
    );
}

#[test]
fn counters_of_more_digits_make_more_parts() {
    // Each word and its counter fill a part, until the counters have more digits.
    let rule = LengthRule::GraphemesAndBytes {
        max: 9,
        max_bytes: 100,
    };
    for words in [8, 9, 10, 11, 99, 120] {
        let text = "ab cd ".repeat(words);
        let parts = thread(&text, COUNTED, |_| &rule, "", &mut Cuts::default());
        let count = parts.len();
        for (i, part) in parts.iter().enumerate() {
            assert!(part.ends_with(&format!(" {}/{count}", i + 1)), "{part}");
            assert!(measure(&rule, part, "").fits(), "{part}");
        }
    }
}

#[test]
fn each_part_is_measured_by_its_own_rule() {
    let limits = limits::Limits {
        later: Some(SMALL),
        ..limits::REDDIT
    };
    let text = "word ".repeat(9000);
    let parts = thread(&text, AUTO, |i| limits.rule(i, false), "", &mut Cuts::default());
    assert_eq!(graphemes(&parts[0]), 39_999);
    assert!(parts[1..].iter().all(|part| graphemes(part) <= 40));
}

fn piece() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-zé道]{1,12}[.!?,]?",
        Just("👨‍👩‍👧‍👦".to_owned()),
        Just("#Justice".to_owned()),
        Just("@ally@social.example".to_owned()),
        Just("https://example.org/path/x".to_owned()),
        Just("example.org/x".to_owned()),
        Just("cafe\u{301}".to_owned()),
        Just("العدالة حق".to_owned()),
        Just("公正な裁判を求めます。".to_owned()),
        Just("ความยุติธรรมสำหรับทุกคน".to_owned()),
        Just("\u{2067}x y\u{2069}".to_owned()),
        Just("🇲🇽🇺🇸".to_owned()),
    ];
    let space = prop_oneof![8 => Just(" "), 1 => Just("\n"), 1 => Just("\n\n"), 1 => Just("\r\n\r\n")];
    (word, space).prop_map(|(word, space)| word + space)
}

fn words() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

/// Each way of counting, with little room.
fn rules() -> Vec<LengthRule> {
    use limits::{LengthRule as Rule, Unit};
    let escape = super::super::escape::Escape::LittleText;
    vec![
        Rule::GraphemesAndBytes {
            max: 40,
            max_bytes: 150,
        },
        Rule::Mastodon { max: 45, link: 23 },
        Rule::X { max: 50 },
        Rule::Threads { max: 60 },
        Rule::Units {
            max: 60,
            unit: Unit::Utf16,
            escape,
        },
        Rule::Units {
            max: 60,
            unit: Unit::CodePoints,
            escape,
        },
    ]
}

/// That the parts, in their order, are the text, with nothing but white space between them.
fn are_the_text(parts: &[String], text: &str) {
    let mut rest = text.trim();
    for part in parts {
        assert!(rest.starts_with(part.as_str()), "{part:?} in {rest:?}");
        rest = rest[part.len()..].trim_start();
    }
    assert_eq!(rest, "");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn parts_joined_again_are_the_text_and_every_part_fits(text in words()) {
        for rule in rules() {
            let parts = split_auto(&text, &rule, "");
            for part in &parts {
                prop_assert!(measure(&rule, part, "").fits(), "{:?} {:?}", rule, part);
            }
            are_the_text(&parts, &text);
        }
    }

    #[test]
    fn counters_number_the_parts_and_fit(text in words()) {
        for rule in rules() {
            let parts = thread(&text, COUNTED, |_| &rule, "", &mut Cuts::default());
            let count = parts.len();
            let mut bare = Vec::new();
            for (i, part) in parts.iter().enumerate() {
                prop_assert!(measure(&rule, part, "").fits(), "{:?} {:?}", rule, part);
                let counter = format!(" {}/{count}", i + 1);
                bare.push(if count > 1 { part.strip_suffix(&counter).unwrap() } else { part }.to_owned());
            }
            are_the_text(&bare, &text);
        }
    }

    #[test]
    fn any_text_is_broken_between_characters_and_nothing_is_lost(
        text in "(\\PC|[ \n\r\u{301}\u{200D}\u{FE0F}\u{2067}\u{2069}\u{202B}\u{202C}]){0,120}"
    ) {
        for rule in rules() {
            let parts = split_auto(&text, &rule, "");
            let text = text.trim();
            if parts.len() < 2 && split(text).len() < 2 {
                continue;
            }
            let joined: String = parts.iter().flat_map(|part| part.split_whitespace()).collect();
            let all: String = text.split_whitespace().filter(|line| *line != "---").collect();
            prop_assert_eq!(joined, all);
            // No part begins or ends within a cluster of the text.
            let mut ends = vec![0];
            for cluster in clusters(text) {
                ends.push(ends[ends.len() - 1] + cluster.len());
            }
            let mut at = 0;
            for part in &parts {
                let from = at + text[at..].find(part.as_str()).unwrap();
                at = from + part.len();
                prop_assert!(ends.contains(&from) && ends.contains(&at), "{:?} in {:?}", part, text);
            }
        }
    }
}
