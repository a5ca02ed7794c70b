//! Stopping in order: one signal, heard by every part.

use tokio::sync::watch;

/// Tells whether the process is to stop.
pub type Shutdown = watch::Receiver<bool>;

/// Becomes true on Ctrl-C or SIGTERM.
pub fn on_signal() -> Shutdown {
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        signal().await;
        tracing::info!("stopping");
        sender.send_replace(true);
        // Whoever still waits at the end holds a receiver; the sender lives as long.
        sender.closed().await;
    });
    receiver
}

async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => signals.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate => {}
    }
}

/// Completes when the process is to stop.
pub async fn requested(mut shutdown: Shutdown) {
    // An error means that the sender is gone, which is the end as well.
    shutdown.wait_for(|stop| *stop).await.ok();
}
