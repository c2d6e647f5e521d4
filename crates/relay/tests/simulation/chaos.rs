//! What happens to the nodes: each goes through its share of faults, one after the other.
//!
//! One thing is left out, because nothing on our side of HTTP can mend it: a setter frozen between its last check and its
//! socket, woken, and killed or cut off before it could say that its lease was lost.

use std::sync::Arc;
use std::time::Duration;

use crate::node::{Node, Order, POINTS, Point};
use crate::plan::{NodeFault, Plan};
use crate::wire::Cut;
use crate::world::{Dice, pass};

/// As `relay.default.toml` has it.
const LEASE: u64 = 30_000;
/// Longer than any lease.
const PAST_THE_LEASE: u64 = LEASE + 1_000;

/// Puts every node through its faults. Says how many there were.
pub(crate) async fn run(plan: &Plan, nodes: &[Arc<Node>]) -> u64 {
    let mut all = tokio::task::JoinSet::new();
    for node in nodes {
        let (plan, node) = (plan.clone(), Arc::clone(node));
        all.spawn(async move { one(&plan, &node).await });
    }
    let mut count = 0;
    while let Some(ended) = all.join_next().await {
        count += ended.expect("the faults of a node end");
    }
    count
}

async fn one(plan: &Plan, node: &Node) -> u64 {
    let dice = Dice::new(node.site.world.seed, &format!("faults of {}", node.name));
    let mut count = 0;
    for _ in 0..plan.faults_per_node {
        pass(dice.between(0, 15_000)).await;
        let fault = *dice.one_of(&plan.faults);
        node.site.world.note(format_args!("{}: {fault:?}", node.name));
        match fault {
            NodeFault::Freeze => freeze(node, &dice).await,
            NodeFault::Ambush => ambush(node, &dice).await,
            NodeFault::Kill => kill(node, &dice).await,
            NodeFault::Cut => {
                node.cable.set(Some(*dice.one_of(&[Cut::Refused, Cut::Silent])));
                pass(dice.between(500, 60_000)).await;
                node.cable.set(None);
            }
            NodeFault::Restart => {
                node.stop().await;
                pass(dice.between(0, 5_000)).await;
                node.start();
            }
            NodeFault::Step => node.clock.step(*dice.one_of(&[-3_600_000, -300_000, -40_000, 40_000, 300_000])),
            NodeFault::StepBack => node.clock.step(*dice.one_of(&[-3_600_000, -300_000, -2_000])),
        }
        count += 1;
    }
    count
}

/// At some point of a delivery, or at any time if that is not reached.
async fn at_a_point(node: &Node, dice: &Dice, order: Order) {
    let Some(process) = node.process() else { return };
    let reached = process.order(*dice.one_of(&POINTS), order, Duration::from_secs(10)).await;
    if !reached && order == Order::Freeze {
        process.ice.freeze();
    }
}

async fn freeze(node: &Node, dice: &Dice) {
    at_a_point(node, dice, Order::Freeze).await;
    pass(dice.between(PAST_THE_LEASE, 3 * PAST_THE_LEASE)).await;
    if let Some(process) = node.process() {
        node.site.world.note(format_args!("{} wakes", process.name()));
        process.ice.thaw();
    }
    // Time to say that the lease was lost.
    pass(2_000).await;
}

async fn ambush(node: &Node, dice: &Dice) {
    let Some(process) = node.process() else { return };
    if process.order(Point::Sending, Order::Freeze, Duration::from_secs(10)).await {
        pass(dice.between(LEASE + 200, LEASE + 2_000)).await;
        node.site.world.note(format_args!("{} wakes", process.name()));
        process.ice.thaw();
        // Less than any answer takes.
        pass(dice.between(1, 4)).await;
    }
    node.kill();
    pass(dice.between(0, 20_000)).await;
    node.start();
}

async fn kill(node: &Node, dice: &Dice) {
    at_a_point(node, dice, Order::Die).await;
    node.kill();
    pass(dice.between(0, 50_000)).await;
    node.start();
}
