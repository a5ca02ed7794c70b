//! Asking witnesses to cosign a checkpoint (C2SP `tlog-witness`): they do where it is consistent with what they cosigned before.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use reqwest::StatusCode;

use crate::checkpoint::{Head, cosignatures};
use crate::policy::{TrustPolicy, Witness};
use crate::proof::lines;
use crate::tiles::{Tiles, TilesError};

/// How many bytes of a witness's answer are read.
const ANSWER_AT_MOST: usize = 64 * 1024;
/// How long a witness may take.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Why a witness did not cosign.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error("it answers {0}")]
    Status(StatusCode),
    #[error("it says that it cosigned a tree of {0} leaves, and this one has fewer or is another")]
    Beyond(u64),
    #[error("what it answers is no cosignature of its own")]
    Foreign,
    #[error(transparent)]
    Tiles(#[from] TilesError),
}

/// The witnesses of a log, and what each cosigned last.
pub(crate) struct Witnesses {
    client: reqwest::Client,
    cosigned: HashMap<String, u64>,
}

impl Witnesses {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        Ok(Self { client: reqwest::Client::builder().timeout(ANSWERS_WITHIN).redirect(reqwest::redirect::Policy::none()).build()?, cosigned: HashMap::new() })
    }

    /// The checkpoint with the cosignatures of all witnesses that gave theirs.
    pub(crate) async fn cosign(&mut self, policy: &TrustPolicy, tiles: &Tiles, checkpoint: &str, head: Head) -> String {
        let client = &self.client;
        let asked = policy.witnesses().filter_map(|witness| {
            let url = witness.url.as_deref()?;
            let old = self.cosigned.get(url).copied().unwrap_or(0);
            Some(async move { (witness, url, ask(client, witness, url, old, tiles, checkpoint, head).await) })
        });
        let asked = join_all(asked).await;
        let mut cosigned = checkpoint.to_owned();
        for (Witness { key, .. }, url, result) in asked {
            match result {
                Ok(signatures) => {
                    self.cosigned.insert(url.to_owned(), head.size);
                    cosigned.push_str(&signatures);
                }
                Err(error) => {
                    metrics::counter!("carelog_witness_failures_total").increment(1);
                    tracing::warn!(witness = key, "a witness did not cosign: {error}");
                }
            }
        }
        cosigned
    }
}

/// Asks one witness, and again where it cosigned another size last than was thought.
async fn ask(
    client: &reqwest::Client,
    Witness { key, .. }: &Witness,
    url: &str,
    old: u64,
    tiles: &Tiles,
    checkpoint: &str,
    head: Head,
) -> Result<String, Refused> {
    let mut old = old;
    for _ in 0..2 {
        let body = format!("old {old}\n{}\n{checkpoint}", consistency(tiles, old, head).await?);
        let response = client.post(format!("{}/add-checkpoint", url.trim_end_matches('/'))).body(body).send().await?;
        match response.status() {
            StatusCode::OK => {
                let signatures = cosignatures(checkpoint, &text(response).await?, key);
                return if signatures.is_empty() { Err(Refused::Foreign) } else { Ok(signatures) };
            }
            StatusCode::CONFLICT => {
                let size = text(response).await?.trim().parse().unwrap_or(u64::MAX);
                if size > head.size || size == old {
                    return Err(Refused::Beyond(size));
                }
                old = size;
            }
            status => return Err(Refused::Status(status)),
        }
    }
    Err(Refused::Status(StatusCode::CONFLICT))
}

/// What was answered, as far as a witness may say anything.
async fn text(mut response: reqwest::Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_AT_MOST {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The proof that the tree of `old` leaves is a prefix, a line a hash.
async fn consistency(tiles: &Tiles, old: u64, head: Head) -> Result<String, TilesError> {
    if old == 0 || old == head.size {
        return Ok(String::new());
    }
    let proof = tiles.ask(head.size, head.root, |reader| tlog_tiles::prove_tree(head.size, old, reader)).await?;
    Ok(lines(&proof))
}
