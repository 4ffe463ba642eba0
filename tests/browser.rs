//! The dashboard in a real browser, where there is one: Debian's `chromium` and `chromium-driver`. Elsewhere these
//! tests say so and pass. Where `npm ci --prefix tests/axe` has been run, axe-core looks at each page too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod driver;
mod program;
mod wire;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use driver::Browser;
use program::Place;
use program::fake::{Fake, Fault};
use serde_json::{Value, json};

/// The windows in which everything is done: a phone's and a desk's.
const WIDTHS: [u32; 2] = [360, 1280];

const MESSAGES: &str = r#"
[fact.verdict]
value = "10-2"
source = "https://court.example/record"

[[message]]
id = "said"
text = "The jury said {{ fact.verdict }}, and a-very-long-word-that-nobody-can-break-anywhere-because-it-has-no-blanks."
priority = "breaking"

[[message]]
id = "later"
text = "Later, and not before."
at = 2031-01-06T09:00:00

[[message]]
id = "wrong"
text = "A word"
txet = "and one too many"
"#;

const PAGES: [&str; 12] = [
    "/",
    "/insights",
    "/facts/verdict/recall",
    "/facts/verdict/recall?act=delete",
    "/calendar",
    "/calendar?view=month",
    "/messages",
    "/messages/said",
    "/history",
    "/facts",
    "/problems",
    "/sandbox",
];

/// What a person with another way of reading would stumble over, one line each.
const STUMBLES: &str = r"
    const found = [];
    const say = (what, of) => found.push(what + ': ' + of.outerHTML.slice(0, 120));
    if (document.querySelectorAll('h1').length !== 1) found.push('not one h1');
    if (document.querySelectorAll('main').length !== 1) found.push('not one main');
    if (!document.documentElement.lang) found.push('no language');
    if (document.documentElement.scrollWidth > innerWidth) found.push('wider than the window');
    const ids = [...document.querySelectorAll('[id]')].map((of) => of.id);
    for (const id of ids.filter((id, at) => ids.indexOf(id) !== at)) found.push('two of id ' + id);
    for (const of of document.querySelectorAll('input:not([type=hidden]), select'))
        if (!of.labels.length) say('no label', of);
    for (const of of document.querySelectorAll('a, button, summary'))
        if (!(of.textContent.trim() || of.getAttribute('aria-label'))) say('no name', of);
    for (const of of document.querySelectorAll('img')) if (!of.hasAttribute('alt')) say('no alt', of);
    for (const of of document.querySelectorAll('button, input:not([type=hidden]), select')) {
        const box = of.getBoundingClientRect();
        if (box.height && (box.height < 24 || box.width < 24)) say('too small to hit', of);
    }
    for (const of of document.querySelectorAll('section[aria-labelledby]'))
        if (!document.getElementById(of.getAttribute('aria-labelledby'))) say('labelled by nothing', of);
    return found;
";

const AXE: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document).then((found) => done(found.violations.map((one) => one.id + ': ' + one.nodes[0].html)));
";

#[test]
fn nobody_stumbles_over_any_page_small_or_large_light_or_dark() {
    let place = Place::new("");
    place.write("a.toml", MESSAGES);
    let _daemon = place.start();
    place.wait("two posts", 60, || place.events("post.sent").len() == 2);
    place.counted();
    let axe = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/axe/node_modules/axe-core/axe.min.js"
    ));
    for (width, dark) in [(320, false), (1280, true)] {
        let Some(browser) = Browser::open(width, dark) else {
            return;
        };
        for page in PAGES {
            browser.go(&place, page);
            assert_eq!(browser.run(STUMBLES), json!([]), "{page} at {width}");
            assert_eq!(browser.complaints(), [""; 0], "{page} at {width}");
            if let Ok(axe) = &axe {
                browser.run(axe);
                let look = json!({"script": AXE, "args": []});
                let found = browser.ask("POST", "/execute/async", Some(&look)).unwrap();
                assert_eq!(found, json!([]), "{page} at {width}");
            }
        }
    }
}

/// Shows `test` a campaign of its own in each window; nothing of it may be anything to complain of.
fn in_each_window(config: &str, dark: bool, test: impl Fn(&Place, &Browser)) {
    for width in WIDTHS {
        let place = Place::new(config);
        place.write("a.toml", MESSAGES);
        let _daemon = place.start();
        place.wait_ready();
        let Some(browser) = Browser::open(width, dark) else {
            return;
        };
        test(&place, &browser);
        assert_eq!(browser.complaints(), [""; 0]);
    }
}

