//! A relay that was lost and comes back out of a backup, before a Hyperspace that has moved on: nothing of what the backup
//! holds is sent blindly, and what a witness of today says is what the schedule shows in the end.

use std::path::Path;

use e2e::clinician::Clinician;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::ground::{Ground, visit_until};
use crate::links::path;
use crate::room::Room;
use crate::visitor::{Socket, Visitor};

/// As `docs/operating.md` says, while the relay runs. The keys directory stays where it is: it was not lost.
async fn back_up(directory: &Path) -> anyhow::Result<()> {
    let address = format!("sqlite:{}", directory.join("relay.sqlite").display());
    let mut database = SqliteConnection::connect(&address).await?;
    let into = format!("VACUUM INTO '{}'", directory.join("backup.sqlite").display());
    sqlx::raw_sql(AssertSqlSafe(into)).execute(&mut database).await?;
    Ok(database.close().await?)
}

/// The database in place of the one that was lost.
fn put_back(directory: &Path) -> anyhow::Result<()> {
    for lost in ["relay.sqlite", "relay.sqlite-wal", "relay.sqlite-shm"] {
        if directory.join(lost).exists() {
            std::fs::remove_file(directory.join(lost))?;
        }
    }
    std::fs::rename(directory.join("backup.sqlite"), directory.join("relay.sqlite"))?;
    Ok(())
}

/// A visit whose patient is on the page, or was.
struct Arriving {
    appointment: Value,
    visitor: Visitor,
    page: Option<Socket>,
}

impl Arriving {
    async fn start(ground: &Ground, clinician: &Clinician, patient: usize) -> anyhow::Result<Self> {
        let appointment = ground.schedule(0, patient).await?;
        clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        let visitor = Visitor::enter(ground, patient, &appointment).await?;
        let mut arriving = Self { appointment, visitor, page: None };
        arriving.comes().await?;
        Ok(arriving)
    }

    /// Opens the page and says *I'm ready*.
    async fn comes(&mut self) -> anyhow::Result<()> {
        self.page = Some(self.visitor.stay().await?);
        self.visitor.ready().await
    }

    async fn leaves(&mut self, ground: &Ground) -> anyhow::Result<()> {
        self.page = None;
        ground.chart_shows(&self.appointment, "patient", "Disconnected").await
    }

    /// What the schedule has taken about the patient, oldest first.
    async fn told(&self, ground: &Ground) -> anyhow::Result<Vec<&'static str>> {
        let connected = &ground.northside.0["ehr"]["connection_status"]["connected"];
        let word = |it: &Value| if it["connection_status"] == *connected { "connected" } else { "disconnected" };
        Ok(ground.accepted(&self.appointment, "patient").await?.iter().map(word).collect())
    }
}

