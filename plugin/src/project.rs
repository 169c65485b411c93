//! What the DAW's project remembers of an instance: which takes and jobs belong to it and how they were mixed. The
//! samples themselves are in the library.
