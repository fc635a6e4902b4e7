//! The only place with sockets and threads.
