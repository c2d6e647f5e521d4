// What the window holds: the last state it was told, the commands under way, and a command's refusal until dismissed.
import { SvelteSet } from "svelte/reactivity";
import type { AppState, Problem } from "../shared/protocol";
import { limitsOf } from "../shared/time";
import type { Backend } from "./backend";

type Command = Exclude<keyof Backend, "state" | "onState" | "pageReady">;

type Done<C extends Command> = { answer: Awaited<ReturnType<Backend[C]>> };

export class Session {
  state = $state.raw<AppState>();
  /** The commands under way, so that a button says so and does not start the same thing twice. */
  private running = new SvelteSet<Command>();
  /** The refusal of a command that the companion has not put into its state. */
  private refused = $state.raw<Problem>();
  /** How many sign-ins have ended: what was asked under one is nothing for whoever is next. */
  private ended = 0;

  constructor(private backend: Backend) {}

  async start(): Promise<void> {
    await this.backend.onState((state) => this.show(state));
    const first = await this.backend.state();
    if (!this.state) this.show(first);
  }

  private show(state: AppState): void {
    if (this.state?.session === "signed-in" && state.session !== "signed-in") {
      this.ended += 1;
      this.refused = undefined;
    }
    this.state = state;
    // The companion answers for it now, and takes it back when it is no longer true.
    if (state.problem) this.refused = undefined;
  }

  /** When waiting becomes long, as the organization has it. */
  get limits() {
    return limitsOf(this.state?.waiting);
  }

  get problem(): Problem | undefined {
    return this.state?.problem ?? this.refused;
  }

  busy(command: Command): boolean {
    return this.running.has(command);
  }

  /** What the companion answered, or nothing when it refused. */
  async run<C extends Command>(command: C, ...args: Parameters<Backend[C]>): Promise<Done<C> | undefined> {
    // A second press on sign-in starts it over: the first browser tab may be closed.
    if (this.running.has(command) && command !== "signIn") return undefined;
    this.running.add(command);
    const before = this.ended;
    try {
      const answer = await (this.backend[command] as (...args: unknown[]) => ReturnType<Backend[C]>)(...args);
      if (command === "dismissProblem") this.refused = undefined;
      return { answer };
    } catch (refusal) {
      const problem = asProblem(refusal);
      if (this.ended === before && this.state?.problem?.code !== problem.code) this.refused = problem;
      return undefined;
    } finally {
      this.running.delete(command);
    }
  }
}

/** Tauri rejects with the command's `Problem`; anything else is our fault and carries no words of its own. */
function asProblem(refusal: unknown): Problem {
  if (typeof refusal === "object" && refusal !== null && "code" in refusal) return refusal as Problem;
  return { type: "about:blank", title: "", status: 500, code: "internal", detail: "", who: "it" };
}
