import { readFile } from "node:fs/promises";
import { errorMessage } from "../../lib/errors.ts";
import { FlagValueError } from "../command/command.ts";
import type { Json } from "../context.ts";

const PEM = /-----BEGIN [^-]+-----/;

/** `protocol=cfssl,url=https://ca.example/api/v1/cfssl/sign,cacert=root.pem`. @throws FlagValueError in the words of Docker's CLI. */
export async function parseExternalCa(specification: string): Promise<Json> {
  const invalid = (reason: string) => new FlagValueError("external-ca", specification, reason);
  const parsed: { Protocol?: string; URL?: string; CACert: string } = { CACert: "" };
  const Options: Record<string, string> = {};
  for (const item of specification.split(",")) {
    const at = item.indexOf("=");
    if (at < 0) throw invalid(`invalid field '${item}' must be a key=value pair`);
    const [key, value] = [item.slice(0, at), item.slice(at + 1)];
    switch (key.toLowerCase()) {
      case "protocol":
        if (value.toLowerCase() !== "cfssl") throw invalid(`unrecognized external CA protocol ${value}`);
        parsed.Protocol = "cfssl";
        break;
      case "url":
        parsed.URL = value;
        break;
      case "cacert":
        parsed.CACert = await readFile(value, "utf8").catch((error: unknown) => {
          throw invalid(`unable to read CA cert for external CA: ${errorMessage(error)}`);
        });
        if (!PEM.test(parsed.CACert)) throw invalid("CA cert for external CA must be in PEM format");
        break;
      default:
        Options[key] = value;
    }
  }
  const { Protocol, URL, CACert } = parsed;
  if (Protocol === undefined) throw invalid("the external-ca option needs a protocol= parameter");
  if (URL === undefined) throw invalid("the external-ca option needs a url= parameter");
  return { Protocol, URL, CACert, ...(Object.keys(Options).length > 0 && { Options }) };
}
