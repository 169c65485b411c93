//! As much of a browser as a form and a redirect need, and of another program that uses the same API.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Page {
    /// Where it sends a browser.
    pub(crate) fn location(&self) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix("location: "))
    }
}

pub(crate) async fn get(url: &str) -> Page {
    ask("GET", url, "", "").await
}

pub(crate) async fn post(url: &str, form: &str) -> Page {
    ask("POST", url, form, "").await
}

/// A call of the API as another program makes it; reads where there is no form.
pub(crate) async fn call(url: &str, key: &str, form: &str) -> Page {
    let method = if form.is_empty() { "GET" } else { "POST" };
    let headers =
        format!("Authorization: Bearer {key}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    ask(method, url, form, &headers).await
}

async fn ask(method: &str, url: &str, form: &str, headers: &str) -> Page {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Page { status, head: head.to_owned(), body: body.to_owned() }
}
