//! The plugin as a program of its own: the same window and the same audio, without a DAW.

use tributary_plugin::plugin::Tributary;

fn main() {
    nice_plug::prelude::nice_export_standalone::<Tributary>();
}
