/** The build puts commit and time in; from sources they are empty. */
declare const __SHOAL_COMMIT__: string | undefined;
declare const __SHOAL_BUILT_AT__: string | undefined;

/** What `version` says of this program. */
export const CLIENT = {
  version: "0.1.0",
  apiVersion: "1.51",
  commit: typeof __SHOAL_COMMIT__ === "string" ? __SHOAL_COMMIT__ : "",
  builtAt: typeof __SHOAL_BUILT_AT__ === "string" ? __SHOAL_BUILT_AT__ : "",
} as const;
