//! The program `harsanyi`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
