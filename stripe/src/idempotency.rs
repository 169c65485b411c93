//! The name of one attempt to change something: whoever sends the same call with the same key again gets the first
//! call's answer. Makes no keys up.

/// The longest key that Stripe takes.
pub const KEY_BYTES_MAX: usize = 255;

/// A key of the caller's, kept before the call: `purchase:<id>:checkout`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key is 1 to {KEY_BYTES_MAX} visible ASCII letters")]
pub struct KeyError;

impl IdempotencyKey {
    /// # Errors
    /// Where it is empty, longer than [`KEY_BYTES_MAX`], or has anything but visible ASCII, which a header must have.
    pub fn new(text: impl Into<String>) -> Result<Self, KeyError> {
        let text = text.into();
        let fits =
            (1..=KEY_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text)) } else { Err(KeyError) }
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_one_to_255_visible_letters() {
        for text in ["k", &"k".repeat(KEY_BYTES_MAX)] {
            assert_eq!(IdempotencyKey::new(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "ä", "a\r\nb", &"k".repeat(KEY_BYTES_MAX + 1)] {
            assert_eq!(IdempotencyKey::new(text), Err(KeyError));
        }
    }
}
