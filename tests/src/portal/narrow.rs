//! A stream that lets little through.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;
use tokio::time::{self, Sleep};

#[derive(Debug, Clone, Copy)]
pub(super) enum Narrowness {
    /// No more than that many bytes are written.
    CutAfter(u64),
    /// One byte at a time, this far apart.
    ByteEvery(Duration),
}

/// Reads as the stream inside does, and writes as narrowly as asked for.
pub(super) struct Narrow<S> {
    inner: S,
    narrowness: Narrowness,
    cut: Option<oneshot::Sender<()>>,
    is_cut_when_flushed: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<S> Narrow<S> {
    /// And what tells that no more will be written.
    pub(super) fn new(inner: S, narrowness: Narrowness) -> (Self, oneshot::Receiver<()>) {
        let (cut, is_cut) = oneshot::channel();
        let narrow = Self {
            inner,
            narrowness,
            cut: Some(cut),
            is_cut_when_flushed: false,
            pause: None,
        };
        (narrow, is_cut)
    }

    fn tell_of_the_cut(&mut self) {
        if let Some(cut) = self.cut.take() {
            let _nobody_waits = cut.send(());
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Narrow<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Narrow<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        match this.narrowness {
            Narrowness::CutAfter(0) => {
                ready!(Pin::new(&mut this.inner).poll_flush(context))?;
                this.tell_of_the_cut();
                // Whoever waits for the cut drops this stream.
                Poll::Pending
            }
            Narrowness::CutAfter(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                let written =
                    ready!(Pin::new(&mut this.inner).poll_write(context, &bytes[..most]))?;
                let left = left.saturating_sub(written as u64);
                this.narrowness = Narrowness::CutAfter(left);
                this.is_cut_when_flushed = left == 0;
                Poll::Ready(Ok(written))
            }
            Narrowness::ByteEvery(pause) => {
                if let Some(sleep) = &mut this.pause {
                    ready!(sleep.as_mut().poll(context));
                    this.pause = None;
                }
                let most = bytes.len().min(1);
                let written =
                    ready!(Pin::new(&mut this.inner).poll_write(context, &bytes[..most]))?;
                this.pause = Some(Box::pin(time::sleep(pause)));
                Poll::Ready(Ok(written))
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.inner).poll_flush(context))?;
        if self.is_cut_when_flushed {
            self.tell_of_the_cut();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
