//! The dashboard in a real browser, where there is one: Debian's `chromium` and `chromium-driver`. Elsewhere these
//! tests say so and pass. `STEADFAST_AXE=FILE` has each page looked at by axe-core's `axe.min.js` too.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use program::{Place, free_port};
use serde_json::{Value, json};

/// A browser that is told what to do, by WebDriver.
struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            self.ask("DELETE", "", None).ok();
        }
        self.driver.kill().ok();
        self.driver.wait().ok();
    }
}

impl Browser {
    /// `None`: there is none here.
    fn open(width: u32, dark: bool) -> Option<Self> {
        Self::open_at(width, 800, dark)
    }

    fn open_at(width: u32, height: u32, dark: bool) -> Option<Self> {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(driver) = driver else {
            eprintln!("there is no chromedriver here, so no browser was asked");
            return None;
        };
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
        };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                began.elapsed() < Duration::from_mins(1),
                "chromedriver does not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        let options = json!({
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--lang=en"],
            "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1}},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let made = browser.send("POST", "/session", Some(&wanted)).unwrap();
        made["sessionId"]
            .as_str()
            .unwrap()
            .clone_into(&mut browser.session);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        let emulate = json!({"cmd": "Emulation.setEmulatedMedia", "params": media});
        browser.ask("POST", "/goog/cdp/execute", Some(&emulate)).unwrap();
        Some(browser)
    }

    fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(Duration::from_mins(1))).ok();
        let port = self.port;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
        .map_err(|e| e.to_string())?;
        // It keeps the connection open, whatever it is asked.
        let mut lines = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).map_err(|e| e.to_string())?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| line.clone())?;
            }
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body).map_err(|e| e.to_string())?;
        let answer: Value = serde_json::from_slice(&body).map_err(|e| e.to_string())?;
        if answer["value"]["error"].is_string() {
            return Err(answer["value"].to_string());
        }
        Ok(answer["value"].clone())
    }

    fn ask(&self, method: &str, what: &str, body: Option<&Value>) -> Result<Value, String> {
        self.send(method, &format!("/session/{}{what}", self.session), body)
    }

    fn go(&self, place: &Place, path: &str) {
        let url = json!({"url": format!("http://127.0.0.1:{}{path}", place.port)});
        self.ask("POST", "/url", Some(&url)).unwrap();
    }

    /// What a piece of JavaScript returns.
    fn run(&self, script: &str) -> Value {
        let script = json!({"script": script, "args": []});
        self.ask("POST", "/execute/sync", Some(&script)).unwrap()
    }

    fn element(&self, css: &str) -> String {
        let find = json!({"using": "css selector", "value": css});
        let found = self.ask("POST", "/element", Some(&find)).unwrap();
        found
            .as_object()
            .unwrap()
            .values()
            .next()
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn write(&self, css: &str, text: &str) {
        let text = json!({"text": text});
        let element = self.element(css);
        self.ask("POST", &format!("/element/{element}/value"), Some(&text))
            .unwrap();
    }

    fn click(&self, css: &str) {
        let element = self.element(css);
        self.ask("POST", &format!("/element/{element}/click"), Some(&json!({})))
            .unwrap();
    }

    fn heading(&self) -> String {
        // Between two pages there is nobody to ask.
        let look = json!({"script": "return document.querySelector('h1')?.textContent ?? ''", "args": []});
        let said = self.ask("POST", "/execute/sync", Some(&look)).unwrap_or_default();
        said.as_str().unwrap_or_default().to_owned()
    }

    /// What the browser had to complain of since it was asked last.
    fn complaints(&self) -> Vec<String> {
        let asked = self
            .ask("POST", "/se/log", Some(&json!({"type": "browser"})))
            .unwrap();
        let lines = asked.as_array().unwrap().iter();
        lines.map(|line| line["message"].to_string()).collect()
    }
}

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
    let axe = std::env::var("STEADFAST_AXE").map(|file| std::fs::read_to_string(file).unwrap());
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

#[test]
fn everything_is_held_by_a_thumb_and_the_page_hears_of_news() {
    let place = Place::new("");
    place.write("a.toml", MESSAGES);
    let _daemon = place.start();
    place.wait_ready();
    let Some(browser) = Browser::open(360, false) else {
        return;
    };
    browser.go(&place, "/");
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

    // What somebody else does shows by itself.
    place.run(&["release"]);
    place.wait("the page hears of the release", 30, || {
        browser.heading() != "Everything is held"
    });
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
    browser.go(&place, "/facts");
    browser.click("button[lang=es]");
    place.wait("the page in Spanish", 30, || {
        browser.heading().starts_with("Hechos")
    });
    assert_eq!(browser.complaints(), [""; 0]);
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

#[test]
fn a_recall_is_seen_before_it_is_said() {
    let place = Place::new("");
    place.write("a.toml", MESSAGES);
    let _daemon = place.start();
    place.wait("two posts", 60, || place.events("post.sent").len() == 2);
    let Some(browser) = Browser::open(390, true) else {
        return;
    };
    browser.go(&place, "/facts");
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
    assert_eq!(browser.complaints(), [""; 0]);
}
