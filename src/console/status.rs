//! A five-line status for the incident channel.
