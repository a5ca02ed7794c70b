//! Requests whose token is not believed: who has none costs the access log a bounded number of records, and none of them goes uncounted.
//!
//! The first of an address is recorded at once, alone. What follows is counted, and recorded when the window ends. Where more addresses come than are counted apart,
//! those beyond are counted by their network, and by a larger network beyond that, of which there are few: so however many come, what is kept and what is recorded is
//! bounded, every address is in what was recorded of it or of its network, and the counts of all records add up to what was refused. What was not recorded yet is
//! recorded when the process stops; only if it is killed a window's counts are lost.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::time::Duration;

use domain::Phi;
use domain::access::Origin;
use uuid::Uuid;

use crate::headers::Credentials;

/// How long what is refused is counted before it is recorded.
pub(crate) const WINDOW: Duration = Duration::from_secs(1);
/// How many of a window are recorded at once, and how many alone when it ends; where there are more, records name several.
const ALONE_AT_MOST: usize = 32;
/// How many addresses, and how many networks, are counted apart.
const APART_AT_MOST: usize = 2048;
/// How many addresses or networks one record names.
const NAMED_AT_MOST: usize = 128;

/// How many bits of an address tell it apart, of IPv4 and of IPv6: all; those of a network as it is given to a customer; those of which there are few.
const SIZES: [(u32, u32); 3] = [(32, 128), (24, 48), (8, 8)];

/// The requests of a window, by where they come from.
#[derive(Default)]
pub(crate) struct Strangers {
    window: Mutex<Window>,
    /// Held by whoever records what was counted, so that nothing is recorded twice.
    pub(crate) recording: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Window {
    /// How many were recorded at once.
    alone: usize,
    /// How many are counted apart, by the size of what tells them apart.
    apart: [usize; SIZES.len()],
    counted: BTreeMap<Place, Counted>,
    /// Whether somebody waits for the window's end.
    awaited: bool,
}

/// An address, or a network, by which of the sizes tells it apart.
type Place = (usize, String);

struct Counted {
    /// How many are not recorded yet.
    count: u64,
    /// From where the first came, and in which request.
    origin: Phi<Origin>,
    request: Uuid,
}

/// What is to be done about a request that is refused.
pub(crate) struct Noted {
    /// It is to be recorded at once; otherwise it is counted.
    pub(crate) at_once: bool,
    /// Somebody must wait for the window's end.
    pub(crate) opened: bool,
}

/// What one record says: how many were refused, from where, and in which request where it was one.
pub(crate) struct Refused {
    pub(crate) count: u64,
    pub(crate) origin: Phi<Origin>,
    pub(crate) request: Uuid,
    places: Vec<(Place, u64)>,
}

impl Strangers {
    /// Notes a request that is refused.
    pub(crate) fn note(&self, credentials: &Credentials) -> Noted {
        let mut window = self.lock();
        let at_once = window.note(credentials);
        Noted { at_once, opened: !std::mem::replace(&mut window.awaited, true) }
    }

    /// One that was to be recorded at once could not be.
    pub(crate) fn count(&self, credentials: &Credentials) {
        self.lock().count(credentials);
    }

    /// What is counted and not recorded yet, record by record.
    pub(crate) fn counted(&self) -> Vec<Refused> {
        self.lock().records()
    }

    /// This was recorded.
    pub(crate) fn recorded(&self, refused: &Refused) {
        let mut window = self.lock();
        for (place, count) in &refused.places {
            if let Some(counted) = window.counted.get_mut(place) {
                counted.count -= count;
            }
        }
    }

