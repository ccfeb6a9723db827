import type { Model, Operation } from "./checker.ts";

/** What one object of the control API is, seen from outside. Names are unique among those that are there. */
export type ObjectInput =
  | { readonly kind: "create"; readonly name: string; readonly spec: string }
  /** Fits where the spec is the one that `version` was read with, and sets another: the control API's update. */
  | { readonly kind: "update"; readonly name: string; readonly id: string; readonly version: number; readonly spec: string }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "inspect"; readonly name: string }
  | { readonly kind: "list" };

export type ObjectOutput =
  | { readonly kind: "created"; readonly id: string }
  | { readonly kind: "done" }
  | { readonly kind: "refused"; readonly why: "exists" | "absent" | "out of sequence" | "unfit" }
  | { readonly kind: "shown"; readonly objects: readonly Shown[] };

export interface Shown {
  readonly name: string;
  readonly id: string;
  readonly version: number;
  readonly spec: string;
}

/** What is known of an object at one point of an order. What nobody was told yet is `undefined`. */
interface Known {
  readonly id: string | undefined;
  readonly spec: string | undefined;
  /** The version is this one or, unless `isExact`, a later one. */
  readonly version: number;
  readonly isExact: boolean;
  /** No update that names an earlier version has read this spec. */
  readonly specSince: number;
  /** At the version that has been shown first with this spec. */
  readonly specShownAt?: number;
  /** The spec before, which it may have gone back to since. */
  readonly previous?: string | undefined;
}
export type ObjectState = ReadonlyMap<string, Known>;

export type ClusterOperation = Operation<ObjectInput, ObjectOutput>;

export interface ObjectModelOptions {
  /** The cluster itself writes these objects too (services, nodes): their versions rise between users' calls, their specs stay. */
  readonly isWrittenByCluster: boolean;
  /** And their specs go back to the ones before, once, when an update of theirs fails. */
  readonly isRolledBack?: boolean;
  /** Managers of the first format are there: they refuse an update of what the cluster has written since it was read. */
  readonly isMixed?: boolean;
  /** There before the history begins; of nothing else is anything known. */
  readonly first?: readonly string[];
}

