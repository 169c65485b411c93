//! What this user chose once for all projects: server, key, accepted certificates, size of the window.
