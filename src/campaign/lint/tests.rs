//! Each lint with what it points out and what it lets pass, in English, Spanish and other languages.

use super::*;

/// What is pointed out, each as `code: words`, of a text that may go out at any time.
fn seen(language: &str, text: &str) -> Vec<String> {
    let tags = ["JusticeForCoreyMiller".to_owned()];
    let found = finds(&Text::new(text, language, &tags, true));
    found
        .into_iter()
        .map(|(code, find)| format!("{code}: {}", &text[find.range]))
        .collect()
}

/// Each text with what `code` points out in it; nothing else may be found.
fn holds(code: &str, cases: &[(&str, &str, &[&str])]) {
    for (language, text, words) in cases {
        let expected: Vec<String> = words.iter().map(|words| format!("{code}: {words}")).collect();
        assert_eq!(seen(language, text), expected, "{language}: {text}");
    }
}

#[test]
fn figures_are_pointed_out_where_they_are_figures() {
    holds(
        "typed-figure",
        &[
            ("en", "The verdict was 10-2.", &["10-2"]),
            ("en", "They deliberated for 24 hours.", &["24"]),
            ("en", "It costs $5,000 a day, 73% more.", &["$5,000", "73%"]),
            (
                "en",
                "10k people signed, and 2.5 million looked.",
                &["10k", "2.5"],
            ),
            ("es", "El jurado votó 10 a 2.", &["10", "2"]),
            ("es", "Un 40 % más.", &["40 %"]),
            ("ar", "بقي ٢٤ عاما في السجن", &["٢٤"]),
            ("ja", "24時間以上かかった。", &["24"]),
            ("en", "{{ fact.verdict }} in 3 days", &["3"]),
            ("en", "one of two men", &[]),
            (
                "en",
                "{{ years_since(2002) }} years, {% if days_since(\"2002-01-01\") > 10 %}yes{% endif %}",
                &[],
            ),
            (
                "en",
                "https://example.org/2024/10 #Case10 @ally10.example.com",
                &[],
            ),
            (
                "en",
                "Section 926.2 of Title 14, § 12, No. 7, H.B. 12 and SB 1421",
                &[],
            ),
            ("es", "La sección 926.2, artículo 14, pág. 3", &[]),
            ("en", "1. First\n2) Second\n(3) Third", &[]),
            ("en", "A part 1/5, open 24/7", &[]),
            ("en", "At 9:30, 9 a.m. or 5pm, Micah 6:8", &[]),
            ("es", "A las 9 en la plaza, a las 18:00", &[]),
            ("en", "COVID-19, C4, MP3, the 5th Amendment, the 1990s, #1", &[]),
            ("en", "Call 988 or 504-555-0100", &[]),
            ("en", "1️⃣ Read", &[]),
            ("ar", "العدالة لكوري ميلر", &[]),
            ("ja", "二人の証人がいた。", &[]),
        ],
    );
}

#[test]
fn dates_are_pointed_out_in_digits_and_in_words() {
    holds(
        "typed-date",
        &[
            ("en", "On May 1, 2023 it was over.", &["May 1, 2023"]),
            (
                "en",
                "The 1st of May 2023, and Sept. 3",
                &["1st of May 2023", "Sept. 3"],
            ),
            ("en", "In prison since 2002.", &["2002"]),
            (
                "en",
                "From 2002-2026 he waited, until 2026-05-01.",
                &["2002-2026", "2026-05-01"],
            ),
            ("en", "5/1/2023 or 1.5.23", &["5/1/2023", "1.5.23"]),
            (
                "es",
                "El 1 de mayo de 2023 y en Mayo de 2024",
                &["1 de mayo de 2023", "Mayo de 2024"],
            ),
            ("es", "Cumple desde 2002 una condena.", &["2002"]),
            ("ja", "2023年5月1日の公判", &["2023年5月1日"]),
            ("ar", "منذ 2002", &["2002"]),
            ("en", "It may be so in March.", &[]),
            ("en", "{{ date(\"2027-03-01\") }} and {{ fact.since }}", &[]),
            ("en", "https://example.org/2023/05/01 #Vote2026", &[]),
            ("es", "Puede ser en mayo.", &[]),
        ],
    );
}

