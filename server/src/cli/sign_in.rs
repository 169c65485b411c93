//! `tributary sign-in` and `tributary sign-out`: a key without typing one. A person confirms a code in a browser, on this
//! machine or another.

use super::keyring::Keyring;
use super::{DONE, Ended, JOB_FAILED, Place, screen};
use anyhow::Context;
use tokio::time::sleep;
use tributary_protocol::client::{ApiKey, ClientError, SignInAnswer, SignInView};

/// Whatever the server says, nobody waits for longer than this many questions.
const QUESTIONS_MAX: u32 = 3_600;
/// Characters that a server takes as a device's name.
const DEVICE_CHARS_MAX: usize = 60;

pub(super) async fn sign_in(place: Place) -> anyhow::Result<u8> {
    let keyring = keyring()?;
    let (address, certificate) = place.server()?;
    let client = place.connect(address.clone(), ApiKey::nobody(), certificate.as_deref()).await?;
    let begun = client.begin_sign_in(&device()).await.map_err(|error| match error {
        ClientError::Refused { .. } | ClientError::Protocol { .. } => anyhow::Error::new(error).context(
            "this server has no pages to sign in on: ask its operator for a key and pass it with --key",
        ),
        error => error.into(),
    })?;
    say(&begun);
    for _ in 0..QUESTIONS_MAX {
        sleep(begun.pause).await;
        match client.poll_sign_in(&begun.secret).await? {
            SignInAnswer::Waiting => {}
            SignInAnswer::Denied => return Err(ended("the sign-in was refused on the page")),
            SignInAnswer::Gone => break,
            SignInAnswer::Key(key) => {
                keyring.keep(&address, key)?;
                screen::line(format!(
                    "signed in to {address}; the key is kept in {}",
                    keyring.path().display()
                ));
                return Ok(DONE);
            }
        }
    }
    Err(ended("the code was not confirmed in time: run `tributary sign-in` again"))
}

pub(super) async fn sign_out(place: Place) -> anyhow::Result<u8> {
    let (address, _) = place.server()?;
    let said = if keyring()?.forget(&address)? {
        format!("signed out of {address}; the key stays valid until it is revoked on the server's pages")
    } else {
        format!("no key is kept for {address}")
    };
    screen::line(said);
    Ok(DONE)
}

fn say(begun: &SignInView) {
    if let Some(page) = begun.page_with_code.as_ref().or(begun.page.as_ref()) {
        screen::line(format!("open {page}"));
    }
    screen::line(format!("and confirm the code {}", begun.code));
    screen::note(format!("waiting until {} (UTC)", screen::time(begun.until_us)));
}

fn keyring() -> anyhow::Result<Keyring> {
    Keyring::of_user().context("this user has no home folder to keep a key in: pass --key instead")
}

fn ended(why: &'static str) -> anyhow::Error {
    anyhow::Error::new(Ended(JOB_FAILED)).context(why)
}

/// What this one calls itself at the server.
fn device() -> String {
    let name = match machine().filter(|name| !name.trim().is_empty()) {
        Some(machine) => format!("Command line on {machine}"),
        None => "Command line".to_owned(),
    };
    name.chars().filter(|letter| !letter.is_control()).take(DEVICE_CHARS_MAX).collect()
}

#[cfg(unix)]
fn machine() -> Option<String> {
    rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "the platform says it through the environment only")]
fn machine() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}