/** The objects of one table: a map from names to specs with compare-and-set. */
export function objectModel({
  isWrittenByCluster,
  isRolledBack = false,
  isMixed = false,
  first = [],
}: ObjectModelOptions): Model<ObjectState, ObjectInput, ObjectOutput> {
  const unknown: Known = { id: undefined, spec: undefined, version: 0, isExact: false, specSince: 0 };
  return {
    initial: new Map(first.map(name => [name, unknown])),
    step: (state, input, output) =>
      output === undefined
        ? silently(state, input, { isRolledBack })
        : answering(state, input, output, { isWrittenByCluster, isRolledBack, isMixed }),
    key: state => JSON.stringify([...state].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

type ByCluster = Required<Pick<ObjectModelOptions, "isWrittenByCluster" | "isRolledBack" | "isMixed">>;

/** A call of which only the effect may be seen. */
function silently(state: ObjectState, input: ObjectInput, { isRolledBack }: Pick<ByCluster, "isRolledBack">): ObjectState {
  const known = "name" in input ? state.get(input.name) : undefined;
  switch (input.kind) {
    case "create":
      return known === undefined ? having(state, input.name, created(undefined, input.spec)) : state;
    case "update":
      return known === undefined || !mayBe(known, input)
        ? state
        : having(state, input.name, updated(input, { known, isRolledBack }));
    case "remove":
      return known === undefined ? state : without(state, input.name);
    default:
      return state;
  }
}

function answering(state: ObjectState, input: ObjectInput, output: ObjectOutput, byCluster: ByCluster): ObjectState | undefined {
  const known = "name" in input ? state.get(input.name) : undefined;
  // It is there, and for reasons of its own not to be changed.
  if (refused(output, "unfit")) return known === undefined ? undefined : state;
  switch (input.kind) {
    case "create":
      if (output.kind === "created")
        return known === undefined ? having(state, input.name, created(output.id, input.spec)) : undefined;
      return refused(output, "exists") && known !== undefined ? state : undefined;
    case "update":
      return afterUpdate(state, { known, input, output, ...byCluster });
    case "remove":
      if (output.kind === "done") return known === undefined ? undefined : without(state, input.name);
      return refused(output, "absent") && known === undefined ? state : undefined;
    case "inspect":
      if (refused(output, "absent")) return known === undefined ? state : undefined;
      return output.kind === "shown" ? showing(state, output.objects, byCluster) : undefined;
    case "list":
      if (output.kind !== "shown" || output.objects.length !== state.size) return undefined;
      return showing(state, output.objects, byCluster);
  }
}

function afterUpdate(
  state: ObjectState,
  call: {
    readonly known: Known | undefined;
    readonly input: Extract<ObjectInput, { readonly kind: "update" }>;
    readonly output: ObjectOutput;
  } & ByCluster,
): ObjectState | undefined {
  const { known, input, output, isRolledBack, isMixed } = call;
  if (output.kind === "done")
    return known !== undefined && mayBe(known, input)
      ? having(state, input.name, updated(input, { known, isRolledBack }))
      : undefined;
  const isThere = known !== undefined && (known.id === undefined || known.id === input.id);
  if (refused(output, "absent")) return known === undefined || known.id !== input.id ? state : undefined;
  if (!refused(output, "out of sequence") || !isThere) return undefined;
  return mustBe(known, input, { isMixed }) ? undefined : state;
}

/** Each of the objects is there, as it is known to be; what is shown is known from then on. */
function showing(
  state: ObjectState,
  objects: readonly Shown[],
  { isWrittenByCluster }: Pick<ByCluster, "isWrittenByCluster">,
): ObjectState | undefined {
  const next = new Map(state);
  for (const { name, id, version, spec } of objects) {
    const known = state.get(name);
    if (known === undefined || (known.id ?? id) !== id) return undefined;
    const isSame = (known.spec ?? spec) === spec;
    if (!isSame && known.previous !== spec) return undefined;
    if (known.isExact ? version !== known.version : version < known.version) return undefined;
    const previous = isSame ? known.previous : undefined;
    const { specSince, specShownAt } = isSame ? known : { specSince: known.version + 1 };
    next.set(name, {
      ...{ id, spec, version, isExact: !isWrittenByCluster, specSince, specShownAt: specShownAt ?? version },
      ...(previous !== undefined && { previous }),
    });
  }
  return next;
}

function created(id: string | undefined, spec: string): Known {
  return { id, spec, version: 1, isExact: false, specSince: 1 };
}

function updated(
  { id, version, spec }: Extract<ObjectInput, { readonly kind: "update" }>,
  { known, isRolledBack }: { readonly known: Known } & Pick<ByCluster, "isRolledBack">,
): Known {
  return {
    id,
    spec,
    version: version + 1,
    isExact: false,
    specSince: version + 1,
    ...(isRolledBack && { previous: known.spec }),
  };
}

/** The update may find the object that it was meant for, with the spec that it was read with. */
function mayBe(known: Known, { id, version }: { readonly id: string; readonly version: number }): boolean {
  const isSame = known.id === undefined || known.id === id;
  return isSame && (known.isExact ? known.version === version : version >= known.specSince);
}

/** It finds that spec for certain. */
function mustBe(
  { version: present, isExact, specShownAt, previous }: Known,
  { version }: { readonly version: number },
  { isMixed }: Pick<ByCluster, "isMixed">,
): boolean {
  if (isExact) return version === present;
  return !isMixed && previous === undefined && specShownAt !== undefined && version >= specShownAt;
}

function refused(output: ObjectOutput, why: Extract<ObjectOutput, { readonly kind: "refused" }>["why"]): boolean {
  return output.kind === "refused" && output.why === why;
}

function having(state: ObjectState, name: string, known: Known): ObjectState {
  return new Map(state).set(name, known);
}

function without(state: ObjectState, name: string): ObjectState {
  const next = new Map(state);
  next.delete(name);
  return next;
}
