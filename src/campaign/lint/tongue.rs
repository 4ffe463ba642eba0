//! The words that lints know, language by language. A language that is not here gets no lints that go by
//! words.

use std::sync::LazyLock;

use regex::Regex;

use crate::text::pattern;

/// What is known of a language.
#[derive(Debug)]
pub struct Tongue {
    /// Any of the claims, calls and what is soon over: one look for three, and most texts have none.
    pub stirring: LazyLock<Regex>,
    /// What nobody should say of a person in their own name.
    pub claims: LazyLock<Regex>,
    /// Who says so, or that it is not said for certain.
    pub attribution: LazyLock<Regex>,
    /// A person, by pronoun, title or name.
    pub person: LazyLock<Regex>,
    /// How a call to action begins.
    pub calls: LazyLock<Regex>,
    /// What may stand before a call in its sentence.
    pub before_calls: &'static [&'static str],
    /// What is soon over, wherever it stands.
    pub soon_over: LazyLock<Regex>,
    /// Dates with the month in letters.
    pub dates: LazyLock<Regex>,
    /// What a number may follow that names a thing and is no figure: `Section 926`, `call 988`.
    pub references: &'static [&'static str],
    /// How hashtags of several words begin …
    pub tag_heads: &'static [&'static str],
    /// … and end.
    pub tag_tails: &'static [&'static str],
    /// What makes one word of it with such a beginning: `freelance`, `libremente`.
    pub word_ends: &'static [&'static str],
}

/// The language of this tag, whatever its region.
pub fn of(language: &str) -> Option<&'static Tongue> {
    let primary = language.split('-').next().unwrap_or_default();
    match primary.to_ascii_lowercase().as_str() {
        "en" => Some(&ENGLISH),
        "es" => Some(&SPANISH),
        _ => None,
    }
}

/// Any of these words, the longest that is there. Whole words are the caller's to look for: `\b` of all
/// alphabets is slow.
fn any_of(lists: &[&str]) -> Regex {
    let words = lists.iter().flat_map(|words| words.split(','));
    let mut words: Vec<&str> = words.map(str::trim).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    pattern(&format!("(?i){}", words.join("|")))
}

/// Two names in a row, as people have them; `Sixth Amendment` looks the same.
const NAME: &str = r"\b\p{Lu}\p{Ll}+(?: \p{Lu}\.)? \p{Lu}[\p{L}’'-]+";

const EN_CLAIMS: &str = "guilty, innocent, lied, lying, liar, corrupt, murdered, murderer, killed, killer, stole, thief, raped, \
         rapist, abused, abuser, assaulted, framed, fraud, perjured, committed perjury, bribed, racist, wrongfully, \
         wrongfully convicted, wrongly convicted, wrongfully accused, falsely accused, did not commit, didn't commit, didn’t commit, did not do it, didn't do it, didn’t do it, \
         committed the, covered up, tampered with, fabricated, coerced";
const EN_CALLS: &str = "sign the, sign our, sign this, sign now, sign up, sign here, sign and share, add your name, register now, register \
         for, register here, register to, rsvp, join us, join our, donate, chip in, call your, call the, call governor, \
         write to your, write your, email your, tell your, contact your, vote, come to, attend, show up, apply now, pledge, \
         tune in";
const EN_SOON_OVER: &str = "deadline, last chance, tonight";

static ENGLISH: Tongue = Tongue {
    stirring: LazyLock::new(|| any_of(&[EN_CLAIMS, EN_CALLS, EN_SOON_OVER])),
    claims: LazyLock::new(|| any_of(&[EN_CLAIMS])),
    attribution: LazyLock::new(|| {
        any_of(&[
            "say, says, said, saying, tell, tells, told, according to, allege, alleges, alleged, allegedly, report, reports, \
         reported, reportedly, claim, claims, claimed, state, states, stated, testifies, testified, testimony, swears, \
         swore, sworn, writes, wrote, accuse, accuses, accused, charged, convicted, found, finds, ruled, held, pleaded, \
         pled, admits, admitted, confessed, argues, argued, believes, believe, believed, asserts, maintains, insists, \
         suspected, quoted, if, whether, until proven, presumption, presumed",
        ])
    }),
    person: LazyLock::new(|| {
        pattern(&format!(
            r"\b(?i:he|she|him|her|his|judge|officer|sheriff|mayor|governor|senator|president|prosecutor|detective|attorney|witness|witnesses|mr|mrs|ms|dr)\b|{NAME}"
        ))
    }),
    calls: LazyLock::new(|| any_of(&[EN_CALLS])),
    before_calls: &["please", "and", "now", "then", "so", "today"],
    soon_over: LazyLock::new(|| any_of(&[EN_SOON_OVER])),
    dates: LazyLock::new(|| {
        let month = "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)";
        let day = "[0-9]{1,2}(?:st|nd|rd|th)?";
        pattern(&format!(
            r"{month}\.? {day}(?:,? [0-9]{{4}})?|{day} (?:of )?{month}(?:\.?,? [0-9]{{4}})?|{month}\.?,? [0-9]{{4}}"
        ))
    }),
    references: &[
        "section",
        "sections",
        "sec",
        "article",
        "art",
        "amendment",
        "act",
        "bill",
        "rule",
        "chapter",
        "title",
        "page",
        "p",
        "part",
        "no",
        "nos",
        "number",
        "case",
        "docket",
        "form",
        "room",
        "route",
        "highway",
        "interstate",
        "exit",
        "suite",
        "box",
        "channel",
        "episode",
        "volume",
        "vol",
        "step",
        "phase",
        "district",
        "ward",
        "precinct",
        "proposition",
        "resolution",
        "call",
        "text",
        "dial",
    ],
    tag_heads: &[
        "justice",
        "free",
        "save",
        "stop",
        "release",
        "human",
        "climate",
        "black",
        "never",
        "bring",
        "remember",
        "standwith",
        "nojustice",
        "vote",
        "truth",
        "criminal",
        "racial",
        "social",
        "police",
        "death",
        "fair",
        "help",
        "support",
        "prayfor",
        "prison",
        "wrongful",
        "equal",
        "end",
        "we",
        "my",
        "say",
    ],
    tag_tails: &[
        "justice", "matters", "matter", "reform", "freedom", "peace", "forever", "rights", "penalty", "now",
        "free",
    ],
    word_ends: &[
        "ization", "isation", "istic", "itarian", "ically", "fully", "ness", "less", "ship", "house", "room",
        "yard", "style", "lance", "maker", "keeper", "woman", "women", "officer", "ground", "board", "berry",
        "smith", "watch", "theless", "dom", "work", "line", "mail", "list", "hold", "load", "ware", "kind",
    ],
};

