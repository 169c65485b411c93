//! Being let in by the browser, as one task: asks the server for a code, then asks until somebody confirmed it, and has
//! the key kept as if it had been typed. What the browser does is nothing to it.

use super::connection::{PATIENCE, Wish};
use super::job::sentence;
use super::mailbox::{Event, Mailbox};
use crate::settings::SettingsFile;
use crate::view::SignIn;
use tokio::sync::mpsc;
use tokio::time::sleep;
use tributary_protocol::client::{ApiKey, Client, ClientError, Endpoint, SignInAnswer, SignInView, Tls};

/// Characters that a server takes as a device's name.
const DEVICE_CHARS_MAX: usize = 60;
/// Whatever the server says, nobody waits for longer than this many questions.
const QUESTIONS_MAX: u32 = 3_600;

/// Who is to be let in, and who is told.
pub(super) struct SignInDesk {
    pub(super) number: u64,
    pub(super) address: String,
    pub(super) settings: SettingsFile,
    pub(super) wishes: mpsc::Sender<Wish>,
    pub(super) mailbox: Mailbox,
}

impl SignInDesk {
    /// To the end, unless it is aborted.
    pub(super) async fn run(self) {
        let end = match self.wait().await {
            Ok(SignInAnswer::Key(key)) => {
                // Without room it waits: the key comes only once.
                let _ = self.wishes.send(Wish::Connect { address: self.address.clone(), key }).await;
                SignIn::Nothing
            }
            Ok(SignInAnswer::Denied) => SignIn::Denied,
            Ok(_) => SignIn::TooLate,
            Err(error) => SignIn::Failed(said(&error)),
        };
        self.tell(end).await;
    }

    async fn wait(&self) -> Result<SignInAnswer, ClientError> {
        let client = self.client().await?;
        let begun = client.begin_sign_in(&device()).await?;
        self.tell(shown(&begun)).await;
        for _ in 0..QUESTIONS_MAX {
            sleep(begun.pause).await;
            match client.poll_sign_in(&begun.secret).await {
                Ok(SignInAnswer::Waiting) => {}
                Ok(answer) => return Ok(answer),
                // The person is still at the page; the network may come back before they are done.
                Err(ClientError::Unreachable { .. } | ClientError::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(SignInAnswer::Gone)
    }

    async fn client(&self) -> Result<Client, ClientError> {
        let (settings, address) = (self.settings.clone(), self.address.clone());
        let known = tokio::task::spawn_blocking(move || {
            settings.load().ok().and_then(|settings| settings.known(&address)?.certificate)
        });
        let tls = known.await.ok().flatten().map_or(Tls::PublicRoots, Tls::Fingerprint);
        let endpoint = Endpoint { address: self.address.clone(), key: ApiKey::nobody(), tls };
        Ok(Client::connect(endpoint).await?.with_patience(PATIENCE))
    }

    async fn tell(&self, sign_in: SignIn) {
        self.mailbox.post(Event::SignIn { number: self.number, sign_in }).await;
    }
}

fn shown(begun: &SignInView) -> SignIn {
    match begun.page.clone() {
        Some(page) => SignIn::Waiting {
            code: begun.code.clone(),
            page_with_code: begun.page_with_code.clone().unwrap_or_else(|| page.clone()),
            page,
        },
        None => SignIn::Failed(
            "The server named no page to sign in on: paste a key from its operator.".to_owned(),
        ),
    }
}

/// What to do, for people.
fn said(error: &ClientError) -> String {
    match error {
        ClientError::Refused { .. } | ClientError::Protocol { .. } | ClientError::SignIn => {
            "This server has no pages to sign in on: paste a key from its operator.".to_owned()
        }
        ClientError::Untrusted { .. } => {
            "First compare the server's certificate and accept it, then sign in.".to_owned()
        }
        other => sentence(other),
    }
}

/// What this one calls itself at the server: the program it is in, and the machine.
fn device() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(|path| path.file_stem()).and_then(|name| name.to_str());
    named(program, machine().as_deref())
}

fn named(program: Option<&str>, machine: Option<&str>) -> String {
    let mut name = match program.map(str::trim).filter(|name| !name.is_empty()) {
        Some(program) => format!("Tributary in {program}"),
        None => "Tributary plugin".to_owned(),
    };
    if let Some(machine) = machine.map(str::trim).filter(|name| !name.is_empty()) {
        name.push_str(" on ");
        name.push_str(machine);
    }
    name.chars().filter(|letter| !letter.is_control()).take(DEVICE_CHARS_MAX).collect()
}

#[cfg(unix)]
fn machine() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn machine() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_after_program_and_machine_as_far_as_known() {
        assert_eq!(named(Some("ardour"), Some("studio")), "Tributary in ardour on studio");
        assert_eq!(named(None, Some("studio")), "Tributary plugin on studio");
        assert_eq!(named(Some(" "), None), "Tributary plugin");
        assert_eq!(named(Some(&"x".repeat(500)), Some("a\nb")).chars().count(), DEVICE_CHARS_MAX);
    }

    #[test]
    fn a_server_without_pages_says_where_a_key_comes_from() {
        let refused = ClientError::Refused { reason: "no pages".into() };
        assert!(said(&refused).contains("paste a key from its operator"));
    }
}
