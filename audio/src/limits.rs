//! The limits of all sound that enters, each with its name. Checked before memory is taken; never silently clamped.

use crate::{AudioError, ClipShape};

/// Most channels of a clip; more are refused, not mixed down.
pub const CHANNELS_MAX: u16 = 8;
/// Lowest rate understood, in frames a second.
pub const RATE_HZ_MIN: u32 = 8_000;
/// Highest rate understood, in frames a second.
pub const RATE_HZ_MAX: u32 = 192_000;
/// Frames that flow at a time where the caller has no wish of its own: 32 KiB for stereo, which stays in the cache.
pub const BLOCK_FRAMES: usize = 4_096;
/// Most columns of a drawn waveform, several screens wide.
pub const PEAK_COLUMNS_MAX: usize = 65_536;

/// Channels and rate within the limits.
///
/// # Errors
/// [`AudioError::Limit`] naming the property, [`AudioError::Empty`] without channels.
pub(crate) fn check_channels_and_rate(channels: u64, rate_hz: u64) -> Result<(), AudioError> {
    if channels == 0 {
        return Err(AudioError::Empty);
    }
    if channels > u64::from(CHANNELS_MAX) {
        let limit = format!("{CHANNELS_MAX} channels");
        return Err(AudioError::Limit { what: "the number of channels", value: channels, limit });
    }
    if !(u64::from(RATE_HZ_MIN)..=u64::from(RATE_HZ_MAX)).contains(&rate_hz) {
        let limit = format!("{RATE_HZ_MIN} to {RATE_HZ_MAX} Hz");
        return Err(AudioError::Limit { what: "the sample rate", value: rate_hz, limit });
    }
    Ok(())
}

/// The whole shape within the limits, with at least one frame.
///
/// # Errors
/// As [`check_channels_and_rate`], and [`AudioError::Empty`] without frames.
pub(crate) fn check_shape(shape: ClipShape) -> Result<(), AudioError> {
    check_channels_and_rate(u64::from(shape.channels), u64::from(shape.rate_hz))?;
    if shape.frames == 0 { Err(AudioError::Empty) } else { Ok(()) }
}
