// The test as a whole: camera and microphone, the sound the patient heard or did not, the line to the relay. What it found
// is told to staff when it changes. Nothing here is an arrival.
import type { Backend } from "./backend/backend";
import type { DeviceReport, DeviceResult } from "../shared/protocol";
import { Devices } from "./devices/devices.svelte";

export class Checks {
  readonly devices = new Devices();
  readonly #backend: Backend;
  speaker: DeviceResult = $state("untested");
  connection: DeviceResult = $state("untested");
  probing = $state(false);
  readonly report: DeviceReport = $derived({ ...this.devices.found, speaker: this.speaker, connection: this.connection });
  #told = "";

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Once at a time; a second wish while one runs is the same wish. */
  async probe(): Promise<void> {
    if (this.probing) return;
    this.probing = true;
    this.connection = await this.#backend.probe();
    this.probing = false;
  }

  /** Tells what changed since it was last told; before anything has been tested there is nothing to tell. */
  tell(): void {
    const said = JSON.stringify(this.report);
    const anything = Object.values(this.report).some((result) => result !== "untested");
    if (!anything || said === this.#told) return;
    this.#told = said;
    this.#backend.report(this.report);
  }
}
