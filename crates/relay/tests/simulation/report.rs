//! The figures of all scenarios of this process, as one line of JSON in a file.

use std::sync::Mutex;

use crate::run::Ran;

/// Sums and worst cases.
#[derive(Default)]
struct Figures {
    runs: u64,
    outage_backlog: u64,
    node_faults: u64,
    lost: u64,
    doubled: u64,
    reordered: u64,
    invented: u64,
    other: u64,
    to_stand: u64,
    keys: u64,
    effects: u64,
    accepted: u64,
    delivered: u64,
    requests: u64,
    parked: u64,
    possible_double: u64,
    reasserted: u64,
    probes: u64,
    stale_ms: Vec<u64>,
    seeds: Vec<u64>,
}

static ALL: Mutex<Option<Figures>> = Mutex::new(None);

/// Counts a run in, and writes the file anew.
pub(crate) fn add(ran: &Ran, outage_backlog: u64) {
    let mut all = ALL.lock().unwrap();
    let all = all.get_or_insert_default();
    all.runs += 1;
    all.outage_backlog += outage_backlog;
    all.node_faults += ran.node_faults;
    all.lost += ran.verdict.lost;
    all.doubled += ran.verdict.doubled;
    all.reordered += ran.verdict.reordered;
    let named = |word: &str| ran.wrongs.iter().filter(|it| it.contains(word)).count() as u64;
    all.invented += named(": invented");
    let judged = [": lost", ": doubled", ": reordered", ": invented"].into_iter().map(named).sum::<u64>();
    all.other += ran.wrongs.len() as u64 - judged;
    all.to_stand += ran.verdict.to_stand;
    all.keys += ran.verdict.keys;
    all.effects += ran.verdict.effects;
    all.accepted += ran.verdict.accepted;
    all.delivered += ran.verdict.delivered;
    all.requests += ran.verdict.requests;
    all.parked += ran.verdict.parked;
    all.possible_double += ran.verdict.possible_double;
    all.reasserted += ran.verdict.reasserted;
    all.probes += ran.probes;
    // In an outage everything is stale; that figure would say how long it was.
    if outage_backlog == 0 {
        all.stale_ms.extend(&ran.verdict.stale_ms);
    }
    if !all.seeds.contains(&ran.seed) {
        all.seeds.push(ran.seed);
    }
    let Ok(file) = std::env::var("ROOMED_SIMULATION_REPORT") else { return };
    std::fs::write(file, format!("{}\n", all.line())).unwrap();
}

impl Figures {
    fn line(&mut self) -> String {
        self.stale_ms.sort_unstable();
        let p99 = self.stale_ms.get(self.stale_ms.len() * 99 / 100).copied().unwrap_or(0);
        serde_json::json!({
            "seed": self.seeds.iter().min(),
            "seeds": self.seeds.len(),
            "runs": self.runs,
            "outage_backlog": self.outage_backlog,
            "node_faults": self.node_faults,
            "accepted": self.accepted,
            "delivered": self.delivered,
            "requests": self.requests,
            "parked": self.parked,
            "probes": self.probes,
            "lost": self.lost,
            "doubled": self.doubled,
            "reordered": self.reordered,
            "invented": self.invented,
            "other": self.other,
            "to_stand": self.to_stand,
            "keys": self.keys,
            "effects": self.effects,
            "reasserted": self.reasserted,
            "possible_double": self.possible_double,
            "stale_ms_p99": p99,
        })
        .to_string()
    }
}
