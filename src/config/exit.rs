//! Exit codes, the same for every command (ux.md, "Command line").

/// Done, and nothing is wrong.
pub const FINE: u8 = 0;
/// `status`: something is wrong with the pipeline.
pub const TROUBLE: u8 = 1;
/// What was typed is wrong.
pub const USAGE: u8 = 2;
/// The account could not be reached, or it did not allow it.
pub const UNREACHABLE: u8 = 3;
/// A safety rule said no: consent missing, settings changed meanwhile, a limit of AWS's.
pub const REFUSED: u8 = 4;
/// Done in part; what was not is named.
pub const PARTLY: u8 = 5;
