import { type Case, shows } from "../case.ts";
import type { Call, Json, Stage } from "../stage.ts";

/** The second host founds a swarm of its own. */
const founds = (operation: string, status: number, when: string, run: Case["run"]): Case =>
  shows(operation, status, when, run, { usesOther: true });
/** The second host joins the swarm of the first. */
const joins = (operation: string, status: number, when: string, run: Case["run"]): Case =>
  shows(operation, status, when, run, { onManager: true, usesOther: true });

const LISTEN = "0.0.0.0:2377";
const OTHER = { onOther: true } as const;
const FORCED: Call = { query: { force: "1" } };

const founding = (s: Stage, others: Json = {}): Call => ({
  ...OTHER,
  body: { ListenAddr: LISTEN, AdvertiseAddr: s.host.other.address, DefaultAddrPool: ["10.0.0.0/8"], SubnetSize: 24, ...others },
});

async function joining(s: Stage): Promise<Call> {
  const { JoinTokens } = await s.need("SwarmInspect");
  const { Worker: token } = JoinTokens as { readonly Worker: string };
  const addresses = { ListenAddr: LISTEN, AdvertiseAddr: s.host.other.address, RemoteAddrs: [`${s.host.address}:2377`] };
  return { ...OTHER, body: { ...addresses, JoinToken: token } };
}

async function idOf(s: Stage): Promise<string> {
  const { Swarm } = await s.need("SystemInfo", {}, OTHER);
  return String((Swarm as { readonly NodeID: string }).NodeID);
}

/** It is taken out of both swarms' minds when the case is over. */
async function leavesLater(s: Stage): Promise<string> {
  const id = await idOf(s);
  s.later("NodeDelete", { id }, FORCED);
  s.later("SwarmLeave", {}, { ...OTHER, ...FORCED });
  return id;
}

/** @returns the node's id. */
async function joined(s: Stage): Promise<string> {
  await s.need("SwarmJoin", {}, await joining(s));
  return leavesLater(s);
}

/** Nodes that come and go. */
export const MEMBERSHIP_CASES: readonly Case[] = [
  founds("SwarmInit", 200, "the node is in no swarm", async s => {
    const answer = await s.call({}, founding(s));
    s.later("SwarmLeave", {}, { ...OTHER, ...FORCED });
    return answer;
  }),
  founds("SwarmLeave", 200, "the last manager is made to", async s => {
    await s.need("SwarmInit", {}, founding(s));
    return s.call({}, { ...OTHER, ...FORCED });
  }),
  founds("SwarmLeave", 503, "the last manager is not made to", async s => {
    await s.need("SwarmInit", {}, founding(s));
    s.later("SwarmLeave", {}, { ...OTHER, ...FORCED });
    return s.call({}, OTHER);
  }),
  founds("SwarmUnlock", 200, "the key is the right one", async s => {
    await s.need("SwarmInit", {}, founding(s, { Spec: { EncryptionConfig: { AutoLockManagers: true } } }));
    s.later("SwarmLeave", {}, { ...OTHER, ...FORCED });
    const { UnlockKey } = await s.need("SwarmUnlockkey", {}, OTHER);
    await s.host.other.restart();
    return s.call({}, { ...OTHER, body: { UnlockKey } });
  }),

  joins("SwarmJoin", 200, "it has a worker's token", async s => {
    const answer = await s.call({}, await joining(s));
    await leavesLater(s);
    return answer;
  }),
  shows(
    "SwarmJoin",
    400,
    "its token is none",
    async s => s.call({}, { ...OTHER, body: { ListenAddr: LISTEN, RemoteAddrs: [`${s.host.address}:2377`], JoinToken: "x" } }),
    {
      onManager: true,
      usesOther: true,
      real: { status: 500, because: "what the client got wrong is answered as a failure of the engine" },
    },
  ),
  joins("NodeDelete", 200, "it is thrown out", async s => s.call({ id: await joined(s) }, FORCED)),
];
