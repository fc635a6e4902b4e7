//! Why Redis cannot be used, now or at all.

use std::fmt;

/// Why a call to Redis brought nothing.
#[derive(Debug)]
pub enum LinkError {
    /// It cannot be reached, did not answer in time, or refuses what is asked of it.
    Redis(redis::RedisError),
    /// What came back is nothing that the scripts say.
    Answer(&'static str),
}

/// Why a server cannot join.
#[derive(Debug)]
pub enum JoinError {
    /// What was given is not the URL of a Redis.
    Url {
        /// What was given, without its password.
        url: String,
        /// What is wrong with it.
        reason: redis::RedisError,
    },
    /// Redis is there or not, but cannot be used.
    RedisClient {
        /// Where, without a password.
        url: String,
        /// What is wrong.
        reason: LinkError,
    },
    /// No thread could be started.
    Thread(std::io::Error),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::Redis(error) if error.is_timeout() => f.write_str("no answer in time"),
            LinkError::Redis(error) => write!(f, "{error}"),
            LinkError::Answer(what) => write!(f, "an answer that makes no sense: {what}"),
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Url { url, reason } => write!(
                f,
                "'{url}' is not the URL of a Redis: {reason}; write redis://HOST:PORT/DATABASE"
            ),
            JoinError::RedisClient { url, reason } => write!(
                f,
                "cannot join the cluster at {url}: {reason}; it takes a Redis 7 that listens there"
            ),
            JoinError::Thread(error) => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for LinkError {}

impl std::error::Error for JoinError {}

impl From<redis::RedisError> for LinkError {
    fn from(error: redis::RedisError) -> LinkError {
        LinkError::Redis(error)
    }
}
