//! What the families of separation networks have in common: a chunk of sound becomes a network's input, its answer becomes
//! sound of stems again. Networks themselves run elsewhere.

use super::levels::Level;
use crate::ModelError;
use crate::catalog::facts::Port;
use crate::session::Session;
use realfft::num_complex::Complex;

/// A family of networks, made for one recipe. Cheap to share, holds no sound.
pub(super) trait Net: Send + Sync {
    /// Dimensions of [`Net::forward`]'s numbers without the batch.
    fn shape(&self) -> Vec<usize>;

    /// How many numbers an answer has for each stem; they lie stem after stem.
    fn stem_numbers(&self) -> usize;

    /// What its graph takes and what it gives.
    fn ports(&self) -> (Vec<Port>, Vec<Port>);

    /// What the network sees of one chunk, `[2][chunk_frames]`, and what [`Net::stem`] needs of it afterwards.
    fn forward(&self, sound: &[Vec<f32>; 2]) -> (Vec<f32>, Kept);

    /// The sound of some of the answer's stems together, `[2][chunk_frames]`. `stems`: their places in the answer.
    fn stem(&self, kept: &Kept, answer: &[f32], stems: &[usize]) -> [Vec<f32>; 2];

    /// Gives one chunk to the session's `graph` on all threads; the answer has the stems that are `asked` for, in their order.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where it fails or says something else than the recipe.
    fn run(
        &self,
        session: &mut Session,
        graph: &str,
        data: &[f32],
        asked: &[usize],
    ) -> Result<Vec<f32>, ModelError>;
}

/// A tensor of a graph, as [`Net::ports`] names it.
pub(super) fn port(name: &str, shape: &[usize]) -> Port {
    let shape = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    Port { name: name.to_owned(), shape, what: String::new() }
}

/// What stays here while the network works; a family leaves empty what it does not need.
#[derive(Default)]
pub(super) struct Kept {
    /// The spectrum of either channel, `[columns][bins]`.
    pub(super) spectra: [Vec<Complex<f32>>; 2],
    /// What a spectrum and a waveform were before they were made equally loud.
    pub(super) levels: [Level; 2],
}
