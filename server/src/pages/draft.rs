//! A clip that came and waits for what its owner wants of it: all that is known of it stands in its page's address, so any
//! process of the deployment can go on, and nothing is remembered.

use super::Edge;
use super::fault::Fault;
use super::form::Fields;
use crate::tenant::Tenant;
use std::fmt;
use tributary_audio::ClipShape;
use tributary_protocol::limits::title_of;
use tributary_protocol::vocab::{ClipHeader, Sha256};

/// A clip with a name.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) clip: ClipHeader,
    /// The file's name, for lists.
    pub(super) title: String,
}

impl Draft {
    /// The draft that an address names, of this account.
    ///
    /// # Errors
    /// `Wrong` where it is no longer here, never was, or is another account's: nobody can tell which.
    pub(super) async fn find(
        edge: &Edge,
        tenant: &Tenant,
        name: &str,
        typed: &Fields,
    ) -> Result<Self, Fault> {
        let gone = || Fault::Wrong("this file is gone; send it again".into());
        let clip = parse(name).ok_or_else(gone)?;
        // An address that somebody wrote themselves may hold any numbers.
        edge.desk.admissions.check_clip(shape_of(&clip))?;
        if !edge.desk.is_whole(tenant, clip).await? {
            return Err(gone());
        }
        Ok(Self { clip, title: title_of(typed.get("title")) })
    }

    /// As quotes want it.
    pub(super) fn shape(&self) -> ClipShape {
        shape_of(&self.clip)
    }
}

fn shape_of(clip: &ClipHeader) -> ClipShape {
    let ClipHeader { frames, channels, rate_hz, .. } = *clip;
    ClipShape { channels, frames, rate_hz }
}

/// As it stands in an address, without its title.
impl fmt::Display for Draft {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ClipHeader { sha256, frames, channels, rate_hz } = &self.clip;
        write!(to, "{sha256}-{frames}-{channels}-{rate_hz}")
    }
}

fn parse(text: &str) -> Option<ClipHeader> {
    let mut parts = text.split('-');
    let sha256 = Sha256::from_hex(parts.next()?)?;
    let frames = parts.next()?.parse().ok()?;
    let channels = parts.next()?.parse().ok()?;
    let rate_hz = parts.next()?.parse().ok()?;
    parts.next().is_none().then_some(ClipHeader { sha256, frames, channels, rate_hz })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_the_clip_and_nothing_else_does() {
        let clip = ClipHeader { sha256: Sha256([7; 32]), frames: 1_234, channels: 2, rate_hz: 44_100 };
        let text = Draft { clip, title: "a-b".to_owned() }.to_string();
        assert_eq!(parse(&text), Some(clip));
        for odd in [
            "",
            "x",
            &text[1..],
            &format!("{text}-1"),
            &text.replace("1234", "-5"),
            &text.replace('2', "99999"),
        ] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }
}
