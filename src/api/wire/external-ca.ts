import { OperationError } from "../../lib/errors.ts";
import type { ExternalCa } from "../../model/cluster.ts";
import { problemOfExternalCa } from "../../model/external-ca.ts";
import { field, omitEmpty, struct } from "./codec.ts";
import { adapt, text, textMap } from "./scalars.ts";

const PROTOCOL = "cfssl";

const wireExternalCa = struct<{
  readonly protocol: string;
  readonly url: string;
  readonly options: Readonly<Record<string, string>>;
  readonly certificatePem: string;
}>("swarm.ExternalCA", {
  protocol: field("Protocol", text),
  url: field("URL", text),
  options: omitEmpty("Options", textMap),
  certificatePem: field("CACert", text),
});

/** Of one protocol, which knows no options. */
export const externalCa = adapt(wireExternalCa, {
  toModel: ({ protocol, options, ...ca }): ExternalCa => {
    if (protocol.toLowerCase() !== PROTOCOL) throw new OperationError("invalid", `invalid protocol: ${JSON.stringify(protocol)}`);
    const [option] = Object.keys(options);
    if (option !== undefined)
      throw new OperationError("invalid", `external CAs of protocol ${PROTOCOL} have no option ${option}`);
    const problem = problemOfExternalCa(ca);
    if (problem !== undefined) throw new OperationError("invalid", problem);
    return ca;
  },
  toWire: (ca: ExternalCa) => ({ ...ca, protocol: PROTOCOL, options: {} }),
});
