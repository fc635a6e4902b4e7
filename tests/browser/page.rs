//! A page in a tab of its own: what a person does with mouse and keyboard, and what is to be seen. What one page stores, the
//! others of the same server have too, as in the browser of one person.

use std::fmt::Display;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use crate::chromium::{Chromium, PATIENCE};

pub(crate) struct Page {
    browser: &'static Chromium,
    target: String,
    session: String,
    /// Parts of complaints that belong to the test.
    expected: Mutex<Vec<String>>,
}

impl Page {
    pub(crate) fn new(browser: &'static Chromium, place: Place) -> Self {
        let call = |method, params| browser.devtools.call(None, method, &params);
        let ask = |method, params, key: &str| match call(method, params) {
            Ok(answer) => text(&answer[key]),
            Err(error) => panic!("{method}: {error}"),
        };
        let target = ask(
            "Target.createTarget",
            json!({ "url": "about:blank", "newWindow": place == Place::Window }),
            "targetId",
        );
        let session = ask(
            "Target.attachToTarget",
            json!({ "targetId": target, "flatten": true }),
            "sessionId",
        );
        let page = Self {
            browser,
            target,
            session,
            expected: Mutex::default(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.call(&format!("{domain}.enable"), json!({}));
        }
        page.call(
            "Emulation.setFocusEmulationEnabled",
            json!({ "enabled": true }),
        );
        page.speak("en");
        page.look(WIDE, Scheme::Light);
        page
    }

    // ---- Where it is and how it looks

    pub(crate) fn visit(&self, url: &str) {
        self.call("Page.navigate", json!({ "url": url }));
        self.wait_until(&format!(
            "document.readyState === 'complete' && location.href.startsWith({})",
            js(url)
        ));
    }

    pub(crate) fn look(&self, (width, height): (u32, u32), scheme: Scheme) {
        let device = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", device);
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // Nothing to wait for.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
    }

    /// What the person reads, for pages visited from here on.
    pub(crate) fn speak(&self, language: &str) {
        let agent = self.evaluate("navigator.userAgent");
        let agent = json!({ "userAgent": agent, "acceptLanguage": language });
        self.call("Emulation.setUserAgentOverride", agent);
    }

    // ---- What a person does

    /// Clicks in the middle of the first element that fits, once it is in its place.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.wait_until(&format!("visible({0}) && settled({0})", js(selector)));
        let place = self.evaluate(&format!("middle({})", js(selector)));
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 }),
            );
        }
    }

    /// Clicks into a field, takes away what is there, and types.
    #[track_caller]
    pub(crate) fn fill(&self, selector: &str, words: &str) {
        self.click(selector);
        self.evaluate(&format!("$({}).select()", js(selector)));
        match words {
            "" => self.press("Delete"),
            words => self.type_in(words),
        }
    }

    pub(crate) fn type_in(&self, words: &str) {
        self.call("Input.insertText", json!({ "text": words }));
    }

    /// Presses a key, perhaps with others: `Enter`, `Shift+Enter`, `Alt+ArrowDown`.
    pub(crate) fn press(&self, keys: &str) {
        let mut modifiers = 0;
        let mut key = keys;
        while let Some((modifier, rest)) = key.split_once('+') {
            modifiers |= match modifier {
                "Alt" => 1,
                "Shift" => 8,
                other => panic!("no modifier of these tests: {other}"),
            };
            key = rest;
        }
        let (code, words) = match key {
            "Enter" => (13, "\r"),
            "Escape" => (27, ""),
            "ArrowUp" => (38, ""),
            "ArrowDown" => (40, ""),
            "Delete" => (46, ""),
            " " => (32, " "),
            other => panic!("no key of these tests: {other}"),
        };
        let mut event = json!({ "type": "keyDown", "modifiers": modifiers, "key": key, "code": key,
            "windowsVirtualKeyCode": code, "text": words });
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event);
    }

    // ---- What is to be seen

    /// What an expression of JavaScript gives; a promise is waited for. It knows `$(selector)`, `all(selector)`,
    /// `texts(selector)`.
    #[track_caller]
    pub(crate) fn evaluate(&self, expression: &str) -> Value {
        match self.try_evaluate(expression) {
            Ok(value) => value,
            Err(error) => panic!("{expression}: {error}"),
        }
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn wait_until(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        // It looks again by itself, which costs no message; after a navigation nobody does, so we ask again.
        let look = format!(
            "new Promise((done) => {{
                const until = performance.now() + 1000;
                const look = () => ({expression}) ? done(true) : performance.now() > until ? done(false) : setTimeout(look, 10);
                look();
            }})"
        );
        let mut last = String::new();
        while Instant::now() < deadline {
            match self.try_evaluate(&look) {
                Ok(Value::Bool(true)) => return,
                Ok(_) => {}
                Err(error) => {
                    last = error;
                    thread::sleep(Duration::from_millis(10));
                }
            }
        }
        let shown = self.try_evaluate("document.body.innerText");
        panic!(
            "in vain: {expression} {last}\nThe page says: {shown:?}\nIts complaints: {:#?}",
            self.complaints()
        );
    }

    /// Waits until the text of the first element that fits is this.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, selector: &str, words: &str) {
        let selector = js(selector);
        self.wait_until(&format!(
            "visible({selector}) && texts({selector})[0] === {}",
            js(words)
        ));
    }

    /// The texts of all elements that fit.
    #[track_caller]
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let texts = self.evaluate(&format!("texts({})", js(selector)));
        texts.as_array().expect("a list").iter().map(text).collect()
    }

    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        let texts = self.texts(selector);
        assert!(!texts.is_empty(), "nothing is {selector}");
        texts.into_iter().next().expect("one at least")
    }

    /// A picture of what is to be seen, or of the whole page: the bytes of a PNG file.
    pub(crate) fn screenshot(&self, whole: bool) -> Vec<u8> {
        let how = json!({ "format": "png", "captureBeyondViewport": whole });
        let answer = self.call("Page.captureScreenshot", how);
        BASE64.decode(text(&answer["data"])).expect("base64")
    }

    /// Statuses and headers of the answers that came for what ends like this.
    pub(crate) fn answers(&self, ending: &str) -> Vec<Value> {
        let answers = self.events("Network.responseReceived");
        answers
            .into_iter()
            .map(|mut event| event["response"].take())
            .filter(|answer| {
                answer["url"]
                    .as_str()
                    .is_some_and(|url| url.ends_with(ending))
            })
            .collect()
    }

    // ---- What it complains about

    /// A complaint with this part in it is what the test wants.
    pub(crate) fn expect(&self, part: &str) {
        self.expected.lock().expect("a list").push(part.to_owned());
    }

    /// Uncaught errors, breaches of the policy, failed requests, and what went to the console as an error.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let thrown = self.events("Runtime.exceptionThrown");
        let thrown = thrown
            .iter()
            .map(|event| exception(&event["exceptionDetails"]));
        let logged = self.events("Log.entryAdded").into_iter();
        let logged = logged
            .map(|mut event| event["entry"].take())
            .filter(|entry| entry["level"] == "error" || entry["source"] == "security")
            .map(|entry| format!("{} {} {}", entry["source"], entry["text"], entry["url"]));
        let said = self.events("Runtime.consoleAPICalled").into_iter();
        let said = said
            .filter(|event| event["type"] == "error" || event["type"] == "assert")
            .map(|event| event["args"].to_string());
        thrown.chain(logged).chain(said).collect()
    }

    fn events(&self, method: &str) -> Vec<Value> {
        self.browser.devtools.events(&self.session, method)
    }

    // ---- The protocol

    #[track_caller]
    pub(crate) fn call(&self, method: &str, params: Value) -> Value {
        match self.try_call(method, &params) {
            Ok(answer) => answer,
            Err(error) => panic!("{method} {params}: {error}"),
        }
    }

    fn try_call(&self, method: &str, params: &Value) -> Result<Value, String> {
        self.browser
            .devtools
            .call(Some(&self.session), method, params)
    }

    fn try_evaluate(&self, expression: &str) -> Result<Value, String> {
        let params = json!({
            "expression": format!("{{ {HELPERS} ({expression}) }}"),
            "awaitPromise": true,
            "returnByValue": true,
            "userGesture": true,
        });
        let mut answer = self.try_call("Runtime.evaluate", &params)?;
        match answer.get("exceptionDetails") {
            Some(details) => Err(exception(details)),
            None => Ok(answer["result"]["value"].take()),
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let expected = self.expected.lock().expect("a list");
        let mut complaints = self.complaints();
        complaints.retain(|one| !expected.iter().any(|part| one.contains(part)));
        self.browser.close(&self.target);
        self.browser.devtools.forget(&self.session);
        if !thread::panicking() {
            assert!(complaints.is_empty(), "{complaints:#?}");
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Quick to open, but nothing is painted in it while there are others.
    Tab,
    /// Slow to open; what has to be seen is painted at once.
    Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// Words as a literal of JavaScript.
pub(crate) fn js(words: impl Display) -> String {
    Value::from(words.to_string()).to_string()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn exception(details: &Value) -> String {
    let words = details["exception"]["description"].as_str();
    words.map_or_else(|| details.to_string(), str::to_owned)
}

pub(crate) const WIDE: (u32, u32) = (1280, 800);
pub(crate) const NARROW: (u32, u32) = (390, 844);

const HELPERS: &str = "
    const $ = (selector) => document.querySelector(selector);
    const all = (selector) => [...document.querySelectorAll(selector)];
    const texts = (selector) => all(selector).map((element) => element.innerText.trim());
    const visible = (selector) => $(selector)?.checkVisibility({ visibilityProperty: true }) ?? false;
    const middle = (selector) => {
        $(selector).scrollIntoView({ block: 'nearest', behavior: 'instant' });
        const { x, y, width, height } = $(selector).getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
    };
    // Where it was at the last look, it still is.
    const settled = (selector) => {
        const place = JSON.stringify(middle(selector));
        return settled.last === (settled.last = place);
    };
";
