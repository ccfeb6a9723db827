import { OperationError } from "../lib/errors.ts";
import type { ManagerBackends } from "./backends.ts";

/** What a manager answers a node that it cannot judge, because the node's certificate is newer than what it has applied: ask another. */
export const laggingBackends: Pick<ManagerBackends, "control" | "dispatcher" | "join" | "leader"> = {
  control: { call: async () => refuse() },
  dispatcher: { session: () => refuse() },
  join: { join: async () => refuse(), leave: async () => refuse() },
  leader: { writeStatuses: async () => refuse(), describeNode: async () => refuse(), reportSessions: async () => refuse() },
};

function refuse(): never {
  throw new OperationError("unavailable", "this manager lags behind the others and does not know the node yet");
}