#[test]
fn quotations_of_more_than_three_words_want_a_source() {
    holds(
        "typed-quotation",
        &[
            (
                "en",
                "She said \"I was never there at all\" twice.",
                &["I was never there at all"],
            ),
            (
                "en",
                "“I don’t know what they\nwant from me”, he said.",
                &["I don’t know what they\nwant from me"],
            ),
            (
                "en",
                "It was ‘more than he’d ever hoped for’.",
                &["more than he’d ever hoped for"],
            ),
            (
                "es",
                "Dijo: «Nunca estuve allí esa noche».",
                &["Nunca estuve allí esa noche"],
            ),
            (
                "de",
                "Sie sagte: „Ich war nie dort gewesen“.",
                &["Ich war nie dort gewesen"],
            ),
            (
                "ja",
                "彼女は「私はそこにいませんでした」と言った。",
                &["私はそこにいませんでした"],
            ),
            ("en", "She voted \"under duress\", then \"guilty\".", &[]),
            (
                "en",
                "She said \"{{ fact.what_she_said_to_the_newspaper }}\".",
                &[],
            ),
            (
                "en",
                "It’s the people’s court and the jury’s word, not ours.",
                &[],
            ),
            ("ja", "「無罪」", &[]),
            ("ar", "قالت «بريء» أمس", &[]),
        ],
    );
}

#[test]
fn shouting_is_pointed_out_and_acronyms_are_not() {
    holds(
        "all-caps",
        &[
            ("en", "Please FREE COREY MILLER today.", &["FREE COREY MILLER"]),
            ("en", "FREE HIM NOW!", &["FREE HIM NOW"]),
            ("es", "¡LIBERTAD YA PARA ÉL!", &["LIBERTAD YA PARA ÉL"]),
            ("en", "The ACLU, NAACP and UNESCO of the USA.", &[]),
            ("en", "USA! #FREECOREYMILLER", &[]),
            ("en", "BREAKING: the court has ruled.", &[]),
            ("en", "Rapper C-Murder, a TRUE story", &[]),
            ("es", "La ONU y EE. UU. en la OEA.", &[]),
            ("de", "FREIHEIT FÜR COREY MILLER", &[]),
            ("ar", "الحرية لكوري", &[]),
            ("ja", "自由を", &[]),
        ],
    );
}

#[test]
fn runs_of_emoji_are_pointed_out_and_one_family_is_one() {
    holds(
        "emoji-run",
        &[
            ("en", "Free him 🔥🔥🔥🔥 now", &["🔥🔥🔥🔥"]),
            ("es", "Libre 🙏🏽 ❤️ ⚖️ ✊🏿", &["🙏🏽 ❤️ ⚖️ ✊🏿"]),
            ("en", "👨‍👩‍👧 🇺🇸 ⚖️", &[]),
            ("ja", "正義を ⚖️", &[]),
            ("en", "© 1️⃣", &[]),
        ],
    );
}

#[test]
fn letters_that_only_look_like_letters_are_pointed_out() {
    holds(
        "fancy-letters",
        &[
            ("en", "𝗝𝘂𝘀𝘁𝗶𝗰𝗲 for all", &["𝗝𝘂𝘀𝘁𝗶𝗰𝗲"]),
            ("es", "Ⓛⓘⓑⓡⓔ", &["Ⓛⓘⓑⓡⓔ"]),
            ("en", "Ｊｕｓｔｉｃｅ", &["Ｊｕｓｔｉｃｅ"]),
            ("ja", "ＣＭさんに正義を", &[]),
            ("en", "At ℃, Ñandú, 𝑥 and ™", &[]),
            ("ar", "العدالة", &[]),
        ],
    );
    assert_eq!(finds(&Text::new("𝗝𝘂", "en", &[], true))[0].1.help, "write `Ju`");
}

#[test]
fn tags_of_several_words_want_capitals() {
    holds(
        "flat-hashtag",
        &[
            ("en", "#justiceforcoreymiller", &["#justiceforcoreymiller"]),
            ("fr", "#justiceforcoreymiller", &["#justiceforcoreymiller"]),
            (
                "en",
                "#freecorey and #Blacklivesmatter",
                &["#freecorey", "#Blacklivesmatter"],
            ),
            ("en", "#humanrights #votenow", &["#humanrights", "#votenow"]),
            (
                "es",
                "#justiciaparacorey #coreylibre",
                &["#justiciaparacorey", "#coreylibre"],
            ),
            ("en", "#JusticeForCoreyMiller #FREECOREY #free_corey", &[]),
            (
                "en",
                "#freedom #justice #court #freelance #blackboard #humanitarian #injustice #louisiana",
                &[],
            ),
            (
                "es",
                "#libertad #justicia #injusticia #verdaderamente #luisiana",
                &[],
            ),
            ("de", "#gerechtigkeit", &[]),
            ("ja", "正義を #正義", &[]),
            ("ar", "#العدالة", &[]),
        ],
    );
    assert!(flat("justiceforcorey", "en-US").is_some());
    assert!(flat("JusticeForCorey", "en").is_none());
    assert!(flat("justiceforcorey", "ja").is_none());
}

