//! What `cargo xtask test` runs, as data: suites, their stages, the time each may take. How a stage is run is in `test`.

/// One row of the table.
pub(crate) struct Stage {
    /// The suite it belongs to.
    pub(crate) suite: &'static str,
    /// Its name in the table of seconds.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) does: Does,
    /// After how many minutes it counts as hung.
    pub(crate) minutes: u64,
}

/// The kinds of stage.
pub(crate) enum Does {
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A script of the pages' package.json.
    Npm(&'static str),
    /// A command of xtask's own.
    Xtask(&'static [&'static str]),
    /// Test programs that cargo has built; one that runs no test is a failure.
    Tests {
        /// The crates' folders.
        of: &'static [&'static str],
        /// Only these targets (libraries, binaries, test files); each with a `!` for all but those; empty for all.
        files: &'static [&'static str],
        /// For the test program: a filter, `--skip`, `--test-threads`.
        args: &'static [&'static str],
        /// Needs a desktop: runs inside `cargo xtask session`.
        desktop: bool,
        /// Needs a PostgreSQL server: one is started for the stage.
        postgres: bool,
    },
}

/// In the order in which they run: the quick ones first.
pub(crate) const STAGES: &[Stage] = &[
    Stage { suite: "rules", name: "format", does: Does::Cargo(&["fmt", "--all", "--check"]), minutes: 2 },
    Stage { suite: "rules", name: "tidy", does: Does::Xtask(&["tidy"]), minutes: 2 },
    Stage {
        suite: "rules",
        name: "generated TypeScript is fresh",
        does: Does::Xtask(&["codegen", "--check"]),
        minutes: 20,
    },
    Stage {
        suite: "rules",
        name: "unit and property tests",
        does: Does::Tests {
            of: &["xtask", "crates/visit", "crates/protocol", "crates/smart", "crates/companion", "src-tauri"],
            files: &[],
            args: &[],
            desktop: false,
            postgres: false,
        },
        minutes: 15,
    },
    Stage {
        suite: "rules",
        name: "clippy",
        does: Does::Cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]),
        minutes: 30,
    },
    Stage {
        suite: "stores",
        name: "store conformance",
        does: Does::Tests { of: &["crates/relay"], files: &["stores"], args: &[], desktop: false, postgres: true },
        minutes: 10,
    },
    Stage {
        suite: "stores",
        name: "relays that share a database",
        does: Does::Tests { of: &["crates/relay"], files: &["nodes"], args: &[], desktop: false, postgres: true },
        minutes: 10,
    },
    Stage {
        suite: "stores",
        name: "figures of outbox and patient, tiny",
        does: Does::Tests {
            of: &["tests"],
            files: &["figures"],
            args: &["--skip", "companion_is_measured"],
            desktop: false,
            postgres: true,
        },
        minutes: 5,
    },
    Stage {
        suite: "stores",
        name: "delivery, simulated",
        does: Does::Tests { of: &["crates/relay"], files: &["simulation"], args: &[], desktop: false, postgres: false },
        minutes: 10,
    },
    Stage {
        suite: "stores",
        name: "operations",
        does: Does::Tests { of: &["crates/relay"], files: &["operations"], args: &[], desktop: false, postgres: true },
        minutes: 10,
    },
    Stage {
        suite: "adapters",
        name: "sandbox",
        does: Does::Tests { of: &["crates/sandbox"], files: &[], args: &[], desktop: false, postgres: false },
        minutes: 15,
    },
    Stage {
        suite: "adapters",
        name: "relay",
        does: Does::Tests {
            of: &["crates/relay"],
            files: &["!stores", "!nodes", "!operations", "!simulation"],
            args: &[],
            desktop: false,
            postgres: false,
        },
        minutes: 20,
    },
    Stage {
        suite: "adapters",
        name: "relay against the sandbox",
        does: Does::Tests {
            of: &["tests"],
            files: &["adapters"],
            // Mostly they wait for one another's programs.
            args: &["--test-threads=4"],
            desktop: false,
            postgres: false,
        },
        minutes: 15,
    },
    Stage {
        suite: "adapters",
        name: "fuzz targets over their seeds",
        does: Does::Tests { of: &["tests"], files: &["fuzz"], args: &[], desktop: false, postgres: false },
        minutes: 5,
    },
    Stage { suite: "ui", name: "types and Svelte", does: Does::Npm("check"), minutes: 10 },
    Stage { suite: "ui", name: "components", does: Does::Npm("test"), minutes: 10 },
    Stage { suite: "ui", name: "pages in Chromium", does: Does::Npm("test:pages"), minutes: 15 },
    Stage {
        suite: "window",
        name: "the real window",
        does: Does::Tests {
            of: &["tests"],
            files: &["window"],
            args: &["--test-threads=1"],
            desktop: true,
            postgres: false,
        },
        minutes: 15,
    },
    Stage {
        suite: "window",
        name: "figures of the companion, tiny",
        does: Does::Tests {
            of: &["tests"],
            files: &["figures"],
            args: &["companion_is_measured"],
            desktop: true,
            postgres: false,
        },
        minutes: 5,
    },
    Stage {
        suite: "e2e",
        name: "whole-system scenarios",
        does: Does::Tests {
            of: &["tests"], // the scenarios, and what unit tests their binaries have
            files: &["scenarios", "e2e", "demo", "bench", "codegen", "chaos", "chaos-node"],
            args: &["--test-threads=1"],
            desktop: true,
            postgres: false,
        },
        minutes: 20,
    },
    Stage {
        suite: "e2e",
        name: "patients in Chromium on a real relay",
        does: Does::Tests {
            of: &["tests"],
            files: &["patients"],
            args: &["--test-threads=1"],
            desktop: false,
            postgres: false,
        },
        minutes: 15,
    },
    // Well within ten minutes on two cores with nothing beside it; its report says how long it took.
    Stage { suite: "chaos", name: "fault proofs", does: Does::Xtask(&["chaos"]), minutes: 15 },
];

/// The suites by name, each once, in order.
pub(crate) fn suites() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = STAGES.iter().map(|stage| stage.suite).collect();
    names.dedup();
    names
}

impl Does {
    /// Whether a test program (crate folder, target name) is this stage's.
    pub(crate) fn runs(&self, folder: &str, target: &str) -> bool {
        match self {
            Self::Tests { of, files, .. } => {
                let wanted = match files {
                    [] => true,
                    [first, ..] if first.starts_with('!') => files.iter().all(|all_but| all_but[1..] != *target),
                    some => some.contains(&target),
                };
                of.contains(&folder) && wanted
            }
            Self::Cargo(_) | Self::Npm(_) | Self::Xtask(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_are_those_of_the_design() {
        assert_eq!(suites(), ["rules", "stores", "adapters", "ui", "window", "e2e", "chaos"]);
    }

    #[test]
    fn a_test_program_is_found_by_crate_and_file() {
        let window = STAGES.iter().find(|stage| stage.suite == "window").expect("there is such a suite");
        assert!(window.does.runs("tests", "window"));
        assert!(!window.does.runs("tests", "scenarios"));
        assert!(!window.does.runs("ui", "window"));
        let running = |target: &str| -> Vec<&str> {
            STAGES.iter().filter(|stage| stage.does.runs("crates/relay", target)).map(|it| it.name).collect()
        };
        for (target, stage) in [
            ("stores", "store conformance"),
            ("nodes", "relays that share a database"),
            ("operations", "operations"),
            ("roomed_relay", "relay"),
        ] {
            assert_eq!(running(target), [stage], "no test runs twice");
        }
    }
}
