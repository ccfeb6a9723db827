import { OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import type { Image } from "../../model/image.ts";
import { globPattern } from "../../lib/glob.ts";

export interface FilterContext {
  readonly nowMs: number;
  /** Finds the image that `before` and `since` name. @throws OperationError `not-found` */
  readonly get: (reference: string) => Image;
}

const LIST_FILTERS = ["before", "dangling", "label", "reference", "since", "until"];
const PRUNE_FILTERS = ["dangling", "label", "label!", "until"];

/** What `docker images` shows, newest first. `all: false` hides untagged images that others are built on. Pure. */
export function selectImages(
  images: readonly Image[],
  { all, filters, context }: { readonly all: boolean; readonly filters: Filters; readonly context: FilterContext },
): readonly Image[] {
  checkNames(filters, LIST_FILTERS);
  const dangling = booleanFilter(filters, "dangling");
  const parents = new Set(images.map(({ parent }) => parent));
  const accepts = predicateOf(filters, context);
  return images
    .filter(image => {
      const isUntagged = image.tags.length === 0 && image.digests.length === 0;
      const isDangling = isUntagged && !parents.has(image.id);
      if (dangling !== undefined) return isDangling === dangling;
      return all || !isUntagged || isDangling;
    })
    .filter(accepts)
    .flatMap(image => withMatchingTags(image, filters["reference"] ?? []))
    .sort((a, b) => (b.createdAtMs ?? 0) - (a.createdAtMs ?? 0) || (a.id < b.id ? -1 : 1));
}

/** What `docker image prune` may remove, before it is known who uses what. Pure. */
export function selectPrunable(
  images: readonly Image[],
  { filters, context }: { readonly filters: Filters; readonly context: FilterContext },
): readonly Image[] {
  checkNames(filters, PRUNE_FILTERS);
  const onlyDangling = booleanFilter(filters, "dangling") ?? true;
  const parents = new Set(images.map(({ parent }) => parent));
  const accepts = predicateOf(filters, context);
  return images.filter(image => !parents.has(image.id) && (!onlyDangling || image.tags.length === 0) && accepts(image));
}

function predicateOf(filters: Filters, context: FilterContext): (image: Image) => boolean {
  const created = (reference: string): number => context.get(reference).createdAtMs ?? 0;
  const befores = (filters["before"] ?? []).map(created);
  const sinces = (filters["since"] ?? []).map(created);
  const untils = (filters["until"] ?? []).map(text => pointInTime(text, context.nowMs));
  return image => {
    const createdAtMs = image.createdAtMs ?? 0;
    return (
      befores.every(limit => createdAtMs < limit) &&
      sinces.every(limit => createdAtMs > limit) &&
      untils.every(limit => createdAtMs < limit) &&
      (filters["label"] ?? []).every(label => hasLabel(image, label)) &&
      !(filters["label!"] ?? []).some(label => hasLabel(image, label))
    );
  };
}

function hasLabel({ config: { labels } }: Image, label: string): boolean {
  const equals = label.indexOf("=");
  const name = equals < 0 ? label : label.slice(0, equals);
  return Object.hasOwn(labels, name) && (equals < 0 || labels[name] === label.slice(equals + 1));
}

/** A pattern fits a whole name or its repository; names that do not fit are not shown. */
function withMatchingTags(image: Image, patterns: readonly string[]): readonly Image[] {
  if (patterns.length === 0) return [image];
  const matchers = patterns.map(globPattern);
  const fits = (name: string): boolean => matchers.some(pattern => pattern.test(name) || pattern.test(repositoryOf(name)));
  const tags = image.tags.filter(fits);
  const digests = image.digests.filter(fits);
  return tags.length + digests.length === 0 ? [] : [{ ...image, tags, digests }];
}

function repositoryOf(name: string): string {
  const at = name.indexOf("@");
  const bare = at < 0 ? name : name.slice(0, at);
  const colon = bare.lastIndexOf(":");
  return colon > bare.lastIndexOf("/") ? bare.slice(0, colon) : bare;
}

function checkNames(filters: Filters, known: readonly string[]): void {
  for (const name of Object.keys(filters)) {
    if (!known.includes(name)) throw new OperationError("invalid", `invalid filter '${name}'`);
  }
}

function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters[name] ?? [];
  if (values.length === 0) return undefined;
  if (values.every(value => ["1", "true"].includes(value.toLowerCase()))) return true;
  if (values.every(value => ["0", "false"].includes(value.toLowerCase()))) return false;
  throw new OperationError("invalid", `invalid filter '${name}=[${values.join(" ")}]'`);
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3 };

/** Seconds since 1970, a date, or a duration before now (`10m`, `1h30m`). */
function pointInTime(text: string, nowMs: number): number {
  if (/^[0-9]+(\.[0-9]+)?$/.test(text)) return Number(text) * 1000;
  if (/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/.test(text)) {
    const parts = [...text.matchAll(/([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)/g)];
    return nowMs - parts.reduce((sum, [, number = "", unit = ""]) => sum + Number(number) * (UNIT_MS[unit] ?? 0), 0);
  }
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs))
    throw new OperationError("invalid", `failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return timeMs;
}
