// Keeps the screen on while somebody waits (Screen Wake Lock API). The browser drops the lock when the page is hidden,
// so it is taken again on return; where it is refused or unknown the page works as well, only darker.

let wanted = false;
let lock: WakeLockSentinel | undefined;

async function take(): Promise<void> {
  if (!wanted || lock || document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
  try {
    const taken = await navigator.wakeLock.request("screen");
    if (!wanted) return void taken.release();
    lock = taken;
    taken.addEventListener("release", () => (lock = undefined));
  } catch {
    // Low battery or a policy: nothing to do.
  }
}

export function keepAwake(on: boolean): void {
  wanted = on;
  if (on) void take();
  else if (lock) void lock.release();
}

document.addEventListener("visibilitychange", () => void take());
