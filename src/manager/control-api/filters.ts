import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";

/** @throws OperationError `invalid` for a filter that the list does not know. */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const name of Object.keys(filters)) {
    if (!known.includes(name)) throw new OperationError("invalid", `invalid filter '${name}'`);
  }
}

/** Any of the filter's values fits, or there are none. */
export function passes(filters: Filters, name: string, fits: (value: string) => boolean): boolean {
  const values = Object.hasOwn(filters, name) ? (filters[name] ?? []) : [];
  return values.length === 0 || values.some(fits);
}

/** Labels as Docker filters them: every one must be there, `key=value` with that value. */
export function hasLabels(filters: Filters, name: string, labels: Readonly<Record<string, string>>): boolean {
  const values = Object.hasOwn(filters, name) ? (filters[name] ?? []) : [];
  return values.every(text => {
    const at = text.indexOf("=");
    const key = at < 0 ? text : text.slice(0, at);
    if (!Object.hasOwn(labels, key)) return false;
    return at < 0 || text.length === at + 1 || labels[key] === text.slice(at + 1);
  });
}

export const beginsWith = (text: string) => (value: string) => text.startsWith(value);
