//! The `tributary` command: server, client and operator's tools in one binary. All of it is in `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tributary_server::cli::main()
}
