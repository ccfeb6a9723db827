import type { ExternalCa } from "./cluster.ts";

/** Why it cannot be asked for certificates; `undefined`: it can. */
export function problemOfExternalCa({ url, certificatePem }: ExternalCa): string | undefined {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    return `invalid external CA URL ${JSON.stringify(url)}: it must begin with https://`;
  if (certificatePem !== "" && !certificatePem.includes("-----BEGIN CERTIFICATE-----"))
    return "CA cert for external CA must be in PEM format";
  return undefined;
}
