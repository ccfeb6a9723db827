import type { ObjectInput, ObjectOutput, Shown } from "../sim/linearizability/cluster-objects.ts";
import type { RecordedCall } from "./history.ts";

/** A read that found an object. */
interface Sight {
  readonly call: RecordedCall;
  readonly object: Shown;
}

/** @returns a right history made wrong for certain, whatever calls nobody was answered have done; nothing when it has no place for that. */
type Plant = (calls: readonly RecordedCall[]) => readonly RecordedCall[] | undefined;

export const PLANTED_WRONGS: Readonly<Record<string, Plant>> = {
  "an older state is read after a newer one": calls => {
    const pair = followingSights(calls, (a, b) => a.object.version < b.object.version);
    if (pair === undefined) return undefined;
    const [older, newer] = pair.map(({ call }) => call) as [RecordedCall, RecordedCall];
    return calls.map(call => (call === older ? answered(call, newer) : call === newer ? answered(call, older) : call));
  },
  "an object that is there is not found": calls =>
    between(calls, ({ object }) => [inspect(object.name), { kind: "refused", why: "absent" }]),
  "a name that is taken is given once more": calls =>
    between(calls, ({ object: { name } }) => [
      { kind: "create", name, spec: "planted" },
      { kind: "created", id: "planted" },
    ]),
  "what nobody wrote is read": calls =>
    between(calls, ({ object }) => [inspect(object.name), shows({ ...object, spec: "planted" })]),
  "both of two writers at one version win": calls => {
    const first = calls.find(({ input, output }) => input.kind === "update" && output?.kind === "done");
    if (first?.input.kind !== "update") return undefined;
    return after(calls, first, [{ ...first.input, spec: "planted" }, { kind: "done" }]);
  },
  "an object that never was is changed": calls => {
    const [{ call, object } = {}] = sights(calls);
    if (call === undefined || object === undefined) return undefined;
    const update = { kind: "update", name: object.name, id: "planted", version: object.version, spec: "planted" } as const;
    return after(calls, call, [update, { kind: "done" }]);
  },
  "a removed object is seen again": calls => {
    const all = sights(calls);
    for (const removal of calls) {
      if (removal.input.kind !== "remove" || removal.output?.kind !== "done") continue;
      const seen = all.find(({ call }) => call.returnedAt < removal.calledAt);
      if (seen !== undefined) return after(calls, removal, [inspect(seen.object.name), shows({ ...seen.object, version: 1e9 })]);
    }
    return undefined;
  },
  "an acknowledged write is lost": calls => {
    const all = sights(calls);
    for (const write of calls) {
      const { input, output } = write;
      if (input.kind !== "update" || output?.kind !== "done") continue;
      const before = all.find(({ call, object }) => object.id === input.id && call.returnedAt < write.calledAt);
      if (before !== undefined) return after(calls, write, [inspect(input.name), shows({ ...before.object, version: 1e9 })]);
    }
    return undefined;
  },
};

function inspect(name: string): ObjectInput {
  return { kind: "inspect", name };
}

function shows(object: Shown): ObjectOutput {
  return { kind: "shown", objects: [object] };
}

function answered(call: RecordedCall, { output }: RecordedCall): RecordedCall {
  return output === undefined ? call : { ...call, output };
}

function sights(calls: readonly RecordedCall[]): readonly Sight[] {
  return calls.flatMap(call => {
    const [object] = call.input.kind === "inspect" && call.output?.kind === "shown" ? call.output.objects : [];
    return object === undefined ? [] : [{ call, object }];
  });
}

/** Two sights of one object, the second of which was begun when the first was over. */
function followingSights(
  calls: readonly RecordedCall[],
  fits: (first: Sight, second: Sight) => boolean,
): readonly [Sight, Sight] | undefined {
  const all = sights(calls);
  for (const first of all)
    for (const second of all) {
      const isSame = first.object.id === second.object.id;
      if (isSame && first.call.returnedAt < second.call.calledAt && fits(first, second)) return [first, second];
    }
  return undefined;
}

type Planted = readonly [ObjectInput, ObjectOutput];

/** A call that lies whole between two sights of one object: it was there all the time. */
function between(calls: readonly RecordedCall[], plant: (seen: Sight) => Planted): readonly RecordedCall[] | undefined {
  const pair = followingSights(calls, () => true);
  if (pair === undefined) return undefined;
  const [first, second] = pair;
  return inserted(calls, plant(first), { fromMs: first.call.returnedAt, toMs: second.call.calledAt });
}

/** A call that begins when another has been answered. */
function after(calls: readonly RecordedCall[], call: RecordedCall, planted: Planted): readonly RecordedCall[] {
  return inserted(calls, planted, { fromMs: call.returnedAt, toMs: call.returnedAt + 1 });
}

function inserted(
  calls: readonly RecordedCall[],
  [input, output]: Planted,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
): readonly RecordedCall[] {
  const third = (toMs - fromMs) / 3;
  return [...calls, { client: "planted", calledAt: fromMs + third, returnedAt: toMs - third, input, output }];
}
