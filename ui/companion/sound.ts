// Two soft notes, made on the spot. A webview that wants a click first stays silent: the alert is seen anyway.

let context: AudioContext | undefined;

/** G4 then C5, a third of a second each, at a volume that does not startle. */
export async function twoNotes(): Promise<void> {
  try {
    context ??= new AudioContext();
    if (context.state === "suspended") await context.resume();
    note(context, 392, 0);
    note(context, 523.25, 0.18);
  } catch {
    // No audio device, or not allowed before a click: nothing to tell anybody.
  }
}

function note(audio: AudioContext, frequency: number, after: number): void {
  const start = audio.currentTime + after;
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.type = "sine";
  tone.frequency.value = frequency;
  volume.gain.setValueAtTime(0, start);
  volume.gain.linearRampToValueAtTime(0.09, start + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.34);
  tone.connect(volume).connect(audio.destination);
  tone.start(start);
  tone.stop(start + 0.36);
}