#[tokio::test]
async fn after_a_restore_the_schedule_shows_what_a_witness_of_today_says() -> anyhow::Result<()> {
    let mut ground = Ground::start().await?;
    let clinician = ground.clinician(0).await?;
    let mut gone = Arriving::start(&ground, &clinician, 0).await?;
    ground.chart_shows(&gone.appointment, "patient", "Connected").await?;
    // Accepted and not told yet: this is how the backup knows it.
    ground.fault(json!({ "target": "epic.connection_status", "mode": "status", "status": 503, "times": 0 })).await?;
    let mut back = Arriving::start(&ground, &clinician, 1).await?;
    back_up(&ground.stack.directory).await?;

    // Then it is told, both patients leave, and a third one arrives: nothing of this is in the backup.
    ground.no_faults().await?;
    ground.chart_shows(&back.appointment, "patient", "Connected").await?;
    gone.leaves(&ground).await?;
    back.leaves(&ground).await?;
    let mut since = Arriving::start(&ground, &clinician, 2).await?;
    ground.chart_shows(&since.appointment, "patient", "Connected").await?;
    ground.stack.kill_relay().await?;
    put_back(&ground.stack.directory)?;
    let (left, came) = (["connected", "disconnected"], ["connected"]);
    assert_eq!((gone.told(&ground).await?, back.told(&ground).await?), (left.to_vec(), left.to_vec()));

    ground.stack.start_relay_restored().await?;
    let log = std::fs::read_to_string(ground.stack.directory.join("logs/relay.log"))?;
    assert!(log.contains("quarantined=1"), "the arrival that the backup holds undelivered");
    // Of the two, the restarted relay itself is a witness: their pages are gone. It says so, and never what the backup
    // says of them.
    for one in [&gone, &back] {
        e2e::wait::until("it is said again that the patient is gone", async || {
            Ok((one.told(&ground).await?.len() > 2).then_some(()))
        })
        .await?;
        assert_eq!(one.told(&ground).await?, [left.as_slice(), &["disconnected"]].concat());
        assert_eq!(ground.mark(&one.appointment, "patient").await?, "Disconnected");
    }
    assert_eq!(since.told(&ground).await?, came, "of a visit that it does not know it says nothing");
    assert_eq!(ground.mark(&since.appointment, "patient").await?, "Connected");

    // One of them comes back, and the third one's page finds no visit: the portal leads to a new one.
    back.comes().await?;
    ground.chart_shows(&back.appointment, "patient", "Connected").await?;
    since.visitor = Visitor::enter(&ground, 2, &since.appointment).await?;
    since.comes().await?;
    e2e::wait::until("the third patient is told of anew", async || {
        Ok((since.told(&ground).await? == ["connected"; 2]).then_some(()))
    })
    .await?;
    let all = ["connected", "disconnected", "disconnected", "connected"];
    assert_eq!((gone.told(&ground).await?, back.told(&ground).await?), (all[..3].to_vec(), all.to_vec()));
    for (one, mark) in [(&gone, "Disconnected"), (&back, "Connected"), (&since, "Connected")] {
        assert_eq!(ground.mark(&one.appointment, "patient").await?, mark);
    }
    for state in ["quarantined", "parked"] {
        assert_eq!(ground.figure(&format!("roomed_outbox_entries{{state=\"{state}\"}}")).await?, 0.0, "{state}");
    }
    ground.no_leaks().await
}

/// Where *Join* leads, if it leads anywhere.
async fn room(ground: &Ground, clinician: &Clinician, visit: &Value) -> anyhow::Result<Room> {
    let join = clinician.ask(Method::POST, &format!("{}/join", path(visit)), None).await?.accepted()?;
    let door = clinician.ask(Method::GET, &format!("{}/join", path(visit)), None).await?.accepted()?;
    anyhow::ensure!(door["https_url"] == join["https_url"], "both doors are one");
    Room::of(ground, &join).await
}

async fn status(ground: &Ground, appointment: &Value, status: &str) -> anyhow::Result<()> {
    let path = format!("/appointments/{}", appointment["appointment_id"].as_str().unwrap_or_default());
    ground.stack.sandbox.send(Method::PATCH, &path, &json!({ "status": status })).await.map(drop)
}

/// Cancelled after the backup, its meeting was deleted; by the time of the restore it is booked again.
#[tokio::test]
async fn after_a_restore_nobody_is_sent_to_a_meeting_that_is_gone() -> anyhow::Result<()> {
    let mut ground = Ground::start_with(|configuration| configuration["ehr"] = json!({ "poll_seconds": 1 })).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
    let before = Room::only(&ground).await?;
    back_up(&ground.stack.directory).await?;
    status(&ground, &appointment, "cancelled").await?;
    e2e::wait::until("the meeting is deleted", async || Ok(Room::only(&ground).await.is_err().then_some(()))).await?;
    ground.stack.kill_relay().await?;
    put_back(&ground.stack.directory)?;
    status(&ground, &appointment, "booked").await?;
    ground.stack.start_relay_restored().await?;

    let door = clinician.ask(Method::GET, &format!("{}/join", path(&visit)), None).await?;
    if door.status == 200 {
        Room::of(&ground, &door.body).await?;
    }
    let after = room(&ground, &clinician, &visit).await?;
    assert_ne!(after.thread(), before.thread());
    assert_eq!(Room::only(&ground).await?.thread(), after.thread());
    // Its events reach the visit.
    after.comes(&clinician.oid).await?;
    visit_until(&clinician, &visit, "the clinician is seen", |it| crate::room::is(it, "practitioner", "connected"))
        .await?;
    ground.no_leaks().await
}

