import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { closeFd, CLONE_NEWNET, mount, MS_BIND, unshare } from "../libc.ts";
import { away } from "../namespace.ts";
import { openRouteSocket } from "../netlink/netlink-socket.ts";
import type { MadeNamespace } from "./protocol.ts";

/** Interfaces to come have no IPv6; ::1 stays. */
const NO_IPV6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
const OWN_NAMESPACE = "/proc/thread-self/ns/net";

/** Makes a network namespace and pins it. The kernel may take tens of milliseconds over it, in which this thread does nothing else. */
export function makeNamespace(path: string): MadeNamespace {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a"));
  return away(
    () => unshare(CLONE_NEWNET),
    () => {
      forbidIpv6();
      mount(OWN_NAMESPACE, path, null, MS_BIND, null);
      return openFiles();
    },
  );
}

function openFiles(): MadeNamespace {
  const namespaceFd = openSync(OWN_NAMESPACE, "r");
  try {
    return { namespaceFd, socketFd: openRouteSocket() };
  } catch (error) {
    closeFd(namespaceFd);
    throw error;
  }
}

/** /proc/sys/net shows the network of the thread that opens it. */
function forbidIpv6(): void {
  try {
    writeFileSync(NO_IPV6, "1", { flag: "r+" });
  } catch (error) {
    if (errnoCode(error) !== "ENOENT") throw error; // A kernel without it.
  }
}
