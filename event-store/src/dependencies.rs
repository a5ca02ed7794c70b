//! Where the requests of one batch depend on each other: an earlier one's event may be what a later one must not have missed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use domain::TenantId;

use crate::batch::place;
use crate::conditions::Item;
use crate::request::{NewEvent, Request};

/// In the order of requests, what each reads (a key) and then, should it be appended, has written (the key negated). Both start from 1. A key is
/// a condition that some request has and that the event of an earlier one meets; it is listed once however many have it, so that
/// a crowd that races for one thing costs no more than its number.
pub(crate) fn steps(requests: &[Request]) -> Vec<(i32, i32)> {
    let found = writers(requests);
    let mut readers: HashMap<(TenantId, &Item), Vec<usize>> = HashMap::new();
    for (index, request) in requests.iter().enumerate() {
        for item in request.items.iter().filter(|item| item.hashes.iter().any(|hash| found.contains_key(hash))) {
            readers.entry((request.tenant, item)).or_default().push(index);
        }
    }
    let mut steps = Vec::new();
    let mut key = 0;
    for ((tenant, item), readers) in readers {
        let candidates = item.hashes.iter().filter_map(|hash| found.get(hash)).flatten();
        let meets = |(index, event): &&(usize, &NewEvent)| requests[*index].tenant == tenant && item.matches(&event.event_type, &event.tags);
        let writers: BTreeSet<usize> = candidates.filter(meets).map(|(index, _)| *index).collect();
        if writers.first() < readers.last() {
            key += 1;
            steps.extend(readers.into_iter().map(|reader| (place(reader + 1), key)));
            steps.extend(writers.into_iter().map(|writer| (place(writer + 1), -key)));
        }
    }
    steps.sort_unstable_by_key(|(request, key)| (*request, Reverse(*key)));
    steps
}

/// The events of the batch by the hashes under which they are found, where somebody may ask.
fn writers(requests: &[Request]) -> HashMap<i64, Vec<(usize, &NewEvent)>> {
    let mut writers: HashMap<i64, Vec<(usize, &NewEvent)>> = HashMap::new();
    if requests.len() < 2 {
        return writers;
    }
    for (index, request) in requests.iter().enumerate() {
        for event in &request.events {
            for hash in &event.hashes {
                writers.entry(*hash).or_default().push((index, event));
            }
        }
    }
    writers
}
