import { isDeepStrictEqual } from "node:util";
import type { Config, Secret } from "../../model/cluster.ts";
import type { Filters, Replacement } from "../../model/control.ts";
import type { Change } from "../../model/entry.ts";
import type { ConfigId, SecretId } from "../../model/ids.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { beginsWith, checkFilters, hasLabels, passes } from "./filters.ts";
import { find } from "./find.ts";
import { checkVersion, type PlanMutation } from "./mutations.ts";
import { checkBlobName } from "./names.ts";

type Table = "secret" | "config";
type Spec = Secret["spec"];

const BYTES_MAX: Record<Table, number> = { secret: 500 * 1024, config: 1000 * 1024 };

export function createBlob(table: Table, spec: Spec): PlanMutation {
  return (view, { newId }) => {
    checkBlobName(spec.name);
    checkSize(table, spec.data);
    if (view.byName(table, spec.name) !== undefined) throw rpcError("AlreadyExists", `${table} ${spec.name} already exists`);
    const id = newId<SecretId & ConfigId>();
    const object: Secret & Config = { id, version: 0, createdAtMs: 0, updatedAtMs: 0, spec };
    return {
      changes: [{ kind: "put", table, object, basedOn: 0 }],
      response: { kind: "created", id, warnings: [] },
    };
  };
}

export function updateBlob(
  table: Table,
  request: { readonly id: string; readonly version: number; readonly spec: Spec },
): PlanMutation {
  const { id, version, spec } = request;
  return view => {
    const blob = find(view, table, id);
    const isSameData = spec.data.length === 0 || isDeepStrictEqual(Buffer.from(spec.data), Buffer.from(blob.spec.data));
    if (spec.name !== blob.spec.name || !isSameData) throw rpcError("InvalidArgument", "only updates to Labels are allowed");
    checkVersion(blob, version);
    const object = { ...blob, spec: { ...blob.spec, labels: spec.labels } } as Secret & Config;
    return { changes: [{ kind: "put", table, object, basedOn: blob.version }], response: { kind: "done" } };
  };
}

/** Other data. Tasks that run have it too where `reloadSignal` is given, else only those that are made from now on. */
export function replaceBlob(
  table: Table,
  { id, version, data, reloadSignal }: { readonly id: string } & Replacement,
): PlanMutation {
  return view => {
    const { reloadSignal: _, ...blob } = find(view, table, id);
    checkSize(table, data);
    checkVersion(blob, version);
    const reloading = reloadSignal === undefined ? {} : { reloadSignal };
    const object = { ...blob, ...reloading, spec: { ...blob.spec, data } } as Secret & Config;
    return { changes: [{ kind: "put", table, object, basedOn: blob.version }], response: { kind: "done" } };
  };
}

function checkSize(table: Table, data: Uint8Array): void {
  if (data.length >= 1 && data.length < BYTES_MAX[table]) return;
  throw rpcError("InvalidArgument", `${table} data must be larger than 0 and less than ${BYTES_MAX[table]} bytes`);
}

export function removeBlob(table: Table, idOrName: string): PlanMutation {
  return view => {
    const { id, version, spec } = find(view, table, idOrName);
    const users = view.servicesUsing(table, id).map(service => service.spec.name);
    if (users.length > 0) {
      const services = users.length === 1 ? "service" : "services";
      throw rpcError("InvalidArgument", `${table} '${spec.name}' is in use by the following ${services}: ${users.join(", ")}`);
    }
    const change: Change = { kind: "remove", table, id, basedOn: version };
    return { changes: [change], response: { kind: "done" } };
  };
}

export function listBlobs<Name extends Table>(view: StateSnapshot, table: Name, filters: Filters) {
  checkFilters(filters, ["id", "name", "names", "label"]);
  return [...view.all(table)].filter(
    ({ id, spec }) =>
      passes(filters, "id", beginsWith(id)) &&
      passes(filters, "name", beginsWith(spec.name)) &&
      passes(filters, "names", value => value === spec.name) &&
      hasLabels(filters, "label", spec.labels),
  );
}

/** A secret without what it keeps: no answer to a user ever holds that. */
export function withoutData(secret: Secret): Secret {
  return { ...secret, spec: { ...secret.spec, data: new Uint8Array() } };
}
