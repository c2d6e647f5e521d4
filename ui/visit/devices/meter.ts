// Listens to a stream's level through an AnalyserNode. Nothing is played back, kept or sent.
import { levelOf } from "./level";

const LOOK_EVERY_MS = 100;
/** 170 ms at 48 kHz: longer than the time between two looks, so that no short word falls between them. */
const SAMPLES = 8192;

/** Calls `look` ten times a second until the returned function is called. */
export function listen(context: AudioContext, stream: MediaStream, look: (level: number) => void): () => void {
  const source = context.createMediaStreamSource(stream);
  const analyser = context.createAnalyser();
  analyser.fftSize = SAMPLES;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    look(levelOf(samples));
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}
