//! As much of a browser as the web pages need without scripts: cookies, forms, files. Follows no redirect by itself.

use anyhow::Context;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its number.
    pub status: u16,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

impl Page {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's first value; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The value of a form's hidden field.
    ///
    /// # Errors
    /// Where the page has none of that name.
    pub fn field(&self, name: &str) -> anyhow::Result<String> {
        let text = self.text();
        let mark = format!("name=\"{name}\" value=\"");
        let at =
            text.find(&mark).with_context(|| format!("no field `{name}` in a page of {}", self.status))?;
        let rest = &text[at + mark.len()..];
        Ok(rest.split('"').next().unwrap_or_default().to_owned())
    }
}

/// One browser.
#[derive(Clone, Debug)]
pub struct Browser {
    host: String,
    /// Its cookies.
    pub cookies: BTreeMap<String, String>,
}

impl Browser {
    /// A new one for the pages at `host`, like `127.0.0.1:7703`.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: host.to_owned(), cookies: BTreeMap::new() }
    }

    /// A page.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn get(&mut self, path: &str) -> anyhow::Result<Page> {
        self.ask("GET", path, &[], &[])
    }

    /// Looks at `from`, takes the proof out of it, and sends a form to `to`.
    ///
    /// # Errors
    /// Where nobody answers, or the page has no form.
    pub fn submit(&mut self, from: &str, to: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let proof = self.get(from)?.field("csrf")?;
        let mut all = vec![("csrf", proof.as_str())];
        all.extend(fields);
        self.post(to, &all)
    }

    /// Sends a form as it is.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn post(&mut self, to: &str, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let pair = |(name, text): &(&str, &str)| format!("{}={}", escaped(name), escaped(text));
        let body = fields.iter().map(pair).collect::<Vec<_>>().join("&");
        let kind = "application/x-www-form-urlencoded".to_owned();
        self.ask("POST", to, &[("content-type", kind), ("origin", self.origin())], body.as_bytes())
    }

    /// Sends a form with a file.
    ///
    /// # Errors
    /// Where nobody answers.
    pub fn upload(
        &mut self,
        to: &str,
        fields: &[(&str, &str)],
        name: &str,
        file: &[u8],
    ) -> anyhow::Result<Page> {
        let mark = "----tributary-test";
        let mut body = Vec::new();
        for (field, text) in fields {
            let head =
                format!("--{mark}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n");
            body.extend(head.bytes());
        }
        let head = format!(
            "--{mark}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(file);
        body.extend(format!("\r\n--{mark}--\r\n").bytes());
        let kind = format!("multipart/form-data; boundary={mark}");
        self.ask("POST", to, &[("content-type", kind), ("origin", self.origin())], &body)
    }

    fn origin(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Any request.
    ///
    /// # Errors
    /// Where nobody answers, or not in HTTP.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> anyhow::Result<Page> {
        let answer = tokio::task::block_in_place(|| self.exchange(method, path, headers, body))?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").context("no end of the header")?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("no status")?.parse()?;
        let pair = |line: &str| line.split_once(": ").map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()));
        let headers: Vec<_> = lines.filter_map(pair).collect();
        for (_, cookie) in headers.iter().filter(|(name, _)| name == "set-cookie") {
            let (name, value) =
                cookie.split(';').next().unwrap_or_default().split_once('=').context("a cookie")?;
            if cookie.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(Page { status, headers, body: answer[end + 4..].to_vec() })
    }

    /// HTTP/1.0: the answer ends where the connection does.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> anyhow::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = format!("{method} {path} HTTP/1.0\r\nHost: {}\r\n", self.host);
        head += &format!("Cookie: {}\r\nContent-Length: {}\r\n", cookies.join("; "), body.len());
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        // A server that refuses does not read all of a large body; what it answered is there all the same.
        let _ = stream.write_all(body);
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Err(error) if answer.is_empty() => Err(error.into()),
            _ => Ok(answer),
        }
    }
}

fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
