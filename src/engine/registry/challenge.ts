/** What a registry asks for before it answers. */
export type Challenge =
  | { readonly kind: "none" }
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: string; readonly service: string; readonly scope: string }
  | { readonly kind: "unknown"; readonly scheme: string };

/** Reads a `WWW-Authenticate` header. @see RFC 9110, 11.6.1. */
export function parseChallenge(header: string): Challenge {
  const [scheme = ""] = header.trim().split(/\s/, 1);
  switch (scheme.toLowerCase()) {
    case "":
      return { kind: "none" };
    case "basic":
      return { kind: "basic" };
    case "bearer": {
      const parameters = parametersOf(header.trim().slice(scheme.length));
      const [realm = "", service = "", scope = ""] = ["realm", "service", "scope"].map(name => parameters.get(name));
      return { kind: "bearer", realm, service, scope };
    }
    default:
      return { kind: "unknown", scheme };
  }
}

function parametersOf(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g);
  return new Map(
    [...found].map(([, name = "", quoted, bare = ""]) => [name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, "$1") ?? bare]),
  );
}
