// The page's one AudioContext and its two soft notes. Browsers let it sound only after a tap; until then it stays
// silent and nothing breaks: the words and the title say the same.

let context: AudioContext | undefined;

/** Call from a tap as early as possible. */
export function audio(): AudioContext | undefined {
  try {
    context ??= new AudioContext();
  } catch {
    return undefined;
  }
  if (context.state === "suspended") void context.resume().catch(() => undefined);
  return context;
}

/** Two soft notes, a fourth apart. */
export function chime(): void {
  const out = audio();
  if (!out) return;
  [
    { hertz: 587.33, at: 0 },
    { hertz: 783.99, at: 0.22 },
  ].forEach(({ hertz, at }) => {
    const start = out.currentTime + 0.02 + at;
    const note = out.createOscillator();
    const loudness = out.createGain();
    note.frequency.value = hertz;
    loudness.gain.setValueAtTime(0, start);
    loudness.gain.linearRampToValueAtTime(0.25, start + 0.03);
    loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.7);
    note.connect(loudness).connect(out.destination);
    note.start(start);
    note.stop(start + 0.75);
  });
}
