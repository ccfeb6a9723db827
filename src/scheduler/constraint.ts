import { OperationError } from "../lib/errors.ts";
import type { Node } from "../model/cluster.ts";

/** `node.labels.zone == east`, taken apart. */
export interface Constraint {
  readonly key: string;
  readonly isEqual: boolean;
  readonly value: string;
}

const KEY_FORM = /^[a-z_][a-z0-9\-_.]+$/i;
const VALUE_FORM = /^[a-z0-9:\-_\s.*()?+[\]\\^$|/]+$/i;
const NODE_LABELS = "node.labels.";
const ENGINE_LABELS = "engine.labels.";

/** @throws OperationError `invalid`, in Swarm's words. */
export function parseConstraint(text: string): Constraint {
  const operator = text.includes("==") ? "==" : "!=";
  const at = text.indexOf(operator);
  if (at < 0) throw new OperationError("invalid", "constraint expected one operator from ==, !=");
  const key = text.slice(0, at).trim();
  const value = text.slice(at + operator.length).trim();
  if (!KEY_FORM.test(key)) throw new OperationError("invalid", `key '${key}' is invalid`);
  if (!VALUE_FORM.test(value)) throw new OperationError("invalid", `value '${value}' is invalid`);
  return { key, isEqual: operator === "==", value };
}

/** A key that no node has satisfies nothing. Values are compared without regard to case; a missing label is an empty value. */
export function satisfies(node: Node, { key, isEqual, value }: Constraint): boolean {
  const facts = factsOf(node, key);
  if (facts === undefined) return false;
  const wanted = value.toLowerCase();
  return facts.some(fact => fact.toLowerCase() === wanted) === isEqual;
}

function factsOf(node: Node, key: string): readonly string[] | undefined {
  const name = key.toLowerCase();
  if (name.startsWith(NODE_LABELS)) return [node.spec.labels[key.slice(NODE_LABELS.length)] ?? ""];
  if (name.startsWith(ENGINE_LABELS)) return [node.description?.engine.labels[key.slice(ENGINE_LABELS.length)] ?? ""];
  switch (name) {
    case "node.id":
      return [node.id];
    case "node.hostname":
      return [node.description?.hostname ?? ""];
    case "node.ip":
      return [node.status.address];
    case "node.role":
      return [node.role];
    case "node.platform.os":
      return [node.description?.platform.os ?? ""];
    case "node.platform.arch": {
      const architecture = node.description?.platform.architecture ?? "";
      return [architecture, normalArchitecture(architecture)];
    }
    default:
      return undefined;
  }
}

/** Kernels and images name the same machine differently. */
export function normalArchitecture(name: string): string {
  switch (name.toLowerCase()) {
    case "x86_64":
      return "amd64";
    case "aarch64":
      return "arm64";
    default:
      return name.toLowerCase();
  }
}
