//! The rules that judge a pipeline from windows of metrics. Each is a pure function of what was seen.
