import { declareChecked, SystemCallError } from "./libc.ts";

const setScheduler = declareChecked<[pid: number, policy: number, parameters: Int32Array]>(
  "sched_setscheduler",
  "int sched_setscheduler(int pid, int policy, const int *parameters)",
);

const SCHED_RR = 2;
const SCHED_RESET_ON_FORK = 0x40000000;
const LOWEST_PRIORITY = 1;

/** From now on this process goes before all others, also those that it starts: they are usual again. @returns false where it has ended, or the kernel does not allow it. */
export function goFirst(pid: number): boolean {
  try {
    setScheduler(pid, SCHED_RR | SCHED_RESET_ON_FORK, Int32Array.of(LOWEST_PRIORITY));
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && (error.code === "EPERM" || error.code === "ESRCH")) return false;
    throw error;
  }
}
