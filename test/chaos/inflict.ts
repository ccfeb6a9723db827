import type { TestLab } from "../integration/lab/lab.ts";
import { setClock } from "./clock.ts";
import type { HostDisk } from "./disk.ts";
import type { Fault } from "./fault.ts";

/** Begins a fault, waits, and ends it. */
export async function inflict(
  fault: Fault,
  { lab, disk, signal }: { readonly lab: TestLab; readonly disk: HostDisk; readonly signal: AbortSignal },
): Promise<void> {
  const { host, forMs } = fault;
  const passed = () => sleep(forMs, signal);
  switch (fault.kind) {
    case "kill":
    case "crash":
      await lab.do(fault.kind, host);
      await passed();
      return await lab.do("restart", host);
    case "pause":
      await lab.do("pause", host);
      await passed();
      return await lab.do("resume", host);
    case "cut":
      await lab.do("cut", host);
      await passed();
      return await lab.do("heal", host);
    case "clock step":
      setClock(lab.name, host, fault.stepMs);
      await passed();
      return setClock(lab.name, host, 0);
    case "full disk":
      await disk.fill();
      await passed();
      return disk.empty();
    case "slow disk": {
      const over = AbortSignal.any([signal, AbortSignal.timeout(forMs)]);
      return await disk.slowDown({ signal: over });
    }
  }
}

/** Resolves early when `signal` says so: what was begun is ended all the same. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
