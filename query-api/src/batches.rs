//! Loads that wait until the executor can go no further by itself, so that each statement serves everything that asked for the same.
//!
//! A spawned load may run before the last field has asked, and then the number of statements would depend on luck and on the number of rows. Here
//! they are polled by the operation's own task, and only when everything else in it waits.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::BoxFuture;

/// The loads of one operation.
#[derive(Clone, Default)]
pub struct Batches(Arc<Mutex<Vec<BoxFuture<'static, ()>>>>);

impl Batches {
    /// Puts a load by until the executor waits.
    pub fn put_by(&self, load: BoxFuture<'static, ()>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(load);
    }

    fn take(&self) -> Vec<BoxFuture<'static, ()>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs an operation and its loads to the operation's end.
    pub async fn drive<T>(&self, operation: impl Future<Output = T>) -> T {
        let mut operation = pin!(operation);
        // One after the other, in the order they were put by: they share a connection anyway, and so what is loaded together does not depend on time.
        let mut waiting = VecDeque::new();
        poll_fn(|context| {
            loop {
                let noticing = Arc::new(Noticing { woken: AtomicBool::new(false), task: context.waker().clone() });
                let waker = Waker::from(Arc::clone(&noticing));
                if let Poll::Ready(value) = operation.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Poll::Ready(value);
                }
                if noticing.woken.load(Ordering::Acquire) {
                    // It has paused in the middle of a long list, and goes on when the task is polled next.
                    return Poll::Pending;
                }
                waiting.extend(self.take());
                let Some(load) = waiting.front_mut() else { return Poll::Pending };
                if load.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                // Now the operation may go on, and ask for more.
                waiting.pop_front();
            }
        })
        .await
    }
}

/// Notices that the operation was woken, perhaps by itself, and wakes its task.
struct Noticing {
    woken: AtomicBool,
    task: Waker,
}

impl Wake for Noticing {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::time::Duration;

    use async_graphql::dataloader::{DataLoader, Loader};

    use super::*;

    #[derive(Clone, Default)]
    struct Counting(Arc<Mutex<Vec<usize>>>);

    impl Loader<u32> for Counting {
        type Value = u32;
        type Error = ();
        async fn load(&self, keys: &[u32]) -> Result<HashMap<u32, u32>, ()> {
            self.0.lock().unwrap().push(keys.len());
            tokio::task::yield_now().await;
            Ok(keys.iter().map(|key| (*key, key + 1000)).collect())
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_level_of_an_operation_is_one_load() {
        let (batches, counting) = (Batches::default(), Counting::default());
        let spawner = batches.clone();
        let loader = DataLoader::new(counting.clone(), move |load| spawner.put_by(load)).delay(Duration::ZERO);
        let field = async |key: u32| {
            // As a list in a list does, once it is long.
            tokio::task::yield_now().await;
            let next = loader.load_one(key).await.unwrap().unwrap();
            tokio::task::yield_now().await;
            loader.load_one(next).await.unwrap().unwrap()
        };
        let values = batches.drive(futures::future::join_all((0..500).map(field))).await;
        assert_eq!(values[499], 2499);
        assert_eq!(*counting.0.lock().unwrap(), [500, 500]);
    }
}
