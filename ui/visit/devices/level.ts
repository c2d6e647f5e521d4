// From samples to "we can hear you". Pure; the analyser that delivers the samples is in meter.ts.

/** Quieter than this is an empty room; louder than that is a voice close by. In dBFS. */
const FLOOR_DB = -60;
const TOP_DB = -12;
/** A level that counts as a voice. Each look at one adds 1, each quiet look takes a little away; a click is no voice. */
const VOICE = 20;
const ENOUGH = 3;
const FADE = 0.1;
/** Looks without a voice until the page offers help: eight seconds at ten a second. */
const QUIET_LOOKS = 80;

export interface Hearing {
  level: number;
  voice: number;
  silent: number;
  heard: boolean;
  quiet: boolean;
}

export const unheard: Hearing = { level: 0, voice: 0, silent: 0, heard: false, quiet: false };

/** 0 to 100 from samples in [-1, 1], by their power. */
export function levelOf(samples: Float32Array): number {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  const db = 10 * Math.log10(power / Math.max(1, samples.length) + 1e-12);
  return Math.round(Math.min(1, Math.max(0, (db - FLOOR_DB) / (TOP_DB - FLOOR_DB))) * 100);
}

/** The next state after one look. Once heard stays heard: the patient need not keep talking. */
export function hear(before: Hearing, level: number): Hearing {
  const voice = level >= VOICE ? before.voice + 1 : Math.max(0, before.voice - FADE);
  const heard = before.heard || voice >= ENOUGH;
  const silent = heard ? 0 : before.silent + 1;
  // Falls slowly, so that the bar can be read.
  const shown = Math.max(level, Math.round(before.level * 0.75));
  return { level: shown, voice, silent, heard, quiet: silent >= QUIET_LOOKS };
}
