//! The window's buttons without a window: commands to one instance of the plugin and its views, as lines of JSON over
//! the socket that the test build of the plugin opens.

use crate::wait::DEADLINE;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One instance's door, opened at first use.
pub struct Door {
    path: PathBuf,
    open: Option<Open>,
    view: Value,
}

struct Open {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
    part: String,
}

impl Door {
    /// The door at this socket.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, open: None, view: Value::Null }
    }

    /// Presses something: a command as the plugin's `command.rs` has it, in serde's words.
    ///
    /// # Panics
    /// Where the plugin has no door, or is gone.
    pub fn send(&mut self, command: &Value) {
        let open = self.opened();
        writeln!(open.stream, "{command}").expect("the door is open");
    }

    /// Uses a server.
    pub fn connect(&mut self, address: &str, key: &str) {
        self.send(&json!({ "Connect": { "address": address, "key": key } }));
    }

    /// The newest view that was seen.
    #[must_use]
    pub fn view(&self) -> &Value {
        &self.view
    }

    /// The newest view, waited for as long as this at most.
    ///
    /// # Panics
    /// Where the plugin has no door, is gone, or refused a command.
    pub fn look(&mut self, patience: Duration) -> &Value {
        self.opened().stream.set_read_timeout(Some(patience)).expect("a socket has a timeout");
        loop {
            let open = self.opened();
            match open.lines.read_line(&mut open.part) {
                Ok(0) => panic!("the plugin closed its door"),
                Ok(_) => {
                    let line = std::mem::take(&mut open.part);
                    let said: Value = serde_json::from_str(&line).expect("a view is JSON");
                    assert!(said.get("error").is_none(), "a command was refused: {said}");
                    self.view = said;
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return &self.view;
                }
                Err(error) => panic!("the door: {error}"),
            }
        }
    }

    fn opened(&mut self) -> &mut Open {
        if self.open.is_none() {
            let deadline = Instant::now() + DEADLINE;
            let stream = loop {
                match UnixStream::connect(&self.path) {
                    Ok(stream) => break stream,
                    Err(error) => {
                        assert!(Instant::now() < deadline, "{}: {error}", self.path.display());
                        std::thread::park_timeout(Duration::from_millis(5));
                    }
                }
            };
            let lines = BufReader::new(stream.try_clone().expect("a socket can be shared"));
            self.open = Some(Open { stream, lines, part: String::new() });
        }
        self.open.as_mut().expect("it was opened above")
    }
}
