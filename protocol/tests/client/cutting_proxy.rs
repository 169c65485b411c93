//! A TCP proxy on loopback that cuts connections after a number of bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// When one connection is cut.
#[derive(Clone, Copy)]
pub(crate) enum Cut {
    /// After this many bytes towards the server.
    AfterSent(usize),
    /// After this many bytes towards the client.
    AfterReceived(usize),
}

pub(crate) struct CuttingProxy {
    address: String,
    left: Arc<Mutex<VecDeque<Cut>>>,
}

impl CuttingProxy {
    /// Cuts the first connections as told, in that order, and lets later ones live.
    pub(crate) async fn start(server: String, cuts: &[Cut]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let left = Arc::new(Mutex::new(cuts.iter().copied().collect::<VecDeque<_>>()));
        let cuts = Arc::clone(&left);
        let server = server.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let cut = cuts.lock().unwrap().pop_front();
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, cut));
            }
        });
        Self { address, left }
    }

    pub(crate) fn address(&self) -> String {
        self.address.clone()
    }

    /// True once every cut was begun.
    pub(crate) fn has_cut_all(&self) -> bool {
        self.left.lock().unwrap().is_empty()
    }
}

async fn pass(mut client: TcpStream, mut server: TcpStream, cut: Option<Cut>) {
    let (sent_max, received_max) = match cut {
        Some(Cut::AfterSent(bytes)) => (bytes, usize::MAX),
        Some(Cut::AfterReceived(bytes)) => (usize::MAX, bytes),
        None => (usize::MAX, usize::MAX),
    };
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    tokio::select! {
        () = copy(from_client, to_server, sent_max) => {}
        () = copy(from_server, to_client, received_max) => {}
    }
}

/// Returns, and so ends both directions, at the limit or at the end.
async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut left: usize) {
    let mut bytes = vec![0; 16 * 1024];
    while left > 0 {
        let read = match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read.min(left),
        };
        if to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
        left -= read;
    }
}
