import { readFile } from "node:fs/promises";
import type { Command } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, CliError, field, list, type Json, number, text } from "../context.ts";
import { lists, value } from "./container-values.ts";
import { changedSettings, saveSettings, withExternalCas } from "./swarm-settings.ts";
import { withPath } from "./with-path.ts";

const POLL_MS = 200;
/** What is of no use unless the root is replaced. */
const ROTATION_FLAGS = {
  "ca-cert": "caCert",
  "ca-key": "caKey",
  "cert-expiry": "certExpiry",
  "external-ca": "externalCa",
} as const;

export function registerRootCertificate(swarm: Command, context: () => CliContext): void {
  swarm
    .command("ca")
    .description("Show the root certificate, or replace it")
    .option("--ca-cert <file>", "The new root certificate (PEM)")
    .option("--ca-key <file>", "Its key (PEM)")
    .option("--cert-expiry <duration>", "How long a node's certificate is good for")
    .option("-d, --detach", "Do not wait for the nodes")
    .option("--external-ca <list>", "Who signs for the new root: protocol=cfssl,url=https://…[,cacert=FILE]")
    .option("-q, --quiet", "Say nothing about progress")
    .option("--rotate", "Replace the root certificate")
    .action(async (flags: FlagValues) => rootCertificate(context(), flags));
}

async function rootCertificate(cli: CliContext, flags: FlagValues): Promise<void> {
  const swarm = await cli.api.json("GET", "/swarm");
  if (flags["rotate"] !== true) {
    for (const [name, key] of Object.entries(ROTATION_FLAGS))
      if (value(flags, key) !== undefined || lists(flags, key).length > 0)
        throw new CliError(`\`--${name}\` flag requires the \`--rotate\` flag to update the CA`);
    return showRoot(cli, swarm);
  }
  await saveSettings(cli, swarm, await rotatedSpec(swarm, flags));
  if (flags["detach"] === true) return;
  await untilRotated(cli, { isQuiet: flags["quiet"] === true });
  showRoot(cli, await cli.api.json("GET", "/swarm"));
}

function showRoot(cli: CliContext, swarm: Json): void {
  const root = text(swarm, "TLSInfo", "TrustRoot");
  if (root === "") throw new CliError("No CA information available");
  cli.stdout(`${root.trimEnd()}\n`);
}

async function rotatedSpec(swarm: Json, flags: FlagValues): Promise<Json> {
  const [certificate, key] = [value(flags, "caCert"), value(flags, "caKey")];
  const isExternal = lists(flags, "externalCa").length > 0;
  if (isExternal && certificate === undefined) {
    const hint = "to add an external CA with the current root CA certificate, use the `update` command instead";
    throw new CliError(`rotating to an external CA requires the \`--ca-cert\` flag to specify the external CA's cert - ${hint}`);
  }
  if (certificate !== undefined && key === undefined && !isExternal)
    throw new CliError("the --ca-cert flag requires that a --ca-key flag and/or --external-ca flag be provided as well");
  const rootPem = certificate === undefined ? "" : await pem(certificate);
  const spec = await withExternalCas(changedSettings(field(swarm, "Spec"), flags), flags, { rootPem });
  if (certificate === undefined && key === undefined) {
    return withPath(spec, ["CAConfig", "ForceRotate"], number(spec, "CAConfig", "ForceRotate") + 1);
  }
  const withKey = withPath(spec, ["CAConfig", "SigningCAKey"], key === undefined ? "" : await pem(key));
  return withPath(withKey, ["CAConfig", "SigningCACert"], rootPem);
}

async function pem(path: string): Promise<string> {
  const contents = await readFile(path, "utf8").catch(() => {
    throw new CliError(`open ${path}: no such file or directory`);
  });
  if (!/-----BEGIN [^-]+-----/.test(contents)) throw new CliError("file contents must be in PEM format");
  return contents;
}

/** Until every node has a certificate of the new root and trusts that alone. */
async function untilRotated(cli: CliContext, { isQuiet }: { readonly isQuiet: boolean }): Promise<void> {
  let shown = "";
  for (;;) {
    const [swarm, nodes] = await Promise.all([cli.api.json("GET", "/swarm"), cli.api.json("GET", "/nodes")]);
    const infos = list(nodes).map(node => field(node, "Description", "TLSInfo"));
    const wanted = field(swarm, "TLSInfo");
    const isSame = (name: string) => infos.filter(info => text(info, name) === text(wanted, name)).length;
    const renewed = Math.min(isSame("CertIssuerPublicKey"), isSame("CertIssuerSubject"));
    const isOver = renewed === infos.length && field(swarm, "RootRotationInProgress") !== true;
    const trusting = isOver ? isSame("TrustRoot") : 0;
    const progress = `rotated TLS certificates: ${renewed}/${infos.length} nodes, rotated CA certificates: ${trusting}/${infos.length} nodes\n`;
    if (!isQuiet && progress !== shown) cli.stderr(progress);
    shown = progress;
    if (isOver && trusting === infos.length) return;
    await cli.sleep(POLL_MS);
  }
}
