//! Whatever is asked for, in whatever order: no two active appointments, neither let pass by an exception, overlap for a practitioner, a patient or
//! a room. Checked against a model that knows everything, so a decision that reads too little is found out.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

use crate::decision::Decision;
use crate::event::Event;
use crate::ids::{AppointmentId, FacilityId, PatientId, PractitionerId, RoomId};
use crate::organizations::RoomAdded;
use crate::providers::{AvailabilitySet, Weekday, WeeklyHours};
use crate::scheduling::examples::{hours, minutes, onboarded, opened, reason, registered};
use crate::scheduling::{
    AppointmentStatus, BookAppointment, Bookings, CancelAppointment, CheckInAppointment, Exception, FulfilAppointment, MarkNoShow, PlacementWanted,
    RescheduleAppointment, UndoStatus,
};
use crate::testing::given;
use crate::time::{Interval, LocalTime, Zone};

const START: &str = "2027-01-04T12:00:00Z";
/// As far apart as clocks are, on two sides of an ocean, and one mountain range apart.
const ZONES: [[Tz; 2]; 3] = [
    [chrono_tz::Pacific::Kiritimati, chrono_tz::Etc::GMTPlus12],
    [chrono_tz::America::Chicago, chrono_tz::Europe::Berlin],
    [chrono_tz::America::Denver, chrono_tz::America::Los_Angeles],
];

fn id(kind: u128, index: usize) -> Uuid {
    Uuid::from_u128(kind << 64 | index as u128)
}

fn patient(index: usize) -> PatientId {
    PatientId(id(1, index))
}

fn practitioner(index: usize) -> PractitionerId {
    PractitionerId(id(2, index))
}

fn facility(index: usize) -> FacilityId {
    FacilityId(id(3, index))
}

/// Each facility has one room.
fn room(facility: usize) -> RoomId {
    RoomId(id(4, facility))
}

fn appointment(index: usize) -> AppointmentId {
    AppointmentId(id(5, index))
}

/// Two patients; two practitioners who can be booked at any hour at either of two facilities.
fn world(zones: [Tz; 2]) -> Vec<Event> {
    let mut events = vec![registered(patient(0)), registered(patient(1)), onboarded(practitioner(0)), onboarded(practitioner(1))];
    let days = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];
    let weekly = days.map(|day| WeeklyHours { day, hours: hours("00:00:00", "00:00:00") }).to_vec();
    for (index, zone) in zones.into_iter().enumerate() {
        let (facility, zone, from) = (facility(index), Zone(zone), "2026-01-01".parse().unwrap());
        events.push(opened(facility, zone));
        events.push(RoomAdded { room: room(index), facility, name: "1".try_into().unwrap() }.into());
        for practitioner in [practitioner(0), practitioner(1)] {
            let weekly = weekly.clone();
            events.push(AvailabilitySet { practitioner, facility, zone, from, until: None, weekly, slot: minutes(30) }.into());
        }
    }
    events
}

/// Where and when, in the model's words: things by their number, time in minutes since [`START`].
#[derive(Clone, Copy, PartialEq, Debug)]
struct Spot {
    practitioner: usize,
    facility: usize,
    in_the_room: bool,
    start: i64,
    minutes: u16,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum LetPass {
    Nothing,
    Overbooked,
    BackEntered,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Book,
    Reschedule,
    Cancel,
    CheckIn,
    Fulfil,
    MarkNoShow,
    Undo,
    Wait,
}

/// What is asked for next, counting the time from then on; `what` says which of the rest count.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: What,
    index: usize,
    patient: usize,
    names_another_patient: bool,
    spot: Spot,
    let_pass: LetPass,
}

fn step() -> impl Strategy<Value = Step> {
    let what = prop_oneof![
        6 => Just(What::Book),
        3 => Just(What::Reschedule),
        1 => Just(What::Cancel),
        1 => Just(What::CheckIn),
        1 => Just(What::Fulfil),
        5 => Just(What::MarkNoShow),
        5 => Just(What::Undo),
        3 => Just(What::Wait),
    ];
    let let_pass = prop_oneof![6 => Just(LetPass::Nothing), 2 => Just(LetPass::Overbooked), 1 => Just(LetPass::BackEntered)];
    let spot = (0..2_usize, 0..2_usize, any::<bool>(), -2..50_i64, select(vec![30, 60, 480, 1440_u16]))
        .prop_map(|(practitioner, facility, in_the_room, half_hours, minutes)| Spot { practitioner, facility, in_the_room, start: half_hours * 30, minutes });
    (what, 0..5_usize, 0..2_usize, prop::bool::weighted(0.05), spot, let_pass).prop_map(|(what, index, patient, names_another_patient, spot, let_pass)| Step {
        what,
        index,
        patient,
        names_another_patient,
        spot,
        let_pass,
    })
}

