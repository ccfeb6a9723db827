import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { PluginPrivilege } from "../../model/plugin.ts";
import type { Log } from "../../ports/log.ts";
import { asObject, digestAt, objectAt, parseJson, textAt } from "../images/json.ts";
import { fullReference, parseReference, type Reference, withDefaultTag } from "../images/reference.ts";
import type { RegistryAccess } from "../registry/answer-challenge.ts";
import { openRegistry } from "../registry/registry-reader.ts";
import { privilegesIn } from "./plugin-privileges.ts";

const MANIFEST_TYPES = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"];
/** Lists of manifests, which are asked for to be told from plugins. */
const LIST_TYPES = ["application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json"];
const CONFIG_TYPE = "application/vnd.docker.plugin.v1+json";

/**
 * Asks a plugin's registry what the plugin needs of its host.
 *
 * @returns nothing where the registry cannot be asked, as Docker does: clients then see the pull fail for that reason.
 * @throws OperationError `invalid` for a bad reference; `internal` for what is no plugin.
 */
export async function remotePluginPrivileges(
  remote: string,
  { log, ...access }: RegistryAccess & { readonly log: Log },
): Promise<readonly PluginPrivilege[]> {
  const reference = withDefaultTag(parseReference(remote));
  const name = fullReference(reference);
  try {
    const config = await readConfig(reference, access);
    if (config !== undefined) return privilegesIn(config);
  } catch (error) {
    access.signal.throwIfAborted();
    log.warn({ plugin: name, error: errorMessage(error) }, "what a plugin needs could not be asked");
    return [];
  }
  throw new OperationError("internal", `did not find plugin config for specified reference ${name}`);
}

/** @returns undefined for what is no plugin. */
async function readConfig(reference: Reference, access: RegistryAccess): Promise<string | undefined> {
  const repository = await openRegistry(reference, access);
  const { mediaType, body } = await repository.manifest(reference.digest ?? reference.tag ?? "latest", [
    ...MANIFEST_TYPES,
    ...LIST_TYPES,
  ]);
  const manifest = asObject(parseJson(Buffer.from(body), "manifest"), "manifest");
  const isManifest = MANIFEST_TYPES.includes(textAt(manifest, "mediaType") ?? mediaType);
  const config = isManifest ? objectAt(manifest, "config") : undefined;
  if (config === undefined || textAt(config, "mediaType") !== CONFIG_TYPE) return undefined;
  return repository.blob(digestAt(config, "digest"));
}
