import type { Labels } from "../../model/cluster.ts";

/** What `--details` shows in front of each line: the labels and variables that the log options name, as `a=b,c=d`. */
export function logDetails(
  options: Labels,
  { labels, env }: { readonly labels: Labels; readonly env: readonly string[] },
): string {
  const variables = Object.fromEntries(env.map(entry => [entry.split("=", 1)[0] ?? entry, entry.slice(entry.indexOf("=") + 1)]));
  const chosen = {
    ...choose(labels, options["labels"], options["labels-regex"]),
    ...choose(variables, options["env"], options["env-regex"]),
  };
  return Object.entries(chosen)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join(",");
}

function choose(from: Labels, names: string | undefined, pattern: string | undefined): Labels {
  const wanted = new Set(names?.split(","));
  const matcher = pattern === undefined ? undefined : new RegExp(pattern);
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || matcher?.test(name) === true));
}