struct Visit {
    patient: usize,
    spot: Spot,
    excepted: bool,
    status: AppointmentStatus,
    earlier: Vec<AppointmentStatus>,
}

impl Spot {
    fn overlaps(self, other: Self) -> bool {
        self.start < other.start + i64::from(other.minutes) && other.start < self.start + i64::from(self.minutes)
    }
}

/// Everything there is to know, and what may be done by it: the codes of which one is the reason, or none.
#[derive(Default)]
struct Model {
    now: i64,
    visits: Vec<Visit>,
}

type Codes = Result<(), BTreeSet<&'static str>>;

fn code(code: &'static str) -> Codes {
    Err(BTreeSet::from([code]))
}

impl Model {
    fn clashes(&self, index: usize, patient: usize, spot: Spot) -> Codes {
        let mut codes = BTreeSet::new();
        for (_, other) in self.visits.iter().enumerate().filter(|(other, visit)| *other != index && visit.status.is_active() && visit.spot.overlaps(spot)) {
            codes.extend((other.spot.practitioner == spot.practitioner).then_some("practitioner-busy"));
            codes.extend((other.patient == patient).then_some("patient-busy"));
            codes.extend((other.spot.in_the_room && spot.in_the_room && other.spot.facility == spot.facility).then_some("room-busy"));
        }
        if codes.is_empty() { Ok(()) } else { Err(codes) }
    }

    fn place(&self, index: usize, patient: usize, step: Step) -> Codes {
        match step.let_pass {
            LetPass::BackEntered if step.spot.start > self.now => code("start-in-the-future"),
            LetPass::BackEntered => Ok(()),
            _ if step.spot.start < self.now => code("start-in-the-past"),
            LetPass::Overbooked => Ok(()),
            LetPass::Nothing => self.clashes(index, patient, step.spot),
        }
    }

    /// Whether the step may be taken; if so, takes it.
    fn take(&mut self, step: Step) -> Codes {
        use AppointmentStatus::{Booked, Cancelled, CheckedIn, Fulfilled, NoShow};
        let excepted = step.let_pass != LetPass::Nothing;
        if matches!(step.what, What::Book) {
            self.place(self.visits.len(), step.patient, step)?;
            self.visits.push(Visit { patient: step.patient, spot: step.spot, excepted, status: Booked, earlier: Vec::new() });
            return Ok(());
        }
        let visit = self.visits.get(step.index).filter(|_| !step.names_another_patient);
        let Some(visit) = visit else { return code("appointment-unknown") };
        let started = visit.spot.start <= self.now;
        let becomes = match (step.what, visit.status) {
            (What::Reschedule, Booked) => {
                self.place(step.index, visit.patient, step)?;
                let visit = &mut self.visits[step.index];
                visit.excepted = if visit.spot == step.spot { visit.excepted } else { excepted };
                visit.spot = step.spot;
                return Ok(());
            }
            (What::Undo, CheckedIn | Fulfilled | NoShow) => {
                if visit.status == NoShow && !visit.excepted {
                    self.clashes(step.index, visit.patient, visit.spot)?;
                }
                let visit = &mut self.visits[step.index];
                visit.status = visit.earlier.pop().unwrap();
                return Ok(());
            }
            (What::Fulfil | What::MarkNoShow, Booked) if !started => return code("not-started"),
            (What::Cancel, Booked | CheckedIn) => Cancelled,
            (What::CheckIn, Booked) => CheckedIn,
            (What::Fulfil, Booked | CheckedIn) => Fulfilled,
            (What::MarkNoShow, Booked) => NoShow,
            _ => return code("status-forbids"),
        };
        let visit = &mut self.visits[step.index];
        visit.earlier.push(std::mem::replace(&mut visit.status, becomes));
        Ok(())
    }

    fn double_booked(&self) -> bool {
        let firm = |visit: &&Visit| visit.status.is_active() && !visit.excepted;
        let clash = |(index, visit): (usize, &Visit)| {
            let others =
                Model { now: self.now, visits: self.visits[..index].iter().filter(firm).map(|visit| Visit { earlier: Vec::new(), ..*visit }).collect() };
            others.clashes(index, visit.patient, visit.spot).is_err()
        };
        self.visits.iter().enumerate().filter(|(_, visit)| firm(visit)).any(clash)
    }
}