#[test]
fn everything_is_held_by_a_thumb_and_the_page_hears_of_news() {
    in_each_window("", false, hold_and_hear);
}

fn hold_and_hear(place: &Place, browser: &Browser) {
    browser.go(place, "/");
    browser.write("form[action='/hold'] input[name=why]", "the court has ruled");
    browser.write("form[action='/hold'] input[name=as]", "Ann");
    browser.click("form[action='/hold'] button.danger");
    place.wait("the page to say so", 30, || {
        browser.heading() == "Everything is held"
    });
    let held = &place.json(&["status", "--format", "json"])["hold"];
    assert_eq!(
        (held["why"].as_str(), held["by"].as_str()),
        (Some("the court has ruled"), Some("Ann"))
    );

    browser.click("form[action='/release'] button.main");
    place.wait("the page to say that it goes on", 30, || {
        browser.heading() != "Everything is held"
    });
    assert!(place.json(&["status", "--format", "json"])["hold"].is_null());

    // What somebody else does shows by itself.
    for (command, held) in [
        (["hold", "--why", "elsewhere"].as_slice(), true),
        (&["release"], false),
    ] {
        place.run(command);
        place.wait("the page hears of it", 30, || {
            (browser.heading() == "Everything is held") == held
        });
    }
    // But not while somebody is writing: what they wrote stays.
    browser.write("form[action='/hold'] input[name=why]", "half a rea");
    place.run(&["hold", "--why", "meanwhile"]);
    place.wait("the daemon has it", 30, || {
        !place.json(&["status", "--format", "json"])["hold"].is_null()
    });
    let typed = browser.run("return document.querySelector('form[action=\"/hold\"] input[name=why]').value");
    assert_eq!(typed, "half a rea");
    browser.write("form[action='/hold'] input[name=why]", "son");
    browser.click("form[action='/hold'] button.danger");
    place.wait("both holds", 30, || {
        let holds = place.json(&["status", "--format", "json"])["holds"].to_string();
        holds.contains("half a reason") && holds.contains("meanwhile")
    });

    // In another language, and back where one was.
    browser.go(place, "/facts");
    browser.click("button[lang=es]");
    place.wait("the page in Spanish", 30, || {
        browser.heading().starts_with("Hechos")
    });
}

#[test]
fn a_message_is_approved_held_posted_and_no_longer_approved() {
    in_each_window("[delivery]\napproval = \"required\"\n", true, |place, browser| {
        let sent = |count: usize| {
            let what = format!("{count} posts");
            place.wait(&what, 60, || place.events("post.sent").len() == count);
        };
        browser.go(place, "/messages?which=pending");
        browser.click("a[href='/messages/said']");
        browser.wait_for("waiting for approval");
        browser.write("form[action$='/approve'] input[name=as]", "Ann");
        browser.click("form[action$='/approve'] button");
        browser.wait_for("Approved as it stands");
        sent(2);

        // Whoever has said their name is not asked twice.
        browser.go(place, "/messages/said");
        browser.click("details:has(form[action='/hold']) summary");
        browser.write("form[action='/hold'] input[name=why]", "a word is wrong");
        browser.click("form[action='/hold'] button");
        browser.wait_for("a word is wrong");
        let hold = place.json(&["status", "--format", "json"])["holds"][0].clone();
        assert_eq!(
            (&hold["target"], &hold["by"]),
            (&json!("said"), &json!("Ann")),
            "{hold}"
        );
        browser.click("form[action='/release'] button");
        place.wait("the release", 30, || {
            place.json(&["status", "--format", "json"])["holds"] == json!([])
        });

        browser.click("details:has(form[action$='/post']) summary");
        browser.click("form[action$='/post'] button");
        sent(4);

        browser.go(place, "/messages/said");
        browser.click("form[action$='/withdraw'] button");
        browser.wait_for("Ann withdrew the approval");
    });
}

#[test]
fn an_account_is_held_and_released_from_the_first_page() {
    in_each_window("", false, |place, browser| {
        browser.go(place, "/");
        browser.click("summary[aria-label='Hold this account: mastodon']");
        browser.write("details[open] input[name=why]", "somebody else posts there");
        browser.click("details[open] button.danger");
        browser.wait_for("Also held");
        browser.wait_for("somebody else posts there");
        let account = || {
            let accounts = &place.json(&["status", "--format", "json"])["accounts"];
            let mut all = accounts.as_array().unwrap().iter();
            all.find(|account| account["account"] == "mastodon").unwrap()["state"].clone()
        };
        assert_eq!(account(), "held");
        browser.click("form[action='/release'] button[aria-label='Release: mastodon']");
        place.wait("the account goes on", 30, || account() == "ok");
    });
}

