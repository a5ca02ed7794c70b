//! When the practitioners can be booked, and what is booked around today.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike, Utc, Weekday};
use domain::providers::{BlockTime, SetAvailability, SetAvailabilityException};
use domain::scheduling::{BookAppointment, CancelAppointment, CheckInAppointment, FulfilAppointment, MarkNoShow, RescheduleAppointment};
use domain::{FacilityId, PractitionerId, RoomId};
use serde_json::{Value, json};

use super::Clinic;
use super::ids::{EAST, FACILITY, PRACTITIONER, appointment, block, patient, practitioner, room};

/// What comes of an appointment after it was booked.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    CheckIn,
    Fulfil,
    NoShow,
    Cancel(&'static str),
    MoveTo(i64, &'static str),
}

/// Everything about one appointment: who, with whom and where, how many weekdays from today, at what time.
type Entry = (u128, u128, PractitionerId, FacilityId, Option<RoomId>, i64, &'static str, &'static str, Then);

/// Who, where, on which days, from when, up to when, in slots of how many minutes.
type Hours = (PractitionerId, FacilityId, &'static [&'static str], &'static str, &'static str, u16);

const ALL_WEEK: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WEEKDAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri"];

pub async fn fill(clinic: &mut Clinic) -> anyhow::Result<()> {
    hours(clinic).await?;
    absences(clinic).await?;
    for entry in entries() {
        book(clinic, entry).await?;
    }
    walk_in(clinic).await
}

async fn hours(clinic: &mut Clinic) -> anyhow::Result<()> {
    let hours: [Hours; 5] = [
        (PRACTITIONER, FACILITY, ALL_WEEK, "07:00:00", "19:00:00", 30),
        (practitioner(2), FACILITY, WEEKDAYS, "08:00:00", "16:00:00", 20),
        (practitioner(3), FACILITY, WEEKDAYS, "09:00:00", "17:00:00", 30),
        (practitioner(3), EAST, &["sat"], "09:00:00", "13:00:00", 30),
        (practitioner(4), EAST, WEEKDAYS, "08:00:00", "18:00:00", 45),
    ];
    for ((practitioner, facility, days, start, end, slot), key) in hours.into_iter().zip(1..) {
        let weekly: Vec<Value> = days.iter().map(|day| json!({ "day": day, "hours": { "start": start, "end": end } })).collect();
        let body = json!({ "practitioner": practitioner, "facility": facility, "from": "2020-01-01", "weekly": weekly, "slot": slot });
        clinic.send::<SetAvailability>(&key.to_string(), body).await?;
    }
    Ok(())
}

/// A short day and a lunch with a vendor, some days ahead.
async fn absences(clinic: &mut Clinic) -> anyhow::Result<()> {
    let short = json!({
        "practitioner": practitioner(2), "facility": FACILITY, "date": clinic.weekday(8), "hours": [{ "start": "08:00:00", "end": "12:00:00" }],
    });
    clinic.send_today::<SetAvailabilityException>("1", short).await?;
    let day = clinic.weekday(9);
    let body = json!({
        "practitioner": practitioner(4), "block": block(1), "facility": EAST, "start": at(day, "12:00:00"), "end": at(day, "13:30:00"), "reason": "Staff meeting",
    });
    clinic.send_today::<BlockTime>("1", body).await
}

#[rustfmt::skip]
fn entries() -> Vec<Entry> {
    use Then::{Cancel, CheckIn, Fulfil, MoveTo, NoShow, Nothing};
    let (first, second, third, fourth) = (PRACTITIONER, practitioner(2), practitioner(3), practitioner(4));
    vec![
        (1, 1, first, FACILITY, Some(room(1)), -5, "09:00:00", "Annual check-up", Fulfil),
        (2, 2, first, FACILITY, Some(room(1)), -4, "11:30:00", "Back pain", Fulfil),
        (3, 3, first, FACILITY, None, -4, "14:00:00", "Vaccination", NoShow),
        (4, 5, second, FACILITY, Some(room(2)), -3, "08:20:00", "Blood pressure", Fulfil),
        (5, 9, fourth, EAST, Some(room(4)), -3, "08:45:00", "Chest pain on effort", Fulfil),
        (6, 7, second, FACILITY, Some(room(2)), -2, "09:00:00", "Headaches", Fulfil),
        (7, 8, fourth, EAST, Some(room(4)), -2, "13:15:00", "Palpitations", NoShow),
        (8, 4, first, FACILITY, Some(room(1)), -1, "08:00:00", "Diabetes review", Fulfil),
        (9, 10, first, FACILITY, None, -1, "16:30:00", "Sore throat", Cancel("Feels better")),
        (10, 1, first, FACILITY, Some(room(1)), 1, "09:00:00", "Results of the check-up", Nothing),
        (11, 3, first, FACILITY, None, 1, "13:00:00", "Vaccination, second try", Nothing),
        (12, 2, second, FACILITY, Some(room(2)), 1, "08:00:00", "Back pain, follow-up", CheckIn),
        (13, 5, second, FACILITY, None, 2, "10:00:00", "Blood pressure, follow-up", Nothing),
        (14, 9, fourth, EAST, Some(room(5)), 2, "09:30:00", "Exercise test", Nothing),
        (15, 7, first, FACILITY, Some(room(1)), 3, "12:00:00", "Headaches, follow-up", MoveTo(4, "15:00:00")),
        (16, 8, fourth, EAST, Some(room(4)), 3, "15:30:00", "Palpitations", Nothing),
        (17, 10, first, FACILITY, None, 4, "17:30:00", "Travel advice", Cancel("The journey is off")),
        (18, 4, first, FACILITY, Some(room(3)), 5, "08:30:00", "Foot examination", Nothing),
        (19, 6, third, FACILITY, None, 6, "11:00:00", "Well-child visit", Nothing),
        (20, 1, second, FACILITY, Some(room(2)), 7, "14:00:00", "Second opinion", Nothing),
    ]
}