#[tokio::test]
async fn after_a_restore_a_meeting_that_stands_is_gone_on_in_unless_graph_has_it_no_more() -> anyhow::Result<()> {
    for gone in [false, true] {
        let mut ground =
            Ground::start_with(|configuration| configuration["ehr"] = json!({ "poll_seconds": 0 })).await?;
        let clinician = ground.clinician(0).await?;
        let appointment = ground.schedule(0, 0).await?;
        let visit = clinician.enter(&ground.stack, appointment["appointment_id"].as_str().unwrap_or_default()).await?;
        let before = room(&ground, &clinician, &visit).await?;
        back_up(&ground.stack.directory).await?;
        ground.stack.kill_relay().await?;
        put_back(&ground.stack.directory)?;
        ground.stack.start_relay_restored().await?;
        let door = clinician.ask(Method::GET, &format!("{}/join", path(&visit)), None).await?;
        assert_eq!(door.status, 404, "nobody has looked yet: {}", door.body);
        // Graph does not answer: nobody is sent anywhere.
        ground.fault(json!({ "target": "graph.create", "mode": "status", "status": 503, "times": 0 })).await?;
        let join = clinician.ask(Method::POST, &format!("{}/join", path(&visit)), None).await?;
        assert_eq!(join.problem().1, "meeting-unreachable", "{}", join.body);
        ground.no_faults().await?;
        if gone {
            ground.fault(json!({ "target": "graph.meeting", "mode": "status", "status": 404, "times": 1 })).await?;
        }
        let after = room(&ground, &clinician, &visit).await?;
        assert_eq!(after.thread() == before.thread(), !gone);
        // It was looked at once; from then on nobody asks.
        ground.fault(json!({ "target": "graph.create", "mode": "status", "status": 503, "times": 0 })).await?;
        assert_eq!(room(&ground, &clinician, &visit).await?.thread(), after.thread());
    }
    Ok(())
}

/// Over by the time of the backup. Since then it was begun again, and cancelled: its meeting was deleted.
#[tokio::test]
async fn after_a_restore_a_closed_visit_that_is_begun_again_leads_to_no_meeting_that_is_gone() -> anyhow::Result<()> {
    let mut ground = Ground::start_with(|configuration| configuration["ehr"] = json!({ "poll_seconds": 1 })).await?;
    let clinician = ground.clinician(0).await?;
    let appointment = ground.schedule(0, 0).await?;
    let id = appointment["appointment_id"].as_str().unwrap_or_default().to_owned();
    let visit = clinician.enter(&ground.stack, &id).await?;
    let before = Room::only(&ground).await?;
    let ended = clinician.ask(Method::POST, &format!("{}/end", path(&visit)), None).await?.accepted()?;
    anyhow::ensure!(ended["stage"] == "noshow", "it is closed: {ended}");
    back_up(&ground.stack.directory).await?;
    clinician.enter(&ground.stack, &id).await?;
    status(&ground, &appointment, "cancelled").await?;
    e2e::wait::until("the meeting is deleted", async || Ok(Room::only(&ground).await.is_err().then_some(()))).await?;
    ground.stack.kill_relay().await?;
    put_back(&ground.stack.directory)?;
    status(&ground, &appointment, "booked").await?;
    ground.stack.start_relay_restored().await?;

    clinician.enter(&ground.stack, &id).await?;
    let after = room(&ground, &clinician, &visit).await?;
    assert_ne!(after.thread(), before.thread());
    assert_eq!(Room::only(&ground).await?.thread(), after.thread());
    ground.no_leaks().await
}
