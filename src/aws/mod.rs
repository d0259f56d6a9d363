//! The only importer of the AWS SDK; model in, model out.
