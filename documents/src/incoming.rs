//! The body of an upload: its two parts, as they come.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use command_api::Problem;
use futures::stream::{try_unfold, unfold};
use futures::{Stream, StreamExt};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tokio::sync::Mutex;

use crate::problem;

/// How long a sender may be silent.
const SILENT_AT_MOST: Duration = Duration::from_secs(30);
/// How long what still comes is taken and dropped after a refusal, so that the sender gets to read it.
const LINGER: Duration = Duration::from_secs(5);
/// How many bytes the metadata may take.
const METADATA_LIMIT: usize = 256 * 1024;

/// The rest of a body, shared with who reads its parts.
pub(crate) struct Incoming {
    body: Arc<Mutex<BodyDataStream>>,
    /// How long it says it is.
    length: Option<u64>,
}

impl Incoming {
    pub(crate) fn new(body: Body, length: Option<u64>) -> Self {
        Self { body: Arc::new(Mutex::new(body.into_data_stream())), length }
    }

    /// Its parts, the file of at most so many bytes. What says that it is longer is refused at once.
    pub(crate) fn parts(&self, boundary: String, limit: u64) -> Result<Multipart<'static>, Problem> {
        let most = limit + METADATA_LIMIT as u64 + 16 * 1024;
        if self.length.is_some_and(|length| length > most) {
            return Err(problem::too_large(limit));
        }
        let stream = unfold(Arc::clone(&self.body), |body| async {
            let next = body.lock().await.next().await;
            next.map(|next| (next, body))
        });
        // The file's own limit is watched where it is counted.
        let limits = SizeLimit::new().whole_stream(most);
        Ok(Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limits)))
    }

    /// Takes and drops what still comes, for a while.
    pub(crate) async fn linger(self) {
        let mut body = self.body.lock().await;
        tokio::time::timeout(LINGER, async { while let Some(Ok(_)) = body.next().await {} }).await.ok();
    }
}

/// The part that comes next, which must be called so.
pub(crate) async fn part(parts: &mut Multipart<'static>, name: &str, limit: u64) -> Result<Field<'static>, Problem> {
    let next = tokio::time::timeout(SILENT_AT_MOST, parts.next_field()).await.map_err(|_| Problem::unreadable())?;
    next.map_err(|error| broken(&error, limit))?.filter(|part| part.name() == Some(name)).ok_or_else(problem::parts)
}

/// The bytes of the last part, which fail where anything comes after it.
pub(crate) fn file(parts: Multipart<'static>, file: Field<'static>, limit: u64) -> impl Stream<Item = Result<Bytes, Problem>> {
    try_unfold(Some((parts, file)), move |rest| async move {
        let Some((mut parts, mut file)) = rest else { return Ok(None) };
        if let Some(chunk) = chunk(&mut file, limit).await? {
            return Ok(Some((chunk, Some((parts, file)))));
        }
        drop(file);
        end(&mut parts, limit).await.map(|()| None)
    })
}

/// That nothing comes after the parts.
async fn end(parts: &mut Multipart<'static>, limit: u64) -> Result<(), Problem> {
    let next = tokio::time::timeout(SILENT_AT_MOST, parts.next_field()).await.map_err(|_| Problem::unreadable())?;
    if next.map_err(|error| broken(&error, limit))?.is_some() { Err(problem::parts()) } else { Ok(()) }
}

/// The next bytes of a part.
async fn chunk(part: &mut Field<'static>, limit: u64) -> Result<Option<Bytes>, Problem> {
    let chunk = tokio::time::timeout(SILENT_AT_MOST, part.chunk()).await.map_err(|_| Problem::unreadable())?;
    chunk.map_err(|error| broken(&error, limit))
}

/// All of the part that is the metadata.
pub(crate) async fn metadata(part: &mut Field<'static>, limit: u64) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = chunk(part, limit).await? {
        if bytes.len() + chunk.len() > METADATA_LIMIT {
            return Err(problem::parts());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// How multipart broke off: no more than that is told, since a part of it may be in what multer says.
fn broken(error: &multer::Error, limit: u64) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => problem::too_large(limit),
        multer::Error::StreamReadFailed(_) | multer::Error::IncompleteStream | multer::Error::IncompleteFieldData { .. } => Problem::unreadable(),
        _ => problem::parts(),
    }
}
