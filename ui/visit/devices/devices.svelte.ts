// The patient's camera and microphone while they are being tested. Lives and dies in this page: nothing is recorded or
// sent, and `release` gives everything back so that Teams finds the camera free.
import type { DeviceResult } from "../../shared/protocol";
import { hear, unheard, type Hearing } from "./level";
import { listen } from "./meter";
import { resultOf, whyOf, type Refusal } from "./refusal";
import { audio } from "./sound";

export interface Choice {
  id: string;
  label: string;
}

type Wanted = { video: boolean; audio: boolean };

export class Devices {
  state: "off" | "asking" | "on" | "refused" = $state("off");
  refusal: Refusal | undefined = $state();
  stream: MediaStream | undefined = $state.raw();
  camera = $state(false);
  microphone = $state(false);
  hearing: Hearing = $state.raw(unheard);
  cameras: Choice[] = $state.raw([]);
  microphones: Choice[] = $state.raw([]);
  /** The labels chosen, which outlive a reload; ids change between sessions. */
  chosen: { camera?: string; microphone?: string } = $state.raw({});
  /** What the newest test found. Outlives `release`: a camera that is off again still works. */
  found: { camera: DeviceResult; microphone: DeviceResult } = $state.raw({ camera: "untested", microphone: "untested" });
  #stopListening: (() => void) | undefined;

  constructor() {
    // Plugged in again: no press is needed, the browser has already said yes.
    navigator.mediaDevices?.addEventListener("devicechange", () => {
      if (this.state === "refused" && this.refusal?.why === "unplugged") void this.ask();
    });
  }

  /** Already allowed in an earlier load: then the preview may come without a tap. */
  async allowedBefore(): Promise<boolean> {
    return (await permission("camera")) === "granted" && (await permission("microphone")) === "granted";
  }

  /** Asks for both, and makes do with one where only one can be had without a second question. */
  async ask(): Promise<void> {
    this.release();
    this.state = "asking";
    audio();
    if (!navigator.mediaDevices?.getUserMedia) return this.#refuse({ what: "both", why: "unsupported" });
    try {
      await this.#open({ video: true, audio: true });
    } catch (error) {
      const why = whyOf(error as DOMException);
      const fallback = await this.#half(why);
      if (!fallback) return this.#refuse({ what: "both", why });
      try {
        await this.#open(fallback);
      } catch {
        return this.#refuse({ what: "both", why });
      }
      // A visit without a picture is possible; one nobody can hear is not, so that is said as trouble.
      if (!fallback.audio) this.refusal = { what: "microphone", why };
      this.#find(fallback.audio ? { camera: resultOf(why) } : { microphone: resultOf(why) });
    }
  }

  async choose(kind: "camera" | "microphone", label: string): Promise<void> {
    this.chosen = { ...this.chosen, [kind]: label };
    await this.ask();
  }

  /** Gives camera and microphone back. */
  release(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.stream?.getTracks().forEach((track) => {
      track.onended = null;
      track.stop();
    });
    this.stream = undefined;
    this.camera = this.microphone = false;
    this.hearing = unheard;
    this.refusal = undefined;
    this.state = "off";
  }

  /** What could still be had without asking twice. */
  async #half(why: Refusal["why"]): Promise<Wanted | undefined> {
    if (why === "none") {
      const kinds = (await navigator.mediaDevices.enumerateDevices()).map((device) => device.kind);
      if (kinds.includes("audioinput")) return { video: false, audio: true };
      return kinds.includes("videoinput") ? { video: true, audio: false } : undefined;
    }
    if (why === "busy") return { video: false, audio: true };
    if (why === "blocked" && (await permission("microphone")) === "granted") return { video: false, audio: true };
    return undefined;
  }

  async #open(wanted: Wanted): Promise<void> {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: wanted.video && { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user", ...this.#prefer("camera") },
      audio: wanted.audio && { echoCancellation: true, ...this.#prefer("microphone") },
    });
    if (this.state !== "asking") return stream.getTracks().forEach((track) => track.stop());
    this.stream = stream;
    this.camera = stream.getVideoTracks().length > 0;
    this.microphone = stream.getAudioTracks().length > 0;
    this.state = "on";
    for (const track of stream.getTracks()) {
      // Unplugged, or taken back in the browser's own settings.
      track.onended = () => this.#refuse({ what: track.kind === "video" ? "camera" : "microphone", why: "unplugged" });
    }
    if (this.camera) this.#find({ camera: "good" });
    const context = audio();
    if (context && this.microphone) this.#stopListening = listen(context, stream, (level) => this.#listen(level));
    await this.#list();
  }

  #listen(level: number): void {
    this.hearing = hear(this.hearing, level);
    if (this.hearing.heard) this.#find({ microphone: "good" });
    else if (this.hearing.quiet) this.#find({ microphone: "weak" });
  }

  /** Set only where it differs: a meter looks ten times a second, and staff are told of changes. */
  #find(found: Partial<Devices["found"]>): void {
    const now = { ...this.found, ...found };
    if (now.camera !== this.found.camera || now.microphone !== this.found.microphone) this.found = now;
  }

  #prefer(kind: "camera" | "microphone"): MediaTrackConstraints {
    const list = kind === "camera" ? this.cameras : this.microphones;
    const id = list.find((choice) => choice.label === this.chosen[kind])?.id;
    return id ? { deviceId: { ideal: id } } : {};
  }

  /** Labels are known only once allowed (Media Capture and Streams §9.2.1). */
  async #list(): Promise<void> {
    const all = await navigator.mediaDevices.enumerateDevices();
    const of = (kind: MediaDeviceKind) =>
      all.filter((d) => d.kind === kind && d.label && d.deviceId !== "default" && d.deviceId !== "communications").map((d) => ({ id: d.deviceId, label: d.label }));
    const first = this.cameras.length + this.microphones.length === 0;
    this.cameras = of("videoinput");
    this.microphones = of("audioinput");
    // Remembered by label from before a reload: only now can it be matched to a device.
    if (first && (this.#differs("camera") || this.#differs("microphone"))) await this.ask();
  }

  #differs(kind: "camera" | "microphone"): boolean {
    const wanted = this.chosen[kind];
    if (!wanted || wanted === this.current(kind)) return false;
    return (kind === "camera" ? this.cameras : this.microphones).some((choice) => choice.label === wanted);
  }

  /** The label of the device in use. */
  current(kind: "camera" | "microphone"): string | undefined {
    const tracks = kind === "camera" ? this.stream?.getVideoTracks() : this.stream?.getAudioTracks();
    return tracks?.[0]?.label;
  }

  #refuse(refusal: Refusal): void {
    this.release();
    this.refusal = refusal;
    this.state = "refused";
    const result = resultOf(refusal.why);
    if (refusal.what !== "microphone") this.#find({ camera: result });
    if (refusal.what !== "camera") this.#find({ microphone: result });
  }
}

/** Some browsers do not answer for these names: then we do not know. */
async function permission(name: "camera" | "microphone"): Promise<PermissionState | undefined> {
  try {
    return (await navigator.permissions.query({ name: name as PermissionName })).state;
  } catch {
    return undefined;
  }
}