#[test]
fn tags_in_the_middle_of_a_word_are_none() {
    holds(
        "tag-in-word",
        &[
            ("en", "Justice#ForCorey", &["#ForCorey"]),
            ("es", "Justicia#Libertad", &["#Libertad"]),
            ("en", "Free{{ campaign.hashtags }}", &["campaign.hashtags"]),
            (
                "en",
                "Free {{ campaign.hashtags }} #A, (#B) https://example.org/x#Top",
                &[],
            ),
            ("en", "C# and issue#3", &[]),
            ("ja", "これは #正義", &[]),
            ("ar", "هذا #عدل", &[]),
        ],
    );
}

#[test]
fn links_that_are_not_encrypted_are_pointed_out() {
    holds(
        "plain-http",
        &[
            ("en", "See http://example.org/x.", &["http://example.org/x"]),
            ("es", "Más: HTTP://example.org", &["HTTP://example.org"]),
            ("en", "\"http://example.org/2024\"", &["http://example.org/2024"]),
            ("en", "https://example.org example.org http://abc.onion/x", &[]),
        ],
    );
}

#[test]
fn claims_about_people_name_whose_they_are() {
    holds(
        "bare-claim",
        &[
            ("en", "Corey Miller is innocent.", &["innocent"]),
            (
                "en",
                "{{ fact.person }} is innocent. Kim Kardashian says so.",
                &["innocent"],
            ),
            ("en", "Judge Roe lied to the jury.", &["lied"]),
            ("en", "He was wrongfully convicted.", &["wrongfully convicted"]),
            ("es", "{{ fact.person }} es inocente.", &["inocente"]),
            ("es", "El juez mintió al jurado.", &["mintió"]),
            (
                "en",
                "Kim Kardashian says that {{ fact.person }} is innocent.",
                &[],
            ),
            ("en", "According to the court, Jane Roe lied.", &[]),
            ("en", "One juror said that she voted \"guilty\".", &[]),
            ("en", "She changed it to \"guilty\".", &[]),
            ("en", "Is he innocent?", &[]),
            ("en", "Everybody is innocent until proven guilty.", &[]),
            ("en", "She believed him, and belied it.", &[]),
            ("es", "Kim Kardashian dice que él es inocente.", &[]),
            ("es", "Según el tribunal, ella mintió.", &[]),
            ("fr", "Il est coupable.", &[]),
            ("ar", "كوري ميلر بريء", &[]),
            ("ja", "彼は無罪だ。", &[]),
        ],
    );
}

#[test]
fn calls_to_action_want_an_end() {
    holds(
        "no-expires",
        &[
            ("en", "Sign the petition!", &["Sign the"]),
            (
                "en",
                "{{ fact.law }} is new. Please call your senator.",
                &["call your"],
            ),
            ("en", "The last chance to help.", &["last chance"]),
            ("es", "¡Firma la petición!", &["Firma la"]),
            ("es", "Por favor, llama a tu senadora.", &["llama a"]),
            ("en", "They sign the papers, and may vote.", &[]),
            ("en", "She asks people to share her post.", &[]),
            ("es", "Ella firma la carta.", &[]),
            ("fr", "Signez la pétition !", &[]),
            ("ja", "署名してください。", &[]),
        ],
    );
    let dated = |text| finds(&Text::new(text, "en", &[], false));
    assert!(dated("Sign the petition!").is_empty(), "it has an end");
}

#[test]
fn many_finds_of_one_kind_are_five() {
    let text = "10 men. ".repeat(50);
    assert_eq!(seen("en", &text).len(), MOST);
}

#[test]
fn a_language_is_known_by_its_first_part() {
    assert!(tongue::of("es-MX").is_some() && tongue::of("EN").is_some());
    assert!(tongue::of("de").is_none() && tongue::of("").is_none());
}

proptest::proptest! {
    #[test]
    fn what_is_found_is_in_the_text_whatever_it_is(
        text in "[ a-zA-Z0-9#@.,:/\"'“”«»‘’「」{}%\\-\nñé年𝗝🔥ー]{0,60}(\\{\\{ fact\\.x \\}\\}|http://a\\.io|He lied|FREE HIM){0,3}[ -~]{0,30}",
        language in "en|es|ja",
    ) {
        let looked = Text::new(&text, &language, &[], true);
        proptest::prop_assert_eq!(looked.typed.len(), text.len());
        proptest::prop_assert_eq!(looked.words.len(), text.len());
        for (code, find) in finds(&looked) {
            let words = text.get(find.range.clone());
            proptest::prop_assert!(words.is_some_and(|words| !words.is_empty()), "{} {:?}", code, find);
            proptest::prop_assert!(!find.message.chars().any(char::is_control), "{:?}", find);
        }
    }
}
