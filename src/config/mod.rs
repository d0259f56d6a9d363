//! Arguments, file and environment to one validated configuration.