const ES_CLAIMS: &str = "culpable, culpables, inocente, inocentes, mintió, mintieron, miente, mienten, mentiroso, mentirosa, corrupto, \
         corrupta, corruptos, asesinó, asesino, asesina, mató, mataron, robó, robaron, ladrón, ladrona, violó, violador, \
         abusó, agredió, incriminó, incriminaron, fraude, racista, racistas, encubrió, encubrieron, sobornó, no cometió, \
         no lo hizo, cometió, fabricó, fabricaron, injustamente, \
         injustamente condenado, injustamente condenada, injustamente acusado, injustamente acusada";
const ES_CALLS: &str = "firma la, firma esta, firma nuestra, firma ya, firma aquí, firma ahora, firme la, firme esta, firme aquí, firmen, súmate, \
         súmese, únete, únase, inscríbete, inscríbase, regístrate, regístrese, dona, done, donen, llama a, llama al, llame a, \
         llame al, llamen a, escribe a, escribe al, escriba a, escriban a, vota, vote, voten, asiste, asista, participa, \
         participe, acude, ven a, vengan a";
const ES_SOON_OVER: &str = "fecha límite, última oportunidad, esta noche";

static SPANISH: Tongue = Tongue {
    stirring: LazyLock::new(|| any_of(&[ES_CLAIMS, ES_CALLS, ES_SOON_OVER])),
    claims: LazyLock::new(|| any_of(&[ES_CLAIMS])),
    attribution: LazyLock::new(|| {
        any_of(&[
            "dice, dicen, dijo, dijeron, diciendo, según, de acuerdo con, afirma, afirman, afirmó, asegura, aseguran, aseguró, \
         declara, declaró, declararon, testificó, testificaron, juró, juraron, jurado que, alega, alegó, presunto, presunta, \
         presuntamente, supuesto, supuesta, supuestamente, informa, informó, informaron, acusa, acusó, acusado, acusada, \
         condenado, condenada, condenó, halló, falló, sentenció, sostiene, sostuvo, cuenta, contó, escribe, escribió, cree, \
         creen, denuncia, denunció, confesó, admitió, reconoció, si, hasta que, presunción",
        ])
    }),
    person: LazyLock::new(|| {
        pattern(&format!(
            r"\b(?i:él|ella|ellos|ellas|juez|jueza|agente|oficial|alguacil|alcalde|alcaldesa|gobernador|gobernadora|senador|senadora|presidente|presidenta|fiscal|detective|testigo|testigos|señor|señora|sr|sra|dr|dra)\b|{NAME}"
        ))
    }),
    calls: LazyLock::new(|| any_of(&[ES_CALLS])),
    before_calls: &["favor", "y", "ahora", "hoy"],
    soon_over: LazyLock::new(|| any_of(&[ES_SOON_OVER])),
    dates: LazyLock::new(|| {
        let month = "(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|setiembre|octubre|noviembre|diciembre)";
        pattern(&format!(
            r"(?i)[0-9]{{1,2}}[º°]? (?:de )?{month}(?: del? [0-9]{{4}})?|{month} del? [0-9]{{4}}"
        ))
    }),
    references: &[
        "sección",
        "secciones",
        "artículo",
        "art",
        "enmienda",
        "ley",
        "capítulo",
        "título",
        "página",
        "pág",
        "parte",
        "número",
        "núm",
        "n",
        "no",
        "caso",
        "expediente",
        "formulario",
        "sala",
        "ruta",
        "carretera",
        "salida",
        "canal",
        "episodio",
        "volumen",
        "paso",
        "fase",
        "distrito",
        "propuesta",
        "resolución",
        "regla",
        "apartado",
        "las",
        "la",
        "llama",
        "llame",
        "marca",
        "marque",
    ],
    tag_heads: &[
        "justicia", "libertad", "salvemos", "salven", "todos", "todas", "derechos", "verdad", "basta",
        "nunca", "fuera", "vivas", "niuna", "yosoy", "nomás", "nomas", "liberen", "firma", "vota",
    ],
    tag_tails: &[
        "libre", "libres", "justicia", "libertad", "siempre", "vivas", "menos", "verdad",
    ],
    word_ends: &["mente", "era", "ble"],
};
