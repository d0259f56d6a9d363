//! AWS protocols for the pipeline: bytes to request, response to bytes. No sockets.
