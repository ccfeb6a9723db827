import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { isCableCut, isSilenced } from "../../deploy/lab/network.ts";
import { LAB_ROOT, labHost } from "../../deploy/lab/paths.ts";
import { call, type TestLab } from "../integration/lab/lab.ts";
import { setClock } from "./clock.ts";
import type { HostDisk } from "./disk.ts";
import type { Fault } from "./fault.ts";
import { Leaver } from "./leave.ts";
import { sleep } from "./sleep.ts";

const LOOK_EVERY_MS = 100;
const ANSWER_MS = 1_000;

interface Place {
  readonly lab: TestLab;
  readonly disk: HostDisk;
}

/** How a fault begins and ends, and what shows that it is there. */
interface Course {
  readonly begin: () => Promise<void>;
  readonly isFelt: () => Promise<boolean> | boolean;
  readonly end: () => Promise<void>;
}

/** Begins a fault, waits, and ends it. @returns whether it was seen to be there. */
export async function inflict(fault: Fault, place: Place): Promise<boolean> {
  const { begin, isFelt, end } = courseOf(fault, place);
  try {
    await begin();
    const endsAtMs = performance.now() + fault.forMs;
    let wasFelt = await isFelt();
    while (!wasFelt && performance.now() + LOOK_EVERY_MS < endsAtMs) {
      await sleep(LOOK_EVERY_MS);
      wasFelt = await isFelt();
    }
    await sleep(Math.max(0, endsAtMs - performance.now()));
    return wasFelt;
  } finally {
    await end();
  }
}

function courseOf({ kind, host, stepMs }: Fault, { lab, disk }: Place): Course {
  switch (kind) {
    case "kill":
    case "crash":
      return {
        begin: () => lab.do(kind, host),
        isFelt: async () => !(await isServing(lab.host(host).socket)),
        end: () => lab.do("restart", host),
      };
    case "pause":
      return {
        begin: () => lab.do("pause", host),
        isFelt: () => isStopped(lab.name, host),
        end: () => lab.do("resume", host),
      };
    case "cut":
      return {
        begin: () => lab.do("cut", host),
        isFelt: () => isCableCut(labHost(lab.name, host)),
        end: () => lab.do("heal", host),
      };
    case "silence":
      return {
        begin: () => lab.do("silence", host),
        isFelt: () => isSilenced(labHost(lab.name, host)),
        end: () => lab.do("heal", host),
      };
    case "clock step":
      return {
        begin: async () => setClock(lab.name, host, stepMs),
        isFelt: async () => Math.abs((await clockSkewMs(lab, host)) - stepMs) < Math.abs(stepMs) / 2,
        end: async () => setClock(lab.name, host, 0),
      };
    case "full disk":
      return { begin: () => disk.fill(), isFelt: () => disk.isFull, end: async () => disk.empty() };
    case "slow disk":
      return slowDisk(disk);
    case "leave": {
      const leaver = new Leaver(lab, host);
      return { begin: () => leaver.leave(), isFelt: () => leaver.isKnown(), end: () => leaver.comeBack() };
    }
  }
}

function slowDisk(disk: HostDisk): Course {
  const over = new AbortController();
  const before = disk.stalls;
  let slowed: Promise<void> = Promise.resolve();
  return {
    begin: async () => void (slowed = disk.slowDown({ signal: over.signal })),
    isFelt: () => disk.stalls > before,
    end: async () => {
      over.abort();
      await slowed;
    },
  };
}

/** Somebody takes connections at a socket. */
function isServing(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path);
    const settle = (isTaken: boolean): void => {
      socket.destroy();
      resolve(isTaken);
    };
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}

function isStopped(lab: string, host: string): boolean {
  const { pid } = JSON.parse(readFileSync(join(LAB_ROOT, lab, host, "shoald.identity"), "utf8")) as { readonly pid: number };
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

/** How far a daemon's wall clock is from this process's; 0 when it does not answer. */
async function clockSkewMs(lab: TestLab, host: string): Promise<number> {
  const answer = await call(lab.host(host), "GET", "/info", { timeoutMs: ANSWER_MS }).catch(() => undefined);
  const { SystemTime } = (answer?.body ?? {}) as { readonly SystemTime?: string };
  return SystemTime === undefined ? 0 : Date.parse(SystemTime) - Date.now();
}
