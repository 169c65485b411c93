//! A web server of one test: serves ranges or not, cuts connections, and remembers what it was asked.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What a path answers.
#[derive(Clone, Default)]
pub(super) struct Resource {
    pub(super) bytes: Vec<u8>,
    /// 0 is 200 or 206.
    pub(super) status: u16,
    /// Whether ranges are understood.
    pub(super) ranges: bool,
    /// The connection is cut after so many bytes of a body; 0 is never.
    pub(super) cut_bytes: usize,
    /// How many connections are cut.
    pub(super) cuts: usize,
    pub(super) redirect: Option<String>,
    pub(super) tag: Option<String>,
}

#[derive(Default)]
struct State {
    resources: BTreeMap<String, Resource>,
    /// Path and first byte asked for.
    asked: Vec<(String, u64)>,
}

pub(super) struct HttpDouble {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpDouble {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state, stop) = (listener.local_addr().unwrap(), Arc::default(), Arc::default());
        let (of_thread, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        let thread = std::thread::spawn(move || serve(&listener, &of_thread, &stopped));
        Self { address, state, stop, thread: Some(thread) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn put(&self, path: &str, resource: Resource) {
        self.state.lock().unwrap().resources.insert(path.to_owned(), resource);
    }

    pub(super) fn asked(&self) -> Vec<(String, u64)> {
        self.state.lock().unwrap().asked.clone()
    }
}

impl Drop for HttpDouble {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, state: &Mutex<State>, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        // A client that goes away is part of the tests.
        let _ = stream.and_then(|stream| answer(stream, state));
    }
}

fn answer(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    let (mut first, mut if_range) = (0, None);
    for line in lines.map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            first = range.trim_end_matches('-').parse().unwrap();
        }
        if let Some(tag) = line.strip_prefix("if-range: ") {
            if_range = Some(tag.to_owned());
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (resource, cut) = {
        let mut state = state.lock().unwrap();
        state.asked.push((path.clone(), first));
        let found = state.resources.get_mut(&path);
        let cut = found.is_some_and(|resource| {
            let cut = resource.cuts > 0;
            resource.cuts -= usize::from(cut);
            cut
        });
        (state.resources.get(&path).cloned(), cut)
    };
    // Another file by now: all of it.
    let changed = if_range.is_some() && resource.as_ref().is_some_and(|resource| resource.tag != if_range);
    write(stream, resource, if changed { 0 } else { usize::try_from(first).unwrap() }, cut)
}

fn write(mut stream: TcpStream, resource: Option<Resource>, first: usize, cut: bool) -> std::io::Result<()> {
    let Some(resource) = resource else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let size = resource.bytes.len();
    let (status, head, body) = match (&resource.redirect, resource.status) {
        (Some(to), _) => (302, format!("Location: {to}\r\n"), &[][..]),
        (None, 0) if first > 0 && resource.ranges && first >= size => {
            (416, format!("Content-Range: bytes */{size}\r\n"), &[][..])
        }
        (None, 0) if first > 0 && resource.ranges => {
            let head = format!("Content-Range: bytes {first}-{}/{size}\r\n", size - 1);
            (206, head, &resource.bytes[first..])
        }
        (None, 0) => (200, String::new(), &resource.bytes[..]),
        (None, status) => (status, String::new(), &[][..]),
    };
    let head = resource.tag.iter().fold(head, |head, tag| format!("{head}ETag: {tag}\r\n"));
    let length = body.len();
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n{head}\r\n")?;
    let sent = if cut { &body[..resource.cut_bytes.min(length)] } else { body };
    stream.write_all(sent)
}
