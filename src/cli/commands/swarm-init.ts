import { formatSubnet, parseInterfaceAddress } from "../../lib/ip-address.ts";
import { type Command, FlagValueError } from "../command/command.ts";
import type { FlagValues } from "../command/flags.ts";
import { type CliContext, text } from "../context.ts";
import { integer, lists, value } from "./container-values.ts";
import { availability, joinCommand } from "./swarm-join.ts";
import { changedSettings, keyAdvice, settingFlags, withExternalCas } from "./swarm-settings.ts";

const UINT32_MAX = 2 ** 32 - 1;

/** `swarm init`. */
export function registerInit(swarm: Command, context: () => CliContext): void {
  const init = swarm
    .command("init")
    .description("Initialize a swarm")
    .option("--advertise-addr <string>", "Advertised address")
    .option("--listen-addr <string>", "Listen address", "0.0.0.0:2377")
    .option("--data-path-addr <string>", "Address or interface for what goes over overlay networks")
    .option("--data-path-port <uint>", "UDP port for it, from 1024 to 49151 (default 4789)")
    .option("--default-addr-pool <list>", "Where overlay networks get their subnets from, in CIDR format")
    .option("--default-addr-pool-mask-length <uint>", "The size of such a subnet", "24")
    .option("--availability <string>", "Availability of the node", "active")
    .option("--force-new-cluster", "Force create a new cluster from current state");
  settingFlags(init).action(async (flags: FlagValues) => initialize(context(), flags));
}

async function initialize(cli: CliContext, flags: FlagValues): Promise<void> {
  const isLocked = flags["autolock"] === true;
  const body = {
    ListenAddr: value(flags, "listenAddr"),
    AdvertiseAddr: value(flags, "advertiseAddr") ?? "",
    DataPathAddr: value(flags, "dataPathAddr") ?? "",
    DataPathPort: uint32(flags, { flag: "data-path-port", key: "dataPathPort" }),
    DefaultAddrPool: lists(flags, "defaultAddrPool").flatMap(addressPools),
    SubnetSize: uint32(flags, { flag: "default-addr-pool-mask-length", key: "defaultAddrPoolMaskLength" }),
    Availability: availability(flags),
    ForceNewCluster: flags["forceNewCluster"] === true,
    AutoLockManagers: isLocked,
    Spec: await withExternalCas(changedSettings({}, flags), flags),
  };
  const nodeId = await cli.api.json("POST", "/swarm/init", { body });
  const command = await joinCommand(cli, "Worker");
  cli.stdout(`Swarm initialized: current node (${text(nodeId)}) is now a manager.\n\n`);
  cli.stdout(`To add a worker to this swarm, run the following command:\n\n    ${command}\n\n`);
  cli.stdout("To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.\n");
  if (isLocked) cli.stdout(`\n${keyAdvice(text(await cli.api.json("GET", "/swarm/unlockkey"), "UnlockKey"))}`);
}

/** Left out, it is what the daemon has it be. @throws FlagValueError when it does not fit into 32 bits. */
function uint32(flags: FlagValues, { flag, key }: { readonly flag: string; readonly key: string }): number | undefined {
  const given = integer(flags, key);
  if (given !== undefined && given > UINT32_MAX)
    throw new FlagValueError(
      flag,
      value(flags, key) ?? "",
      `strconv.ParseUint: parsing ${JSON.stringify(value(flags, key))}: value out of range`,
    );
  return given;
}

/** `10.10.0.0/16,10.20.0.0/16`. @throws FlagValueError for what is no subnet. */
function addressPools(given: string): readonly string[] {
  return given.split(",").map(pool => {
    const parsed = parseInterfaceAddress(pool);
    if (parsed === undefined)
      throw new FlagValueError("default-addr-pool", given, `invalid string being converted to CIDR: ${pool}`);
    return formatSubnet(parsed.subnet);
  });
}
