//! Letters to a real receiver of SMTP, written here: it listens, answers and remembers.

use super::*;
use crate::clock::SystemClock;
use std::sync::Mutex;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// How a receiver behaves.
#[derive(Clone, Copy, Default)]
pub(super) struct Manner {
    /// What it says to the sender's address instead of 250.
    to_sender: Option<&'static str>,
    /// Greets nobody.
    hangs: bool,
    /// Asks for user and password.
    signs_in: bool,
}

/// A receiver: its port, and every line that it heard.
struct Receiver {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Receiver {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, manner, true, Arc::clone(&lines)));
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    fn smtp(&self, scheme: &str, user: &str) -> Smtp {
        let sender = Sender::parse("Studio <studio@example.org>").unwrap();
        let address = format!("{scheme}://{user}127.0.0.1:{}", self.port);
        Smtp::new(&address, None, sender, Arc::new(SystemClock)).unwrap()
    }
}

/// Asks for user and password.
pub(super) const SIGNS_IN: Manner = Manner { to_sender: None, hangs: false, signs_in: true };

/// RFC 5321, as much as a letter needs. Whoever went on to TLS was greeted before.
pub(super) async fn receive(
    stream: impl AsyncRead + AsyncWrite,
    manner: Manner,
    greets: bool,
    heard: Arc<Mutex<Vec<String>>>,
) {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut lines = BufReader::new(reader).lines();
    if manner.hangs {
        return std::future::pending().await;
    }
    let mut say = async |text: &str| drop(writer.write_all(format!("{text}\r\n").as_bytes()).await);
    if greets {
        say("220 receiver").await;
    }
    let mut in_data = false;
    while let Ok(Some(line)) = lines.next_line().await {
        heard.lock().unwrap().push(line.clone());
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match &*word {
            _ if in_data => {
                if line == "." {
                    in_data = false;
                    say("250 taken").await;
                }
            }
            "EHLO" if manner.signs_in => say("250-receiver\r\n250 AUTH PLAIN").await,
            "EHLO" => say("250 receiver").await,
            "AUTH" => say("235 come in").await,
            "MAIL" => say(manner.to_sender.unwrap_or("250 ok")).await,
            "DATA" => {
                in_data = true;
                say("354 go on").await;
            }
            "QUIT" => return say("221 bye").await,
            _ => say("250 ok").await,
        }
    }
}

pub(super) fn letter() -> Letter {
    Letter::new("reader@example.net", "Sign in", "Hello\n.\n.dots\n\nhttps://h.example/x").unwrap()
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let receiver = Receiver::start(Manner::default()).await;
    receiver.smtp("smtp+plain", "").send(&letter()).await.unwrap();
    let heard = receiver.heard();
    for line in [
        "MAIL FROM:<studio@example.org>",
        "RCPT TO:<reader@example.net>",
        "From: Studio <studio@example.org>",
        "To: reader@example.net",
        "Subject: Sign in",
        "Hello",
        // Dots at a line's beginning are doubled on the way, so that none ends the letter.
        "..",
        "..dots",
        "https://h.example/x",
    ] {
        assert!(heard.iter().any(|heard| heard == line), "{line}: {heard:#?}");
    }
    assert_eq!(heard.iter().filter(|line| *line == ".").count(), 1);
    assert!(!heard.iter().any(|line| line.starts_with("AUTH")));
}

#[tokio::test]
async fn user_and_password_are_given_where_they_are_asked_for() {
    let receiver = Receiver::start(SIGNS_IN).await;
    receiver.smtp("smtp+plain", "me:p%40ss@").send(&letter()).await.unwrap();
    // RFC 4616: nul, user, nul, password.
    let heard = receiver.heard();
    assert!(heard.contains(&"AUTH PLAIN AG1lAHBAc3M=".to_owned()), "{heard:?}");
}

#[tokio::test]
async fn a_refusal_for_ever_and_one_for_now_are_told_apart() {
    for (answer, later) in [("550 no such sender", false), ("451 try again", true)] {
        let receiver = Receiver::start(Manner { to_sender: Some(answer), ..Manner::default() }).await;
        let error = receiver.smtp("smtp+plain", "").send(&letter()).await.unwrap_err();
        assert_eq!(matches!(error, MailError::Later(_)), later, "{answer}: {error:?}");
        assert!(!receiver.heard().iter().any(|line| line == "DATA"));
    }
    let gone = Receiver::start(Manner::default()).await;
    let nobody = Receiver { port: 1, heard: gone.heard };
    let error = nobody.smtp("smtp+plain", "").send(&letter()).await.unwrap_err();
    assert!(matches!(error, MailError::Later(_)), "{error:?}");
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    let receiver = Receiver::start(Manner { hangs: true, ..Manner::default() }).await;
    let smtp = receiver.smtp("smtp+plain", "").with_patience(Duration::from_millis(300));
    let began = Instant::now();
    let error = smtp.send(&letter()).await.unwrap_err();
    assert!(matches!(error, MailError::Later(_)), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[tokio::test]
async fn where_tls_is_asked_for_and_not_offered_nothing_is_said() {
    let receiver = Receiver::start(SIGNS_IN).await;
    let error = receiver.smtp("smtp", "me:s3cret@").send(&letter()).await.unwrap_err();
    let heard = receiver.heard().join("\n");
    assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
    assert!(!format!("{error:?}").contains("s3cret"));
    // TLS from the first byte: the receiver hears a handshake, not a word.
    let error =
        receiver.smtp("smtps", "me:s3cret@").with_patience(Duration::from_secs(2)).send(&letter()).await;
    assert!(error.is_err());
    assert!(!receiver.heard().join("\n").contains("AUTH"));
}
