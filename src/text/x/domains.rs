//! Which words with a dot twitter-text takes for a domain. Its list of top levels is of 2021; X's own servers
//! go with the times. So there are three kinds: those that both know, those that only one of them may know,
//! and no top level at all.

/// How sure it is that X makes a link of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Surely,
    /// To be measured both ways.
    Perhaps,
}

/// Whether `word` is a top level: ASCII in any case, or an international one as it is written.
pub(super) fn top_level(word: &str) -> Option<Known> {
    let lower = word.to_ascii_lowercase();
    if RETIRED.contains(&lower.as_str()) {
        return Some(Known::Perhaps);
    }
    let ascii = if word.is_ascii() {
        lower
    } else {
        format!("xn--{}", idna::punycode::encode_str(word)?)
    };
    if !tld::exist(&ascii) {
        return None;
    }
    Some(if NEW.contains(&ascii.as_str()) {
        Known::Perhaps
    } else {
        Known::Surely
    })
}

/// Top levels that the root zone has got since.
const NEW: &[&str] = &[
    "amazon", "kids", "merck", "music", "spa", "web", "xn--4dbrk0ce", "xn--cckwcxetd", "xn--jlq480n2rg",
];

/// Top levels that have left it since.
const RETIRED: &[&str] = &[
    "abarth", "active", "adac", "afamilycompany", "aigo", "alfaromeo", "an", "avianca", "bananarepublic",
    "bentley", "bl", "blanco", "bnl", "boots", "bq", "budapest", "bugatti", "cancerresearch", "cartier",
    "caseih", "cbs", "ceb", "chloe", "chrysler", "cityeats", "comcast", "cookingchannel", "csc", "dabur",
    "dodge", "doha", "doosan", "duck", "dunlop", "duns", "eh", "epost", "esurance", "etisalat",
    "everbank", "fiat", "flsmidth", "foodnetwork", "frontdoor", "fujixerox", "glade", "goo", "goodhands",
    "guardian", "helsinki", "hgtv", "honeywell", "hoteles", "htc", "iinet", "intel", "iselect", "iveco",
    "iwc", "jcp", "jlc", "juniper", "kerrylogistics", "kinder", "ladbrokes", "lancaster", "lancia",
    "lancome", "liaison", "linde", "lipsy", "lixil", "loft", "lupin", "macys", "maserati", "mcd",
    "mcdonalds", "meo", "metlife", "mf", "mobily", "montblanc", "mopar", "movistar", "mtpc", "mutual",
    "mutuelle", "nadex", "nationwide", "natura", "newholland", "northwesternmutual", "off", "oldnavy",
    "onyourside", "orientexpress", "pamperedchef", "panerai", "passagens", "piaget", "pramerica", "qvc",
    "raid", "redstone", "rightathome", "rmit", "rocher", "sapo", "sca", "scjohnson", "scor", "ses",
    "shaw", "showtime", "shriram", "spiegel", "spreadbetting", "srt", "starhub", "statoil", "swiftcover",
    "symantec", "telecity", "telefonica", "tiffany", "tp", "travelchannel", "uconnect", "um", "vista",
    "vistaprint", "volkswagen", "vuelos", "warman", "wolterskluwer", "xfinity", "xperia", "zippo",
    "اتصالات", "موبايلي", "大众汽车", "工行", "手表", "珠宝", "诺基亚",
];
