import { appendFile, writeFile } from "node:fs/promises";
import type { Container } from "../../model/container.ts";
import { hostsFile } from "./container-files.ts";
import { readText } from "./host-files.ts";
import { addressesOf, type EndpointRecord } from "./sandbox-record.ts";

type Files = Pick<Container, "config" | "hostsPath" | "resolvConfPath">;

/** A container that runs has joined a network: its own name is found there too. */
export async function addHost({ hostsPath, config }: Files, endpoint: EndpointRecord): Promise<void> {
  if (hostsPath !== "") await appendFile(hostsPath, hostLines(config, endpoint));
}

/** It has left the network. Other lines stay, whoever wrote them. In place: the container has this very file mounted. */
export async function removeHost({ hostsPath, config }: Files, endpoint: EndpointRecord): Promise<void> {
  if (hostsPath === "") return;
  const text = await readText(hostsPath);
  const rest = text.replace(hostLines(config, endpoint), "");
  if (rest !== text) await writeFile(hostsPath, rest);
}

/** From now on names are asked of the engine. A file that the container has changed is its own business. @returns whether it was written. */
export async function replaceResolvConf(
  { resolvConfPath }: Files,
  { before, after }: { readonly before: string; readonly after: string },
): Promise<boolean> {
  if (resolvConfPath === "" || (await readText(resolvConfPath)) !== before) return false;
  await writeFile(resolvConfPath, after);
  return true;
}

function hostLines({ hostname, domainname }: Container["config"], endpoint: EndpointRecord): string {
  const names = domainname === "" ? [hostname] : [`${hostname}.${domainname}`, hostname];
  const entries = addressesOf(endpoint).map(address => ({ address, names }));
  return hostsFile(entries).slice(hostsFile([]).length);
}
