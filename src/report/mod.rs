//! The same figures without a terminal: tables and JSON.
