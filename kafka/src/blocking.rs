//! Librdkafka's blocking calls, off the runtime's threads.

use tokio::sync::oneshot;

/// Runs `work` on a thread of its own. Not on the runtime's blocking threads: those hold up the end of the process, and a call to brokers that are gone takes its time.
/// When the caller is dropped meanwhile, the work goes on to its end by itself.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::spawn(move || drop(sender.send(work())));
    match receiver.await {
        Ok(result) => result,
        // Nothing was sent, so it panicked.
        Err(_) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("the thread sends its result before it ends"),
        },
    }
}
