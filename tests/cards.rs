//! Cards, drawn: what is on them, that it is deterministic, and that nothing gets in as markup.
#![cfg(feature = "cards")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use image::RgbImage;
use steadfast::card::{SIZE, draw, fits};
use steadfast::post::card::{Card, Colours, Style};

fn card(words: &str) -> Card {
    let tags = ["JusticeForCoreyMiller".to_owned()];
    let name = "Justice for Corey Miller";
    Card::of(Style::Quote, words, name, &tags, Colours::default()).unwrap()
}

fn drawn(card: &Card) -> RgbImage {
    let png = draw(card).unwrap();
    if let Ok(folder) = std::env::var("STEADFAST_CARDS") {
        let name = format!("{}.png", card.clone().image().file);
        std::fs::write(std::path::Path::new(&folder).join(name), &png).unwrap();
    }
    image::load_from_memory(&png).unwrap().to_rgb8()
}

const SHORT: &str = "Ten to two: that was the jury's verdict.";
const LONG: &str = "Kim Kardashian says of Corey Miller that he is innocent. The jury's verdict was ten to two. \
    The Supreme Court has since held that such verdicts violate the Sixth Amendment right to a trial by jury, and \
    that the rule had its origin in an effort to silence jurors. He has been serving a life sentence since 2002. \
    She asks people to share her post, in the hope that the new law brings him home, and that he gets his day in \
    court at last.";
const SPANISH: &str =
    "«El jurado votó diez a dos»: ¿cuántos años más?\n\nCorey Miller cumple cadena perpetua desde 2002.";
const ARABIC: &str = "صوّتت هيئة المحلفين بعشرة أصوات مقابل صوتين في عام 2002. تقول Kim Kardashian إنه بريء.";

/// The number of pixels of each colour, in tenths of a percent of all.
fn share(image: &RgbImage, colour: [u8; 3]) -> usize {
    let count = image.pixels().filter(|pixel| pixel.0 == colour).count();
    count * 1000 / (image.width() * image.height()) as usize
}

/// The columns in which anything but the background stands, between these lines.
fn reach(image: &RgbImage, lines: std::ops::Range<u32>) -> (u32, u32) {
    let background = Colours::default().background.0;
    let written = |x: &u32| lines.clone().any(|y| image.get_pixel(*x, y).0 != background);
    let mut columns = (0..image.width()).filter(written);
    let first = columns.next().unwrap();
    (first, columns.next_back().unwrap_or(first))
}

#[test]
fn a_card_has_its_colours_its_margins_and_its_words() {
    for words in [SHORT, LONG, SPANISH] {
        let image = drawn(&card(words));
        assert_eq!((image.width(), image.height()), SIZE);
        let colours = Colours::default();
        assert!(share(&image, colours.background.0) > 700, "{words}");
        assert!(share(&image, colours.text.0) > 15, "{words}");
        assert!(share(&image, colours.accent.0) > 15, "{words}");
        let (left, right) = reach(&image, 150..540);
        assert!(left >= 80 && right <= 1110, "{words}: {left} to {right}");
        let (left, _) = reach(&image, 560..660);
        assert!((90..=100).contains(&left), "{left}");
    }
    // Few words are large, many are small.
    let height = |words| {
        let image = drawn(&card(words));
        let text = Colours::default().text.0;
        let tall = |y: &u32| (0..SIZE.0).any(|x| image.get_pixel(x, *y).0 == text);
        (150..540).filter(tall).count()
    };
    assert!(height(LONG) > height(SHORT));
}

#[test]
fn the_same_card_gives_the_same_bytes_and_other_words_others() {
    let (one, other) = (card(SHORT), card("Ten to two: that was the jury's verdict!"));
    assert_eq!(draw(&one).unwrap(), draw(&one).unwrap());
    assert_ne!(draw(&one).unwrap(), draw(&other).unwrap());
}

#[test]
fn words_are_text_and_never_markup() {
    let markup =
        card("</text><rect width=\"1200\" height=\"675\" fill=\"#ff0000\"/><text> & <!-- ]]> &#x41;");
    let image = drawn(&markup);
    assert_eq!(share(&image, [255, 0, 0]), 0);
    assert!(share(&image, Colours::default().text.0) > 10);
    let outside = card("<image href=\"/etc/hostname\"/> <use href=\"https://a.example/x.svg\"/>");
    drawn(&outside);
}

#[test]
fn what_does_not_fit_is_said() {
    assert!(fits(&card(LONG)).is_ok());
    let long = fits(&card(&LONG.repeat(4))).unwrap_err();
    assert!(long.message.contains("too long"), "{long}");
    let word = fits(&card(&"x".repeat(200))).unwrap_err();
    assert!(word.message.contains("too long"), "{word}");
    let name = Card {
        name: "long ".repeat(60),
        ..card(SHORT)
    };
    assert!(fits(&name).unwrap_err().message.contains("name"));
    // No font has a letter for private use.
    let private = fits(&card("\u{10fffd} is no letter")).unwrap_err();
    assert!(private.message.contains("U+10FFFD"), "{private}");
}

#[test]
fn other_directions_and_letters_are_drawn_where_there_are_fonts_for_them() {
    let arabic = card(ARABIC);
    match fits(&arabic) {
        Ok(()) => {
            let image = drawn(&arabic);
            let (_, right) = reach(&image, 575..660);
            assert!((1095..=1110).contains(&right), "it begins on the right: {right}");
            let (left, _) = reach(&image, 150..540);
            assert!(left >= 90, "and stays within the margin: {left}");
        }
        Err(why) => assert!(why.help.contains("font"), "{why}"),
    }
    let chinese =
        card("陪审团以十比二裁定他有罪。最高法院后来裁定，这样的裁决违反了第六修正案规定的陪审团审判权。");
    match fits(&chinese) {
        Ok(()) => drop(drawn(&chinese)),
        Err(why) => assert!(why.help.contains("font"), "{why}"),
    }
    for own in [
        "Справедливость для Кори Миллера.",
        "Δέκα προς δύο.",
        "Mười trên hai phiếu.",
    ] {
        drawn(&card(own));
    }
}
