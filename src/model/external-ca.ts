/** Signs nodes' certificates in the managers' place, by cfssl's API. */
export interface ExternalCa {
  /** `https://…`. */
  readonly url: string;
  /** The root that it signs for, PEM; empty: the cluster's present one. It is asked while that is whose certificates nodes are to have. */
  readonly certificatePem: string;
}

/** Why it cannot be asked for certificates; `undefined`: it can. */
export function problemOfExternalCa({ url, certificatePem }: ExternalCa): string | undefined {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    return `invalid external CA URL ${JSON.stringify(url)}: it must begin with https://`;
  if (certificatePem !== "" && !certificatePem.includes("-----BEGIN CERTIFICATE-----"))
    return "CA cert for external CA must be in PEM format";
  return undefined;
}
