//! `tokio-tungstenite` on one thread, which is what fits a server pinned to one core. In its fan-out each connection has
//! a queue and a task that writes all that waits in it before it flushes.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use enchufe_peers::{Service, listen, tls};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// TCP, or TLS over it.
trait Stream: AsyncRead + AsyncWrite + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + 'static> Stream for S {}

type Room = Rc<RefCell<Vec<UnboundedSender<Message>>>>;

fn main() -> io::Result<()> {
    let (listener, service) = listen()?;
    let tls = tls()?.map(TlsAcceptor::from);
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    LocalSet::new().block_on(&runtime, async move {
        let listener = TcpListener::from_std(listener)?;
        let room = Room::default();
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (tls, room) = (tls.clone(), Rc::clone(&room));
            spawn_local(async move {
                let Some(tls) = tls else {
                    return serve(stream, service, room).await;
                };
                if let Ok(stream) = tls.accept(stream).await {
                    serve(stream, service, room).await;
                }
            });
        }
    })
}

async fn serve(stream: impl Stream, service: Service, room: Room) {
    match service {
        Service::Echo => echo(stream).await,
        Service::FanOut => fan_out(stream, room).await,
    }
}

async fn echo(stream: impl Stream) {
    let Ok(mut ws) = accept_async(stream).await else {
        return;
    };
    while let Some(Ok(message)) = ws.next().await {
        if is_data(&message) && ws.send(message).await.is_err() {
            break;
        }
    }
}

async fn fan_out(stream: impl Stream, room: Room) {
    let Ok(ws) = accept_async(stream).await else {
        return;
    };
    let (mut sink, mut stream) = ws.split();
    let (sender, mut queue) = unbounded_channel::<Message>();
    room.borrow_mut().push(sender);
    spawn_local(async move {
        while let Some(message) = queue.recv().await {
            if sink.feed(message).await.is_err() {
                return;
            }
            while let Ok(message) = queue.try_recv() {
                if sink.feed(message).await.is_err() {
                    return;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        if is_data(&message) {
            room.borrow_mut()
                .retain(|member| member.send(message.clone()).is_ok());
        }
    }
}

fn is_data(message: &Message) -> bool {
    message.is_text() || message.is_binary()
}
