//! One sentence on the next page about what was done. The cookie holds a word of ours, never a text of anybody's.

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// All of these say what they mean.
    Saved,
    SignedOut,
    PasswordChanged,
    LetterSent,
    Invited,
    Withdrawn,
    Joined,
    MemberChanged,
    MemberGone,
    KeyRevoked,
    SessionEnded,
    OthersOut,
    AddressChanged,
    TeamMade,
    AccountClosed,
    Cancelled,
    Erased,
    Granted,
    Refunded,
    Suspended,
    Resumed,
    DeviceIn,
    DeviceOut,
    WebhookChanged,
    WebhookTested,
    WebhookOn,
    WebhookGone,
    ToppedUp,
    NotToppedUp,
    EventAgain,
    WidgetMade,
    WidgetRevoked,
}

impl Said {
    const ALL: [(Self, &'static str, &'static str); 32] = [
        (Self::Saved, "saved", "Saved."),
        (Self::SignedOut, "signed-out", "You are signed out."),
        (Self::PasswordChanged, "password", "The password is changed; every other browser was signed out."),
        (Self::LetterSent, "letter", "A letter is on its way."),
        (Self::Invited, "invited", "The invitation is on its way."),
        (Self::Withdrawn, "withdrawn", "The invitation is withdrawn."),
        (Self::Joined, "joined", "You are a member of this account now."),
        (Self::MemberChanged, "member", "The member is changed."),
        (Self::MemberGone, "member-gone", "The member is gone; their keys here are dead."),
        (Self::KeyRevoked, "key-revoked", "The key is dead from now on."),
        (Self::SessionEnded, "session-ended", "That browser is signed out."),
        (Self::OthersOut, "others-out", "Every other browser is signed out."),
        (Self::AddressChanged, "address", "The address is yours; sign in with it from now on."),
        (Self::TeamMade, "team", "The team is made; you are its owner."),
        (Self::AccountClosed, "account-closed", "The account is closed. A letter says so, too."),
        (Self::Cancelled, "cancelled", "The job stops; what was not used comes back."),
        (Self::Erased, "erased", "The clip and the results are deleted."),
        (Self::Granted, "granted", "The credits are granted."),
        (Self::Refunded, "refunded", "The job's credits are back."),
        (Self::Suspended, "suspended", "The account starts no new jobs."),
        (Self::Resumed, "resumed", "The account may start jobs again."),
        (Self::DeviceIn, "device-in", "The device is let in. You can close this page."),
        (Self::DeviceOut, "device-out", "The device was not let in."),
        (Self::WebhookChanged, "webhook-changed", "The webhook hears of what is ticked from now on."),
        (
            Self::WebhookTested,
            "webhook-tested",
            "A test is on its way; load this page again to see how it went.",
        ),
        (Self::WebhookOn, "webhook-on", "The webhook is told of jobs again."),
        (Self::WebhookGone, "webhook-gone", "The webhook is gone, and what it was still to be told with it."),
        (Self::ToppedUp, "topped-up", "The account buys by itself from now on."),
        (Self::NotToppedUp, "not-topped-up", "The account buys nothing by itself any more."),
        (Self::EventAgain, "event-again", "The event is looked at again."),
        (Self::WidgetMade, "widget-made", "The widget is made; put its lines into a page of yours."),
        (Self::WidgetRevoked, "widget-revoked", "The widget is dead from now on."),
    ];

    /// In the cookie.
    pub(super) fn word(self) -> &'static str {
        Self::ALL.iter().find(|(said, ..)| *said == self).map_or("", |(_, word, _)| word)
    }

    /// On the page.
    pub(super) fn sentence(self) -> &'static str {
        Self::ALL.iter().find(|(said, ..)| *said == self).map_or("", |(.., sentence)| sentence)
    }

    /// Reads [`Self::word`]; none for anything else.
    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == word).map(|(said, ..)| *said)
    }
}