#[test]
fn a_person_decides_what_became_of_a_post() {
    for width in WIDTHS {
        let fake = Fake::start();
        let place = Place::new(&format!(
            "[account.mastodon]\nplatform = \"mastodon\"\nbase_url = \"{}\"\nin_doubt = \"hold\"\n\
             access_token = {{ env = \"TOKEN\" }}\n",
            fake.url
        ));
        assert!(place.run(&["init"]).status.success());
        let state = |id: &str| {
            let rows = place.json(&["history", "--message", id, "--format", "json"]);
            rows[0]["state"].as_str().unwrap_or_default().to_owned()
        };
        let _daemon = place.start();
        place.wait_ready();
        // Three whose answers are lost, one after another, and one that is refused.
        let lost = || Fault::AcceptThenAnswer(502, "<html>Bad Gateway</html>".into());
        let refused = || Fault::Answer(422, vec![], r#"{"error":"Text is too sad"}"#.into());
        for (id, fault, becomes) in [
            ("there", lost(), "held"),
            ("lost", lost(), "held"),
            ("left", lost(), "held"),
            ("sad", refused(), "rejected"),
        ] {
            fake.fault(fault);
            let text = format!("[[message]]\nid = \"{id}\"\ntext = \"{id}\"\npriority = \"breaking\"\n");
            place.write(&format!("{id}.toml"), &text);
            place.wait(id, 60, || state(id) == becomes);
        }
        let Some(browser) = Browser::open(width, true) else {
            return;
        };
        let of =
            |id: &str, act: &str| format!("li.post:has(a[href='/messages/{id}']) form[action$='/{act}']");

        browser.go(&place, "/");
        browser.wait_for("Needs you");
        browser.write(
            &format!("{} input[name=url]", of("there", "resolve")),
            "https://fake/@test/1",
        );
        browser.click(&format!("{} button[value=sent]", of("there", "resolve")));
        place.wait("it was sent", 30, || state("there") == "sent");
        let history = place.json(&["history", "--message", "there", "--format", "json"]);
        assert_eq!(history[0]["parts"][0]["url"], "https://fake/@test/1");

        browser.go(&place, "/history?state=held");
        browser.click(&format!("{} button[value=not_sent]", of("lost", "resolve")));
        place.wait("it is sent anew", 30, || state("lost") == "sent");

        // By the filter, as a person finds it.
        browser.go(&place, "/history");
        browser.click("select[name=state] option[value=held]");
        browser.click("form.filter button");
        place.wait("what is held alone", 30, || {
            browser.count("li.post") == 1 && browser.count("a[href='/messages/left']") == 1
        });
        browser.click(&format!("{} button", of("left", "skip")));
        place.wait("it is left out", 30, || state("left") == "skipped");

        browser.go(&place, "/");
        browser.wait_for("Text is too sad");
        browser.click(&format!("{} button", of("sad", "retry")));
        place.wait("what was refused is sent", 30, || state("sad") == "sent");

        // What was left out can still go out, from its own page, where everything that was said stands.
        browser.go(&place, "/history?state=skipped");
        browser.click("li.post a[href^='/posts/']");
        browser.click("button[value=not_sent]");
        place.wait("it is sent after all", 30, || state("left") == "sent");
        browser.wait_for("it is not there");
        assert_eq!(browser.complaints(), [""; 0]);
    }
}

#[test]
fn one_signs_in_does_what_one_may_and_signs_out() {
    let place = Place::new(&wire::users());
    place.write("a.toml", MESSAGES);
    let _daemon = place.start();
    place.wait_ready();
    for width in WIDTHS {
        let Some(browser) = Browser::open(width, width == WIDTHS[0]) else {
            return;
        };
        let sign_in = |name: &str, password: &str| {
            browser.go(&place, "/signin");
            browser.write("input[name=user]", name);
            browser.write("input[name=password]", password);
            browser.click("form.signin button");
        };
        sign_in("the-editor", "wrong horse");
        browser.wait_for("That is not the name and password");
        assert_eq!(browser.run(STUMBLES), json!([]));
        sign_in("the-editor", "correct horse battery");
        browser.wait_for("Hold everything");
        browser.write("form[action='/hold'] input[name=why]", "the court has ruled");
        browser.click("form[action='/hold'] button.danger");
        browser.wait_for("Everything is held");
        let hold = &place.json(&["status", "--format", "json"])["hold"];
        assert_eq!(hold["by"], "the-editor");
        // To go on is not an editor's.
        assert_eq!(browser.count("form[action='/release']"), 0);
        browser.click("form[action='/signout'] button");
        browser.wait_for("Password");

        sign_in("the-operator", "correct horse battery");
        browser.click("form[action='/release'] button.main");
        place.wait("the release", 30, || {
            place.json(&["status", "--format", "json"])["hold"].is_null()
        });
    }
}

#[test]
fn a_recall_is_seen_before_it_is_said() {
    in_each_window("", true, correct_edit_and_delete);
}

fn correct_edit_and_delete(place: &Place, browser: &Browser) {
    place.wait("two posts", 60, || place.events("post.sent").len() == 2);
    browser.go(place, "/facts");
    browser.click("a[href='/facts/verdict/recall']");
    place.wait("the list", 30, || {
        browser.heading().starts_with("Recall of verdict")
    });
    let buttons = || browser.run("return document.querySelectorAll('button.danger').length");
    assert_eq!(buttons(), 0, "nothing can be said yet");
    browser.click("input[value=correct]");
    browser.write("textarea[name=text]", "Correction: it was 11-1.");
    browser.click("form[method=get] button");
    place.wait("what it would do", 30, || buttons() == 1);
    let listed = "return document.body.innerText.match(/would be corrected/g)?.length ?? 0";
    assert_eq!(browser.run(listed), 2);
    browser.write("form.sure input[name=why]", "the court has ruled");
    browser.write("form.sure input[name=as]", "Ann");
    browser.click("form.sure button.danger");
    place.wait("both are corrected", 60, || {
        let rows = place.json(&["recall", "verdict", "--format", "json"]);
        let corrected =
            |row: &Value| row["recalls"][0]["act"] == "correct" && row["recalls"][0]["state"] == "sent";
        rows.as_array().unwrap().iter().all(corrected)
    });
    place.wait("the page says so", 30, || {
        browser.run("return document.body.innerText.includes('correction: sent')") == true
    });

    // The fact is mended, and the words of what is out with it.
    place.write("a.toml", &MESSAGES.replace("10-2", "11-1"));
    place.wait("the new words", 30, || {
        place
            .json(&["facts", "--format", "json"])
            .to_string()
            .contains("11-1")
    });
    browser.go(place, "/facts/verdict/recall");
    browser.click("input[value=edit]");
    browser.click("form[method=get] button");
    browser.wait_for("Edit these posts: 1");
    browser.wait_for("The jury said 11-1, and");
    browser.wait_for("delete it or answer it instead"); // Bluesky edits nothing
    browser.write("form.sure input[name=why]", "the court has ruled");
    browser.click("form.sure button.danger");
    browser.wait_for("edit: sent");

    browser.click("input[value=delete]");
    browser.click("form[method=get] button");
    browser.wait_for("Delete these posts: 2");
    browser.write("form.sure input[name=why]", "enough of it");
    browser.click("form.sure button.danger");
    place.wait("both are deleted", 60, || {
        let rows = place.json(&["recall", "verdict", "--format", "json"]);
        rows.to_string().matches("\"act\":\"delete\"").count() == 2
    });
    browser.wait_for("deletion: sent");
}

/// The pictures in README and docs, of the sample campaign as it is today:
/// `cargo test --test browser -- --ignored pictures`.
#[test]
#[ignore = "writes docs/*.png"]
fn pictures() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut place = Place::new("");
    place.set("STEADFAST__MESSAGES", root.join("messages").to_str().unwrap());
    let _daemon = place.start();
    place.wait("what goes out at once", 60, || {
        place.events("post.sent").len() >= 6
    });
    for (name, width, height, dark, page) in [
        ("dashboard", 1280, 900, false, "/"),
        ("message", 1280, 900, false, "/messages/ten-to-two"),
        ("phone", 390, 844, true, "/"),
    ] {
        let browser = Browser::open_at(width, height, dark).expect("chromedriver is needed");
        browser.go(&place, page);
        let picture = browser.ask("GET", "/screenshot", None).unwrap();
        let bytes = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        std::fs::write(root.join(format!("docs/{name}.png")), bytes).unwrap();
    }
}
