/** What /version and --version say. The build puts commit and time in; from sources they are empty. */
declare const __SHOAL_COMMIT__: string | undefined;
declare const __SHOAL_BUILT_AT__: string | undefined;

export const VERSION = "0.1.0";
export const COMMIT = typeof __SHOAL_COMMIT__ === "string" ? __SHOAL_COMMIT__ : "";
export const BUILT_AT = typeof __SHOAL_BUILT_AT__ === "string" ? __SHOAL_BUILT_AT__ : "";
