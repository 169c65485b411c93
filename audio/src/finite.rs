//! Finds the sample that is not a number, by position. Never repairs one: a NaN is a fault the user must hear of.

use crate::AudioError;

/// Checks the frames from index `from` on of `channels`; that frame is number `first_frame` of the clip.
///
/// # Errors
/// [`AudioError::NotFinite`] with the earliest such frame, and its first such channel.
pub(crate) fn check<S: AsRef<[f32]>>(
    channels: &[S],
    from: usize,
    first_frame: u64,
) -> Result<(), AudioError> {
    let mut worst: Option<(usize, usize)> = None;
    for (channel, samples) in channels.iter().enumerate() {
        let fresh = samples.as_ref().get(from..).unwrap_or_default();
        // One pass without branches first: it runs at memory speed, and almost every block passes it.
        if fresh.iter().fold(true, |all, sample| all & sample.is_finite()) {
            continue;
        }
        if let Some(frame) = fresh.iter().position(|sample| !sample.is_finite())
            && worst.is_none_or(|(earliest, _)| frame < earliest)
        {
            worst = Some((frame, channel));
        }
    }
    match worst {
        None => Ok(()),
        Some((frame, channel)) => Err(AudioError::NotFinite { frame: first_frame + frame as u64, channel }),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::AudioError;

    #[test]
    fn the_earliest_bad_frame_is_named_even_when_a_later_channel_holds_it() {
        let block = [vec![0.0, 0.0, f32::NAN], vec![0.0, f32::INFINITY, 0.0]];
        let error = check(&block, 1, 100).unwrap_err();
        assert!(matches!(error, AudioError::NotFinite { frame: 100, channel: 1 }), "{error}");
        assert!(check(&block, 3, 0).is_ok());
        assert!(check(&[[0.0f32; 0]; 0], 0, 0).is_ok());
    }
}
