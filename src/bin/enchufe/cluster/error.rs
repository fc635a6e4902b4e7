//! Errors of the connection to Redis, and of joining a cluster.

use std::fmt;

/// Reason why a call to Redis failed.
#[derive(Debug)]
pub enum ClientError {
    /// Redis cannot be reached, did not answer in time, or rejected the command.
    Redis(redis::RedisError),
    /// The reply has an unexpected form.
    Reply(&'static str),
}

/// Reason why a server cannot join a cluster.
#[derive(Debug)]
pub enum JoinError {
    /// The option is not the URL of a Redis server.
    Url {
        /// Without the password.
        url: String,
        reason: redis::RedisError,
    },
    /// Redis cannot be reached or used.
    Redis {
        /// Without the password.
        url: String,
        reason: ClientError,
    },
    /// A thread could not be started.
    Thread(std::io::Error),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) if error.is_timeout() => f.write_str("timed out"),
            Self::Redis(error) => write!(f, "{error}"),
            Self::Reply(problem) => write!(f, "unexpected reply: {problem}"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, reason } => write!(
                f,
                "'{url}' is not the URL of a Redis server: {reason}; write redis://HOST:PORT/DATABASE"
            ),
            Self::Redis { url, reason } => write!(
                f,
                "cannot join the cluster at {url}: {reason}; start Redis 7 or later there"
            ),
            Self::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl std::error::Error for JoinError {}

impl From<redis::RedisError> for ClientError {
    fn from(error: redis::RedisError) -> Self {
        Self::Redis(error)
    }
}
