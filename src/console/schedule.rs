//! What is due to be asked, and how often.