    /// Ends the window; whether another must be waited for, because something is not recorded yet.
    pub(crate) fn end(&self) -> bool {
        let mut window = self.lock();
        window.counted.retain(|_, counted| counted.count > 0);
        let mut apart = [0; SIZES.len()];
        window.counted.keys().for_each(|(size, _)| apart[*size] += 1);
        (window.alone, window.apart, window.awaited) = (0, apart, !window.counted.is_empty());
        window.awaited
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Window {
    /// Whether it is to be recorded at once; otherwise it is counted.
    fn note(&mut self, credentials: &Credentials) -> bool {
        let (place, known) = self.place(credentials);
        let at_once = !known && place.0 == 0 && self.alone < ALONE_AT_MOST;
        if at_once {
            self.alone += 1;
        }
        self.add(place, credentials, u64::from(!at_once));
        at_once
    }

    fn count(&mut self, credentials: &Credentials) {
        let (place, _) = self.place(credentials);
        self.add(place, credentials, 1);
    }

    /// Where a request is counted, and whether something is counted there: at its address, or else at the smallest network for which there is room.
    fn place(&self, credentials: &Credentials) -> (Place, bool) {
        let address = credentials.origin.known().and_then(|origin| origin.address.as_deref());
        let mut places = places(address.unwrap_or_default()).into_iter().enumerate();
        let last = SIZES.len() - 1;
        let found = places.find(|place| place.0 == last || self.apart[place.0] < APART_AT_MOST || self.counted.contains_key(place));
        let place = found.unwrap_or_default();
        let known = self.counted.contains_key(&place);
        (place, known)
    }

    fn add(&mut self, place: Place, credentials: &Credentials, count: u64) {
        let size = place.0;
        let counted = self.counted.entry(place).or_insert_with(|| {
            self.apart[size] += 1;
            Counted { count: 0, origin: credentials.origin.clone(), request: credentials.request }
        });
        counted.count += count;
    }

    /// One for each place where they are few, and otherwise as many as it takes to name them all.
    fn records(&self) -> Vec<Refused> {
        let counted: Vec<(&Place, &Counted)> = self.counted.iter().filter(|(_, counted)| counted.count > 0).collect();
        if counted.len() <= ALONE_AT_MOST {
            return counted.into_iter().map(alone).collect();
        }
        counted.chunks(NAMED_AT_MOST).map(together).collect()
    }
}

fn alone((place, counted): (&Place, &Counted)) -> Refused {
    let origin = if place.0 == 0 { counted.origin.clone() } else { Phi::Known(Origin { address: Some(place.1.clone()), ..Origin::default() }) };
    Refused { count: counted.count, origin, request: counted.request, places: vec![(place.clone(), counted.count)] }
}

fn together(several: &[(&Place, &Counted)]) -> Refused {
    let addresses = several.iter().map(|((_, name), counted)| (name.clone(), counted.count)).collect();
    let origin = Phi::Known(Origin { addresses, ..Origin::default() });
    let places: Vec<(Place, u64)> = several.iter().map(|(place, counted)| ((*place).clone(), counted.count)).collect();
    Refused { count: places.iter().map(|(_, count)| count).sum(), origin, request: event_store::fresh_id(), places }
}

/// Whether a record is of requests that came from an address, or from a network that it lies in.
pub(crate) fn came_from(origin: &Origin, address: &str) -> bool {
    origin.address.as_deref() == Some(address)
        || places(address).iter().any(|place| origin.addresses.contains_key(place) || origin.address.as_ref() == Some(place))
}

/// An address and the networks that it lies in, the smallest first. What is no address lies in none.
fn places(address: &str) -> [String; SIZES.len()] {
    let parsed = address.parse::<IpAddr>();
    SIZES.map(|(bits, bits_of_six)| match parsed {
        _ if bits == 32 => address.to_owned(),
        Ok(IpAddr::V4(four)) => format!("{}/{bits}", Ipv4Addr::from(u32::from(four) & !(u32::MAX >> bits))),
        Ok(IpAddr::V6(six)) => format!("{}/{bits_of_six}", Ipv6Addr::from(u128::from(six) & !(u128::MAX >> bits_of_six))),
        Err(_) => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Credentials {
        let origin = Phi::Known(Origin { address: Some(address.to_owned()), ..Origin::default() });
        Credentials { token: None, purpose: None, origin, request: Uuid::nil() }
    }

    /// What the records of a window name, and how often.
    fn told(strangers: &Strangers) -> Vec<(Vec<String>, u64)> {
        let named = |refused: &Refused| {
            let origin = refused.origin.known().unwrap();
            (origin.address.iter().chain(origin.addresses.keys()).cloned().collect(), refused.count)
        };
        strangers.counted().iter().map(named).collect()
    }

    #[test]
    fn the_first_of_an_address_is_recorded_at_once_and_those_after_it_together() {
        let strangers = Strangers::default();
        let noted: Vec<_> = ["192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.7"].map(|address| strangers.note(&from(address))).into();
        assert_eq!(noted.iter().map(|noted| (noted.at_once, noted.opened)).collect::<Vec<_>>(), [(true, true), (false, false), (true, false), (false, false)]);
        assert_eq!(told(&strangers), [(vec!["192.0.2.7".to_owned()], 2)]);
        // What cannot be recorded yet is not forgotten.
        assert!(strangers.end(), "something is left");
        strangers.count(&from("192.0.2.8"));
        let counted = strangers.counted();
        assert_eq!(counted.iter().map(|refused| refused.count).sum::<u64>(), 3);
        strangers.note(&from("192.0.2.7"));
        for refused in &counted {
            strangers.recorded(refused);
        }
        assert_eq!(told(&strangers), [(vec!["192.0.2.7".to_owned()], 1)], "what came meanwhile is counted");
        for refused in strangers.counted() {
            strangers.recorded(&refused);
        }
        assert!(!strangers.end(), "the window is over");
        assert!(strangers.note(&from("192.0.2.7")).at_once);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_hides_none_and_is_counted_to_the_last() {
        let strangers = Strangers::default();
        let addresses = (0..200_000_u32).map(|number| Ipv4Addr::from(0x0b00_0000 + number * 257).to_string());
        let six = (0..100_000_u128).map(|number| Ipv6Addr::from(0x2001_0db8_u128 << 96 | number << 70).to_string());
        let at_once = addresses.chain(six).filter(|address| strangers.note(&from(address)).at_once).count();
        let records = strangers.counted();
        assert_eq!(at_once, ALONE_AT_MOST);
        assert!(records.len() <= (2 * APART_AT_MOST + 512) / NAMED_AT_MOST, "{}", records.len());
        assert_eq!(records.iter().map(|refused| refused.count).sum::<u64>(), 300_000 - at_once as u64);
        for address in ["11.1.2.3", "13.15.66.63"] {
            assert!(records.iter().any(|refused| came_from(refused.origin.known().unwrap(), address)), "{address}");
        }
        let late = "203.0.113.9";
        assert!(!records.iter().any(|refused| came_from(refused.origin.known().unwrap(), late)));
        strangers.note(&from(late));
        assert!(strangers.counted().iter().any(|refused| came_from(refused.origin.known().unwrap(), late)), "one more is not hidden by the others");
    }

    #[test]
    fn an_address_lies_in_its_networks() {
        assert_eq!(places("192.0.2.7"), ["192.0.2.7", "192.0.2.0/24", "192.0.0.0/8"]);
        assert_eq!(places("2001:db8:1:2::3"), ["2001:db8:1:2::3", "2001:db8:1::/48", "2000::/8"]);
        assert_eq!((places(""), places("Needle")), (["", "", ""].map(str::to_owned), ["Needle", "", ""].map(str::to_owned)));
    }
}
