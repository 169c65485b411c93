//! Colours that stand out from each other, by WCAG 2.2: a deployment chooses one, and whatever it is, text stays legible.

/// Text on every ground, and text on the accent, has at least this contrast (WCAG 2.2, success criterion 1.4.3).
const CONTRAST_MIN: f64 = 4.5;
/// The lightest ground that links lie on, `--raised` in the styles.
const LIGHTEST_GROUND: Colour = Colour([0x2c, 0x30, 0x38]);
/// What is written on buttons, the first that is legible: near black as in the plugin, white, black.
const INKS: [Colour; 3] = [Colour([0x12, 0x11, 0x18]), Colour([255; 3]), Colour([0; 3])];
/// From the accent to white in so many steps.
const STEPS: u32 = 50;

/// Red, green and blue, as screens have them (sRGB).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour([u8; 3]);

impl Colour {
    /// Reads `#a394ff`; none for anything else.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// As CSS writes it.
    pub(super) fn css(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Relative luminance, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    fn toward_white(self, step: u32) -> Self {
        let mixed = |part: u8| {
            let way = u32::from(255 - part) * step / STEPS;
            part.saturating_add(u8::try_from(way).unwrap_or(u8::MAX))
        };
        Self(self.0.map(mixed))
    }

    /// The colour itself where it is legible as text on our grounds, else as much lighter as it has to be.
    pub(super) fn as_text(self) -> Self {
        let lighter = (0..=STEPS).map(|step| self.toward_white(step));
        let mut legible = lighter.filter(|colour| colour.contrast(LIGHTEST_GROUND) >= CONTRAST_MIN);
        legible.next().unwrap_or(INKS[1])
    }

    /// What is written on it.
    pub(super) fn ink(self) -> Self {
        INKS.into_iter().find(|ink| ink.contrast(self) >= CONTRAST_MIN).unwrap_or(INKS[2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrasts_are_those_of_the_standard() {
        let contrast = |one: &str, other: &str| {
            (Colour::parse(one).unwrap().contrast(Colour::parse(other).unwrap()) * 100.0).round() / 100.0
        };
        assert_eq!(contrast("#000000", "#ffffff"), 21.0);
        assert_eq!(contrast("#777777", "#ffffff"), 4.48);
        assert_eq!(contrast("#767676", "#ffffff"), 4.54);
    }

    #[test]
    fn whatever_is_chosen_stays_legible() {
        for red in (0..=255_u8).step_by(15) {
            for green in (0..=255_u8).step_by(15) {
                for blue in (0..=255_u8).step_by(15) {
                    let chosen = Colour([red, green, blue]);
                    assert!(chosen.as_text().contrast(LIGHTEST_GROUND) >= CONTRAST_MIN, "{chosen:?} as text");
                    assert!(chosen.ink().contrast(chosen) >= CONTRAST_MIN, "{chosen:?} under text");
                }
            }
        }
    }

    #[test]
    fn a_colour_that_is_legible_stays_as_it_is() {
        let own = Colour::parse("#a394ff").unwrap();
        assert_eq!((own.as_text(), own.ink()), (own, INKS[0]));
        assert_eq!(own.css(), "#a394ff");
        for wrong in ["", "a394ff", "#a394f", "#a394fg", "#a394fff", "#ä394f"] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
    }
}
