//! What the families of separation networks have in common: a chunk of sound becomes a network's input, its answer becomes
//! sound of stems again. Networks themselves run elsewhere.

use crate::ModelError;
use crate::session::Session;

/// A family of networks, made for one recipe. Cheap to share, holds no sound.
pub(super) trait Net: Send + Sync {
    /// Dimensions of [`Net::forward`]'s numbers without the batch.
    fn shape(&self) -> Vec<usize>;

    /// How many numbers an answer has.
    fn answer_numbers(&self) -> usize;

    /// What the network sees of one chunk, `[2][chunk_frames]`, and what [`Net::stem`] needs of it afterwards.
    fn forward(&self, sound: &[Vec<f32>; 2]) -> (Vec<f32>, Kept);

    /// The sound of some of the network's stems together, `[2][chunk_frames]`.
    fn stem(&self, kept: &Kept, answer: &[f32], stems: &[usize]) -> [Vec<f32>; 2];

    /// Gives one chunk to the network on all threads.
    ///
    /// # Errors
    /// [`ModelError::Engine`] where it fails or says something else than the recipe.
    fn run(&self, session: &mut Session, data: &[f32]) -> Result<Vec<f32>, ModelError>;
}

/// What stays here while the network works: the spectrum of either channel, `[columns][bins]`.
pub(super) struct Kept(pub(super) [Vec<realfft::num_complex::Complex<f32>>; 2]);
