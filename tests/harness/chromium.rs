//! A real browser: Chromium without a screen, told what to do by the WebDriver protocol. Each has a driver process, a
//! profile and a port of its own; all of them are gone when it is dropped. Waits for what a page shows, never for a time.

mod cdp;
mod driver;
mod pictures;

use crate::wait;
use anyhow::Context;
use cdp::{Cdp, Log};
use driver::Driver;
use fantoccini::elements::Element;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::path::Path;

pub use pictures::picture;

/// A window's inside, in CSS pixels.
pub type Size = (u32, u32);
/// A screen on a desk.
pub const DESK: Size = (1_280, 900);
/// A phone held upright.
pub const PHONE: Size = (390, 844);

/// What pages may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As browsers come.
    On,
    /// Switched off by the one who browses.
    Off,
}

/// One browser with one window.
pub struct Chromium {
    client: Client,
    pages: String,
    _driver: Driver,
}

/// Whether this machine has the programs; says what is left out where it has not.
#[must_use]
pub fn is_there() -> bool {
    let found = driver::programs();
    if let Err(error) = &found {
        crate::measured(&format!("left out: the web pages in a browser ({error:#})"));
    }
    found.is_ok()
}

impl Chromium {
    /// Starts one for the pages at `pages`, like `http://127.0.0.1:7703`.
    ///
    /// # Errors
    /// Where the programs are not there, or do not start.
    pub async fn start(pages: &str, scripts: Scripts) -> anyhow::Result<Self> {
        let driver = tokio::task::spawn_blocking(Driver::start).await??;
        let Value::Object(capabilities) = capabilities(&driver, scripts)? else { unreachable!() };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&driver.url)
            .await
            .context("open a window")?;
        let chromium = Self { client, pages: pages.to_owned(), _driver: driver };
        chromium.resize(DESK).await?;
        Ok(chromium)
    }

    /// The window's inside from now on; a narrow one is a phone's.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn resize(&self, (width, height): Size) -> anyhow::Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.cdp("Emulation.setDeviceMetricsOverride", metrics).await.map(drop)
    }

    /// Goes to a page of ours by its path, or to any address.
    ///
    /// # Errors
    /// Where nobody answers there.
    pub async fn open(&self, place: &str) -> anyhow::Result<()> {
        let url = if place.starts_with('/') { format!("{}{place}", self.pages) } else { place.to_owned() };
        self.client.goto(&url).await.with_context(|| format!("open {url}"))
    }

    /// Path and query of the page that is shown.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn place(&self) -> anyhow::Result<String> {
        let url = self.client.current_url().await?;
        Ok(url.as_str().strip_prefix(&self.pages).unwrap_or(url.as_str()).to_owned())
    }

    /// Waits until the page is at a path that begins so.
    ///
    /// # Panics
    /// Where it never is.
    pub async fn is_at(&self, begin: &str) -> String {
        let at = async || self.place().await.ok().filter(|place| place.starts_with(begin));
        wait::until(&format!("a page at {begin}"), at).await
    }

    /// What a person can read on the page.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn words(&self) -> anyhow::Result<String> {
        Ok(self.client.find(Locator::Css("body")).await?.text().await?)
    }

    /// Waits until a person can read `words`.
    ///
    /// # Panics
    /// Where nobody ever can; says what is there instead.
    pub async fn shows(&self, words: &str) -> String {
        let mut seen = String::new();
        let deadline = tokio::time::Instant::now() + wait::DEADLINE / 4;
        wait::until(&format!("the words {words:?}"), async || {
            seen = self.words().await.unwrap_or_default();
            assert!(tokio::time::Instant::now() < deadline, "{words:?} is not on the page:\n{seen}");
            seen.contains(words).then_some(())
        })
        .await;
        seen
    }

    /// Waits for an element.
    ///
    /// # Panics
    /// Where it never comes.
    pub async fn find(&self, css: &str) -> Element {
        wait::until(css, async || self.client.find(Locator::Css(css)).await.ok()).await
    }

    /// Waits for an element that is named by an XPath.
    ///
    /// # Panics
    /// Where it never comes.
    pub async fn find_path(&self, path: &str) -> Element {
        wait::until(path, async || self.client.find(Locator::XPath(path)).await.ok()).await
    }

    /// All elements of that kind, as they are now.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn all(&self, css: &str) -> anyhow::Result<Vec<Element>> {
        Ok(self.client.find_all(Locator::Css(css)).await?)
    }

    /// Goes into a frame of the page: what is looked for from now on is in it.
    ///
    /// # Errors
    /// Where the browser is gone.
    ///
    /// # Panics
    /// Where there is no such frame.
    pub async fn enter(&self, css: &str) -> anyhow::Result<()> {
        Ok(self.find(css).await.enter_frame().await?)
    }

    /// Back to the page that the frame is in.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn leave(&self) -> anyhow::Result<()> {
        Ok(self.client.clone().enter_parent_frame().await?)
    }

    /// Types into the first field of that name, in place of what stood there. Files are named by their path.
    ///
    /// # Errors
    /// Where it cannot be typed into.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn fill(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find(&format!("[name='{name}']:not([type=hidden])")).await;
        if field.attr("type").await?.as_deref() != Some("file") {
            field.clear().await?;
        }
        Ok(field.send_keys(text).await?)
    }

    /// Presses the first button or link that says `words`.
    ///
    /// # Errors
    /// Where it cannot be pressed.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn press(&self, words: &str) -> anyhow::Result<()> {
        let path = format!("//*[self::button or self::a or self::summary][normalize-space()={words:?}]");
        Ok(self.find_path(&path).await.click().await?)
    }

    /// Presses the Tab key, wherever the focus is.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn tab(&self) -> anyhow::Result<()> {
        for kind in ["rawKeyDown", "keyUp"] {
            let key = json!({ "type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
            self.cdp("Input.dispatchKeyEvent", key).await?;
        }
        Ok(())
    }

    /// What a script answers that a test runs in the page.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn ask(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// The same for a script whose answer comes later: a promise.
    ///
    /// # Errors
    /// Where it fails.
    pub async fn ask_later(&self, promise: &str) -> anyhow::Result<Value> {
        let script =
            format!("const done = arguments[0]; ({promise}).then(done, (error) => done(String(error)));");
        Ok(self.client.execute_async(&script, Vec::new()).await?)
    }

    /// What the browser complained about since it was last asked: errors of scripts, refused by a policy, not found.
    ///
    /// # Errors
    /// Where the browser is gone.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.client.issue_cmd(Log).await?;
        let entries = entries.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect())
    }

    /// Writes the whole page as a picture.
    ///
    /// # Errors
    /// Where it cannot be drawn or written.
    pub async fn draw(&self, path: &Path) -> anyhow::Result<()> {
        let wish = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.cdp("Page.captureScreenshot", wish).await?;
        pictures::write(path, answer["data"].as_str().context("a picture")?)
    }

    /// A command of the browser's own protocol.
    ///
    /// # Errors
    /// Where it is refused.
    pub async fn cdp(&self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        let command = Cdp { method: method.to_owned(), parameters };
        self.client.issue_cmd(command).await.with_context(|| method.to_owned())
    }
}

fn capabilities(driver: &Driver, scripts: Scripts) -> anyhow::Result<Value> {
    let profile = driver.profile.path().to_str().context("a path in UTF-8")?;
    let arguments = [
        // Tests run as root in containers, where the sandbox cannot be made. No page of others is ever opened.
        "--no-sandbox",
        "--headless",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--mute-audio",
    ];
    let arguments: Vec<String> =
        arguments.map(str::to_owned).into_iter().chain([format!("--user-data-dir={profile}")]).collect();
    // 2: blocked.
    let preferences = match scripts {
        Scripts::On => json!({}),
        Scripts::Off => json!({ "profile.managed_default_content_settings.javascript": 2 }),
    };
    Ok(json!({
        "browserName": "chrome",
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": { "binary": driver.browser, "args": arguments, "prefs": preferences },
    }))
}
