//! Debian's chromium, told what to do by WebDriver.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Place, free_port};

/// A browser that is told what to do.
pub struct Browser {
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
    pub fn open(width: u32, dark: bool) -> Option<Self> {
        Self::open_at(width, 800, dark)
    }

    pub fn open_at(width: u32, height: u32, dark: bool) -> Option<Self> {
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

    pub fn ask(&self, method: &str, what: &str, body: Option<&Value>) -> Result<Value, String> {
        self.send(method, &format!("/session/{}{what}", self.session), body)
    }

    pub fn go(&self, place: &Place, path: &str) {
        let url = json!({"url": format!("http://127.0.0.1:{}{path}", place.port)});
        self.ask("POST", "/url", Some(&url)).unwrap();
    }

    /// What a piece of JavaScript returns.
    pub fn run(&self, script: &str) -> Value {
        let script = json!({"script": script, "args": []});
        self.ask("POST", "/execute/sync", Some(&script)).unwrap()
    }

    /// Does something with the element, as soon as it is there: news may just be changing the page.
    fn with(&self, css: &str, what: &str, body: &Value) {
        let find = json!({"using": "css selector", "value": css});
        let act = || {
            let found = self.ask("POST", "/element", Some(&find))?;
            let id = found.as_object().and_then(|found| found.values().next());
            let id = id.and_then(Value::as_str).unwrap();
            self.ask("POST", &format!("/element/{id}/{what}"), Some(body))
        };
        let end = Instant::now() + Duration::from_secs(20);
        while let Err(e) = act() {
            assert!(
                Instant::now() < end,
                "{what} of {css}: {e}\n{}",
                self.run("return document.body.innerText")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn write(&self, css: &str, text: &str) {
        self.with(css, "value", &json!({"text": text}));
    }

    pub fn click(&self, css: &str) {
        self.with(css, "click", &json!({}));
    }

    /// How many elements there are.
    pub fn count(&self, css: &str) -> u64 {
        let script = format!("return document.querySelectorAll({}).length", json!(css));
        self.run(&script).as_u64().unwrap()
    }

    /// Waits until the page says so, anywhere.
    pub fn wait_for(&self, said: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let look = json!({"script": "return document.body.innerText", "args": []});
            let text = self.ask("POST", "/execute/sync", Some(&look)).unwrap_or_default();
            if text.as_str().is_some_and(|text| text.contains(said)) {
                return;
            }
            assert!(Instant::now() < end, "the page never said {said:?}: {text}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn heading(&self) -> String {
        // Between two pages there is nobody to ask.
        let look = json!({"script": "return document.querySelector('h1')?.textContent ?? ''", "args": []});
        let said = self.ask("POST", "/execute/sync", Some(&look)).unwrap_or_default();
        said.as_str().unwrap_or_default().to_owned()
    }

    /// What the browser had to complain of since it was asked last.
    pub fn complaints(&self) -> Vec<String> {
        let asked = self
            .ask("POST", "/se/log", Some(&json!({"type": "browser"})))
            .unwrap();
        let lines = asked.as_array().unwrap().iter();
        lines.map(|line| line["message"].to_string()).collect()
    }
}