fn moment(minute: i64) -> DateTime<Utc> {
    START.parse::<DateTime<Utc>>().unwrap() + Duration::minutes(minute)
}

fn wanted(zones: [Tz; 2], spot: Spot) -> PlacementWanted {
    let start: LocalTime = moment(spot.start).with_timezone(&zones[spot.facility]).naive_local().try_into().unwrap();
    PlacementWanted {
        practitioner: practitioner(spot.practitioner),
        facility: facility(spot.facility),
        room: spot.in_the_room.then(|| room(spot.facility)),
        start: start.into(),
        repeated: None,
        minutes: minutes(spot.minutes),
    }
}

/// Carries a command out as the gate does: what it leads to joins what has happened.
fn carry_out<D: Decision>(events: &mut Vec<Event>, now: DateTime<Utc>, command: &D) -> Result<(), String> {
    match given(events.iter().cloned()).when_at(&now.to_rfc3339(), command).outcome() {
        Ok(more) => {
            events.extend(more);
            Ok(())
        }
        Err(rejection) => Err(serde_json::to_value(rejection).unwrap()["code"].as_str().unwrap().to_owned()),
    }
}

fn carry_out_step(events: &mut Vec<Event>, model: &Model, zones: [Tz; 2], step: Step) -> Result<(), String> {
    let now = moment(model.now);
    let exception = match step.let_pass {
        LetPass::Nothing => None,
        LetPass::Overbooked => Some(Exception::Overbooked { reason: reason("urgent") }),
        LetPass::BackEntered => Some(Exception::BackEntered { reason: reason("walk-in") }),
    };
    let placement = wanted(zones, step.spot);
    if matches!(step.what, What::Book) {
        let (appointment, patient) = (appointment(model.visits.len()), patient(step.patient));
        return carry_out(events, now, &BookAppointment { appointment, patient, placement, reason: None, exception });
    }
    let own_patient = model.visits.get(step.index).map_or(step.patient, |visit| visit.patient);
    let (appointment, patient) = (appointment(step.index), patient(if step.names_another_patient { 1 - own_patient } else { own_patient }));
    match step.what {
        What::Book | What::Wait => unreachable!("neither names an appointment"),
        What::Reschedule => carry_out(events, now, &RescheduleAppointment { appointment, patient, placement, reason: None, exception }),
        What::Cancel => carry_out(events, now, &CancelAppointment { appointment, patient, reason: reason("ill") }),
        What::CheckIn => carry_out(events, now, &CheckInAppointment { appointment, patient }),
        What::Fulfil => carry_out(events, now, &FulfilAppointment { appointment, patient }),
        What::MarkNoShow => carry_out(events, now, &MarkNoShow { appointment, patient }),
        What::Undo => carry_out(events, now, &UndoStatus { appointment, patient, reason: reason("wrong line") }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn nobody_and_nothing_is_in_two_places_at_once(zones in select(ZONES.as_slice()), steps in vec(step(), 1..50)) {
        let mut events = world(zones);
        let mut model = Model::default();
        for step in steps {
            if matches!(step.what, What::Wait) {
                model.now += 30 * i64::try_from(step.index).unwrap();
                continue;
            }
            let step = Step { spot: Spot { start: model.now + step.spot.start, ..step.spot }, ..step };
            let outcome = carry_out_step(&mut events, &model, zones, step);
            match (model.take(step), outcome) {
                (Ok(()), Ok(())) => {}
                (Err(codes), Err(code)) if codes.contains(code.as_str()) => {}
                (expected, outcome) => prop_assert!(false, "{step:?} led to {outcome:?}, and should have to {expected:?}"),
            }
            prop_assert!(!model.double_booked());
        }
        let mut bookings = Bookings::default();
        for event in &events {
            bookings.apply(event);
        }
        for (index, visit) in model.visits.iter().enumerate() {
            let booking = bookings.get(appointment(index)).unwrap();
            let interval = Interval { start: moment(visit.spot.start), end: moment(visit.spot.start + i64::from(visit.spot.minutes)) };
            prop_assert_eq!((booking.status, booking.placement.interval(), booking.excepted), (visit.status, Some(interval), visit.excepted));
        }
    }
}