async fn book(clinic: &mut Clinic, entry: Entry) -> anyhow::Result<()> {
    let (number, who, practitioner, facility, room, day, time, reason, then) = entry;
    let (key, appointment, patient) = (number.to_string(), appointment(number), patient(who));
    let placement = |start: String| json!({ "practitioner": practitioner, "facility": facility, "room": room, "start": start, "minutes": if facility == EAST { 45 } else { 20 } });
    let mut body = json!({ "appointment": appointment, "patient": patient, "placement": placement(at(clinic.weekday(day), time)), "reason": reason });
    if day < 0 {
        body["exception"] = json!({ "kind": "back-entered", "reason": "From the paper calendar" });
    }
    clinic.send_today::<BookAppointment>(&key, body).await?;
    let of = json!({ "appointment": appointment, "patient": patient });
    match then {
        Then::Nothing => Ok(()),
        Then::CheckIn => clinic.send_today::<CheckInAppointment>(&key, of).await,
        Then::Fulfil => clinic.send_today::<FulfilAppointment>(&key, of).await,
        Then::NoShow => clinic.send_today::<MarkNoShow>(&key, of).await,
        Then::Cancel(reason) => clinic.send_today::<CancelAppointment>(&key, json!({ "appointment": appointment, "patient": patient, "reason": reason })).await,
        Then::MoveTo(day, time) => {
            let body = json!({ "appointment": appointment, "patient": patient, "placement": placement(at(clinic.weekday(day), time)), "reason": "Asked for another day" });
            clinic.send_today::<RescheduleAppointment>(&key, body).await
        }
    }
}

/// Someone who came in a moment ago, without an appointment and without a name.
async fn walk_in(clinic: &mut Clinic) -> anyhow::Result<()> {
    let local = clinic.now.with_timezone(&chrono_tz::America::Chicago).naive_local();
    let start = local - chrono::Duration::minutes(15) - chrono::Duration::seconds(i64::from(local.second()));
    let (appointment, patient) = (appointment(21), patient(12));
    let body = json!({
        "appointment": appointment, "patient": patient, "reason": "Found confused in the street", "exception": { "kind": "back-entered", "reason": "Walk-in" },
        "placement": { "practitioner": PRACTITIONER, "facility": FACILITY, "room": room(3), "start": whole(start), "minutes": 30, "repeated": "earlier" },
    });
    clinic.send_today::<BookAppointment>("21", body).await?;
    clinic.send_today::<CheckInAppointment>("21", json!({ "appointment": appointment, "patient": patient })).await
}

impl Clinic {
    /// The date so many weekdays from today in Chicago, back or ahead.
    fn weekday(&self, number: i64) -> NaiveDate {
        weekday_from(self.now, number)
    }
}

fn weekday_from(now: DateTime<Utc>, number: i64) -> NaiveDate {
    let mut date = now.with_timezone(&chrono_tz::America::Chicago).date_naive();
    for _ in 0..number.unsigned_abs() {
        loop {
            date = if number < 0 { date - Days::new(1) } else { date + Days::new(1) };
            if !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
                break;
            }
        }
    }
    date
}

fn at(date: NaiveDate, time: &str) -> String {
    format!("{date}T{time}")
}

fn whole(time: NaiveDateTime) -> String {
    time.date().and_time(NaiveTime::from_hms_opt(time.hour(), time.minute(), 0).unwrap_or_default()).format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_counted_past_weekends_in_both_directions() {
        let from = |now: &str, number| weekday_from(now.parse().unwrap(), number).to_string();
        // A Friday, a Saturday, and a Sunday in UTC that is still Saturday in Chicago.
        assert_eq!([from("2027-01-08T18:00:00Z", 1), from("2027-01-08T18:00:00Z", -5)], ["2027-01-11", "2027-01-01"]);
        assert_eq!([from("2027-01-09T18:00:00Z", 1), from("2027-01-09T18:00:00Z", -1)], ["2027-01-11", "2027-01-08"]);
        assert_eq!(from("2027-01-10T03:00:00Z", -1), "2027-01-08");
    }

    #[test]
    fn the_hour_that_guides_book_is_left_free_and_numbers_are_given_once() {
        let entries = entries();
        let busy = entries.iter().filter(|entry| entry.2 == PRACTITIONER && entry.5 > 0).map(|entry| match entry.8 {
            Then::MoveTo(_, time) => time,
            _ => entry.6,
        });
        assert!(busy.into_iter().all(|time| !("09:41:00".."11:00:00").contains(&time)));
        let numbers: Vec<u128> = entries.iter().map(|entry| entry.0).collect();
        assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    }
}
