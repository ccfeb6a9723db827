import type { GenericResource } from "../model/resources.ts";

export const NO_GENERIC_RESOURCES: readonly GenericResource[] = [];

/** What is asked for by number is there. What is asked for by name is never had: tasks ask for kinds. @see SwarmKit api/genericresource */
export function hasEnough(available: readonly GenericResource[], wanted: readonly GenericResource[]): boolean {
  return wanted.every(({ kind, value }) => {
    if (typeof value !== "number") return false;
    const ofKind = available.filter(resource => resource.kind === kind);
    return ofKind.length > 0 && value <= countOf(ofKind);
  });
}

/** Those of `available` that a task gets: the first names of a kind, or so many of it. There have to be enough. */
export function claim(available: readonly GenericResource[], wanted: readonly GenericResource[]): readonly GenericResource[] {
  return wanted.flatMap(({ kind, value: count }) => {
    if (typeof count !== "number" || count <= 0) return [];
    const ofKind = available.filter(resource => resource.kind === kind);
    return ofKind.every(({ value }) => typeof value === "number") ? [{ kind, value: count }] : ofKind.slice(0, count);
  });
}

/** What is left of `available`. Nothing is ever below zero, and names that are not there take nothing: a node may have less than it had. */
export function without(available: readonly GenericResource[], taken: readonly GenericResource[]): readonly GenericResource[] {
  if (taken.length === 0) return available;
  const names = new Set(taken.filter(({ value }) => typeof value === "string").map(keyOf));
  const left = available.flatMap(resource => {
    const { kind, value } = resource;
    if (typeof value === "string") return names.has(keyOf(resource)) ? [] : [resource];
    const count = value - countOf(taken.filter(each => each.kind === kind && typeof each.value === "number"));
    return count > 0 ? [{ kind, value: count }] : [];
  });
  return left;
}

/** All of `taken` is there: the names, and as many as the numbers add up to. */
export function holds(available: readonly GenericResource[], taken: readonly GenericResource[]): boolean {
  return taken.every(resource => {
    const { kind, value } = resource;
    if (typeof value === "string") return available.some(each => each.kind === kind && each.value === value);
    const isCount = (each: GenericResource): boolean => each.kind === kind && typeof each.value === "number";
    return countOf(taken.filter(isCount)) <= countOf(available.filter(isCount));
  });
}

function countOf(resources: readonly GenericResource[]): number {
  return resources.reduce((sum, { value }) => sum + (typeof value === "number" ? value : 1), 0);
}

function keyOf({ kind, value }: GenericResource): string {
  return JSON.stringify([kind, value]);
}
