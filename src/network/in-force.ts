/** What the kernel has to be told to go from the entries that are in force to those that are wanted. */
export function differences(
  inForce: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): { readonly gone: readonly string[]; readonly changed: readonly (readonly [key: string, value: string])[] } {
  return {
    gone: [...inForce.keys()].filter(key => !wanted.has(key)),
    changed: [...wanted].filter(([key, value]) => inForce.get(key) !== value),
  };
}

/** As `bridge fdb show` prints them: MAC address to the host behind it. */
export function forwardingIn(text: string): ReadonlyMap<string, string> {
  return pairsIn(text, /^(\S+) dst (\S+) /gm);
}

/** As `ip neigh show` prints those that were entered: IP address to MAC address. */
export function neighboursIn(text: string): ReadonlyMap<string, string> {
  return pairsIn(text, /^(\S+) lladdr (\S+) PERMANENT/gm);
}

/** As `ip route show` prints those by way of another host: address to that host's. */
export function routesIn(text: string): ReadonlyMap<string, string> {
  return pairsIn(text, /^(\S+) via (\S+) /gm);
}

function pairsIn(text: string, line: RegExp): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(line)].map(([, key = "", value = ""]) => [key, value]));
}
