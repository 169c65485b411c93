//! The session of one plugin instance: takes, jobs, account. Commands in, views out; never called by the audio thread.
