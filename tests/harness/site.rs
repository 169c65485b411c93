//! A site of somebody else, as small as can be: pages by their path, on a port of its own, gone when it is dropped. One machine
//! has two names that browsers take for two sites: `localhost` and `127.0.0.1`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

type Pages = Arc<Mutex<BTreeMap<String, String>>>;

/// The site.
pub struct Site {
    address: SocketAddr,
    pages: Pages,
    /// None once it is going.
    serving: Option<JoinHandle<()>>,
}

impl Site {
    /// A site without pages.
    ///
    /// # Errors
    /// Where there is no port.
    pub fn open() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let (address, pages) = (listener.local_addr()?, Pages::default());
        let shown = Arc::clone(&pages);
        let serving = thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                // Nobody waits for an answer once the last page is taken away with the site.
                if Arc::strong_count(&shown) == 1 {
                    return;
                }
                let _ = answer(stream, &shown);
            }
        });
        Ok(Self { address, pages, serving: Some(serving) })
    }

    /// Its origin, as `localhost` or as `127.0.0.1`.
    #[must_use]
    pub fn origin(&self, host: &str) -> String {
        format!("http://{host}:{}", self.address.port())
    }

    /// Shows `body` at `path` from now on.
    pub fn show(&self, path: &str, body: &str) {
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>The band</title>\
             <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\"><h1>The band</h1>{body}</html>"
        );
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), page);
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.pages = Pages::default();
        // Wakes it.
        let _ = TcpStream::connect(self.address);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

fn answer(mut stream: TcpStream, pages: &Pages) -> std::io::Result<()> {
    // Browsers open connections for later, too.
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let page = pages.lock().unwrap_or_else(PoisonError::into_inner).get(&path).cloned();
    let (status, body) = page.map_or(("404 Not Found", String::new()), |page| ("200 OK", page));
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}
